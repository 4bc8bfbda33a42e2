// A writer is killed at random moments: what it acknowledged is there, and the store opens.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "lib/core/descriptor.h"
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

constexpr int kHeights = 3;  // The descriptor on which a writer says what it has acknowledged.

void write_block(RocksStore& store, const chain::ChainRules& rules, const Block& block) {
  const Work below = must(store.tip()).work;
  check(bool(store.apply(adding(rules, {block}, below))), "a writer's block");
  const std::uint32_t height = block.header.height.value;
  if (height % 16 == 0) check(bool(store.flush()), "a writer's flush");
  check(::write(kHeights, &height, sizeof(height)) == sizeof(height), "a writer's pipe");
}

/// Not a test: the program that is killed, run by the test below in a process of its own, because
/// RocksDB's threads do not outlive a fork.
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

struct Writer {
  pid_t process = -1;
  Descriptor heights;
};

Writer start_writer(const std::filesystem::path& store) {
  int ends[2];
  check(::pipe(ends) == 0, "a test without a pipe");
  const pid_t process = ::fork();
  check(process >= 0, "a test without a process");
  if (process == 0) {
    ::dup2(ends[1], kHeights);
    ::setenv("BMSG_TEST_STORE", store.c_str(), 1);
    ::execl("/proc/self/exe", "storage_test", "--gtest_also_run_disabled_tests",
            "--gtest_filter=KilledWriter.DISABLED_*", "--gtest_brief=1", nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  return {process, Descriptor(ends[0])};
}

/// The next height that the writer acknowledges; 0 when there is none to come.
std::uint32_t read_height(const Writer& writer) {
  std::uint32_t height = 0;
  const auto got = ::read(writer.heights.number(), &height, sizeof(height));
  return got == sizeof(height) ? height : 0;
}

/// Kills the writer and returns the last height that it acknowledged since; 0 for none.
std::uint32_t kill_writer(Writer& writer) {
  ::kill(writer.process, SIGKILL);
  int status = 0;
  ::waitpid(writer.process, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
  std::uint32_t last = 0;
  while (const std::uint32_t height = read_height(writer)) last = height;
  return last;
}

TEST(KilledWriter, LosesNothingThatItAcknowledged) {
  const TempDir temp;
  StoreDir dir(temp.path());
  ASSERT_TRUE(dir.create());
  auto random = seeded_numbers();
  std::uint32_t acknowledged = 0;
  int kills_at_work = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    Writer writer = start_writer(temp.path());
    // Every other one is killed at work, the rest perhaps while they open what a kill left.
    if (kill % 2 == 0) read_height(writer);
    // The moment of the kill is the input; nothing is waited for.
    const auto life = std::chrono::microseconds(number_up_to(random, kLongestLifeMicroseconds));
    std::this_thread::sleep_for(life);
    const std::uint32_t last = kill_writer(writer);
    if (last > acknowledged) ++kills_at_work;
    acknowledged = std::max(acknowledged, last);

    const auto store = must(kill % 2 == 0 ? dir.open() : dir.read());
    ASSERT_GE(must(store->tip()).height.value, acknowledged);
    ASSERT_TRUE(store->verify_checksums());
  }
  EXPECT_GE(kills_at_work, kKills / 4) << "most writers were killed before their first block";

  const auto store = must(dir.open());
  Script script;
  Header parent = script.builder().genesis();
  for (std::uint32_t height = 1; height <= must(store->tip()).height.value; ++height) {
    const Block block = script.after(parent);
    ASSERT_EQ(must(store->block(chain::hash_of(block.header), Bodies::with)), block) << height;
    parent = block.header;
  }
}

}  // namespace
}  // namespace bmsg::storage
