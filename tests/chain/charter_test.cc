// Charters: a good one, one thing broken at a time, and both sides of the votes that are needed.

#include "lib/chain/charter.h"

#include <gtest/gtest.h>

#include "lib/chain/block_rules.h"
#include "lib/core/codec.h"
#include "tests/support/endorsers.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

bool never(const MessageId&) { return false; }

class CharterTest : public testing::Test {
 protected:
  const RulesText& now() const { return builder_.chain().rules; }
  std::optional<Violation> violation_of(const Charter& charter) const {
    return find_charter_violation(encode(charter), builder_.chain(), 2);
  }
  Charter good(const Indices& voters = {0, 1}) const {
    return voted(builder_.chain(), next_rules(now()), voters);
  }
  /// What is said of rules that all have voted for.
  std::string detail_of(const RulesText& next) const {
    const auto found = violation_of(voted(builder_.chain(), next, {0, 1, 2}));
    if (!found) return "";
    EXPECT_EQ(found->rule, Rule::charter);
    return found->detail;
  }
  Message message(const Charter& charter) const {
    return charter_message(builder_, charter, builder_.genesis().time);
  }
  std::optional<Rule> rule_of(const Block& block) const {
    const auto found = find_violation(block, ids_of(block), builder_.chain(), never);
    return found ? std::optional(found->rule) : std::nullopt;
  }

  ChainBuilder builder_{endorse_rules_text(2, 3)};
};

TEST_F(CharterTest, ComesBackAsItWas) { EXPECT_EQ(decode_charter(encode(good())).value(), good()); }

TEST_F(CharterTest, HoldsWithEnoughVotesOfAnyone) {
  EXPECT_FALSE(violation_of(good({0, 1})));
  EXPECT_FALSE(violation_of(good({0, 2})));
  EXPECT_FALSE(violation_of(good({0, 1, 2})));
  EXPECT_EQ(violation_of(good({1}))->rule, Rule::charter);
  EXPECT_EQ(violation_of(good({}))->rule, Rule::charter);
}

TEST_F(CharterTest, NeedsEveryVoteGoodInOrderAndOfAnEndorser) {
  Charter charter = good({0, 1, 2});
  charter.votes[2].signature.data()[5] ^= 1;
  EXPECT_TRUE(violation_of(charter));
  charter = good();
  std::swap(charter.votes[0], charter.votes[1]);
  EXPECT_TRUE(violation_of(charter));
  charter = good();
  charter.votes[1] = charter.votes[0];
  EXPECT_TRUE(violation_of(charter));
  charter = good({0, 3});  // A good signature, of nobody in these rules.
  EXPECT_TRUE(violation_of(charter));
}

TEST_F(CharterTest, WantsTheNextVersionAndWhatNeverChanges) {
  EXPECT_EQ(detail_of(next_rules(now())), "");
  RulesText next = next_rules(now());
  ++next.version;
  EXPECT_NE(detail_of(next).find("version 2 after version 0"), std::string::npos);
  next.version = 0;
  EXPECT_NE(detail_of(next).find("version"), std::string::npos);
  next = next_rules(now());
  next.name = "other";
  EXPECT_NE(detail_of(next).find("name"), std::string::npos);
  next = next_rules(now());
  ++next.time;
  EXPECT_NE(detail_of(next).find("time"), std::string::npos);
  next = next_rules(now());
  next.access = Access::members;
  next.members = {NodeKey::filled(1)};
  EXPECT_NE(detail_of(next).find("access"), std::string::npos);
  next = parse_rules_text(easy_rules_text()).value();
  next.version = 1;
  ASSERT_EQ(next.name, now().name);
  EXPECT_NE(detail_of(next).find("mode"), std::string::npos);
}

TEST_F(CharterTest, MayChangeEndorsersTheirNumberAndLimits) {
  RulesText next = next_rules(now());
  next.endorsers.pop_back();
  EXPECT_EQ(detail_of(next), "");
  next.interval = 60;
  next.maxttl = 86400;
  EXPECT_EQ(detail_of(next), "");
}

