// The power goes at every sync of a script in turn: what was acknowledged is there, no change is
// there in part, and the next command works.

#include <gtest/gtest.h>

#include <cstdlib>

#include "storage/rocks_mail_store.h"
#include "tests/storage/child_process.h"
#include "tests/storage/store_dir.h"
#include "tests/support/power_cut_fs.h"
#include "tests/support/seed.h"

namespace bmsg::storage {
namespace {

constexpr int kBlocks = 60;
constexpr int kBlocksPerProcess = 9;

/// What the store holds after a step.
struct State {
  std::vector<Block> chain;  // Without genesis.
  MessageId pooled;
};

/// Sixty blocks on top of each other but for one switch of branches, each with a change of the
/// pool.
class Script {
 public:
  Script() {
    for (int i = 0; i < kBlocks; ++i) add_step(i);
  }
  const std::vector<node::ChainChange>& steps() const { return steps_; }
  const std::vector<State>& states() const { return states_; }

 private:
  void add_step(int i) {
    std::vector<Block> chain = states_.empty() ? std::vector<Block>() : states_.back().chain;
    node::ChainChange change;
    if (i == kBlocks / 2) change.disconnect = {cut_off(chain), cut_off(chain)};
    const Header parent = chain.empty() ? builder_.genesis() : chain.back().header;
    const Block block = block_of(builder_, parent, "step " + std::to_string(i) + " ", 2);
    Work work = chain::one_work();
    for (std::size_t below = 0; below < chain.size(); ++below) {
      work = chain::sum(work, chain::one_work());
    }
    // The branch after the switch must win, though it is shorter.
    if (i >= kBlocks / 2) work.data()[0] = 1;
    change.added = {{block, chain::hash_of(block.header), chain::ids_of(block), work}};
    change.connect = {change.added[0].hash};
    change_pool(change, i, block.header.time);
    chain.push_back(block);
    states_.push_back({chain, change.pool_add[0].id});
    steps_.push_back(std::move(change));
  }

  static BlockHash cut_off(std::vector<Block>& chain) {
    const BlockHash hash = chain::hash_of(chain.back().header);
    chain.pop_back();
    return hash;
  }

  void change_pool(node::ChainChange& change, int i, UnixSeconds time) {
    node::PooledMessage pooled;
    pooled.message = builder_.public_message("pooled " + std::to_string(i), time);
    pooled.id = chain::id_of(pooled.message.head);
    change.pool_add = {pooled};
    if (!states_.empty()) change.pool_remove = {states_.back().pooled};
  }

  ChainBuilder builder_;
  std::vector<node::ChainChange> steps_;
  std::vector<State> states_;
};

/// A store whose power goes at a sync; never for sync 0.
class PoweredStore {
 public:
  PoweredStore(std::filesystem::path root, std::uint64_t sync, PowerCut::Tail tail,
               std::uint64_t seed)
      : root_(std::move(root)), power_(sync, tail, seed, root_ / "graveyard") {}

  Result<std::unique_ptr<RocksStore>> create() {
    return RocksStore::create(root_ / "chain", easy_rules_text(), options());
  }
  Result<std::unique_ptr<RocksStore>> open() {
    return RocksStore::open(root_ / "chain", options());
  }
  Result<std::unique_ptr<RocksMailStore>> open_mail() {
    return RocksMailStore::open(root_ / "mail", {.disk = disk_, .env = env_.get()});
  }

 private:
  OpenOptions options() { return {.disk = disk_, .witness = root_ / "witness", .env = env_.get()}; }

