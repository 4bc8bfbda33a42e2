// The routes of the paper's REST, for programs of this user that were made for it.

#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "cli/web_desk.h"
#include "lib/api/web_door.h"
#include "lib/api/worker.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {

/// Answers what the door has let in. Looking, meeting peers and mining each have a thread, so that
/// none waits for another.
/// Threads: one, that of the server; but for the constructor and stop().
/// Source:  bmsg-web(1), "The paper's REST".
class WebRest {
 public:
  /// Has a question answered where the keys are; false: too much waits there.
  using AtDesk = std::function<bool(std::function<void(WebDesk&)>)>;

  WebRest(const Context& context, StoreDir store, AtDesk at_desk);
  ~WebRest();

  /// What a route is to the door; nullopt if it is none of these.
  static std::optional<api::WebArea> area_of(std::string_view path);

  void handle(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond);
  /// Ends what runs, and waits for it.
  void stop();

 private:
  using Work = std::function<net::HttpResponse(Context& context)>;

  /// A thread with what it works with.
  struct Hand {
    explicit Hand(const Context& context);

    std::unique_ptr<Context> context;
    api::Worker worker;
  };

  void give(Hand& hand, const net::Respond& respond, Work work);
  void post(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond);
  void meet(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond);
  void mine(const net::Respond& respond);

  StoreDir store_;
  AtDesk at_desk_;
  std::stop_source stop_;
  std::mutex waiting_mutex_;
  std::vector<net::Respond> waiting_;  // For the block that is being mined.
  Hand looker_;
  Hand visitor_;
  Hand miner_;
};

}  // namespace bmsg::cli
