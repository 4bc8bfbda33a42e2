// LocalRoutes: every verb of a node for commands of the same user, over the unix socket only.

#pragma once

#include <functional>
#include <memory>

#include "lib/net/http_message.h"
#include "lib/net/http_server.h"
#include "lib/node/service.h"

namespace bmsg::api {

/// Answers everything under /local/1/, for callers on a unix socket whose user is ours; for others
/// there is nothing there (404).
/// Threads: one.
/// Source:  bmsg-protocol(7), "Local socket".
class LocalRoutes {
 public:
  explicit LocalRoutes(node::Service& service);
  ~LocalRoutes();

  void handle(net::HttpRequest request, net::Respond respond);
  /// Waits for what has begun.
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bmsg::api
