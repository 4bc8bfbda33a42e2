#include <cstdlib>

#include "lib/chain/work.h"
#include "lib/node/forks.h"
#include "tests/node/node_fixture.h"
#include "tests/node/store_digest.h"

namespace bmsg {
namespace {

using node::Verdict;

constexpr std::uint64_t kNever = ~std::uint64_t{0};

/// Branches of a block each interval with a message each, the first of them two days ago.
struct Forks {
  explicit Forks(node::ReorgPolicy policy = {}, const std::string& text = easy_rules_text())
      : f(text, policy) {}

  std::vector<Block> branch(const std::string& name, std::size_t count,
                            std::optional<Header> from = std::nullopt) {
    std::vector<Block> made;
    Header at = from.value_or(f.builder.genesis());
    for (std::size_t i = 0; i < count; ++i) {
      const UnixSeconds time{
          std::max(at.time.value, f.clock.now().value - std::uint64_t{2 * 86'400}) + 600};
      const Message message = f.builder.public_message(name + std::to_string(i), time);
      made.push_back(f.builder.block(at, {message}, time));
      at = made.back().header;
    }
    return made;
  }
  /// Blocks a second apart: dearer, so more work in fewer of them.
  std::vector<Block> dense_branch(std::size_t count) {
    std::vector<Block> made;
    Header at = f.builder.genesis();
    for (std::size_t i = 0; i < count; ++i) {
      made.push_back(f.builder.block(at, {}, UnixSeconds{at.time.value + 1}));
      at = made.back().header;
    }
    return made;
  }
  void checkpoint(std::uint32_t height, const Block& block) {
    ASSERT_TRUE(bool(f.store.set_checkpoints({{Height{height}, hash_of(block)}})));
  }

  NodeFixture f;
};

TEST(Reorg, OfAnyDepthEndsAsAFreshReplayDoes) {
  for (const std::size_t depth : {1U, 10U, 100U}) {
    Forks forks;
    const auto first = forks.branch("first ", depth);
    const auto second = forks.branch("second ", depth + 1);
    forks.f.accept_all(first);
    std::uint32_t deepest = 0;
    for (const Block& block : second) {
      const auto outcome = forks.f.accept(block);
      if (!outcome.reorg) continue;
      deepest = outcome.reorg->depth;
      EXPECT_EQ(outcome.reorg->from, hash_of(first.back()));
      EXPECT_EQ(outcome.reorg->returned.size(), depth);
    }
    EXPECT_EQ(deepest, depth);
    ASSERT_EQ(forks.f.tip(), hash_of(second.back()));
    NodeFixture fresh;
    fresh.accept_all(second);
    EXPECT_EQ(digest_of(forks.f.store), digest_of(fresh.store));
    EXPECT_EQ(forks.f.pooled().size(), depth);
    for (const Block& block : first) EXPECT_TRUE(forks.f.is_pooled(block.messages[0]));
  }
}

TEST(Reorg, OfThousandsOfBlocksEndsAsAFreshReplayDoes) {
  const char* given = std::getenv("BMSG_REORG_DEPTH");
  const std::size_t depth = given == nullptr ? 2'000 : std::strtoull(given, nullptr, 10);
  NodeFixture f(easy_rules_text(), {.depth_max = ~0U});
  const auto first = f.builder.blocks(f.builder.genesis(), depth);
  const Block fork =
      f.builder.block(f.builder.genesis(), {}, UnixSeconds{first[0].header.time.value + 1});
  std::vector<Block> second = {fork};
  for (const Block& block : f.builder.blocks(fork.header, depth)) second.push_back(block);
  f.accept_all(first);
  std::uint32_t deepest = 0;
  for (const Block& block : second) {
    const auto outcome = f.accept(block);
    if (outcome.reorg) deepest = std::max(deepest, outcome.reorg->depth);
  }
  EXPECT_GE(deepest, depth - 1);  // At the same work the smaller id decides.
  ASSERT_EQ(f.tip(), hash_of(second.back()));
  NodeFixture fresh;
  fresh.accept_all(second);
  EXPECT_EQ(digest_of(f.store), digest_of(fresh.store));
}

TEST(Reorg, ThatTheStoreFailsChangesNothingAndHappensNextTime) {
  Forks forks;
  const auto first = forks.branch("first ", 3);
  const auto second = forks.branch("second ", 4);
  forks.f.accept_all(first);
  for (std::size_t i = 0; i < 2; ++i) forks.f.accept(second[i]);
  const Bytes before = digest_of(forks.f.store);
  for (std::size_t i = 2; i < 4; ++i) {
    if (forks.f.tip() == hash_of(second[2])) continue;
    forks.f.store.fail_apply(0);
    EXPECT_FALSE(bool(forks.f.state.accept(second[i])));
    EXPECT_EQ(digest_of(forks.f.store), before);
    EXPECT_EQ(forks.f.accept(second[i]).verdict, Verdict::accepted);
  }
  forks.f.accept(second[3]);
  EXPECT_EQ(forks.f.tip(), hash_of(second[3]));
}

TEST(Reorg, ReturnsNoMessageThatTheOtherBranchHolds) {
  Forks forks;
  const auto first = forks.branch("first ", 1);
  const UnixSeconds time{first[0].header.time.value + 60};
  const Block same = forks.f.builder.block(forks.f.builder.genesis(), first[0].messages, time);
  const Block child = forks.f.builder.block(same.header);
  forks.f.accept(first[0]);
  forks.f.accept(same);
  forks.f.accept(child);
  ASSERT_EQ(forks.f.tip(), hash_of(child));
  EXPECT_TRUE(forks.f.pooled().empty());
}

TEST(Fork, WithTheSameWorkGoesToTheSmallerIdInEveryOrderAndAfterARestart) {
  Forks forks;
  std::vector<Block> rivals;
  for (const std::string name : {"a", "b", "c", "d"}) rivals.push_back(forks.branch(name, 1)[0]);
  const auto by_hash = [](const Block& a, const Block& b) { return hash_of(a) < hash_of(b); };
  std::sort(rivals.begin(), rivals.end(), by_hash);
  const BlockHash smallest = hash_of(rivals[0]);
  do {
    NodeFixture one;
    for (const Block& block : rivals) ASSERT_EQ(one.accept(block).verdict, Verdict::accepted);
    EXPECT_EQ(one.tip(), smallest);
    NodeFixture restarted;
    for (const Block& block : rivals) {
      node::ChainState state(restarted.store, restarted.builder.chain(), restarted.clock);
      ASSERT_TRUE(bool(state.accept(block)));
    }
    EXPECT_EQ(restarted.tip(), smallest);
  } while (std::next_permutation(rivals.begin(), rivals.end(), by_hash));
}

TEST(Fork, WithAnInvalidBlockInItIsLeftBelowThatBlock) {
  Forks forks;
  const auto good = forks.branch("good ", 3);
  forks.f.accept_all(good);
  auto bad = forks.branch("bad ", 2);
  Block invalid = forks.branch("bad again ", 1, bad[1].header)[0];
  const auto above = forks.branch("above ", 3, invalid.header);
  invalid.messages[0].body->back() ^= 1;
  forks.f.accept_all(bad);
  EXPECT_EQ(forks.f.accept(invalid).verdict, Verdict::refused);
  for (const Block& block : above) EXPECT_EQ(forks.f.accept(block).verdict, Verdict::orphan);
  EXPECT_EQ(forks.f.tip(), hash_of(good.back()));
}

void expect_limit_of_blocks(node::ReorgPolicy policy, std::uint32_t allowed,
                            const std::string& text = easy_rules_text()) {
  for (const std::uint32_t depth : {allowed, allowed + 1}) {
    Forks forks(policy, text);
    const auto first = forks.branch("first ", depth);
    const auto second = forks.branch("second ", depth + 1);
    forks.f.accept_all(first);
    node::BlockOutcome last;
    for (const Block& block : second) last = forks.f.accept(block);
    const bool followed = depth == allowed;
    EXPECT_EQ(forks.f.tip(), hash_of(followed ? second.back() : first.back())) << depth;
    EXPECT_EQ(last.stopped_by_policy, !followed);
    const auto kept = node::find_forks(forks.f.store).value();
    ASSERT_EQ(kept.size(), followed ? 0U : 1U);
    if (followed) continue;
    EXPECT_EQ(kept[0].tip.hash, hash_of(second.back()));
    EXPECT_EQ(kept[0].depth, depth);
    EXPECT_EQ(forks.f.state.follow(hash_of(second.back())).value().depth, depth);
    EXPECT_EQ(forks.f.tip(), hash_of(second.back()));
  }
}

TEST(MaxReorg, IsANumberOfBlocks) { expect_limit_of_blocks({.depth_max = 3, .seconds_max = 0}, 3); }

TEST(MaxReorg, IsATimeIfThatIsDeeper) {
  expect_limit_of_blocks({.depth_max = 1, .seconds_max = 4 * 600}, 5);
}

TEST(MaxReorg, IsSixBlocksOnAnEndorseChain) {
  expect_limit_of_blocks({}, 6, endorse_rules_text(1, 1));
}

TEST(Fork, FollowRefusesWhatIsUnknownOrNotBetter) {
  Forks forks;
  const auto first = forks.branch("first ", 2);
  forks.f.accept_all(first);
  const Block other = forks.branch("other ", 1)[0];
  EXPECT_EQ(forks.f.state.follow(hash_of(other)).error().code, Errc::not_found);
  forks.f.accept(other);
  EXPECT_EQ(forks.f.state.follow(hash_of(other)).error().code, Errc::bad_input);
  EXPECT_TRUE(node::find_forks(forks.f.store).value().empty());
}

TEST(Checkpoint, KeepsABranchWithoutItAside) {
  Forks forks;
  const auto first = forks.branch("first ", 2);
  const auto second = forks.branch("second ", 4);
  forks.checkpoint(2, first[1]);
  forks.f.accept_all(first);
  node::BlockOutcome last;
  for (const Block& block : second) last = forks.f.accept(block);
  EXPECT_TRUE(last.stopped_by_policy);
  EXPECT_EQ(forks.f.tip(), hash_of(first[1]));
}

TEST(Checkpoint, IsNotTakenOffByAShorterBranchOfMoreWork) {
  const std::string text = easy_rules_text("halflife", "600");
  for (const bool has_checkpoint : {false, true}) {
    Forks forks({.depth_max = 72, .seconds_max = kNever}, text);
    const auto slow = forks.f.builder.blocks(forks.f.builder.genesis(), 4);
    forks.f.accept_all(slow);
    if (has_checkpoint) forks.checkpoint(4, slow[3]);
    const auto dense = forks.dense_branch(3);
    forks.f.accept_all(dense);
    EXPECT_EQ(forks.f.tip(), hash_of(has_checkpoint ? slow[3] : dense[2]));
  }
}

TEST(Checkpoint, StopsTheBestChainBelowAnotherBlockOfItsHeight) {
  Forks forks;
  const auto first = forks.branch("first ", 2);
  const Block pinned = forks.branch("pinned ", 1, first[0].header)[0];
  forks.checkpoint(2, pinned);
  forks.f.accept_all(first);
  EXPECT_EQ(forks.f.tip(), hash_of(first[0]));
  forks.f.accept(pinned);
  EXPECT_EQ(forks.f.tip(), hash_of(pinned));
}

std::uint64_t side_bytes(NodeFixture& f) {
  std::uint64_t bytes = 0;
  for (const auto& [hash, record] : f.store.records().blocks) {
    if (record.header.branch == node::Branch::side) bytes += record.header.bytes + kHeaderBytes;
  }
  return bytes;
}

TEST(SideBlocks, AreBoundedAndTheLeastWorkGoesFirst) {
  Forks probe;
  const std::uint64_t one = probe.branch("0", 1)[0].messages[0].head.encoded_bytes() + kHeaderBytes;
  for (const std::uint64_t lacking : {0U, 1U}) {
    Forks forks({.side_bytes_max = 3 * one - lacking});
    forks.f.accept_all(forks.branch("m", 5));
    const auto low = forks.branch("l", 1);
    const auto high = forks.branch("h", 2);
    forks.f.accept_all(low);
    forks.f.accept_all(high);
    EXPECT_EQ(forks.f.store.header(hash_of(low[0])).value().has_value(), lacking == 0);
    EXPECT_TRUE(forks.f.store.header(hash_of(high[1])).value().has_value());
    EXPECT_LE(side_bytes(forks.f), 3 * one - lacking);
  }
}

TEST(SideBlocks, KeepTheBlockThatCameLastAndWhatItStandsOn) {
  Forks forks({.side_bytes_max = 1, .side_branch_bytes_max = 0});
  forks.f.accept_all(forks.branch("m", 5));
  const auto branch = forks.branch("b", 3);
  forks.f.accept_all(branch);
  for (const Block& block : branch)
    EXPECT_TRUE(forks.f.store.header(hash_of(block)).value().has_value());
  const Block last = forks.branch("last", 1)[0];
  forks.f.accept(last);
  EXPECT_TRUE(forks.f.store.header(hash_of(last)).value().has_value());
  for (const Block& block : branch)
    EXPECT_FALSE(forks.f.store.header(hash_of(block)).value().has_value());
  EXPECT_EQ(forks.f.accept(branch[1]).verdict, Verdict::orphan);
  EXPECT_EQ(forks.f.accept(branch[0]).verdict, Verdict::accepted);
}

bool is_kept(Forks& forks, const Block& block) {
  return forks.f.store.header(hash_of(block)).value().has_value();
}

/// A branch that comes in block by block is longer than all that is kept beside it, and others come
/// in between.
TEST(SideBlocks, KeepTheBranchWithTheMostWorkWhateverComes) {
  Forks forks({.side_bytes_max = 1});
  const auto ours = forks.branch("m", 5);
  forks.f.accept_all({ours.begin(), ours.end() - 1});
  const auto heavy = forks.branch("heavy", 6);
  const auto strangers = forks.branch("s", 1);
  forks.f.accept_all({heavy.begin(), heavy.end() - 3});
  forks.f.accept_all(strangers);
  EXPECT_TRUE(is_kept(forks, strangers[0])) << "it came last";
  forks.f.accept(ours.back());
  EXPECT_FALSE(is_kept(forks, strangers[0]));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(is_kept(forks, heavy[i])) << i;
  forks.f.accept_all({heavy.end() - 3, heavy.end()});
  EXPECT_EQ(forks.f.tip(), hash_of(heavy.back()));
}

/// Each counts for 16 KiB at least.
TEST(SideBlocks, OfTheMostWorkAreBoundedToo) {
  for (const std::uint64_t lacking : {0U, 1U}) {
    Forks forks({.side_bytes_max = 1, .side_branch_bytes_max = 3 * 16'384 - lacking});
    const auto ours = forks.branch("m", 6);
    forks.f.accept_all({ours.begin(), ours.end() - 1});
    const auto heavy = forks.branch("h", 4);
    forks.f.accept_all(heavy);
    EXPECT_TRUE(is_kept(forks, heavy[3])) << "it came last";
    forks.f.accept(ours.back());
    EXPECT_FALSE(is_kept(forks, heavy[3]));
    EXPECT_EQ(is_kept(forks, heavy[2]), lacking == 0);
    EXPECT_TRUE(is_kept(forks, heavy[1]));
  }
}

/// One that is larger than that counts for what it is.
TEST(SideBlocks, OfTheMostWorkAreBoundedByTheirSize) {
  for (const std::uint64_t lacking : {0U, 1U}) {
    constexpr std::uint64_t kOne = 96 + 8 + 40'000 + kHeaderBytes;
    Forks forks({.side_bytes_max = 1, .side_branch_bytes_max = kOne - lacking});
    const auto ours = forks.branch("m", 3);
    forks.f.accept_all({ours[0], ours[1]});
    Message large = forks.f.message("large");
    forks.f.builder.set_body(large, Bytes(40'000, 1));
    const Block heavy =
        forks.f.builder.block(forks.f.builder.genesis(), {large}, forks.f.clock.now());
    forks.f.accept(heavy);
    EXPECT_TRUE(is_kept(forks, heavy)) << "it came last";
    forks.f.accept(ours[2]);
    EXPECT_EQ(is_kept(forks, heavy), lacking == 0);
  }
}

TEST(SideBlocks, OfABranchTooDeepToBeFollowedAreNotKeptForItsWork) {
  for (const std::uint32_t depth : {4U, 5U}) {
    Forks forks({.depth_max = depth, .seconds_max = 0, .side_bytes_max = 1});
    const auto ours = forks.branch("m", 5);
    forks.f.accept_all({ours.begin(), ours.end() - 1});
    const auto heavy = forks.branch("h", 3);
    forks.f.accept_all(heavy);
    forks.f.accept(ours.back());
    const Block next = forks.branch("n", 1, ours.back().header)[0];
    forks.f.accept(next);
    EXPECT_EQ(is_kept(forks, heavy[0]), depth == 5);
  }
}

/// The index of them is read anew then.
TEST(SideBlocks, AreBoundedAfterAWriteThatFailed) {
  Forks forks({.side_bytes_max = 1, .side_branch_bytes_max = 0});
  forks.f.accept_all(forks.branch("m", 5));
  auto branch = forks.branch("b", 4);
  const Block next = branch.back();
  branch.pop_back();
  forks.f.accept_all(branch);
  forks.f.store.fail_apply(0);
  ASSERT_FALSE(forks.f.state.accept(next));
  const Block last = forks.branch("last", 1)[0];
  forks.f.accept(last);
  EXPECT_TRUE(forks.f.store.header(hash_of(last)).value().has_value());
  for (const Block& block : branch)
    EXPECT_FALSE(forks.f.store.header(hash_of(block)).value().has_value());
}

TEST(SideBlocks, OfALongBranchAreKnownAfterARestart) {
  Forks forks;
  forks.f.accept_all(forks.branch("m", 40));
  const auto branch = forks.branch("b", 41);
  for (const Block& block : branch) {
    node::ChainState state(forks.f.store, forks.f.builder.chain(), forks.f.clock, same_in_both({}));
    ASSERT_EQ(state.accept(block).value().verdict, Verdict::accepted);
  }
  EXPECT_EQ(forks.f.tip(), hash_of(branch.back()));
}

}  // namespace
}  // namespace bmsg
