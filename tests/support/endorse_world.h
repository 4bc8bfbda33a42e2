// EndorseWorld: endorsers with a node each, who are woken by cron and miss some runs. Real nodes,
// endorsers and sync sessions; time, disks and lines are made up, and fail if a test says so.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "lib/node/endorser.h"
#include "lib/node/memory_store.h"
#include "lib/node/node.h"
#include "lib/node/sync_session.h"
#include "tests/support/cut_disk.h"
#include "tests/support/endorsers.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_entropy.h"
#include "tests/support/wrong_clock.h"

namespace bmsg {

/// What came of it all.
struct EndorseTally {
  std::uint64_t runs = 0;
  std::uint64_t missed = 0;
  std::uint64_t written = 0;
  std::uint64_t proposed = 0;
  std::uint64_t blocks = 0;
  std::uint64_t rivals = 0;          // Heights with a proposal that came to nothing.
  std::vector<std::uint64_t> waits;  // Seconds, of each message until its block was sealed.
  std::map<std::string, std::uint64_t> faults;  // How often each struck.

  void add(const EndorseTally& other);
};

/// Threads: one at a time.
class EndorseWorld {
 public:
  static constexpr std::uint8_t kEndorsers = 4;
  static constexpr std::uint8_t kNeeded = 3;
  static constexpr std::uint64_t kCron = 300;  // Seconds; the interval of the chain is 600.
  static constexpr unsigned kMissedPercent = 20;
  using Index = std::uint8_t;

  explicit EndorseWorld(std::uint64_t seed);

  /// Lets the world go on for so long. Somebody writes every `write_gap` seconds or so; 0: nobody.
  void run(std::uint64_t seconds, std::uint64_t write_gap);
  /// Nobody of these is woken any more, until they are again.
  void let_sleep(const std::set<Index>& these) { asleep_ = these; }
  /// These sign beside their logs, which then must show it.
  void let_cheat(const std::set<Index>& these) { cheats_ = these; }
  /// From now on power, processes, disks, stores and lines fail while somebody runs, or no more;
  /// with `clocks` the endorsers' clocks are set wrong, too, by as much as kWrongMost.
  void let_fail(bool machines, bool clocks);
  static constexpr std::int64_t kWrongMost = 3 * 3600;  // Seconds.
  /// Calls between the two sides fail. Empty: there is no cut.
  void cut_off(const std::set<Index>& these) { side_ = these; }

  node::Node& node(Index at) { return *members_[at]->node; }
  node::MemoryStore& store(Index at) { return members_[at]->store; }
  node::Tip tip(Index at) const { return members_[at]->store.tip().value(); }
  /// Syncs, endorses, syncs again.
  void wake(Index at);
  /// Whether all answered.
  bool sync_with_all(Index at);
  void write(Index at);

  /// All blocks with enough signatures that anybody has, by height; without genesis.
  std::map<std::uint32_t, std::set<BlockHash>> sealed() const;
  /// How many of the messages that were written are in no block of the best chain there.
  std::size_t left_behind(Index at) const;
  /// Whom any node has evidence against.
  std::set<Index> caught() const;

  std::uint64_t up_to(std::uint64_t most);
  const EndorseTally& tally() const { return tally_; }
  /// What was broken first; empty: nothing.
  const std::string& failure() const { return failure_; }

  FakeClock clock;
  ChainBuilder builder;

 private:
  struct Member {
    Member(const ChainBuilder& builder, const Clock& world, Index index, std::uint64_t seed);
    /// A process on what is there.
    void start(const ChainBuilder& builder);

    WrongClock clock;
    node::MemoryStore store;
    FakeEntropy entropy;
    std::unique_ptr<node::Node> node;
    crypto::SecretBytes seed;
    EndorserKey key;
    CutDisk disk{"/disk"};
    std::uint64_t phase = 0;
  };
  enum class Armed { nothing, power, process, disk, store };
  struct Written {
    MessageId id;
    UnixSeconds when;
  };

  void expect(bool holds, const std::string& what);
  Armed arm(Member& member);
  void settle(Member& member, Armed armed, bool has_failed);
  void set_clock(Member& member);
  /// One run of cron; false if something could not be done.
  bool run_once(Index at);
  bool is_cut(Index a, Index b) const {
    return !side_.empty() && side_.contains(a) != side_.contains(b);
  }
  void note_sealed(Index at);

  std::mt19937_64 numbers_;
  std::vector<std::unique_ptr<Member>> members_;
  std::set<Index> asleep_;
  std::set<Index> cheats_;
  std::set<Index> side_;
  bool machines_fail_ = false;
  bool clocks_fail_ = false;
  std::vector<Written> waiting_;
  std::vector<MessageId> written_;
  std::set<BlockHash> proposed_;
  EndorseTally tally_;
  std::string failure_;
};

}  // namespace bmsg
