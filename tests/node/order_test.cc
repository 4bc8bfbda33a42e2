#include <set>

#include "lib/chain/fork_choice.h"
#include "lib/chain/work.h"
#include "lib/node/verifier.h"
#include "tests/node/node_fixture.h"
#include "tests/node/store_digest.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

using node::Verdict;

/// A tree of blocks that was made without any node, and what a node has to make of it.
class RandomTree {
 public:
  explicit RandomTree(std::mt19937_64& numbers) : numbers_(numbers) {
    const std::uint64_t start = FakeClock(kEasyGenesisTime + 9'000 * 600).now().value - 80'000;
    for (int i = 0; i < 8; ++i)
      messages_.push_back(builder_.public_message(std::to_string(i), UnixSeconds{start}));
    made_.push_back({builder_.genesis(), {}, {}});
    const std::uint64_t count = 5 + number_up_to(numbers_, 25);
    while (blocks.size() < count) grow(start);
  }

  std::vector<Block> blocks;

  BlockHash best() const { return chain::hash_of(made_[best_at()].header); }

  /// Each message that is in some block but not on the best chain, with the best of its stamps.
  std::map<MessageId, std::uint64_t> pool() const {
    std::map<MessageId, std::uint64_t> waiting;
    for (const Block& block : blocks) {
      for (const Message& message : block.messages) {
        const MessageId id = id_of(message);
        if (made_[best_at()].ids.contains(id)) continue;
        const auto [at, is_new] = waiting.emplace(id, message.nonce);
        if (chain::stamp_value(id, message.nonce) < chain::stamp_value(id, at->second))
          at->second = message.nonce;
      }
    }
    return waiting;
  }

 private:
  struct Made {
    Header header;
    Work work;
    std::set<MessageId> ids;  // Up to and with this block.
  };

  void grow(std::uint64_t start) {
    // Rather near the end, or no branch gets long.
    const std::size_t back = std::min(number_up_to(numbers_, made_.size() - 1),
                                      number_up_to(numbers_, made_.size() - 1));
    const Made parent = made_[made_.size() - 1 - back];
    std::vector<Message> chosen;
    Made made = parent;
    for (Message message : messages_) {
      if (parent.ids.contains(id_of(message)) || number_up_to(numbers_, 3) > 0) continue;
      message.nonce = number_up_to(numbers_, 5);
      made.ids.insert(id_of(message));
      chosen.push_back(message);
    }
    // No two blocks of a tree are the same.
    const UnixSeconds time{std::max(parent.header.time.value, start) + 300 +
                           300 * number_up_to(numbers_, 3) + blocks.size()};
    blocks.push_back(builder_.block(parent.header, chosen, time));
    made.header = blocks.back().header;
    made.work = chain::sum(parent.work, chain::work_of(builder_.chain(), made.header));
    made_.push_back(made);
  }

  std::size_t best_at() const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < made_.size(); ++i) {
      const chain::Contender a{made_[i].work, chain::hash_of(made_[i].header)};
      const chain::Contender b{made_[best].work, chain::hash_of(made_[best].header)};
      if (chain::is_better(a, b)) best = i;
    }
    return best;
  }

  std::mt19937_64& numbers_;
  ChainBuilder builder_;
  std::vector<Message> messages_;
  std::vector<Made> made_;
};

/// The same block with one thing broken that its header does not show.
Block broken(Block block, std::mt19937_64& numbers) {
  if (block.messages.empty() || number_up_to(numbers, 1) == 0) {
    block.messages.push_back(block.messages.empty() ? Message{} : block.messages.front());
  } else {
    block.messages.front().body->back() ^= 1;
  }
  return block;
}

/// Hands over the blocks in some order, some of them twice, some broken first, orphans again until
/// all are in; starts the state anew now and then.
void feed(NodeFixture& f, std::vector<Block> blocks, std::mt19937_64& numbers) {
  while (!blocks.empty()) {
    std::ranges::shuffle(blocks, numbers);
    std::vector<Block> later;
    auto state =
        std::make_unique<node::ChainState>(f.store, f.builder.chain(), f.clock, same_in_both({}));
    for (const Block& block : blocks) {
      if (number_up_to(numbers, 9) == 0)
        state = std::make_unique<node::ChainState>(f.store, f.builder.chain(), f.clock,
                                                   same_in_both({}));
      if (number_up_to(numbers, 4) == 0) {
        const auto verdict = state->accept(broken(block, numbers)).value().verdict;
        EXPECT_TRUE(verdict == Verdict::refused || verdict == Verdict::orphan);
      }
      const auto outcome = state->accept(block).value();
      if (outcome.verdict == Verdict::orphan) {
        later.push_back(block);
        continue;
      }
      ASSERT_EQ(outcome.verdict, Verdict::accepted);
      if (number_up_to(numbers, 3) > 0) continue;
      EXPECT_EQ(state->accept(block).value().verdict, Verdict::known);
    }
    ASSERT_LT(later.size(), blocks.size());
    blocks = std::move(later);
  }
}

TEST(Order, OfBlocksChangesNeitherTheTipNorThePool) {
  auto numbers = seeded_numbers();
  const char* given = std::getenv("BMSG_ORDER_ROUNDS");
  const int rounds = given == nullptr ? 60 : std::atoi(given);
  for (int round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
    const RandomTree tree(numbers);
    const auto pool = tree.pool();
    for (int order = 0; order < 3; ++order) {
      NodeFixture f;
      feed(f, tree.blocks, numbers);
      EXPECT_EQ(f.tip(), tree.best()) << "round " << round;
      EXPECT_EQ(f.pooled(), pool) << "round " << round;
      NodeFixture anew;
      for (std::uint32_t at = 1; at <= f.store.tip().value().height.value; ++at) {
        const auto hash = f.store.headers(Height{at}, 1).value().at(0).hash;
        anew.accept(*f.store.block(hash, Bodies::with).value());
      }
      EXPECT_EQ(digest_of(f.store), digest_of(anew.store)) << "round " << round;
      const auto report = node::verify(
          f.store, f.builder.chain(),
          {.depth = node::Depth::full, .from = {}, .reads = {}, .on_progress = {}, .stop = {}});
      EXPECT_TRUE(report.value().faults.empty()) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace bmsg
