// A writer is killed at random moments: what it acknowledged is there, and the store opens.

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "tests/storage/child_process.h"
#include "tests/storage/store_dir.h"
#include "tests/support/seed.h"

namespace bmsg::storage {
namespace {

constexpr int kKills = 30;
constexpr std::uint64_t kLongestLifeMicroseconds = 60'000;

/// The chain that every writer goes on with; the same in each process.
class Script {
 public:
  Block after(const Header& parent) {
    return block_of(builder_, parent, std::to_string(parent.height.value) + " ", 2);
  }
  ChainBuilder& builder() { return builder_; }

 private:
  ChainBuilder builder_;
};

void write_block(RocksStore& store, const chain::ChainRules& rules, const Block& block) {
  const Work below = must(store.tip()).work;
  check(bool(store.apply(adding(rules, {block}, below))), "a writer's block");
  const std::uint32_t height = block.header.height.value;
  if (height % 16 == 0) check(bool(store.flush()), "a writer's flush");
  ChildProcess::say(height);
}

/// Not a test: the program that the test below kills. Says each height that it has stored.
TEST(KilledWriter, DISABLED_WritesUntilItIsKilled) {
  StoreDir dir(std::getenv("BMSG_TEST_STORE"));
  const auto store = must(dir.open());
  const std::uint32_t stored = must(store->tip()).height.value;
  Script script;
  for (Header parent = script.builder().genesis();;) {
    const Block block = script.after(parent);
    if (block.header.height.value > stored) write_block(*store, script.builder().chain(), block);
    parent = block.header;
  }
}

void expect_script_up_to_tip(RocksStore& store) {
  Script script;
  Header parent = script.builder().genesis();
  const std::uint32_t tip = must(store.tip()).height.value;
  for (std::uint32_t height = 1; height <= tip; ++height) {
    const Block block = script.after(parent);
    ASSERT_EQ(must(store.block(chain::hash_of(block.header), Bodies::with)), block) << height;
    parent = block.header;
  }
}

TEST(KilledWriter, LosesNothingThatItAcknowledged) {
  const TempDir temp;
  StoreDir dir(temp.path());
  ASSERT_TRUE(dir.create());
  auto random = seeded_numbers();
  std::uint32_t acknowledged = 0;
  int kills_at_work = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    ChildProcess writer("KilledWriter.DISABLED_WritesUntilItIsKilled",
                        {{"BMSG_TEST_STORE", temp.path()}});
    // Every other one is killed at work, the rest perhaps while they open what a kill left.
    if (kill % 2 == 0) acknowledged = std::max(acknowledged, writer.read_number());
    // The moment of the kill is the input; nothing is waited for.
    const auto life = std::chrono::microseconds(number_up_to(random, kLongestLifeMicroseconds));
    std::this_thread::sleep_for(life);
    EXPECT_TRUE(WIFSIGNALED(writer.kill())) << "the writer ended by itself";
    const std::uint32_t last = writer.read_last_number();
    if (kill % 2 == 0 || last > 0) ++kills_at_work;
    acknowledged = std::max(acknowledged, last);

    const auto store = must(kill % 3 == 0 ? dir.open() : dir.read());
    ASSERT_GE(must(store->tip()).height.value, acknowledged);
    ASSERT_TRUE(store->verify_checksums());
  }
  EXPECT_GE(acknowledged, static_cast<std::uint32_t>(kills_at_work));
  EXPECT_GE(kills_at_work, kKills / 2);
  expect_script_up_to_tip(*must(dir.open()));
}

}  // namespace
}  // namespace bmsg::storage
