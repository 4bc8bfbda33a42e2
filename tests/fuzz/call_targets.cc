// Sequences of calls: bytes say what is made, handed over, broken, given twice or begun anew, and
// after each call a node must say what a plain model says.

#include <memory>
#include <set>

#include "lib/chain/block_hash.h"
#include "lib/chain/fork_choice.h"
#include "lib/chain/work.h"
#include "lib/node/chain_state.h"
#include "lib/node/memory_store.h"
#include "lib/node/mempool.h"
#include "tests/fuzz/target.h"
#include "tests/support/chain_builder.h"
#include "tests/support/fake_clock.h"

namespace bmsg::fuzz {
namespace {

using node::Verdict;

constexpr std::size_t kCallsMax = 96;
constexpr std::size_t kBlocksMax = 24;
constexpr std::size_t kMessages = 8;
constexpr std::uint64_t kStep = 600;

/// Bytes as numbers; zeros once they have run out.
class Numbers {
 public:
  explicit Numbers(ByteView bytes) : bytes_(bytes) {}
  bool has_more() const { return at_ < bytes_.size(); }
  std::size_t next() { return has_more() ? bytes_[at_++] : 0; }
  std::size_t below(std::size_t end) { return next() % end; }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
};

/// What a node has to come to: all blocks that were ever made, and which of them it was given.
class Model {
 public:
  struct Made {
    Block block;
    BlockHash hash;
    std::size_t parent = 0;
    Work work;
    std::set<std::size_t> messages;  // Up to and with this block.
    bool is_given = false;
  };

  explicit Model(const Clock& clock) {
    const UnixSeconds start{clock.now().value - 2 * kBlocksMax * kStep};
    for (std::size_t i = 0; i < kMessages; ++i)
      messages.push_back(builder.public_message(std::to_string(i), start));
    start_ = start.value;
    Made genesis;
    genesis.block.header = builder.genesis();
    genesis.hash = builder.genesis_hash();
    genesis.is_given = true;
    made.push_back(std::move(genesis));
  }

  void grow(std::size_t parent, std::size_t chosen) {
    if (made.size() == kBlocksMax) return;
    Made one{.block = {},
             .hash = {},
             .parent = parent,
             .work = made[parent].work,
             .messages = made[parent].messages};
    std::vector<Message> held;
    for (std::size_t i = 0; i < kMessages; ++i)
      if ((chosen >> i & 1U) != 0 && one.messages.insert(i).second) held.push_back(messages[i]);
    // No two are the same.
    const std::uint64_t below = made[parent].block.header.time.value;
    const UnixSeconds time{std::max(below, start_) + kStep + made.size()};
    one.block = builder.block(made[parent].block.header, std::move(held), time);
    one.hash = chain::hash_of(one.block.header);
    one.work = chain::sum(one.work, chain::work_of(builder.chain(), one.block.header));
    made.push_back(std::move(one));
  }

  const Made& best() const {
    const Made* best = &made.front();
    for (const Made& one : made)
      if (one.is_given && chain::is_better({one.work, one.hash}, {best->work, best->hash}))
        best = &one;
    return *best;
  }

  /// Everything that was handed over, but for what is on the best chain.
  std::set<MessageId> pool() const {
    std::set<std::size_t> all = submitted;
    for (const Made& one : made)
      if (one.is_given) all.insert(one.messages.begin(), one.messages.end());
    std::set<MessageId> ids;
    for (const std::size_t i : all)
      if (!best().messages.contains(i)) ids.insert(chain::id_of(messages[i].head));
    return ids;
  }

  ChainBuilder builder;
  std::vector<Message> messages;
  std::vector<Made> made;
  std::set<std::size_t> submitted;

 private:
  std::uint64_t start_ = 0;
};

/// A node and the model of it, led through the same calls.
class Calls {
 public:
  explicit Calls(ByteView bytes) : numbers_(bytes) { begin_anew(); }

