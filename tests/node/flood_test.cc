// Strangers that hand in much that is worth little: our chain stays, and what is kept is bounded.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

#include "lib/chain/schedule.h"
#include "lib/chain/work.h"
#include "tests/node/node_fixture.h"
#include "tests/support/heap.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

using node::Verdict;

constexpr std::size_t kMemoryMax = 32u << 20;
constexpr std::size_t kOrphans = 100'000;

/// Each block beside the best chain costs as much time as its branch is long.
std::size_t cheap_blocks() {
  const char* given = std::getenv("BMSG_CHEAP_BLOCKS");
  return given == nullptr ? 1'500 : std::strtoull(given, nullptr, 10);
}

/// A chain whose price doubles each ten blocks that come a second apart.
const std::string& steep_rules_text() {
  static const std::string text = easy_rules_text("halflife", "6000");
  return text;
}

/// A hundred blocks of more work than ten thousand of the least.
std::vector<Block> costly_blocks(ChainBuilder& builder) {
  std::vector<Block> made;
  Header at = builder.genesis();
  for (int i = 0; i < 100; ++i) {
    made.push_back(builder.block(at, {}, UnixSeconds{at.time.value + 1}));
    at = made.back().header;
  }
  return made;
}

std::size_t side_blocks(NodeFixture& f) {
  const auto& blocks = f.store.records().blocks;
  return static_cast<std::size_t>(std::ranges::count_if(
      blocks, [](const auto& entry) { return entry.second.header.branch == node::Branch::side; }));
}

std::uint64_t side_bytes(NodeFixture& f) {
  std::uint64_t bytes = 0;
  for (const auto& [hash, record] : f.store.records().blocks) {
    if (record.header.branch == node::Branch::side) bytes += record.header.bytes + kHeaderBytes;
  }
  return bytes;
}

