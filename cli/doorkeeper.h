// Doorkeeper: whom a node lets in over TLS where the chain's access is for members.

#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "cli/settings.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/log.h"
#include "lib/net/http_server.h"
#include "lib/node/peer_table.h"
#include "lib/node/service.h"

namespace bmsg::cli {

/// Whom the rules in force name as members. All who judge by it hear of a charter at once.
/// Threads: any.
class Members {
 public:
  explicit Members(const chain::RulesText& rules) {
    (void)take(rules);
  }  // They are new in any case.

  /// False: they were these already.
  bool take(const chain::RulesText& rules);
  bool are_all() const;  // The chain is open to everybody.
  bool have(const NodeKey& key) const;

 private:
  mutable std::mutex mutex_;
  bool all_ = false;
  std::set<NodeKey> keys_;
};

/// Members, and whom the setting serve.allow lets in; empty on a chain that is open to all. Errors:
/// Errc::bad_config for a key that is none.
Result<node::JudgeKey> admitted_keys(std::shared_ptr<const Members> members,
                                     const Settings& settings);

/// Logs whom the server turned away: one line a minute, with how many there were since the last.
/// Threads: any.
class Doorkeeper {
 public:
  Doorkeeper(const Clock& clock, Log& log);

  /// Judges by the rules that are in force at the node from now on, and is to be called whenever
  /// they may be others; true if that makes a difference. Before the first time nobody is a member.
  bool follow(node::Service& node);
  /// Whom that admits, with those of the setting serve.allow.
  Result<node::JudgeKey> admitted(const Settings& settings) const {
    return admitted_keys(members_, settings);
  }

  /// Has a server with these options admit the same. On a chain that is open to all nobody is
  /// asked, and nothing changes. Must outlive the server. Errors: Errc::bad_config for a key that
  /// is none.
  Result<Done> guard(net::ServerOptions& options, const Settings& settings);

  /// How many were turned away so far.
  std::size_t turned_away() const;

 private:
  void note(const net::Peer& caller);

  const Clock& clock_;
  Log& log_;
  const std::shared_ptr<Members> members_;
  mutable std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> told_;
  std::size_t turned_away_ = 0;
  std::size_t told_of_ = 0;  // Of those.
};

}  // namespace bmsg::cli