TEST_F(CharterTest, VotesAreGoodForOneSuccessionOfOneChain) {
  // Votes for other rules that were just the same before them.
  Charter charter = good();
  charter.rules_text = print([&] {
    RulesText other = next_rules(now());
    other.maxmessage += 1;
    return other;
  }());
  EXPECT_TRUE(violation_of(charter));
  // The same text after other rules: here, a version that somebody else voted for.
  ChainRules other = builder_.chain();
  other.rules.maxblock -= 1;
  EXPECT_FALSE(find_charter_violation(encode(good()), builder_.chain(), 2));
  EXPECT_TRUE(find_charter_violation(encode(good()), other, 2));
  other = builder_.chain();
  other.id.data()[0] ^= 1;
  EXPECT_TRUE(find_charter_violation(encode(good()), other, 2));
}

TEST_F(CharterTest, FailsForEveryFlippedBit) {
  const Bytes body = encode(good());
  for (std::size_t bit = 0; bit < 8 * body.size(); ++bit) {
    Bytes flipped = body;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_TRUE(find_charter_violation(flipped, builder_.chain(), 2)) << bit;
  }
}

TEST_F(CharterTest, NeverCrashesOnAnyBody) {
  auto numbers = seeded_numbers();
  for (int i = 0; i < 500; ++i) {
    EXPECT_TRUE(find_charter_violation(random_bytes(numbers, number_up_to(numbers, 300)),
                                       builder_.chain(), 2));
  }
  EXPECT_TRUE(find_charter_violation({}, builder_.chain(), 2));
}

TEST_F(CharterTest, StandsInABlockOnce) {
  const Message one = message(good());
  const Message other = message(good({0, 2}));
  EXPECT_EQ(rule_of(builder_.block(builder_.genesis(), {one})), std::nullopt);
  EXPECT_EQ(rule_of(builder_.block(builder_.genesis(), {one, other})), Rule::charter);
  EXPECT_EQ(rule_of(builder_.block(builder_.genesis(), {message(good({0}))})), Rule::charter);
}

TEST_F(CharterTest, OfAnotherBodyThanItsHeadBlamesTheBody) {
  Block block = builder_.block(builder_.genesis(), {message(good())});
  block.messages[0].body = encode(good({0, 2}));
  EXPECT_EQ(rule_of(block), Rule::body);
  block.messages[0].body->back() ^= 1;  // Which would be no rules.
  EXPECT_EQ(rule_of(block), Rule::body);
  block.messages[0].body.reset();
  EXPECT_EQ(rule_of(block), Rule::body);
}

TEST_F(CharterTest, IsRefusedOnProofOfWork) {
  const ChainBuilder pow;
  const auto found = find_charter_violation(encode(good()), pow.chain(), 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rule, Rule::charter);
}

TEST_F(CharterTest, MakesTheRulesAfterItsBlock) {
  const Block with = builder_.block(builder_.genesis(), {message(good())});
  const auto after = rules_after(with, builder_.chain());
  ASSERT_TRUE(bool(after));
  EXPECT_EQ(after.value().rules, next_rules(now()));
  EXPECT_EQ(after.value().id, builder_.chain().id);
  EXPECT_NE(after.value().tag, builder_.chain().tag);
  const Block without = builder_.block(builder_.genesis());
  EXPECT_EQ(rules_after(without, builder_.chain()).value().tag, builder_.chain().tag);
  const Block bad = builder_.block(builder_.genesis(), {message(good({1}))});
  EXPECT_FALSE(bool(rules_after(bad, builder_.chain())));
  EXPECT_EQ(rules_after(bad, ChainBuilder().chain()).value().rules.mode, Mode::pow);
}

}  // namespace
}  // namespace bmsg::chain
