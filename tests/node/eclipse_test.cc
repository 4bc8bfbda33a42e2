// Peers that lie together: one honest peer is enough, an invalid branch ends below what is invalid,
// and headers without worth cost neither disk nor much memory.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

#include "lib/chain/work.h"
#include "lib/node/header_sync.h"
#include "tests/node/sync_fixture.h"
#include "tests/support/heap.h"
#include "tests/support/seed.h"

namespace bmsg::node {
namespace {

constexpr std::uint64_t kSeeds = 100;
constexpr std::size_t kMemoryMax = 32u << 20;

std::uint64_t seeds() {
  const char* given = std::getenv("BMSG_ECLIPSE_SEEDS");
  return given == nullptr ? kSeeds : std::strtoull(given, nullptr, 10);
}

/// A peer that has exactly these blocks, whatever the service behind the wire has.
void serve(SimTransport& wire, const chain::ChainRules& chain, const std::vector<Block>& all) {
  Work work;
  for (const Block& block : all) work = chain::sum(work, chain::work_of(chain, block.header));
  wire.lies.info = [&all, work](NodeInfo& info) {
    info.tip.height = all.back().header.height;
    info.tip.hash = chain::hash_of(all.back().header);
    info.tip.work = work;
  };
  wire.lies.headers = [&all](Height from, std::vector<SealedHeader>& headers) {
    headers.clear();
    for (std::size_t at = from.value - 1; at < all.size() && headers.size() < kHeadersPerRequest;
         ++at)
      headers.push_back({all[at].header, all[at].seal});
  };
  wire.lies.blocks = [&all](Height from, std::vector<Block>& blocks) {
    // What is asked for never goes beyond a multiple of the most.
    const std::size_t end = (from.value / kBlocksPerRequest + 1) * kBlocksPerRequest - 1;
    blocks.clear();
    for (std::size_t at = from.value - 1; at < std::min(all.size(), end); ++at)
      blocks.push_back(all[at]);
  };
}

/// One honest node and the ways in which others lie.
struct Eclipse : SyncWorld {
  explicit Eclipse(std::uint64_t seed) : numbers(seed) {
    honest = blocks(20 + number_up_to(numbers, 10), "honest ");
    ben.take(honest);
    cheap = blocks(1 + number_up_to(numbers, 18), "cheap ");
    cleo.take(cheap);
  }

  void lie() {
    SimTransport wire(number_up_to(numbers, 1) == 0 ? *cleo.service : *ben.service);
    const auto kind = number_up_to(numbers, 6);
    ++met[kind];
    if (kind == 0) wire.lies.info = [](NodeInfo& info) { info.tip.work = Work::filled(0xff); };
    if (kind == 1) wire.lies.info = [](NodeInfo& info) { info.tip.hash = BlockHash(); };
    if (kind == 2) {
      wire.lies.headers = [&](Height, std::vector<SealedHeader>& headers) {
        std::ranges::shuffle(headers, numbers);
      };
    }
    if (kind == 3) {
      wire.lies.blocks = [](Height, std::vector<Block>& blocks) { blocks.clear(); };
      wire.lies.block = [](std::optional<Block>& block) { block.reset(); };
    }
    if (kind == 4) {
      wire.lies.blocks = [](Height, std::vector<Block>& blocks) {
        for (Block& block : blocks) block.messages.front().body->front() ^= 1;
      };
    }
    if (kind == 5) wire.cut_after(number_up_to(numbers, 4));
    // 6: the cheap chain or the honest one, as it is.
    if (!sync(wire)) ++failed;
  }

