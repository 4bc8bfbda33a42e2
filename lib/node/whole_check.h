// WholeCheck: checks the messages of many blocks at once, on several threads. It says only whether
// all is well; where it may not be, the caller looks again, block by block, for what is wrong.

#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include "lib/chain/block_digests.h"
#include "lib/chain/rules_text.h"
#include "lib/node/bulk_reader.h"
#include "lib/node/place_sum.h"
#include "lib/node/verifier.h"

namespace bmsg::node {

/// A message whose body is not here.
struct AbsentBody {
  MessageId id;
  std::uint64_t expiry = 0;
};

/// What was found of one block.
struct BlockFinding {
  /// Every rule for its messages is kept under the rules with that tag, and the index has each of
  /// them where it stands, if index_is_whole() says so in the end.
  bool is_clean = false;
  RulesTag rules;
  std::vector<AbsentBody> absent;  // In the order of the block.
};

/// A queue of blocks between one who asks for them in their order and threads that check them.
/// Memory: a few megabytes for each thread, or a block.
/// Threads: one asks.
class WholeCheck {
 public:
  /// `whole`: every block above genesis will be asked for. Then the index is read once from end to
  /// end, which costs far less than to look for each message. Else each is looked for.
  WholeCheck(const InOrder& order, bool whole);
  WholeCheck(const WholeCheck&) = delete;
  WholeCheck& operator=(const WholeCheck&) = delete;

  /// Reads the index. False: it cannot be read so, or holds what only the slow way can judge.
  bool read_index(const std::stop_token& stop);

  /// The rules for what is checked from now on.
  void use(const chain::ChainRules& rules);
  /// The next blocks, one after the other by height.
  void add(std::span<const StoredHeader> blocks);
  /// Of the next block that was added.
  BlockFinding take();

  /// Once every block was taken: whether the index has just the messages of those blocks.
  bool index_is_whole() const { return !whole_ || in_blocks_ == in_index_; }

 private:
  struct Unit {
    Height from;
    std::vector<BlockHash> hashes;
    std::optional<std::vector<BlockFinding>> findings;
    PlaceSum sum;
  };
  using Rules = std::shared_ptr<const chain::ChainRules>;
  using IdStart = std::array<std::uint8_t, BulkReader::kIdBytes>;

  void read_index_part(std::uint8_t part, PlaceSum& sum);
  void help(const std::stop_token& stop);
  void check(Unit& unit, const Rules& rules);
  BlockFinding judge(const KeptBlock& kept, const Block& block, const chain::BlockDigests& digests,
                     const chain::ChainRules& rules) const;
  bool is_placed(const KeptBlock& kept, const std::vector<MessageId>& ids) const;
  bool may_take() const { return next_ < units_.size() && next_ < kAhead * threads_; }

  static constexpr std::size_t kAhead = 4;  // Units for each thread.

  const BulkReader& store_;
  const unsigned threads_;
  const std::array<std::uint8_t, PlaceSum::kKeyBytes> key_;
  const bool whole_;
  PlaceSum in_index_;
  PlaceSum in_blocks_;        // Of those that were taken.
  std::set<IdStart> shared_;  // Ids that begin so have several places.
  bool is_odd_ = false;       // The index holds what only the slow way can judge.
  std::size_t taken_ = 0;     // Blocks of the first unit.

  std::mutex mutex_;  // For what follows.
  std::condition_variable_any added_;
  std::condition_variable checked_;
  std::deque<Unit> units_;  // Each is written by who took it.
  std::size_t next_ = 0;    // The first of `units_` that nobody has taken.
  Rules rules_;

  std::vector<std::jthread> helpers_;  // Last: they use the others.
};

}  // namespace bmsg::node
