// Evidence: what holds, and that nothing else does.

#include "lib/chain/evidence.h"

#include <gtest/gtest.h>

#include "tests/support/endorsers.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

class EvidenceTest : public testing::Test {
 protected:
  std::uint64_t generation() const { return generation_seconds(builder_.chain().rules); }
  /// A child of genesis so many seconds later, signed by these.
  SealedHeader child(std::uint64_t later, const Indices& signers) {
    return child_of(builder_.genesis(), later, signers);
  }
  SealedHeader child_of(const Header& parent, std::uint64_t later, const Indices& signers) {
    const Block block = signed_by(
        builder_, builder_.block(parent, {}, UnixSeconds{parent.time.value + later}), signers);
    return {block.header, block.seal};
  }
  std::vector<Evidence> find(const SealedHeader& one, const SealedHeader& other) const {
    return find_evidence(builder_.chain(), builder_.genesis(), one, other);
  }
  Evidence good() { return find(child(10, {0, 1}), child(20, {1, 2})).at(0); }
  static std::string why(const Evidence& evidence) {
    const auto checked = check_evidence(evidence);
    return checked ? "" : checked.error().message;
  }
  /// With both signatures made anew for what stands there.
  Evidence signed_anew(Evidence evidence) const {
    const std::uint8_t i = evidence.index;
    evidence.first_signature = endorsed(evidence.chain, hash_of(evidence.first), i).signature;
    evidence.second_signature = endorsed(evidence.chain, hash_of(evidence.second), i).signature;
    return evidence;
  }

  ChainBuilder builder_{endorse_rules_text(2, 3)};
};

TEST_F(EvidenceTest, IsFoundOfEachWhoSignedBothInEitherOrder) {
  const SealedHeader one = child(10, {0, 1, 2});
  const SealedHeader other = child(20, {0, 2});
  const auto found = find(one, other);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found, find(other, one));
  for (const Evidence& evidence : found) {
    EXPECT_EQ(check_evidence(evidence).value(), builder_.chain().rules.endorsers[evidence.index]);
  }
  EXPECT_EQ(found[0].index, 0);
  EXPECT_EQ(found[1].index, 2);
}

TEST_F(EvidenceTest, IsNotFoundOfWhatIsAllowed) {
  EXPECT_TRUE(find(child(10, {0}), child(20, {1})).empty());
  const SealedHeader same = child(10, {0, 1});
  EXPECT_TRUE(find(same, same).empty());
  SealedHeader more = same;
  more.seal = child(10, {0, 1, 2}).seal;
  EXPECT_TRUE(find(same, more).empty());
}

TEST_F(EvidenceTest, GoesByGenerationsOnBothSidesOfTheirBorder) {
  EXPECT_EQ(generation(), 3 * builder_.chain().rules.interval);
  EXPECT_EQ(find(child(1, {0}), child(generation() - 1, {0})).size(), 1U);
  EXPECT_TRUE(find(child(generation() - 1, {0}), child(generation(), {0})).empty());
  EXPECT_EQ(find(child(generation(), {0}), child(2 * generation() - 1, {0})).size(), 1U);
}

TEST_F(EvidenceTest, ComesBackAsItWas) {
  EXPECT_EQ(parse_evidence(print(good())).value(), good());
  EXPECT_LT(print(good()).size(), kEvidenceBytesMax);
}

TEST_F(EvidenceTest, HoldsOnlyAsItWas) {
  ASSERT_EQ(why(good()), "");
  Evidence bad = good();
  bad.first_signature.data()[0] ^= 1;
  EXPECT_NE(why(bad).find("signature"), std::string::npos);
  bad = good();
  std::swap(bad.first_signature, bad.second_signature);
  EXPECT_NE(why(bad).find("signature"), std::string::npos);
  bad = good();
  bad.index = 0;  // Who signed one of them.
  EXPECT_NE(why(bad).find("signature"), std::string::npos);
  bad = good();
  bad.index = 3;
  EXPECT_NE(why(bad).find("no such endorser"), std::string::npos);
  bad = good();
  bad.index = 255;
  EXPECT_NE(why(bad).find("no such endorser"), std::string::npos);
}

TEST_F(EvidenceTest, NeedsTwoBlocksInOrder) {
  Evidence bad = good();
  bad.second = bad.first;
  bad.second_signature = bad.first_signature;
  EXPECT_NE(why(bad), "");
  bad = good();
  std::swap(bad.first, bad.second);
  std::swap(bad.first_signature, bad.second_signature);
  EXPECT_NE(why(bad).find("not after"), std::string::npos);
}

