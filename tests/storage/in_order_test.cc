// A store that is verified in the order in which it lies, by several threads, has the faults that
// it has when each message is looked for.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "lib/chain/merkle.h"
#include "lib/core/hex.h"
#include "lib/node/verifier.h"
#include "lib/node/whole_check.h"
#include "storage/database.h"
#include "storage/schema.h"
#include "tests/storage/store_dir.h"
#include "tests/support/no_threads.h"
#include "tests/support/seed.h"

namespace bmsg::storage {
namespace {

constexpr int kDamages = 200;
constexpr int kHeights = 24;

struct Change {
  Bytes key;
  std::optional<Bytes> value;  // None: it goes.
};

/// Blocks of up to 70 messages, a side branch that holds some of them too, and forgotten bodies.
class InOrderTest : public ::testing::Test {
 protected:
  InOrderTest() {
    const auto store = must(dir_.create());
    Work work;
    past_.add(chain::leaf_hash(builder_.genesis_hash().view()));
    for (int height = 1; height <= kHeights; ++height) {
      const Header parent = blocks_.empty() ? builder_.genesis() : blocks_.back().header;
      const int count = height % 5 == 0 ? 70 : static_cast<int>(number_up_to(numbers_, 6));
      blocks_.push_back(block_of(builder_, parent, std::to_string(height) + " ", count));
      // It came first, and lost.
      if (height == 20) add_side_branch(*store, work);
      const auto change = grown(blocks_.back(), work);
      check(bool(store->apply(change)), "a test's next block");
      work = change.added[0].total_work;
      if (height == kHeights / 2) check(bool(store->flush()), "a test's flush");
    }
    node::ChainChange change;
    for (const MessageId& id : chain::ids_of(blocks_[14])) {
      if (id.data()[0] % 3 == 0) change.drop.push_back({id, UnixSeconds{1}, {}});
    }
    check(bool(store->apply(change)), "a test's forgetting");
  }

  /// With the nodes of the tree that it completes.
  node::ChainChange grown(const Block& block, const Work& below) {
    auto change = adding(builder_.chain(), {block}, below);
    const std::uint64_t leaf = past_.size();
    const auto nodes = past_.add(chain::leaf_hash(change.added[0].hash.view()));
    for (std::uint8_t level = 0; level < nodes.size(); ++level)
      change.tree.push_back({level, leaf >> level, nodes[level]});
    return change;
  }

  void add_side_branch(RocksStore& store, const Work& below) {
    std::vector<Message> some(blocks_[19].messages.begin(), blocks_[19].messages.begin() + 40);
    const Header& parent = blocks_[18].header;
    const UnixSeconds time{parent.time.value + 2};
    const Block side = builder_.block(parent, some, time);
    check(bool(store.apply(adding(builder_.chain(), {side}, below, Connect::no))), "a side block");
  }

  std::vector<Change> records() {
    std::vector<Change> all;
    const auto database = must(Database::open(dir_.chain(), Access::read, dir_.options()));
    const View view = database->view();
    EXPECT_TRUE(view.scan({}, [&](ByteView key, ByteView value) -> Result<View::Next> {
      all.push_back({to_bytes(key), to_bytes(value)});
      return View::Next::go_on;
    }));
    return all;
  }

  void write(const Change& change) {
    const auto database = must(Database::open(dir_.chain(), Access::write, dir_.options()));
    Batch batch = database->batch();
    if (change.value) {
      batch.put(change.key, *change.value);
    } else {
      batch.erase(change.key);
    }
    check(bool(database->commit(std::move(batch))), "a test's damage");
  }

  /// All that is said of it; nothing if it cannot even be opened.
  static std::string told(const Result<node::VerifyReport>& verified) {
    if (!verified) return verified.error().message;
    const node::VerifyReport& report = verified.value();
    std::string all = fmt::format("{} blocks, {} messages, {} dropped, tip {}\n", report.blocks,
                                  report.messages, report.dropped_bodies, report.tip.height.value);
    for (const node::Fault& fault : report.faults)
      all += fmt::format("{} {} {}: {}\n", fault.kind, fault.height.value,
                         to_hex(fault.hash.view()), fault.detail);
    return all;
  }

