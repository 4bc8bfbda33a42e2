// Drafts of charters: a good one, one line broken at a time, and what follows the rules in force.

#include "lib/chain/charter_draft.h"

#include <gtest/gtest.h>

#include "lib/chain/rule_changes.h"
#include "lib/core/hex.h"
#include "tests/support/endorsers.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

class CharterDraftTest : public testing::Test {
 protected:
  const ChainRules& now() const { return builder_.chain(); }
  CharterDraft draft(const Indices& signers = {}) const {
    CharterDraft made = draft_of(now(), next_rules(now().rules));
    for (const std::uint8_t index : signers) sign(made, now(), index, endorser_seed(index));
    return made;
  }
  /// What is said of a draft that is not taken; empty if it is.
  std::string refusal(const CharterDraft& draft, const ChainRules& in_force) const {
    const auto checked = check_draft(draft, in_force);
    if (checked) return "";
    EXPECT_EQ(checked.error().code, Errc::bad_input);
    return checked.error().message;
  }
  std::string refusal(const CharterDraft& draft) const { return refusal(draft, now()); }
  /// The same of a text, whether it does not parse or does not hold.
  std::string fault_of(const std::string& text) const {
    const auto parsed = parse_charter_draft(text);
    if (parsed) return refusal(parsed.value());
    EXPECT_EQ(parsed.error().code, Errc::bad_input);
    return parsed.error().message;
  }
  static void expect_has(const std::string& said, const char* part) {
    EXPECT_NE(said.find(part), std::string::npos) << said;
  }

  ChainBuilder builder_{endorse_rules_text(2, 3)};
};

TEST_F(CharterDraftTest, ComesBackAsItWas) {
  for (const Indices& signers : {Indices{}, Indices{1}, Indices{0, 2}, Indices{0, 1, 2}}) {
    const auto again = parse_charter_draft(print(draft(signers)));
    ASSERT_TRUE(bool(again)) << again.error().message;
    EXPECT_EQ(again.value(), draft(signers));
  }
}

TEST_F(CharterDraftTest, IsWhatEndorsersVoteFor) {
  EXPECT_EQ(draft({0, 2}).charter, voted(now(), next_rules(now().rules), {0, 2}));
  EXPECT_EQ(refusal(draft({0, 2})), "");
  EXPECT_EQ(refusal(draft()), "");  // How many must sign is for the chain to say.
  EXPECT_EQ(check_draft(draft(), now()).value().rules, next_rules(now().rules));
}

TEST_F(CharterDraftTest, TakesEachSignatureOnceInOrder) {
  CharterDraft made = draft({2});
  EXPECT_TRUE(has_vote(made, 2));
  EXPECT_FALSE(has_vote(made, 0));
  sign(made, now(), 0, endorser_seed(0));
  EXPECT_EQ(made, draft({0, 2}));
  sign(made, now(), 2, endorser_seed(2));
  EXPECT_EQ(made, draft({0, 2}));
}

TEST_F(CharterDraftTest, FailsByNameForEachLineThatIsLeftOutOrBroken) {
  const std::string text = print(draft({0, 1}));
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    lines.push_back(text.substr(at, text.find('\n', at) + 1 - at));
  ASSERT_GT(lines.size(), 15U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string line = lines[i];
    // A signature may be left out and then lacks; all else makes it no draft.
    for (const std::string& other : {std::string(), "x" + line, line + line}) {
      if (other.empty() && line.starts_with("vote")) continue;
      lines[i] = other;
      std::string broken;
      for (const std::string& one : lines) broken += one;
      EXPECT_NE(fault_of(broken), "") << other;
    }
    lines[i] = line;
  }
  EXPECT_NE(fault_of(text.substr(0, text.size() - 1)), "");
  EXPECT_NE(fault_of(""), "");
  expect_has(fault_of("bmsg-charter 2" + text.substr(14)), "newer bmsg");
}

TEST_F(CharterDraftTest, FailsForEveryFlippedBitOfItsOwn) {
  const std::string text = print(draft({0, 1}));
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(fault_of(flipped), "") << bit;
  }
}

