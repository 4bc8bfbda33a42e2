// Headers first: where a peer's chain leaves ours, and whether what follows is worth its blocks.
//
// Every header is judged against its parent, its work and the tree over the whole past before the
// next request. What a liar can make us keep is 64 bytes for each header that he did the work for,
// and those of a long chain come in parts.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lib/chain/merkle.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/result.h"
#include "lib/node/service.h"
#include "lib/node/transport.h"

namespace bmsg::node {

/// The most headers that a chain can have by now.
/// Source: bmsg-protocol(7), "Bound on header count".
std::uint64_t headers_max(const chain::RulesText& rules, UnixSeconds now);

/// Where two chains part.
struct Parting {
  Height height;                    // Of the highest block that both have.
  std::vector<SealedHeader> after;  // The first of the peer's after it, not judged.
};

/// Asks for headers from 15 below the lower tip, then 31, 63 and so on, until one links to ours.
class ForkFinder {
 public:
  ForkFinder(Service& local, Transport& peer, const Tip& mine, const Tip& theirs);

  /// One request; nullopt: not found yet. Errors: Errc::protocol if not even genesis is common.
  Result<std::optional<Parting>> step();

 private:
  Service& local_;
  Transport& peer_;
  Tip mine_;
  std::uint32_t lower_;      // Height of the lower tip.
  std::uint32_t back_ = 15;  // How far below it the next request begins.
};

/// A peer's better chain, judged by its headers.
struct StagedChain {
  Height fork;
  std::vector<BlockHash> hashes;  // Of the blocks after it, upwards.
  Work work;                      // Of the whole chain up to the last of them.
  bool held = false;              // It goes on with blocks from the future.
  bool is_part = false;           // It goes on with more than is staged at once.
};

/// Threads: one at a time.
/// Errors:  Errc::bad_input for a header that breaks a rule, Errc::protocol for a claim that is not
///          met, Errc::try_again if either chain changed meanwhile; else as Transport and Service.
class HeaderSync {
 public:
  /// `claimed` must be better than `mine`. At most `staged_max` headers are taken.
  HeaderSync(Service& local, Transport& peer, const chain::ChainRules& chain, const Clock& clock,
             const Tip& mine, const Tip& claimed, std::size_t staged_max);

  /// One request to the peer; false when all is staged.
  Result<bool> step();

  /// Whether it failed since good headers do not add up to the work that is claimed.
  bool lacks_work() const { return lacks_work_; }

  /// Empty if what is usable by now is not better than ours.
  StagedChain take() { return std::move(staged_); }

 private:
  Result<Done> anchor(const Parting& fork);
  Result<std::optional<Block>> parent_block();
  Result<Done> follow_charter();
  Result<bool> stage(const std::vector<SealedHeader>& headers, std::uint32_t asked);
  Result<bool> finish();
  std::uint32_t height() const;

  Service& local_;
  Transport& peer_;
  const chain::ChainRules& chain_;
  chain::ChainRules rules_;  // In force after the last that was staged.
  const Clock& clock_;
  Tip mine_;
  Tip claimed_;
  std::size_t staged_max_;
  ForkFinder finder_;
  bool anchored_ = false;
  bool lacks_work_ = false;
  Header parent_;  // The last that was staged, its hash and the tree with it.
  BlockHash parent_hash_;
  chain::MerklePeaks past_;
  StagedChain staged_;
};

}  // namespace bmsg::node