  std::string verify(node::VerifyWish wish, std::optional<unsigned> threads) {
    const auto store = dir_.read();
    if (!store) return {};
    wish.depth = node::Depth::full;
    wish.now = UnixSeconds{kEasyGenesisTime + 86400};
    if (threads) wish.in_order = {store.value().get(), *threads, {1, 2, 3}};
    return told(node::verify(*store.value(), builder_.chain(), wish));
  }
  void expect_same(const node::VerifyWish& wish, unsigned threads) {
    const std::string slow = verify(wish, std::nullopt);
    EXPECT_EQ(verify(wish, threads), slow);
    last_told_ = slow;
  }

  TempDir temp_;
  StoreDir dir_{temp_.path()};
  std::mt19937_64 numbers_ = seeded_numbers();
  ChainBuilder builder_;
  std::vector<Block> blocks_;
  chain::MerklePeaks past_;
  std::string last_told_;
};

TEST_F(InOrderTest, FindsNothingInAWholeStore) {
  for (const unsigned threads : {1U, 2U, 5U}) expect_same({}, threads);
  EXPECT_EQ(std::ranges::count(last_told_, '\n'), 1) << last_told_;
  EXPECT_EQ(last_told_.find(" 0 dropped"), std::string::npos) << last_told_;
  expect_same({.from = Height{10}}, 2);
  expect_same({.reads = [](Height height) { return height.value % 3 == 1; }}, 2);
  const NoThreads none;
  expect_same({}, 4);
}

TEST_F(InOrderTest, FindsWhatIsFoundOneByOneWhateverIsDamaged) {
  const std::vector<Change> whole = records();
  std::map<char, int> found;  // By kind of record.
  for (int i = 0; i < kDamages; ++i) {
    // Each kind as often, however many there are of it.
    std::map<std::uint8_t, std::vector<const Change*>> kinds;
    for (const Change& one : whole) kinds[one.key[0]].push_back(&one);
    const auto kind = std::next(kinds.begin(), i % static_cast<int>(kinds.size()));
    const auto& all = kind->second;
    const Change& before = *all[number_up_to(numbers_, all.size() - 1)];
    Change after{before.key, mutated(numbers_, *before.value)};
    if (number_up_to(numbers_, 3) == 0)
      after.value = all[number_up_to(numbers_, all.size() - 1)]->value;
    if (number_up_to(numbers_, 7) == 0) after.value.reset();
    write(after);
    const auto threads = static_cast<unsigned>(1 + number_up_to(numbers_, 2));
    expect_same({.from = Height{static_cast<std::uint32_t>(i % 4 == 3 ? 12 : 0)}}, threads);
    if (std::ranges::count(last_told_, '\n') > 1) ++found[static_cast<char>(kind->first)];
    ASSERT_FALSE(HasFailure()) << "record " << to_hex(before.key);
    write(before);
  }
  for (const char kind : std::string("nmbit")) EXPECT_GT(found[kind], 2) << kind;
}

TEST_F(InOrderTest, LooksCloserOnlyWhereSomethingIsOdd) {
  const auto clean = [&](std::uint32_t from) {
    const auto store = must(dir_.read());
    const auto headers = must(store->headers(Height{from}, kHeights));
    node::WholeCheck check({store.get(), 3, {7}}, true);
    EXPECT_TRUE(check.read_index({}));
    check.use(builder_.chain());
    check.add(headers);
    std::vector<std::uint32_t> odd;
    for (std::uint32_t at = from; at <= kHeights; ++at) {
      if (!check.take().is_clean) odd.push_back(at);
    }
    return std::pair(odd, check.index_is_whole());
  };
  const auto beside = std::vector{20U};  // Some of it stands in a side branch, too.
  EXPECT_EQ(clean(1), std::pair(beside, true));
  EXPECT_EQ(clean(6), std::pair(beside, false)) << "the index has what no block was taken for";
  for (const Change& one : records()) {
    if (one.key[0] != static_cast<std::uint8_t>(Kind::places) || one.value->size() != 12) continue;
    write({one.key, std::nullopt});
    EXPECT_EQ(clean(1), std::pair(beside, false)) << "a message is missing in the index";
    break;
  }
}

TEST_F(InOrderTest, FindsAMessageThatIsOnTheChainTwice) {
  const Block again = builder_.block(blocks_.back().header, blocks_[9].messages);
  {
    const auto store = must(dir_.open());
    const Work work = must(store->tip()).work;
    ASSERT_TRUE(store->apply(grown(again, work)));
  }
  expect_same({}, 2);
  EXPECT_NE(last_told_.find("duplicate"), std::string::npos) << last_told_;
}

}  // namespace
}  // namespace bmsg::storage