TEST_F(CharterDraftTest, NamesAVoteThatIsNone) {
  const std::string text = print(draft({1}));
  const std::size_t at = text.find("vote 1 ") + 7;
  expect_has(fault_of(text.substr(0, at) + "AA" + text.substr(at + 2 + 4)), "'vote'");
  expect_has(fault_of(std::string(text).replace(at - 2, 1, "64")), "'vote'");
  expect_has(fault_of(std::string(text).replace(at - 2, 1, "01")), "'vote'");
  expect_has(fault_of(std::string(text).replace(at - 2, 1, "-1")), "'vote'");
  CharterDraft twice = draft({1});
  twice.charter.votes.push_back(twice.charter.votes.front());
  ASSERT_FALSE(bool(parse_charter_draft(print(twice))));
  expect_has(fault_of(print(twice)), "'vote'");
  CharterDraft stranger = draft({0});
  sign(stranger, now(), 3, endorser_seed(3));  // There are three.
  expect_has(refusal(stranger), "3 endorsers");
  CharterDraft forged = draft({0});
  sign(forged, now(), 1, endorser_seed(2));
  expect_has(refusal(forged), "endorser 1 does not hold");
}

TEST_F(CharterDraftTest, NamesRulesThatWereChangedAfterASignature) {
  CharterDraft changed = draft({0});
  RulesText rules = next_rules(now().rules);
  rules.maxttl -= 1;
  changed.charter.rules_text = print(rules);
  expect_has(refusal(changed), "endorser 0 does not hold");
  changed.charter.votes.clear();
  EXPECT_EQ(refusal(changed), "");
}

TEST_F(CharterDraftTest, FollowsTheRulesInForceAndNoOthers) {
  const CharterDraft first = draft({0, 1});
  const ChainRules second{next_rules(now().rules), now().id, {}};
  const CharterDraft then = draft_of(second, next_rules(second.rules));
  const ChainRules third{next_rules(second.rules), now().id, {}};
  expect_has(refusal(first, second), "in force already");
  expect_has(refusal(first, third), "too late");
  expect_has(refusal(then, now()), "follows version 1, and 0 is in force");
  EXPECT_EQ(refusal(then, second), "");
  // The same version number on another branch.
  ChainRules other = second;
  other.rules.stamp += 1;
  expect_has(refusal(then, other), "'follows'");
  CharterDraft foreign = first;
  foreign.chain.data()[0] ^= 1;
  expect_has(refusal(foreign), "another chain");
  CharterDraft named = first;
  RulesText rules = next_rules(now().rules);
  rules.name = "other";
  named.charter = voted(now(), rules, {0, 1});
  expect_has(refusal(named), "name");
}

TEST_F(CharterDraftTest, NeverCrashesOnAnyText) {
  auto numbers = seeded_numbers();
  const std::string text = print(draft({0, 1}));
  for (int i = 0; i < 500; ++i) {
    const Bytes noise = random_bytes(numbers, number_up_to(numbers, 200));
    EXPECT_FALSE(bool(parse_charter_draft(as_text(noise))));
    const std::size_t cut = number_up_to(numbers, static_cast<unsigned>(text.size() - 1));
    EXPECT_NE(fault_of(text.substr(0, cut)), "") << cut;
  }
}

TEST(RuleChanges, SayWhatIsAnother) {
  const RulesText before = parse_rules_text(endorse_rules_text(2, 3)).value();
  RulesText after = before;
  EXPECT_EQ(changes_between(before, after), std::vector<RuleChange>());
  ++after.version;
  EXPECT_EQ(changes_between(before, after), std::vector<RuleChange>());
  after.maxttl = 86400;
  after.endorse = 3;
  after.interval = before.interval + 1;
  const std::vector<RuleChange> limits = {
      {"interval", std::to_string(before.interval), std::to_string(before.interval + 1)},
      {"maxttl", std::to_string(before.maxttl), "86400"},
      {"endorse", "2", "3"}};
  EXPECT_EQ(changes_between(before, after), limits);
}

TEST(RuleChanges, SayWhoComesAndWhoGoes) {
  const RulesText before = parse_rules_text(endorse_rules_text(2, 3)).value();
  const auto hex = [](const EndorserKey& key) { return to_hex(key.view()); };
  const auto extra = relabel<EndorserKey>(crypto::public_key_of(endorser_seed(7)));
  RulesText after = before;
  after.endorsers[1] = extra;
  const std::vector<RuleChange> replaced = {{"endorser", hex(before.endorsers[1]), std::nullopt},
                                            {"endorser", std::nullopt, hex(extra)}};
  EXPECT_EQ(changes_between(before, after), replaced);
  after = before;
  std::swap(after.endorsers[0], after.endorsers[2]);
  const std::vector<RuleChange> turned = {{"endorser", std::nullopt, std::nullopt}};
  EXPECT_EQ(changes_between(before, after), turned);
  after = before;
  after.members = {NodeKey::filled(3)};
  const std::vector<RuleChange> joined = {
      {"member", std::nullopt, to_hex(NodeKey::filled(3).view())}};
  EXPECT_EQ(changes_between(before, after), joined);
}

}  // namespace
}  // namespace bmsg::chain
