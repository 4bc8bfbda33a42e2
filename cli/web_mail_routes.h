// What the page is answered about mail that is no row of a table: streams, work that takes long,
// files whole and in pieces.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "cli/web_desk.h"
#include "cli/web_news.h"
#include "lib/api/json_objects.h"
#include "lib/api/worker.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {

/// How far work is that takes long, by its phase.
/// Threads: any.
class WorkBoard {
 public:
  /// A status without a phase ends all but the mining, which ends by end_mining().
  void note(const api::StatusView& status);
  void end_mining();
  std::string lines() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, api::StatusView> known_;
};

/// Answers what the door has let in.
/// Threads: one, that of the server; but for the constructor and stop().
/// Source:  bmsg-web(1), "Mail".
class WebMailRoutes {
 public:
  /// Has a question answered where the keys are; false: too much waits there.
  using AtDesk = std::function<bool(std::function<void(WebDesk&)>)>;

  WebMailRoutes(const Context& context, StoreDir store, WebNews::Post post, WebNews::Judge judge,
                AtDesk at_desk);

  static bool has(std::string_view path);
  static bool is_change(std::string_view path);
  /// Asked by the page on its own.
  static bool is_news(std::string_view path);

  void handle(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond);
  WorkBoard& board() { return board_; }
  /// Ends the streams whose session has ended.
  void end_locked_out() { news_.end_locked_out(); }
  /// Ends what runs, and waits for it.
  void stop();

 private:
  void fetch(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond);
  void give_piece(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond);

  StoreDir store_;
  AtDesk at_desk_;
  WorkBoard board_;
  WebNews news_;
  std::stop_source stop_;
  std::unique_ptr<Context> fetching_context_;  // Of the worker.
  api::Worker fetching_;                       // Last: it uses the others.
};

}  // namespace bmsg::cli
