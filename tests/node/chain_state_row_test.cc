// Blocks that are kept together come to what the same blocks come to one by one.

#include <algorithm>
#include <functional>
#include <optional>

#include "lib/core/codec.h"
#include "tests/node/node_fixture.h"
#include "tests/node/store_digest.h"
#include "tests/support/no_threads.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

using node::Verdict;

constexpr int kRounds = 40;
constexpr std::size_t kBlocks = 12;

/// A chain of blocks with messages.
std::vector<Block> some_chain(const NodeFixture& f, ChainBuilder& builder, std::mt19937_64& numbers,
                              Header parent, std::size_t count) {
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<Message> messages;
    for (std::uint64_t at = number_up_to(numbers, 3); at > 0; --at)
      messages.push_back(f.message("message " + std::to_string(numbers())));
    const UnixSeconds time{std::max(parent.time.value, f.clock.now().value) + 1};
    blocks.push_back(builder.block(parent, std::move(messages), time));
    parent = blocks.back().header;
  }
  return blocks;
}

/// Something that stops a row, or has to be looked at apart, or does not matter.
void disturb(NodeFixture& f, std::mt19937_64& numbers, std::vector<Block>& blocks) {
  const std::size_t at = number_up_to(numbers, blocks.size() - 1);
  Block& block = blocks[at];
  const auto tomorrow = UnixSeconds{f.clock.now().value + 100'000};
  switch (number_up_to(numbers, 9)) {
    case 0:  // Right but for its time.
      if (at > 0) block = f.builder.block(blocks[at - 1].header, block.messages, tomorrow);
      break;
    case 1:
      if (!block.messages.empty()) block.messages.front().body->push_back(1);
      break;
    case 2:
      if (!block.messages.empty()) block.messages.front().body.reset();
      break;
    case 3:
      if (!block.messages.empty()) block.messages.back().nonce ^= 1;
      break;
    case 4:
      std::swap(blocks[at], blocks[number_up_to(numbers, blocks.size() - 1)]);
      break;
    case 5:
      blocks.insert(blocks.begin() + static_cast<std::ptrdiff_t>(at), Block(blocks[at]));
      break;
    case 6:  // A message that an earlier block of the row has.
      for (const Block& below : blocks) {
        if (&below == &block) break;
        if (below.messages.empty()) continue;
        block.messages = below.messages;
        f.builder.finish(block);
      }
      break;
    case 7:
      block.header.past.data()[0] ^= 1;
      f.builder.finish(block);
      break;
    default:
      break;
  }
}

std::string outcomes_of(const std::vector<node::BlockOutcome>& outcomes) {
  std::string text;
  for (const node::BlockOutcome& one : outcomes) {
    text += std::to_string(static_cast<int>(one.verdict));
    if (one.violation) text += std::string(chain::name_of(one.violation->rule));
    text += one.reorg ? " reorg," : ",";
  }
  return text;
}

/// What accept_all() promises, block by block.
std::vector<node::BlockOutcome> one_by_one(NodeFixture& f, const std::vector<Block>& blocks) {
  std::vector<node::BlockOutcome> outcomes;
  for (const Block& block : blocks) {
    outcomes.push_back(f.state.accept_apart(block).value());
    const Verdict verdict = outcomes.back().verdict;
    if (verdict != Verdict::accepted && verdict != Verdict::known) break;
  }
  return outcomes;
}

TEST(Rows, ComeToWhatTheirBlocksComeToOneByOne) {
  std::mt19937_64 numbers = seeded_numbers();
  std::size_t kept = 0;
  std::size_t stopped = 0;
  for (int round = 0; round < kRounds; ++round) {
    NodeFixture apart;
    NodeFixture together;
    ChainBuilder& builder = apart.builder;
    const auto below = some_chain(apart, builder, numbers, builder.genesis(), 3);
    const auto ahead = some_chain(apart, builder, numbers, below.back().header, kBlocks);
    const std::size_t fork = number_up_to(numbers, kBlocks - 2);
    const auto branch = some_chain(apart, builder, numbers, ahead[fork].header, kBlocks);
    for (const std::vector<Block>& row : {below, ahead, branch}) {
      std::vector<Block> blocks = row;
      if (number_up_to(numbers, 1) == 0) disturb(apart, numbers, blocks);
      // Some of what the blocks hold waits, and leaves the pool with them.
      for (const Block& block : blocks) {
        if (block.messages.empty() || !block.messages.front().body) continue;
        if (number_up_to(numbers, 2) > 0) continue;
        for (NodeFixture* f : {&apart, &together}) {
          f->pool.forget_index();
          f->submit(block.messages.front(), node::Origin::peer);
        }
      }
      const auto singly = one_by_one(apart, blocks);
      const auto all = together.state.accept_all(blocks).value();
      ASSERT_EQ(outcomes_of(all), outcomes_of(singly));
      ASSERT_EQ(digest_of(together.store), digest_of(apart.store));
      ASSERT_EQ(together.pooled(), apart.pooled());
      ASSERT_EQ(together.store.tips().value().size(), apart.store.tips().value().size());
      kept += all.size();
      if (all.size() < blocks.size()) ++stopped;
    }
  }
  EXPECT_GT(kept, kRounds * kBlocks);
  EXPECT_GT(stopped, kRounds / 10U);
}

/// A chain of messages that are long enough to be hashed on several threads.
std::vector<Block> long_chain(const NodeFixture& f, ChainBuilder& builder, std::size_t blocks) {
  constexpr std::size_t kTextBytes = 40'000;
  std::vector<Block> chain;
  Header parent = builder.genesis();
  for (std::size_t i = 0; i < blocks; ++i) {
    std::vector<Message> messages;
    for (const char* name : {" a", " b"})
      messages.push_back(f.message(std::string(kTextBytes, 'x') + std::to_string(i) + name));
    chain.push_back(builder.block(parent, std::move(messages),
                                  UnixSeconds{std::max(parent.time, f.clock.now()).value + 1}));
    parent = chain.back().header;
  }
  return chain;
}

TEST(Rows, OfLongMessagesComeToTheSameOnSeveralThreads) {
  NodeFixture apart;
  const auto whole = long_chain(apart, apart.builder, kBlocks);
  for (std::size_t at = 0; at < 2 * kBlocks; ++at) {
    NodeFixture f;
    std::vector<Block> blocks = whole;
    const bool is_broken = at < kBlocks;  // Each of them once; else nothing is wrong.
    if (is_broken) blocks[at].messages[at % 2].body->back() ^= 1;
    // The other half of those that are whole: with one thread alone.
    std::optional<NoThreads> full;
    if (!is_broken && at % 2 == 0) full.emplace();
    const auto outcomes = f.state.accept_all(blocks).value();
    const std::size_t kept = is_broken ? at : kBlocks;
    ASSERT_EQ(outcomes.size(), is_broken ? kept + 1 : kept);
    EXPECT_EQ(outcomes.back().violation.has_value(), is_broken);
    NodeFixture singly;
    singly.accept_all({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept)});
    ASSERT_EQ(digest_of(f.store), digest_of(singly.store)) << at;
  }
}