  /// Whether the best chain was left for another.
  bool run() {
    for (std::size_t call = 0; call < kCallsMax && numbers_.has_more(); ++call) {
      one_call();
      check(store_.tip().value().hash == model_.best().hash, "the best chain is another");
      std::set<MessageId> pool;
      for (const auto& one : store_.pool(0).value()) pool.insert(one.id);
      check(pool == model_.pool(), "other messages wait");
    }
    return reorgs_ > 0;
  }

 private:
  void one_call() {
    switch (numbers_.below(6)) {
      case 0: {
        const std::size_t parent = numbers_.below(model_.made.size());
        return model_.grow(parent, numbers_.next());
      }
      case 1:
        return give(numbers_.below(model_.made.size()));
      case 2:
        return give_broken(numbers_.below(model_.made.size()));
      case 3:
        return give_row(numbers_.below(model_.made.size()), 1 + numbers_.below(6));
      case 4:
        return submit(numbers_.below(kMessages), numbers_.next());
      default:
        return begin_anew();
    }
  }

  Verdict expected(const Model::Made& one) const {
    if (one.is_given) return Verdict::known;
    return model_.made[one.parent].is_given ? Verdict::accepted : Verdict::orphan;
  }

  void judge(const node::BlockOutcome& outcome, Model::Made& one) {
    const Verdict wanted = expected(one);
    check(outcome.verdict == wanted, "a block is judged otherwise");
    one.is_given = one.is_given || wanted == Verdict::accepted;
    if (outcome.reorg) ++reorgs_;
  }

  void give(std::size_t at) {
    pool_->forget_index();
    judge(state_->accept(model_.made[at].block).value(), model_.made[at]);
  }

  /// Something is wrong that its header does not show.
  void give_broken(std::size_t at) {
    Block block = model_.made[at].block;
    if (block.messages.empty()) {
      block.messages.push_back(model_.messages.front());
    } else {
      block.messages.front().body->back() ^= 1;
    }
    pool_->forget_index();
    const Verdict verdict = state_->accept(block).value().verdict;
    const Verdict wanted = expected(model_.made[at]);
    check(verdict == (wanted == Verdict::accepted ? Verdict::refused : wanted),
          "a broken block is judged otherwise");
  }

  /// Blocks as they were made, one after the other, in one call.
  void give_row(std::size_t first, std::size_t count) {
    std::vector<Block> row;
    for (std::size_t i = first; i < model_.made.size() && row.size() < count; ++i)
      row.push_back(model_.made[i].block);
    pool_->forget_index();
    const auto outcomes = state_->accept_all(row).value();
    check(!outcomes.empty(), "at least the first is judged");
    for (std::size_t i = 0; i < outcomes.size(); ++i) judge(outcomes[i], model_.made[first + i]);
    const Verdict last = outcomes.back().verdict;
    check(outcomes.size() == row.size() || (last != Verdict::accepted && last != Verdict::known),
          "the row ends early");
  }

  void submit(std::size_t which, std::size_t nonce) {
    Message message = model_.messages[which];
    message.nonce = nonce;
    (void)pool_->submit({message}, node::Origin::peer).value();
    model_.submitted.insert(which);
  }

  void begin_anew() {
    state_ = std::make_unique<node::ChainState>(store_, model_.builder.chain(), clock_);
    pool_ =
        std::make_unique<node::Mempool>(store_, model_.builder.chain(), clock_, node::PoolLimits());
  }

  FakeClock clock_{kEasyGenesisTime + 9'000 * 600};
  Numbers numbers_;
  Model model_{clock_};
  node::MemoryStore store_{model_.builder.rules_text()};
  std::unique_ptr<node::ChainState> state_;
  std::unique_ptr<node::Mempool> pool_;
  unsigned reorgs_ = 0;
};

bool calls(ByteView bytes) { return Calls(bytes).run(); }

constexpr Target kTargets[] = {{"calls", calls}};

}  // namespace

std::span<const Target> call_targets() { return kTargets; }

}  // namespace bmsg::fuzz