  std::mt19937_64 numbers;
  SimNode cleo{builder, clock, 3};
  std::vector<Block> honest, cheap;
  std::array<unsigned, 7> met{};
  unsigned failed = 0;
};

TEST(Eclipse, EndsWithOneHonestPeer) {
  const std::uint64_t first = printed_seed();
  unsigned failed = 0;
  for (std::uint64_t seed = first; seed != first + seeds(); ++seed) {
    Eclipse world(seed);
    const auto before = number_up_to(world.numbers, 6);
    for (auto left = before; left > 0; --left) world.lie();
    report_of(world.sync());
    ASSERT_EQ(world.ana.tip(), world.ben.tip()) << "BMSG_SEED=" << seed;
    for (auto left = 6 - before; left > 0; --left) world.lie();
    EXPECT_EQ(world.ana.tip(), world.ben.tip()) << "BMSG_SEED=" << seed;
    failed += world.failed;
  }
  EXPECT_GT(failed, seeds()) << "too few lies were caught for this to test anything";
}

TEST(Eclipse, ByAHeavierBranchWithAnInvalidBlockEndsBelowThatBlock) {
  constexpr std::uint32_t kOwn = 10;
  constexpr std::uint32_t kBranch = 60;
  for (std::uint32_t depth = 1; depth <= 50; ++depth) {
    SyncWorld world;
    world.ana.take(world.blocks(kOwn, "own "));
    auto branch = world.blocks(depth - 1, "other ");
    const Header below = branch.empty() ? world.builder.genesis() : branch.back().header;
    const UnixSeconds time{below.time.value + 600};
    const UnixSeconds long_ago{time.value - 40 * 86'400};
    branch.push_back(world.builder.block(below, {world.message("expired", long_ago)}, time));
    for (const Block& block : world.builder.blocks(branch.back().header, kBranch - depth))
      branch.push_back(block);
    const std::uint32_t expected = std::max(kOwn, depth - 1);
    std::uint64_t first = 0;
    for (int call = 0; call < 3; ++call) {
      SimTransport wire(*world.ben.service);
      serve(wire, world.builder.chain(), branch);
      const auto result = world.sync(wire);
      ASSERT_FALSE(result) << depth;
      EXPECT_EQ(result.error().code, Errc::bad_input) << result.error().message;
      EXPECT_NE(result.error().message.find("expired"), std::string::npos)
          << result.error().message;
      EXPECT_EQ(world.ana.height(), expected) << depth;
      EXPECT_FALSE(world.ana.store.header(chain::hash_of(branch[depth - 1].header)).value());
      if (call == 0) first = wire.traffic.blocks_in;
      // Again only what is not here yet: a run that begins at the invalid one.
      EXPECT_LE(wire.traffic.blocks_in, call == 0 ? first : kBlocksPerRequest) << depth;
    }
    EXPECT_GE(first, depth - 1) << "the invalid block was not reached";
  }
}

TEST(Eclipse, ByEndlessHeadersOfNoWorthCostsNothingThatLasts) {
  SyncWorld world(easy_rules_text("halflife", "6000"));
  world.clock.advance(8'000 * 600);
  Header at = world.builder.genesis();
  for (int i = 0; i < 100; ++i) {  // A second apart: more work than all that follows.
    const Block block = world.builder.block(at, {}, UnixSeconds{at.time.value + 1});
    world.ana.take({block});
    at = block.header;
  }
  const auto tip = world.ana.tip();
  const auto cheap = world.builder.blocks(world.builder.genesis(), 9'000);
  const auto most =
      static_cast<std::uint32_t>(headers_max(world.builder.chain().rules, world.clock.now()));
  ASSERT_GT(most, 9'000U);
  const std::size_t stored = world.ana.store.records().blocks.size();
  SimTransport wire(*world.ben.service);
  serve(wire, world.builder.chain(), cheap);
  wire.lies.info = [&](NodeInfo& info) {
    info.tip.height = Height{most};
    info.tip.work = Work::filled(0xff);
  };
  const std::size_t before = heap_bytes();
  std::size_t peak = 0;
  wire.lies.headers = [&, honest = wire.lies.headers](Height from,
                                                      std::vector<SealedHeader>& headers) {
    honest(from, headers);
    peak = std::max(peak, heap_bytes());
  };
  const auto result = world.sync(wire);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::protocol) << result.error().message;
  std::cout << wire.traffic.requests << " requests, " << ((peak - before) >> 10) << " KiB\n";
  EXPECT_GE(wire.traffic.requests, 5U) << "the headers were not read";
  EXPECT_LE(wire.traffic.requests, 2 + most / kHeadersPerRequest + 8);
  EXPECT_LE(peak - before, kMemoryMax);
  EXPECT_EQ(wire.traffic.blocks_in, 0U);
  EXPECT_EQ(world.ana.store.records().blocks.size(), stored);
  EXPECT_EQ(world.ana.tip(), tip);
}

}  // namespace
}  // namespace bmsg::node
