// A process is killed while it goes over to a branch that parts hundreds of blocks below: what is
// there then is the one branch whole or the other, and no message is lost.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "lib/chain/message_rules.h"
#include "lib/node/chain_state.h"
#include "lib/node/verifier.h"
#include "tests/storage/child_process.h"
#include "tests/storage/store_dir.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seed.h"

namespace bmsg::storage {
namespace {

constexpr std::uint32_t kDepth = 500;  // Blocks that are taken off at least.
constexpr int kKills = 12;
constexpr node::ReorgPolicy kAnyDepth{
    .depth_max = 100'000, .seconds_max = 1'000'000'000, .endorsed_depth_max = 100'000};
constexpr std::uint64_t kNow = kEasyGenesisTime + 2 * kDepth * 600;  // No message has expired.
constexpr std::uint32_t kBegins = 1;
constexpr std::uint32_t kIsOver = 2;

/// Two branches from genesis of as much work at each height; the same in each process.
class Branches {
 public:
  /// The block of a branch at a height, from 1.
  const Block& at(std::size_t branch, std::uint32_t height) {
    auto& blocks = blocks_.at(branch);
    while (blocks.size() < height) {
      const Header& parent = blocks.empty() ? genesis_ : blocks.back().header;
      const UnixSeconds time{parent.time.value + 600};
      const std::string text = std::to_string(branch) + " " + std::to_string(blocks.size());
      blocks.push_back(builder_.block(parent, {builder_.public_message(text, time)}, time));
    }
    return blocks[height - 1];
  }
  BlockHash hash(std::size_t branch, std::uint32_t height) {
    return chain::hash_of(at(branch, height).header);
  }
  std::vector<Block> up_to(std::size_t branch, std::uint32_t height) {
    at(branch, height);
    return {blocks_.at(branch).begin(), blocks_.at(branch).begin() + height};
  }
  /// The one that this is the tip of.
  std::size_t of(const node::Tip& tip) { return hash(0, tip.height.value) == tip.hash ? 0 : 1; }
  const chain::ChainRules& chain() const { return builder_.chain(); }

 private:
  ChainBuilder builder_;
  Header genesis_ = builder_.genesis();
  std::array<std::vector<Block>, 2> blocks_;
};

/// Goes over to the branch that is not the best one now.
void go_over(RocksStore& store, Branches& branches) {
  const FakeClock clock(kNow);
  node::ChainState state(store, branches.chain(), clock, kAnyDepth);
  const node::Tip from = must(store.tip());
  const std::size_t to = 1 - branches.of(from);
  for (std::uint32_t height = kDepth; must(store.tip()).hash == from.hash; ++height) {
    const BlockHash hash = branches.hash(to, height);
    if (must(store.header(hash))) continue;
    const bool is_better =
        height > from.height.value || (height == from.height.value && hash < from.hash);
    if (is_better) ChildProcess::say(kBegins);
    const auto outcome = must(state.accept(branches.at(to, height)));
    check(outcome.verdict == node::Verdict::accepted, "a block of a known branch");
    check((must(store.tip()).hash == hash) == is_better, "which branch is better");
  }
  ChildProcess::say(kIsOver);
}

/// Not a test: the program that the test below kills.
TEST(KilledReorg, DISABLED_GoesToAndFroUntilItIsKilled) {
  StoreDir dir(std::getenv("BMSG_TEST_STORE"));
  const auto store = must(dir.open());
  Branches branches;
  for (;;) go_over(*store, branches);
}

/// Which branch is there. Fails unless it is there whole, and all of the other waits that was taken
/// off.
std::size_t whole_branch(const RocksStore& store, Branches& branches) {
  const node::Tip tip = must(store.tip());
  const std::size_t best = branches.of(tip);
  EXPECT_GE(tip.height.value, kDepth);
  for (std::uint32_t height = 1; height <= tip.height.value; ++height)
    EXPECT_EQ(must(store.hash_at({height})), branches.hash(best, height)) << height;
  const auto report = must(node::verify(
      store, branches.chain(),
      {.depth = node::Depth::full, .from = {}, .reads = {}, .on_progress = {}, .stop = {}}));
  EXPECT_TRUE(report.faults.empty()) << report.faults[0].kind << ": " << report.faults[0].detail;
  EXPECT_EQ(report.messages, tip.height.value);
  EXPECT_TRUE(store.verify_checksums());
  std::size_t waiting = 0;
  for (std::uint32_t height = 1; height <= tip.height.value; ++height) {
    const auto id = [&](std::size_t branch) {
      return chain::id_of(branches.at(branch, height).messages.front().head);
    };
    EXPECT_FALSE(must(store.pooled(id(best)))) << "both in a block and waiting: " << height;
    if (must(store.pooled(id(1 - best)))) ++waiting;
  }
  EXPECT_EQ(must(store.pool(0)).size(), waiting);
  EXPECT_GE(waiting, kDepth);
  return best;
}

/// How long it takes to go over once.
std::chrono::microseconds usual_time(ChildProcess& child) {
  const SystemClock clock;
  EXPECT_EQ(child.read_number(), kBegins);
  const auto begin = clock.steady();
  EXPECT_EQ(child.read_number(), kIsOver);
  return std::chrono::duration_cast<std::chrono::microseconds>(clock.steady() - begin);
}

TEST(KilledReorg, LeavesTheOneBranchWholeOrTheOther) {
  const TempDir temp;
  StoreDir dir(temp.path());
  Branches branches;
  {
    const auto store = must(dir.create());
    ASSERT_TRUE(store->apply(adding(branches.chain(), branches.up_to(0, kDepth))));
    const auto aside = branches.up_to(1, kDepth - 1);
    ASSERT_TRUE(store->apply(adding(branches.chain(), aside, {}, Connect::no)));
    ASSERT_EQ(branches.of(must(store->tip())), 0U);
  }
  const std::string program = "KilledReorg.DISABLED_GoesToAndFroUntilItIsKilled";
  const std::map<std::string, std::string> environment = {{"BMSG_TEST_STORE", temp.path()}};
  std::chrono::microseconds usual{};
  {
    ChildProcess child(program, environment);
    usual = usual_time(child);
  }
  auto random = seeded_numbers();
  int under_way = 0;
  int left_as_it_was = 0;
  std::size_t before = whole_branch(*must(dir.open()), branches);
  for (int kill = 0; kill < kKills; ++kill) {
    ChildProcess child(program, environment);
    ASSERT_EQ(child.read_number(), kBegins);
    // The moments of the kills are the input, spread over the change and as long again.
    const auto part = 2 * static_cast<std::uint64_t>(usual.count()) / kKills;
    std::this_thread::sleep_for(std::chrono::microseconds(static_cast<std::uint64_t>(kill) * part +
                                                          number_up_to(random, part)));
    ASSERT_TRUE(WIFSIGNALED(child.kill())) << "it ended by itself";
    if (child.read_last_number() != kIsOver) ++under_way;
    const std::size_t now = whole_branch(*must(kill % 2 == 0 ? dir.open() : dir.read()), branches);
    if (now == before) ++left_as_it_was;
    before = now;
  }
  std::cout << kKills << " kills: " << under_way << " while it went over, " << left_as_it_was
            << " left the branch as it was; a change takes " << usual.count() / 1000 << " ms"
            << std::endl;
  EXPECT_GE(under_way, kKills / 2) << "nothing was tested";
  EXPECT_GT(left_as_it_was, 0) << "no kill came early";
}

}  // namespace
}  // namespace bmsg::storage