TEST(Rows, AreOneChangeOfTheStore) {
  NodeFixture f;
  std::mt19937_64 numbers = seeded_numbers();
  const auto blocks = some_chain(f, f.builder, numbers, f.builder.genesis(), kBlocks);
  if (runs_endorsed()) return;  // There each block is its own case.
  f.store.fail_apply(1);
  ASSERT_EQ(f.state.accept_all(blocks).value().size(), kBlocks);
  EXPECT_EQ(f.tip(), hash_of(blocks.back()));
}

TEST(Rows, OfAChainThatCannotBeStoredLeaveNothing) {
  NodeFixture f;
  std::mt19937_64 numbers = seeded_numbers();
  const auto blocks = some_chain(f, f.builder, numbers, f.builder.genesis(), kBlocks);
  f.store.fail_apply(0);
  EXPECT_FALSE(f.state.accept_all(blocks));
  EXPECT_EQ(f.tip(), f.builder.genesis_hash());
  ASSERT_EQ(f.state.accept_all(blocks).value().size(), kBlocks) << "the next attempt takes all";
  EXPECT_EQ(f.tip(), hash_of(blocks.back()));
}

TEST(Rows, StopAtACheckpointThatTheyMiss) {
  NodeFixture f;
  std::mt19937_64 numbers = seeded_numbers();
  const auto blocks = some_chain(f, f.builder, numbers, f.builder.genesis(), 4);
  const auto others = some_chain(f, f.builder, numbers, f.builder.genesis(), 4);
  ASSERT_TRUE(f.store.set_checkpoints({{Height{3}, hash_of(others[2])}}));
  const auto outcomes = f.state.accept_all(blocks).value();
  ASSERT_EQ(outcomes.size(), 4U);
  EXPECT_FALSE(outcomes[1].stopped_by_policy);
  EXPECT_TRUE(outcomes[2].stopped_by_policy);
  EXPECT_EQ(f.tip(), hash_of(blocks[1])) << "as far as it may go";
}