TEST(Flood, OfCheapBlocksInOneBranchLeavesTheBestChainAndIsDroppedForTheNext) {
  const std::size_t count = cheap_blocks();
  const std::uint64_t side_max = count * kHeaderBytes / 2;
  NodeFixture f(steep_rules_text(), {.side_bytes_max = side_max, .side_branch_bytes_max = 0});
  f.clock.advance(2'000 * 600);
  const auto costly = costly_blocks(f.builder);
  f.accept_all(costly);
  const auto cheap = f.builder.blocks(f.builder.genesis(), count);
  const Block sibling = f.builder.block(f.builder.genesis(), {}, UnixSeconds{kEasyGenesisTime + 7});
  const std::size_t before = heap_bytes();
  for (const Block& block : cheap)
    ASSERT_EQ(f.state.accept(block).value().verdict, Verdict::accepted);
  const std::size_t grown = heap_bytes() - before;
  std::cout << count << " cheap blocks: " << (grown >> 10) << " KiB" << std::endl;
  EXPECT_EQ(f.tip(), hash_of(costly.back()));
  EXPECT_EQ(side_blocks(f), count) << "nothing was kept, so nothing is tested";
  EXPECT_LE(grown, kMemoryMax);
  EXPECT_GT(side_bytes(f), side_max) << "one branch stays whole, however long";
  ASSERT_EQ(f.state.accept(sibling).value().verdict, Verdict::accepted);
  EXPECT_LE(side_bytes(f), side_max);
  EXPECT_EQ(f.tip(), hash_of(costly.back()));
}

TEST(Flood, OfCheapBlocksSideBySideIsCapped) {
  constexpr std::uint64_t kSideMax = 64 * 1024;
  NodeFixture f(steep_rules_text(), {.side_bytes_max = kSideMax});
  const auto costly = costly_blocks(f.builder);
  f.accept_all(costly);
  const std::size_t before = heap_bytes();
  for (std::uint64_t i = 1; i <= 1'000; ++i) {
    const UnixSeconds time{kEasyGenesisTime + 600 + i};
    ASSERT_EQ(f.state.accept(f.builder.block(f.builder.genesis(), {}, time)).value().verdict,
              Verdict::accepted);
    ASSERT_LE(side_bytes(f), kSideMax + 2 * kHeaderBytes);
  }
  EXPECT_GT(side_bytes(f), kSideMax / 2);
  EXPECT_LE(heap_bytes() - before, kMemoryMax);
  EXPECT_EQ(f.tip(), hash_of(costly.back()));
}

TEST(Flood, OfBlocksWithUnknownParentsKeepsNone) {
  NodeFixture f;
  auto numbers = seeded_numbers();
  Block orphan = f.builder.block(f.builder.block(f.builder.genesis()).header, {f.message("m")});
  const auto entries = f.store.records().blocks.size();
  f.state.accept(orphan).value();  // What is made at the first call stays.
  const std::size_t before = heap_bytes();
  for (std::size_t i = 0; i < kOrphans; ++i) {
    orphan.header.nonce = numbers();
    orphan.header.previous.data()[i % BlockHash::kSize] ^= static_cast<std::uint8_t>(1 + i % 255);
    ASSERT_EQ(f.state.accept(orphan).value().verdict, Verdict::orphan);
  }
  EXPECT_LE(heap_bytes(), before + (1u << 20));
  EXPECT_EQ(f.store.records().blocks.size(), entries);
  EXPECT_EQ(f.tip(), f.builder.genesis_hash());
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Ten peers hand in all there is a thousand times, each in an order of its own.
TEST(Flood, OfRepetitionsIsKeptOnce) {
  constexpr std::size_t kPeers = 10;
  constexpr std::size_t kTimes = 1'000;
  NodeFixture f;
  auto numbers = seeded_numbers();
  const auto node = f.node();
  std::vector<Message> messages;
  for (const std::string name : {"a", "b", "c", "d", "e"}) messages.push_back(f.message(name));
  const UnixSeconds time{f.clock.now().value - 600};
  const auto block = [&](const Header& parent, const std::string& text) {
    return f.builder.block(parent, {f.builder.public_message(text, time)}, time);
  };
  std::vector<Block> blocks{block(f.builder.genesis(), "1"), block(f.builder.genesis(), "beside")};
  blocks.push_back(f.builder.block(blocks[0].header, {f.builder.public_message("2", time)},
                                   UnixSeconds{time.value + 1}));
  std::array<std::size_t, 8> order = {0, 1, 2, 3, 4, 5, 6, 7};
  std::size_t kept = 0;
  std::size_t known = 0;
  std::size_t begin = 0;
  const SystemClock real;
  std::array<std::vector<double>, 2> times;  // Microseconds: of the first ones, of the others.
  times[1].reserve(kPeers * kTimes * order.size());
  for (std::size_t turn = 0; turn < kPeers * kTimes; ++turn) {
    if (turn % kTimes == 0) std::ranges::shuffle(order, numbers);
    if (turn == kPeers) begin = heap_bytes();
    for (const std::size_t at : order) {
      const auto asked = real.steady();
      const Verdict verdict =
          at < 5 ? node->submit_messages({messages[at]}, node::Origin::peer).value()[0].verdict
                 : node->submit_block(blocks[at - 5]).value().verdict;
      kept += verdict == Verdict::accepted ? 1 : 0;
      known += verdict == Verdict::known ? 1 : 0;
      const std::chrono::duration<double, std::micro> taken = real.steady() - asked;
      times[verdict == Verdict::accepted ? 0 : 1].push_back(taken.count());
    }
  }
  std::cout << "the first takes " << median(times[0]) << " us, each again " << median(times[1])
            << " us" << std::endl;
  EXPECT_EQ(kept, order.size());
  EXPECT_GE(known, (kPeers * kTimes - 2) * order.size());  // A block may come before its parent.
  EXPECT_EQ(f.store.records().blocks.size(), 1 + blocks.size());
  EXPECT_EQ(f.store.pool(0).value().size(), messages.size() + 1) << "and the one beside";
  EXPECT_LE(heap_bytes(), begin + (1u << 20));
}

/// The whole of what a chain says of times, at each edge.
TEST(BlockTimes, AreTakenRefusedOrHeldExactlyAtTheirEdges) {
  NodeFixture f;
  const std::uint64_t now = f.clock.now().value;
  const Block parent = f.builder.block(f.builder.genesis(), {}, UnixSeconds{now - 5'000});
  f.accept(parent);
  const std::uint64_t before = parent.header.time.value;
  const std::pair<std::uint64_t, Verdict> cases[] = {
      {0, Verdict::refused},          {before - 1, Verdict::refused},
      {before, Verdict::refused},     {before + 1, Verdict::accepted},
      {now + 119, Verdict::accepted}, {now + 120, Verdict::accepted},
      {now + 121, Verdict::held},     {0xffffffff, Verdict::held},
      {1ULL << 63, Verdict::held},    {~0ULL, Verdict::held}};
  for (const auto& [time, expected] : cases) {
    Block block = f.builder.block(parent.header);
    block.header.time = UnixSeconds{time};
    if (time > before) {
      block.header.bits =
          chain::bits_needed(f.builder.chain().rules, parent.header, block.header.time);
    }
    f.builder.finish(block);
    const auto outcome = f.accept(block);
    EXPECT_EQ(outcome.verdict, expected) << time;
    EXPECT_EQ(outcome.violation.has_value(), expected == Verdict::refused) << time;
    EXPECT_TRUE(!outcome.violation || outcome.violation->rule == chain::Rule::time) << time;
    EXPECT_EQ(f.store.header(hash_of(block)).value().has_value(), expected == Verdict::accepted);
  }
}

}  // namespace
}  // namespace bmsg
