#include "lib/node/mempool.h"

#include "tests/node/node_fixture.h"

namespace bmsg {
namespace {

using node::Origin;
using node::Verdict;

constexpr std::size_t kNoLimit = kPoolBytesMax;

std::size_t bytes_of_one() { return NodeFixture().message("0").head.encoded_bytes(); }

/// Room for so many messages of one letter, and how many of them one peer may bring.
NodeFixture room_for(std::size_t all, std::size_t of_giver) {
  const std::size_t one = bytes_of_one();
  return NodeFixture(easy_rules_text(), {}, {.all = all * one, .of_giver = of_giver * one});
}

TEST(Mempool, TakesAMessageOnce) {
  NodeFixture f;
  const Message message = f.message("m");
  EXPECT_EQ(f.submit(message, Origin::own).verdict, Verdict::accepted);
  EXPECT_EQ(f.submit(message, Origin::own).verdict, Verdict::known);
  EXPECT_EQ(f.pool.totals().value().messages, 1U);
  EXPECT_EQ(f.pool.totals().value().bytes, message.head.encoded_bytes());
}

TEST(Mempool, SaysKnownOfAMessageOnTheBestChain) {
  NodeFixture f;
  const Message message = f.message("m");
  f.accept(f.builder.block(f.builder.genesis(), {message}, f.clock.now()));
  EXPECT_EQ(f.submit(message, Origin::peer).verdict, Verdict::known);
  EXPECT_FALSE(f.is_pooled(message));
}

TEST(Mempool, RefusesWhatNoBlockMayHold) {
  NodeFixture f;
  Message bodiless = f.message("m");
  bodiless.body.reset();
  EXPECT_EQ(f.submit(bodiless, Origin::peer).violation->rule, chain::Rule::body);
  Message chunk = f.message("m");
  chunk.head.suite = Suite::chunk;
  EXPECT_EQ(f.submit(chunk, Origin::peer).violation->rule, chain::Rule::suite);
  Message charter = f.message("m");
  charter.head.suite = Suite::charter;
  EXPECT_EQ(f.submit(charter, Origin::peer).violation->rule, chain::Rule::charter);
  charter.head.chain = ChainTag::filled(1);
  EXPECT_EQ(f.submit(charter, Origin::peer).violation->rule, chain::Rule::chain)
      << "it may be a good one over there";
  Message expired = f.message("m");
  expired.head.ttl = 60;
  f.clock.advance(60);
  EXPECT_EQ(f.submit(expired, Origin::peer).violation->rule, chain::Rule::expired);
  EXPECT_EQ(f.pool.totals().value().messages, 0U);
}

TEST(Mempool, HoldsAMessageOf121SecondsAheadAndTakesOneOf120) {
  NodeFixture f;
  const Message ahead = f.builder.public_message("m", UnixSeconds{f.clock.now().value + 121});
  EXPECT_EQ(f.submit(ahead, Origin::own).verdict, Verdict::held);
  f.clock.advance(1);
  EXPECT_EQ(f.submit(ahead, Origin::own).verdict, Verdict::accepted);
}

TEST(Mempool, TakesUpToItsLimitAndNotAByteMore) {
  const std::size_t one = bytes_of_one();
  for (const std::size_t lacking : {0U, 1U}) {
    NodeFixture f(easy_rules_text(), {}, {.all = 2 * one - lacking, .of_giver = kNoLimit});
    EXPECT_EQ(f.submit(f.message("1", 64), Origin::own).verdict, Verdict::accepted);
    const auto second = f.submit(f.message("2"), Origin::own);
    EXPECT_EQ(second.verdict, lacking == 0 ? Verdict::accepted : Verdict::held);
  }
}

TEST(Mempool, GivesAPeerItsShareAndNotAByteMore) {
  const std::size_t one = bytes_of_one();
  for (const std::size_t lacking : {0U, 1U}) {
    NodeFixture f(easy_rules_text(), {}, {.all = 4 * one, .of_giver = 2 * one - lacking});
    EXPECT_EQ(f.submit(f.message("1", 2000), Origin::peer).verdict, Verdict::accepted);
    const auto second = f.submit(f.message("2"), Origin::peer);
    EXPECT_EQ(second.verdict, lacking == 0 ? Verdict::accepted : Verdict::refused);
    EXPECT_EQ(second.room, lacking == 0 ? node::Room::enough : node::Room::share_full);
    EXPECT_EQ(f.submit(f.message("3"), Origin::own).verdict, Verdict::accepted);
  }
}

/// Of somebody who has brought nothing yet.
TEST(Mempool, TakesAFirstMessageThatIsAsLargeAsAShareAndNotAByteMore) {
  const std::size_t one = bytes_of_one();
  for (const std::size_t lacking : {0U, 1U}) {
    NodeFixture f(easy_rules_text(), {}, {.all = 4 * one, .of_giver = one - lacking});
    const auto first = f.submit(f.message("1", 2000), Origin::peer);
    EXPECT_EQ(first.verdict, lacking == 0 ? Verdict::accepted : Verdict::refused);
    EXPECT_EQ(first.room, lacking == 0 ? node::Room::enough : node::Room::share_full);
  }
}

TEST(Mempool, LetsOnePeerInWhereAnotherHasFilledItsShare) {
  NodeFixture f = room_for(4, 1);
  const auto give = [&](const std::string& text, std::uint64_t giver) {
    return f.pool.submit({f.message(text, 2000)}, node::Source{Origin::peer, giver}).value()[0];
  };
  ASSERT_EQ(give("1", 7).verdict, Verdict::accepted);
  const Message worse = f.message("2");
  const auto refused = f.pool.submit({worse}, node::Source{Origin::peer, 7}).value()[0];
  EXPECT_EQ(refused.verdict, Verdict::refused);
  EXPECT_EQ(refused.room, node::Room::share_full);
  EXPECT_NE(refused.violation->detail.find("one peer"), std::string::npos);
  EXPECT_EQ(give("3", 8).verdict, Verdict::accepted);
  EXPECT_EQ(give("4", 9).verdict, Verdict::accepted);
  EXPECT_EQ(give("5", 10).verdict, Verdict::accepted);
  // Now all of it is in use.
  const auto none = f.pool.submit({worse}, node::Source{Origin::peer, 11}).value()[0];
  EXPECT_EQ(none.verdict, Verdict::refused);
  EXPECT_EQ(none.room, node::Room::pool_full);
}

TEST(Mempool, KnowsWhoBroughtWhatWhenItIsReadAgain) {
  NodeFixture f = room_for(4, 1);
  const auto give = [&](const Message& message, std::uint64_t giver) {
    return f.pool.submit({message}, node::Source{Origin::peer, giver}).value()[0].verdict;
  };
  ASSERT_EQ(give(f.message("1", 2000), 7), Verdict::accepted);
  f.pool.forget_index();
  EXPECT_EQ(give(f.message("2"), 7), Verdict::refused);
  EXPECT_EQ(give(f.message("2"), 8), Verdict::accepted);
}

TEST(Mempool, MakesRoomForAPeersBetterMessageInItsOwnShareOnly) {
  NodeFixture f = room_for(4, 1);
  const Message low = f.message("1");
  const Message others = f.message("2");
  const Message high = f.message("3", 50'000);
  ASSERT_TRUE(f.pool.submit({low}, node::Source{Origin::peer, 7}));
  ASSERT_TRUE(f.pool.submit({others}, node::Source{Origin::peer, 8}));
  ASSERT_EQ(f.pool.submit({high}, node::Source{Origin::peer, 7}).value()[0].verdict,
            Verdict::accepted);
  EXPECT_FALSE(f.is_pooled(low));
  EXPECT_TRUE(f.is_pooled(others));
  EXPECT_TRUE(f.is_pooled(high));
}

TEST(Mempool, DropsOneThatCountsTwiceOnce) {
  // The least of its giver's share is the least of all, too; dropping it makes room for one.
  NodeFixture f = room_for(2, 1);
  const Message low = f.message("1");
  const Message middle = f.message("2", 10'000);
  const Message high = f.message("3", 50'000);
  ASSERT_TRUE(f.pool.submit({low}, node::Source{Origin::peer, 7}));
  ASSERT_TRUE(f.pool.submit({middle}, node::Source{Origin::peer, 8}));
  ASSERT_EQ(f.pool.submit({high}, node::Source{Origin::peer, 7}).value()[0].verdict,
            Verdict::accepted);
  EXPECT_EQ(f.pooled().size(), 2U);
  EXPECT_TRUE(f.is_pooled(middle));
}

TEST(Mempool, RemembersOnlyGiversOfWhatIsHere) {
  NodeFixture f = room_for(3, 3);
  for (std::uint64_t giver = 1; giver <= 100; ++giver) {
    const Message message = f.message(std::to_string(giver % 10), giver * 100);
    ASSERT_TRUE(f.pool.submit({message}, node::Source{Origin::peer, giver}));
    ASSERT_LE(f.pool.givers().value(), f.pooled().size());
  }
  EXPECT_LE(f.pool.givers().value(), 3U);
  ASSERT_TRUE(f.pool.submit({f.message("a"), f.message("b"), f.message("c")}, Origin::own));
  EXPECT_EQ(f.pool.givers().value(), 0U);
}

TEST(Mempool, FindsRoomForOurOwnAmongBetterStampsOfOthers) {
  NodeFixture f = room_for(1, 1);
  const Message theirs = f.message("1", 50'000);
  ASSERT_EQ(f.submit(theirs, Origin::peer).verdict, Verdict::accepted);
  EXPECT_EQ(f.submit(f.message("2"), Origin::own).verdict, Verdict::accepted);
  EXPECT_FALSE(f.is_pooled(theirs));
}

TEST(Mempool, SortsByRankAndWhatIsNotHereLast) {
  NodeFixture f;
  const Message low = f.message("1", 100);
  const Message high = f.message("2", 100'000);
  ASSERT_TRUE(f.pool.submit({low, high}, Origin::own));
  std::vector<MessageId> ids{id_of(f.message("elsewhere")), id_of(low), id_of(high)};
  ASSERT_TRUE(f.pool.sort_by_rank(ids));
  EXPECT_EQ(ids, (std::vector{id_of(high), id_of(low), id_of(f.message("elsewhere"))}));
}

TEST(Mempool, EvictsTheLowestRankOfPeersForABetterOne) {
  NodeFixture f = room_for(4, 2);
  const Message low = f.message("1", 16);
  const Message middle = f.message("2", 4'000);
  ASSERT_EQ(f.submit(middle, Origin::peer).verdict, Verdict::accepted);
  ASSERT_LT(chain::stamp_achieved(id_of(low), low.nonce), 4'000U);
  ASSERT_EQ(f.submit(low, Origin::peer).verdict, Verdict::accepted);
  const Message high = f.message("3", 50'000);
  EXPECT_EQ(f.submit(high, Origin::peer).verdict, Verdict::accepted);
  EXPECT_FALSE(f.is_pooled(low));
  EXPECT_TRUE(f.is_pooled(middle));
  EXPECT_TRUE(f.is_pooled(high));
}

TEST(Mempool, DropsNothingForAMessageThatItRefuses) {
  // Better than what is there, and still too much for the share of peers.
  const std::size_t one = bytes_of_one();
  NodeFixture f(easy_rules_text(), {}, {.all = one, .of_giver = one - 1});
  const Message own = f.message("1");
  ASSERT_EQ(f.submit(own, Origin::own).verdict, Verdict::accepted);
  EXPECT_EQ(f.submit(f.message("2", 5'000), Origin::peer).verdict, Verdict::refused);
  EXPECT_TRUE(f.is_pooled(own));
}

TEST(Mempool, NeverDropsOurOwnForPeers) {
  NodeFixture f = room_for(1, 1);
  const Message own = f.message("1");
  ASSERT_EQ(f.submit(own, Origin::own).verdict, Verdict::accepted);
  EXPECT_EQ(f.submit(f.message("2", 50'000), Origin::peer).verdict, Verdict::refused);
  EXPECT_TRUE(f.is_pooled(own));
}

TEST(Mempool, ProtectsAMessageOfOursThatAPeerBroughtFirst) {
  NodeFixture f = room_for(1, 1);
  const Message own = f.message("1");
  ASSERT_EQ(f.submit(own, Origin::peer).verdict, Verdict::accepted);
  EXPECT_EQ(f.submit(own, Origin::own).verdict, Verdict::known);
  EXPECT_EQ(f.submit(f.message("2", 50'000), Origin::peer).verdict, Verdict::refused);
  node::Mempool again(f.store, f.builder.chain(), f.clock,
                      {.all = bytes_of_one(), .of_giver = bytes_of_one()});
  EXPECT_EQ(again.submit({f.message("2", 50'000)}, Origin::peer).value()[0].verdict,
            Verdict::refused);
  EXPECT_TRUE(f.is_pooled(own));
}

TEST(Mempool, HoldsOurOwnWhenItIsFullOfOurs) {
  NodeFixture f = room_for(1, 1);
  ASSERT_EQ(f.submit(f.message("1"), Origin::own).verdict, Verdict::accepted);
  EXPECT_EQ(f.submit(f.message("2", 50'000), Origin::own).verdict, Verdict::held);
}

TEST(Mempool, SaysRefusedOfWhatALaterMessageOfTheSameHandOverPushedOut) {
  NodeFixture f = room_for(1, 1);
  const Message low = f.message("1");
  const Message high = f.message("2", 50'000);
  const auto outcomes = f.pool.submit({low, high, low}, Origin::peer).value();
  EXPECT_EQ(outcomes[0].verdict, Verdict::refused);
  EXPECT_EQ(outcomes[1].verdict, Verdict::accepted);
  EXPECT_EQ(outcomes[2].verdict, Verdict::refused);
  EXPECT_EQ(f.pooled().size(), 1U);
  EXPECT_TRUE(f.is_pooled(high));
}

TEST(Mempool, ReplacesAStampByOneTwiceAsGoodAndByNoOther) {
  NodeFixture f;
  Message message = f.message("m", 100);
  const MessageId id = id_of(message);
  const std::uint64_t first = chain::stamp_achieved(id, message.nonce);
  ASSERT_EQ(f.submit(message, Origin::own).verdict, Verdict::accepted);
  Message better = message;
  do ++better.nonce;
  while (chain::stamp_achieved(id, better.nonce) <= first ||
         chain::stamp_achieved(id, better.nonce) >= 2 * first);
  EXPECT_EQ(f.submit(better, Origin::peer).verdict, Verdict::known);
  EXPECT_EQ(f.pooled().at(id), message.nonce);
  while (chain::stamp_achieved(id, better.nonce) < 2 * first) ++better.nonce;
  EXPECT_EQ(f.submit(better, Origin::peer).verdict, Verdict::accepted);
  EXPECT_EQ(f.pooled().at(id), better.nonce);
  EXPECT_EQ(f.pool.totals().value().messages, 1U);
  EXPECT_EQ(f.store.pooled(id).value()->origin, Origin::own);
}

TEST(Mempool, PicksTheHighestRankFirstAndGivesThemInTheOrderOfIds) {
  // Bodies so large that three fill a block.
  NodeFixture f(easy_rules_text("maxblock", "65536"));
  std::vector<Message> messages;
  for (std::uint64_t i = 0; i < 4; ++i) {
    Message message = f.message(std::to_string(i));
    f.builder.set_body(message, Bytes(20'000, static_cast<std::uint8_t>(i)));
    while (chain::stamp_achieved(id_of(message), message.nonce) < (std::uint64_t{1} << (4 * i)))
      ++message.nonce;
    messages.push_back(message);
  }
  std::ranges::sort(messages, {}, [](const Message& message) {
    return chain::stamp_achieved(id_of(message), message.nonce);
  });
  ASSERT_TRUE(bool(f.pool.submit(messages, Origin::own)));
  const auto picked = f.pool.pick(f.clock.now()).value();
  ASSERT_EQ(picked.size(), 3U);
  EXPECT_TRUE(std::ranges::is_sorted(picked, {}, id_of));
  EXPECT_EQ(std::ranges::count(picked, id_of(messages[0]), id_of), 0);
}

TEST(Mempool, PicksUpToMaxblockAndNotAByteMore) {
  for (const std::uint32_t excess : {0U, 1U}) {
    NodeFixture f(easy_rules_text("maxblock", "65536"));
    Message first = f.message("1");
    Message second = f.message("2");
    f.builder.set_body(first, Bytes(30'000, 1));
    const std::size_t left = 65'536 - first.head.encoded_bytes();
    f.builder.set_body(second, Bytes(left - kHeadBytesFixed - kNonceBytes + excess, 2));
    ASSERT_TRUE(bool(f.pool.submit({first, second}, Origin::own)));
    EXPECT_EQ(f.pool.pick(f.clock.now()).value().size(), excess == 0 ? 2U : 1U);
  }
}

TEST(Mempool, PicksNothingThatHasExpiredAtTheTimeOfTheBlock) {
  NodeFixture f;
  Message brief = f.message("m");
  brief.head.ttl = 60;
  f.builder.stamp(brief);
  ASSERT_EQ(f.submit(brief, Origin::own).verdict, Verdict::accepted);
  EXPECT_EQ(f.pool.pick(UnixSeconds{f.clock.now().value + 59}).value().size(), 1U);
  EXPECT_EQ(f.pool.pick(UnixSeconds{f.clock.now().value + 60}).value().size(), 0U);
}

TEST(Mempool, ForgetsAnExpiredMessageWhenItIsReadAgain) {
  NodeFixture f;
  Message brief = f.message("m");
  brief.head.ttl = 60;
  f.builder.stamp(brief);
  ASSERT_EQ(f.submit(brief, Origin::own).verdict, Verdict::accepted);
  f.clock.advance(60);
  ASSERT_TRUE(bool(f.pool.trim()));
  EXPECT_FALSE(f.is_pooled(brief));
}

TEST(Mempool, TrimsWhatBlocksBroughtBackButNotOurOwn) {
  NodeFixture f = room_for(1, 1);
  const Message own = f.message("1");
  ASSERT_EQ(f.submit(own, Origin::own).verdict, Verdict::accepted);
  f.accept_all(f.builder.blocks(f.builder.genesis(), 2));
  const Message lost = f.message("2", 5'000);
  f.accept(f.builder.block(f.builder.genesis(), {lost}, f.clock.now()));
  ASSERT_TRUE(f.is_pooled(lost));
  ASSERT_TRUE(bool(f.pool.trim()));
  EXPECT_FALSE(f.is_pooled(lost));
  EXPECT_TRUE(f.is_pooled(own));
}

TEST(Mempool, SaysNothingIsAcceptedIfTheStoreFails) {
  NodeFixture f;
  f.store.fail_apply(0);
  const auto failed = f.pool.submit({f.message("m")}, Origin::own);
  ASSERT_FALSE(bool(failed));
  EXPECT_EQ(f.pool.totals().value().messages, 0U);
  EXPECT_EQ(f.submit(f.message("m"), Origin::own).verdict, Verdict::accepted);
}

}  // namespace
}  // namespace bmsg