/// What a flip of one bit made of something in memory; nullopt if those bytes say nothing.
template <class T, class Decode>
std::optional<T> with_a_flip(std::mt19937_64& numbers, const T& value, const Decode& decode) {
  Bytes bytes = encode(value);
  const std::size_t bit = number_up_to(numbers, 8 * bytes.size() - 1);
  bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << bit % 8));
  auto read = decode(bytes);
  if (!read) return std::nullopt;
  return std::move(read).value();
}

TEST(Rows, AreNotKeptOnceABitOfThemHasFlippedInMemory) {
  NodeFixture f;
  std::mt19937_64 numbers = seeded_numbers();
  const Block whole = f.builder.block(f.builder.genesis(), {f.message("one"), f.message("two")},
                                      UnixSeconds{f.clock.now().value + 1});
  const auto ids = chain::ids_of(whole);
  ASSERT_TRUE(node::check_unchanged(whole, hash_of(whole), ids));
  int flips = 0;
  while (flips < 1000) {
    Block block = whole;
    if (number_up_to(numbers, 2) == 0) {
      const auto header = with_a_flip(numbers, block.header, decode_header);
      if (!header) continue;
      block.header = *header;
    } else {
      Message& message = block.messages[number_up_to(numbers, 1)];
      const auto flipped = with_a_flip(numbers, message, decode_message);
      if (!flipped) continue;
      message = *flipped;
    }
    ++flips;
    ASSERT_FALSE(node::check_unchanged(block, hash_of(whole), ids)) << flips;
  }
}

/// A clock with which something happens once it is asked for the n-th time.
class TrickClock final : public Clock {
 public:
  TrickClock(const Clock& clock, int turns, std::function<void()> trick)
      : clock_(clock), turns_(turns), trick_(std::move(trick)) {}

  UnixSeconds now() const override {
    if (--turns_ == 0) trick_();
    return clock_.now();
  }
  std::chrono::steady_clock::time_point steady() const override { return clock_.steady(); }

 private:
  const Clock& clock_;
  mutable int turns_;
  std::function<void()> trick_;
};

// Each message of a block that keeps the rules is asked whether it has expired: by then all of the
// row has been hashed, and nothing of it has been copied to where it is kept from.
TEST(Rows, InWhichABitFlipsOnceTheyAreJudgedAreNotKept) {
  if (runs_endorsed()) return;  // There each block is its own case.
  std::mt19937_64 numbers = seeded_numbers();
  NodeFixture f;
  const auto longer = long_chain(f, f.builder, kBlocks);
  std::vector<Block> shorter{longer.front()};
  for (int round = 0; round < 100; ++round) {
    std::vector<Block> blocks = round % 2 == 0 ? shorter : longer;
    Message& message =
        blocks[number_up_to(numbers, blocks.size() - 1)].messages[number_up_to(numbers, 1)];
    const std::size_t bit = number_up_to(numbers, 7);
    Bytes& body = *message.body;
    const auto flip = [&] {
      if (round % 3 == 0) {
        message.nonce ^= std::uint64_t{1} << 8 * bit;
      } else {
        body[number_up_to(numbers, body.size() - 1)] ^= static_cast<std::uint8_t>(1U << bit);
      }
    };
    node::MemoryStore store(easy_rules_text());
    // Once for the row, then for each message.
    const TrickClock clock(f.clock, 2, flip);
    node::ChainState state(store, f.builder.chain(), clock);
    const auto outcomes = state.accept_all(blocks);
    ASSERT_FALSE(outcomes) << round;
    EXPECT_EQ(outcomes.error().code, Errc::corrupt);
    EXPECT_EQ(store.tip().value().height.value, 0U);
  }
}

}  // namespace
}  // namespace bmsg
