// Swarm: fifty nodes in one process on one chain, chosen event by event from one seed. They write,
// mine and call each other over lines that lose, repeat, cut and delay; they restart, links go down
// and the world parts in two. After each event what may never break is looked at; at the end the
// faults stop and all must agree.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/core/result.h"
#include "lib/node/block_queue.h"
#include "lib/node/sync_session.h"
#include "tests/support/chain_builder.h"
#include "tests/support/chronicle.h"
#include "tests/support/fake_clock.h"
#include "tests/support/sim_network.h"
#include "tests/support/swarm_node.h"

namespace bmsg {

/// What happened in a swarm; a fault that never happens tests nothing.
struct SwarmTally {
  std::uint64_t written = 0;
  std::uint64_t mined = 0;
  std::uint64_t finished = 0;     // Sessions that came to their end.
  std::uint64_t failed = 0;       // Those that ended with an error.
  std::uint64_t overtaken = 0;    // Of them: a chain had changed meanwhile.
  std::uint64_t most_open = 0;    // Sessions at once.
  std::uint64_t lost_before = 0;  // As in SimTraffic, like the next four.
  std::uint64_t lost_after = 0;
  std::uint64_t cut = 0;
  std::uint64_t one_way = 0;
  std::uint64_t repeated = 0;
  std::uint64_t delayed = 0;  // Answers on whose way other things happened.
  std::uint64_t restarts = 0;
  std::uint64_t reconnected = 0;  // Sessions that went on though the peer was restarted.
  std::uint64_t links_down = 0;
  std::uint64_t partitions = 0;
  std::uint64_t reorgs = 0;
  std::uint64_t deep_reorgs = 0;    // By more than one block.
  std::uint64_t forgotten = 0;      // Side blocks that had no room any more.
  std::uint64_t narrow = 0;         // Nodes whose pool is too small.
  std::uint64_t most_rounds = 0;    // Until all agreed on the chain.
  std::uint64_t most_diameter = 0;  // How many that may be.

  void add(const SwarmTally& other);
  void add(const SimTraffic& traffic);
};

/// Threads: one at a time.
class Swarm {
 public:
  static constexpr std::size_t kNodes = 50;
  using Index = std::size_t;

  explicit Swarm(std::uint64_t seed);

  /// So many events with faults, then none, then agreement. Ends early where something is broken.
  void run(std::size_t events);

  /// What was broken first; empty: nothing.
  const std::string& failure() const { return chronicle_.failure(); }
  /// The last events before that, a line each.
  std::string last_events() const { return chronicle_.last_events(); }
  /// Of all events and what came of them: the same for the same seed.
  std::uint64_t digest() const { return chronicle_.digest(); }
  const SwarmTally& tally() const { return tally_; }

 private:
  using Link = std::pair<Index, Index>;
  /// An open session.
  struct Call {
    Index from = 0;
    Index to = 0;
    std::unique_ptr<SimTransport> wire;
    std::shared_ptr<node::BlockQueue> queue;
    std::unique_ptr<node::SyncSession> session;
    bool is_busy = false;  // Its answer is on the way.
  };

  std::uint64_t up_to(std::uint64_t most);
  bool chance(unsigned percent) { return up_to(99) < percent; }
  void note(std::string line) { chronicle_.note(std::move(line)); }
  void expect(bool holds, const std::string& what) { chronicle_.expect(holds, what); }
  bool is_broken() const { return chronicle_.is_broken(); }

  void join_up();
  void make_some_narrow();
  void give_history();
  /// The most links between any two of these nodes; nullopt if some cannot reach each other.
  std::optional<std::size_t> diameter(const std::set<Index>& among) const;
  bool is_up(Index a, Index b) const;
  void hang_up_dead_calls();

  // Events.
  void happen();
  void write(Index at);
  void mine(Index at);
  void begin_call();
  void spoil(SimTransport& wire);
  node::SyncOptions draw_options(Call& call);
  bool waits(const Call& call) const;
  void step_call();
  void end_call(const Call* call);
  void delay_answer();
  void restart(Index at);
  void flip_link();
  void flip_direction();
  void silence_calls();
  void flip_partition();

  /// Looks at a node that may have changed.
  void look_at(Index at);

  // The end.
  void heal();
  void round();
  bool same_tips() const;
  bool all_know_all() const;
  void agree();
  void bury();
  void verify(Index at);

  std::mt19937_64 numbers_;
  FakeClock clock_;
  ChainBuilder builder_;
  std::vector<std::unique_ptr<SwarmNode>> nodes_;
  std::vector<std::set<Index>> knows_;
  std::set<Index> all_;
  std::set<Index> wide_;    // All but the narrow.
  std::set<Link> down_;     // The smaller index first.
  std::set<Link> silent_;   // What the first sends to the second is lost.
  std::vector<bool> side_;  // Of the partition; empty: there is none.
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<MessageId> written_;
  unsigned depth_ = 0;                                                     // Of answers on the way.
  node::SyncOptions::Direction end_ = node::SyncOptions::Direction::both;  // Of the last rounds.

  SwarmTally tally_;
  Chronicle chronicle_{"BMSG_SWARM_SHOW"};
};

}  // namespace bmsg
