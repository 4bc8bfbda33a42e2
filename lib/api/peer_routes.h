// PeerRoutes: the HTTP paths that other nodes use, on any Service.

#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "lib/api/kept_answers.h"
#include "lib/core/clock.h"
#include "lib/net/http_message.h"
#include "lib/net/http_server.h"
#include "lib/node/chain_state.h"
#include "lib/node/service.h"

namespace bmsg::api {

/// Runs `work` after a delay; a server's run_after(), say.
using Later = std::function<void(std::chrono::milliseconds delay, std::function<void()> work)>;

/// What a node that takes nothing says to a put; nullopt for any other request.
std::optional<net::HttpResponse> refuse_put(const net::HttpRequest& request);

/// Answers everything under /bmsg/1/. What may take long runs on a thread of its own, and `info`,
/// with which every exchange begins, on another; on both, origins take turns. Who fills his own
/// queue is answered 503, and nothing is done for callers who have left.
/// Threads: handle() from one; changed() and set_limits() from any.
/// Source:  bmsg-protocol(7), "Paths".
class PeerRoutes {
 public:
  /// `service` and `clock` must outlive it. `later` times long polls; `policy` is the node's.
  PeerRoutes(node::Service& service, const Clock& clock, Later later,
             const node::ReorgPolicy& policy = {});
  ~PeerRoutes();

  void handle(net::HttpRequest request, net::Respond respond);
  /// The server's limits: of one subnet, half as many long polls wait as it may have connections.
  /// Of more, the oldest is answered at once.
  void set_limits(const net::RateLimits& limits);
  /// Answers with what has been answered before, where that is still right (kept_answers.h tells
  /// what the three are). Before the first request; each change must be told by changed().
  void keep_answers(const Disk& disk, const std::filesystem::path& directory,
                    std::function<std::uint64_t()> edition);
  /// The chain or the pool changed: answers the long polls that wait for it.
  void changed();
  /// Answers all long polls now, and 503 to all that has not begun; what comes later is not kept
  /// waiting.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bmsg::api
