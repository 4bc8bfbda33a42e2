// What a service manager, systemd say, is told and hands over. No libsystemd: it is a datagram and
// two variables. No Asio.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/result.h"
#include "lib/net/http_server.h"

namespace bmsg::net {

/// Whoever started us and listens for news.
/// Threads: any.
class ServiceManager {
 public:
  /// `place` is the value of NOTIFY_SOCKET: a path, or "@" and an abstract name; empty for nobody.
  explicit ServiceManager(std::string place) : place_(std::move(place)) {}

  bool listens() const { return !place_.empty(); }

  /// Lines of the form KEY=VALUE, "READY=1" for one. Never waits; whether they could be handed
  /// over, which nothing of ours depends on. Source: sd_notify(3).
  bool tell(std::string_view lines) const;

 private:
  std::string place_;
};

/// How often a service manager wants to hear "WATCHDOG=1", from the values of WATCHDOG_USEC and
/// WATCHDOG_PID: twice in the time after which it would take us for dead; nullopt for never.
/// Source: sd_watchdog_enabled(3).
std::optional<std::chrono::milliseconds> watchdog_beat(const std::string& microseconds,
                                                       const std::string& process);

/// The sockets that were opened for this process before it started, from the values of LISTEN_FDS
/// and LISTEN_PID: plain HTTP on this machine, https elsewhere, which still lacks its identity.
/// None if another process is meant. The listeners own their descriptors.
/// Errors: Errc::bad_input if one of them does not listen. Source: sd_listen_fds(3).
Result<std::vector<Listener>> inherited_listeners(const std::string& count,
                                                  const std::string& process);

}  // namespace bmsg::net