  std::filesystem::path root_;
  PowerCut power_;
  PowerCutDisk disk_{power_};
  std::shared_ptr<rocksdb::Env> env_ = power_cut_env(power_);
};

/// A mark in the mail index: how many steps there were.
mail::MailChange mark_of(std::uint32_t steps) {
  return {.values = {{"steps", Bytes{static_cast<std::uint8_t>(steps)}}}};
}

/// The mail index has the mark of what was acknowledged, or the one after it.
void expect_mark(PoweredStore& dir, std::size_t acknowledged) {
  const auto index = must(dir.open_mail());
  const auto mark = must(index->value("steps"));
  const std::size_t steps = mark ? mark->at(0) : 0;
  ASSERT_GE(steps, acknowledged);
  ASSERT_LE(steps, acknowledged + 1);
  ASSERT_TRUE(index->apply(mark_of(static_cast<std::uint32_t>(acknowledged) + 1)));
}

/// Not a test: the program that the test below cuts off. Says 1 when the store is made and one more
/// after each step.
TEST(PowerCut, DISABLED_RunsTheScriptUntilTheCut) {
  const auto number = [](const char* name) {
    return std::strtoull(std::getenv(name), nullptr, 10);
  };
  const std::filesystem::path root = std::getenv("BMSG_TEST_STORE");
  const auto tail = static_cast<PowerCut::Tail>(number("BMSG_TEST_TAIL"));
  PoweredStore dir(root, number("BMSG_TEST_CUT"), tail, number("BMSG_SEED"));

  Script script;
  auto store = must(dir.create());
  auto index = must(dir.open_mail());
  ChildProcess::say(1);
  for (std::uint32_t i = 0; i < script.steps().size(); ++i) {
    if (i % kBlocksPerProcess == kBlocksPerProcess - 1) {
      store.reset();
      store = must(dir.open());
      index.reset();
      index = must(dir.open_mail());
    }
    check(bool(store->apply(script.steps()[i])), "a step of the script");
    check(bool(index->apply(mark_of(i + 1))), "a mark of the script");
    ChildProcess::say(i + 2);
    if (i % 25 == 24) check(bool(store->flush()), "a flush of the script");
  }
}

/// Everything is as it was after so many steps.
void expect_state(RocksStore& store, const Script& script, std::size_t steps) {
  ASSERT_TRUE(store.verify_checksums());
  const State state = steps == 0 ? State() : script.states()[steps - 1];
  ASSERT_EQ(must(store.tip()).height.value, state.chain.size());
  for (const Block& block : state.chain) {
    const BlockHash hash = chain::hash_of(block.header);
    ASSERT_EQ(must(store.hash_at(block.header.height)), hash);
    ASSERT_EQ(must(store.block(hash, Bodies::with)), block);
  }
  const auto pool = must(store.pool(0));
  ASSERT_EQ(pool.size(), steps == 0 ? 0 : 1);
  if (steps > 0) {
    ASSERT_EQ(pool[0].id, state.pooled);
  }
}

/// How many steps the store has: it stands at one of these two, since one more may be under way.
std::size_t steps_in(RocksStore& store, const Script& script, std::size_t acknowledged) {
  if (acknowledged == script.steps().size()) return acknowledged;
  const bool one_more = must(store.header(script.steps()[acknowledged].added[0].hash)).has_value();
  return acknowledged + (one_more ? 1 : 0);
}

/// The store after the cut; a store that was never acknowledged may have to be made again.
std::unique_ptr<RocksStore> open_after_cut(PoweredStore& dir, bool was_made) {
  if (!was_made) {
    auto made = dir.create();
    if (made) return std::move(made).value();
    EXPECT_EQ(made.error().code, Errc::exists) << made.error().message;
  }
  return must(dir.open());
}

/// One more for every 2,000 of BMSG_CUTS.
std::uint64_t turns() {
  const char* given = std::getenv("BMSG_CUTS");
  return 1 + (given ? std::strtoull(given, nullptr, 10) / 2000 : 0);
}

/// Cuts at that sync and looks at what is there, unless the script has no such sync.
void cut_at(std::uint64_t sync, std::uint64_t tail, std::uint64_t seed, const Script& script,
            bool& was_cut) {
  const TempDir temp;
  ChildProcess child("PowerCut.DISABLED_RunsTheScriptUntilTheCut",
                     {{"BMSG_TEST_STORE", temp.path()},
                      {"BMSG_TEST_CUT", std::to_string(sync)},
                      {"BMSG_TEST_TAIL", std::to_string(tail)},
                      {"BMSG_SEED", std::to_string(seed)}});
  const std::uint32_t said = child.read_last_number();
  const int status = child.wait();
  was_cut = !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  if (!was_cut) return;
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == PowerCut::kExitCode) << status;

  PoweredStore dir(temp.path(), 0, PowerCut::Tail::clean, 0);
  const auto store = open_after_cut(dir, said > 0);
  const std::size_t acknowledged = said == 0 ? 0 : said - 1;
  const std::size_t steps = steps_in(*store, script, acknowledged);
  ASSERT_NO_FATAL_FAILURE(expect_mark(dir, acknowledged));
  ASSERT_NO_FATAL_FAILURE(expect_state(*store, script, steps));
  if (steps < script.steps().size()) {
    ASSERT_TRUE(store->apply(script.steps()[steps]));
    ASSERT_NO_FATAL_FAILURE(expect_state(*store, script, steps + 1));
  }
}

TEST(PowerCut, LosesNothingThatWasAcknowledgedAtAnySync) {
  auto random = seeded_numbers();
  const Script script;
  std::uint64_t cuts = 0;
  for (std::uint64_t turn = 0; turn < turns(); ++turn) {
    bool was_cut = true;
    for (std::uint64_t sync = 1; was_cut; ++sync) {
      const std::uint64_t seed = random();
      SCOPED_TRACE("sync " + std::to_string(sync) + ", seed " + std::to_string(seed));
      ASSERT_NO_FATAL_FAILURE(cut_at(sync, (sync + turn) % 3, seed, script, was_cut));
      cuts += was_cut ? 1 : 0;
    }
  }
  std::cout << cuts << " cuts" << std::endl;
  EXPECT_GE(cuts, 3 * kBlocks * turns()) << "each block needs its log, the witness, the mark";
}

}  // namespace
}  // namespace bmsg::storage
