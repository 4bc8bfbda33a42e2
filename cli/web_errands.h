// What takes long on the page: checking the chain, meeting peers.

#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/run_inner.h"
#include "lib/api/json_objects.h"
#include "lib/api/worker.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {

/// Each kind has a thread, so that neither waits for the other nor the rest of the page for them.
/// The answer comes when it is done, or when all ends. Whoever may ask was judged before.
/// Threads: one, that of the server or of the desk; but for the constructor and stop().
class WebErrands {
 public:
  explicit WebErrands(const Context& context);
  ~WebErrands();

  /// Whether a path is one of these, which all change something.
  static bool has(std::string_view path);
  void handle(const net::HttpRequest& request, const net::Respond& respond);
  /// The object `status` of the check that runs; empty if none does.
  std::string progress() const;
  /// Ends what runs, and waits for it.
  void stop();

 private:
  /// A thread with what it works with.
  struct Hand {
    explicit Hand(const Context& context);

    std::unique_ptr<Context> context;
    api::Worker worker;
  };

  void verify(const net::HttpRequest& request, const net::Respond& respond);
  void stop_verify();
  void give(Hand& hand, const net::Respond& respond, InnerCommand command);

  std::stop_source stop_;
  mutable std::mutex mutex_;
  std::stop_source verify_stop_;
  std::optional<api::StatusView> status_;
  bool verifies_ = false;
  Hand checker_;
  Hand visitor_;
};

}  // namespace bmsg::cli