TEST_F(EvidenceTest, NeedsOneParent) {
  const SealedHeader parent = child(10, {0, 1});
  const SealedHeader grandchild = child_of(parent.header, 10, {1});
  Evidence bad = good();
  bad.parent = parent.header;
  EXPECT_NE(why(bad).find("another parent"), std::string::npos);
  bad = good();
  bad.first = grandchild.header;
  EXPECT_NE(why(signed_anew(bad)).find("another parent"), std::string::npos);
}

TEST_F(EvidenceTest, NeedsOneGeneration) {
  const SealedHeader one = child(generation() - 1, {1});
  const SealedHeader other = child(generation(), {1});
  Evidence bad = good();
  const bool in_order = hash_of(one.header) < hash_of(other.header);
  bad.first = in_order ? one.header : other.header;
  bad.second = in_order ? other.header : one.header;
  EXPECT_NE(why(signed_anew(bad)).find("two generations"), std::string::npos);
  const SealedHeader early = child(10, {1});
  bad.first = hash_of(one.header) < hash_of(early.header) ? one.header : early.header;
  bad.second = hash_of(one.header) < hash_of(early.header) ? early.header : one.header;
  EXPECT_EQ(why(signed_anew(bad)), "");
}

TEST_F(EvidenceTest, NeedsBlocksLaterThanTheirParent) {
  Evidence bad = good();
  bad.first.time = bad.parent.time;
  EXPECT_NE(why(signed_anew(bad)).find("no later"), std::string::npos);
  bad.first.time.value -= 1;
  EXPECT_NE(why(signed_anew(bad)).find("no later"), std::string::npos);
}

TEST_F(EvidenceTest, NeedsTheRulesOfBothBlocks) {
  // Rules with a longer interval would make one generation of two.
  Evidence bad = good();
  RulesText weak = builder_.chain().rules;
  weak.interval *= 2;
  bad.rules_text = print(weak);
  EXPECT_NE(why(bad), "");
  weak.version = 1;  // A charter might have brought them, but the headers name others.
  bad.rules_text = print(weak);
  EXPECT_NE(why(signed_anew(bad)).find("other rules"), std::string::npos);
  bad.rules_text = easy_rules_text();
  bad.chain = chain_id_of(bad.rules_text);
  EXPECT_NE(why(bad).find("nobody endorses"), std::string::npos);
  bad.rules_text += "x";
  EXPECT_NE(why(bad), "");
}

TEST_F(EvidenceTest, IsOfOneChain) {
  Evidence bad = good();
  bad.chain.data()[0] ^= 1;
  EXPECT_NE(why(bad).find("another chain"), std::string::npos);
  EXPECT_NE(why(signed_anew(bad)).find("another chain"), std::string::npos);
}

TEST_F(EvidenceTest, DoesNotParseWithAnyLineChangedMissingOrTwice) {
  const std::string text = print(good());
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    lines.push_back(text.substr(at, text.find('\n', at) + 1 - at));
  ASSERT_EQ(lines.size(), 9U);
  const auto holds = [](const std::vector<std::string>& all) {
    std::string joined;
    for (const std::string& line : all) joined += line;
    const auto parsed = parse_evidence(joined);
    return parsed && check_evidence(parsed.value());
  };
  EXPECT_TRUE(holds(lines));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto changed = lines;
    changed[i][changed[i].find(' ') + 1] ^= 1;
    EXPECT_FALSE(holds(changed)) << lines[i];
    changed = lines;
    changed[i].insert(changed[i].size() - 1, " ");
    EXPECT_FALSE(holds(changed)) << lines[i];
    changed = lines;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(holds(changed)) << lines[i];
    changed = lines;
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    EXPECT_FALSE(holds(changed)) << lines[i];
  }
  EXPECT_FALSE(parse_evidence(text + "more 1\n"));
  EXPECT_FALSE(parse_evidence(text.substr(0, text.size() - 1)));
  EXPECT_FALSE(parse_evidence(""));
}

TEST_F(EvidenceTest, NeverHoldsWithAnAlteredByte) {
  auto numbers = seeded_numbers();
  const Bytes text = to_bytes(print(good()));
  for (int i = 0; i < 500; ++i) {
    const Bytes altered = mutated(numbers, text);
    const auto parsed = parse_evidence(as_text(altered));
    EXPECT_TRUE(altered == text || !parsed || !check_evidence(parsed.value()));
  }
}

}  // namespace
}  // namespace bmsg::chain
