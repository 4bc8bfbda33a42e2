// Doorkeeper: whom a node lets in over TLS where the chain's access is for members.

#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>

#include "cli/settings.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/log.h"
#include "lib/net/http_server.h"
#include "lib/node/peer_table.h"

namespace bmsg::cli {

/// Whom the rules name as members, and whom the setting serve.allow lets in; empty on a chain that
/// is open to all. Errors: Errc::bad_config for a key that is none.
Result<node::JudgeKey> admitted_keys(const chain::RulesText& rules, const Settings& settings);

/// Logs whom the server turned away: one line a minute, with how many there were since the last.
/// Threads: any.
class Doorkeeper {
 public:
  Doorkeeper(const Clock& clock, Log& log) : clock_(clock), log_(log) {}

  /// Has a server with these options admit the members that the rules name, and the keys of the
  /// setting serve.allow. On a chain that is open to all nobody is asked, and nothing changes.
  /// Must outlive the server. Errors: Errc::bad_config for a key that is none.
  Result<Done> guard(net::ServerOptions& options, const chain::RulesText& rules,
                     const Settings& settings);

  /// How many were turned away so far.
  std::size_t turned_away() const;

 private:
  void note(const net::Peer& caller);

  const Clock& clock_;
  Log& log_;
  mutable std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> told_;
  std::size_t turned_away_ = 0;
  std::size_t told_of_ = 0;  // Of those.
};

}  // namespace bmsg::cli
