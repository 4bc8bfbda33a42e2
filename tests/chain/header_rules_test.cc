// Header rules: a valid header, one thing broken at a time, and each limit from both sides.

#include "lib/chain/header_rules.h"

#include <gtest/gtest.h>

#include <set>

#include "lib/chain/block_hash.h"
#include "lib/chain/schedule.h"
#include "lib/chain/work.h"
#include "lib/core/codec.h"
#include "tests/support/chain_builder.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

constexpr std::uint64_t kLargest = 0xffffffffffffffff;

/// A chain where the target lets one hash in 256 pass, so that a changed header has no work.
std::string harder_rules_text() { return easy_rules_text("floor", "2000ffff"); }

class HeaderRules : public testing::Test {
 protected:
  explicit HeaderRules(std::string rules_text = harder_rules_text())
      : builder_(std::move(rules_text)) {}

  /// The rule that breaks; nullopt if none does.
  std::optional<Rule> rule_of(const SealedHeader& sealed) const {
    const auto violation = find_violation(sealed, builder_.context_after(parent_));
    return violation ? std::optional(violation->rule) : std::nullopt;
  }
  std::optional<Rule> rule_of(const Header& header) const {
    return rule_of(SealedHeader{header, {}});
  }
  /// A valid child dated `time`, with bits for it, mined.
  Header dated(std::uint64_t time) const {
    SealedHeader sealed{header_, {}};
    sealed.header.time = UnixSeconds{time};
    if (time > parent_.time.value) {
      sealed.header.bits = bits_needed(builder_.chain().rules, parent_, sealed.header.time);
    }
    builder_.mine(sealed);
    return sealed.header;
  }

  ChainBuilder builder_;
  Header parent_ = builder_.blocks(builder_.genesis(), 3).back().header;
  Header header_ = builder_.block(parent_).header;
};

TEST_F(HeaderRules, AcceptAValidHeader) { EXPECT_EQ(rule_of(header_), std::nullopt); }

TEST_F(HeaderRules, NameTheFieldThatIsWrong) {
  Header header = header_;
  ++header.height.value;
  EXPECT_EQ(rule_of(header), Rule::height);

  header = header_;
  header.height.value -= 1;
  EXPECT_EQ(rule_of(header), Rule::height);

  header = header_;
  header.previous.data()[63] ^= 1;
  EXPECT_EQ(rule_of(header), Rule::previous);

  header = header_;
  header.rules.data()[0] ^= 1;
  EXPECT_EQ(rule_of(header), Rule::rules);

  header = header_;
  header.past.data()[0] ^= 1;
  EXPECT_EQ(rule_of(header), Rule::past);

  header = header_;
  ++header.bits.value;
  EXPECT_EQ(rule_of(header), Rule::bits);

  header = header_;
  header.bits.value = 0;
  EXPECT_EQ(rule_of(header), Rule::bits);
}

TEST_F(HeaderRules, ReportTheFirstOfSeveral) {
  Header header = header_;
  header.bits.value = 0;
  header.time = parent_.time;
  EXPECT_EQ(rule_of(header), Rule::time);
  header.past = MerkleRoot();
  EXPECT_EQ(rule_of(header), Rule::past);
  header.rules = RulesTag();
  EXPECT_EQ(rule_of(header), Rule::rules);
  header.previous = BlockHash();
  EXPECT_EQ(rule_of(header), Rule::previous);
  header.height.value = 9;
  EXPECT_EQ(rule_of(header), Rule::height);
}

TEST_F(HeaderRules, WantATimeAfterTheParents) {
  const std::uint64_t parent = parent_.time.value;
  EXPECT_EQ(rule_of(dated(parent + 1)), std::nullopt);
  EXPECT_EQ(rule_of(dated(parent)), Rule::time);
  EXPECT_EQ(rule_of(dated(parent - 1)), Rule::time);
  EXPECT_EQ(rule_of(dated(0)), Rule::time);
}

TEST_F(HeaderRules, AskNoClock) {
  // From the future is for the node to hold, not for the rules to refuse.
  for (const std::uint64_t time : {std::uint64_t{0xffffffff}, std::uint64_t{1} << 63, kLargest}) {
    EXPECT_EQ(rule_of(dated(time)), std::nullopt) << time;
  }
}

TEST_F(HeaderRules, WantTheBitsOfTheHeadersOwnTime) {
  Header header = dated(parent_.time.value + 1);
  ASSERT_EQ(rule_of(header), std::nullopt);
  header.time.value += builder_.chain().rules.halflife;
  EXPECT_EQ(rule_of(header), Rule::bits);
}

TEST_F(HeaderRules, WantWork) {
  const Target target = *target_of(header_.bits);
  Header header = header_;
  while (meets(hash_of(header), target)) ++header.nonce;
  EXPECT_EQ(rule_of(header), Rule::work);
}

TEST_F(HeaderRules, RefuseASealOnProofOfWork) {
  EXPECT_EQ(rule_of(SealedHeader{header_, {SealEntry{0, Signature()}}}), Rule::seal);
}

TEST_F(HeaderRules, RefuseHeightsBeyondTheLast) {
  Header parent = parent_;
  parent.height.value = 0xffffffff;
  Header header = header_;
  header.height.value = 0;
  const HeaderContext context{builder_.chain(), parent, hash_of(parent_), header.past};
  EXPECT_EQ(find_violation(SealedHeader{header, {}}, context)->rule, Rule::height);
}

TEST_F(HeaderRules, NameARuleForEveryFlippedBit) {
  struct Field {
    std::size_t begin, end;
    std::set<Rule> rules;
  };
  const Field fields[] = {{4, 8, {Rule::height}},   {8, 16, {Rule::time, Rule::bits, Rule::work}},
                          {16, 20, {Rule::bits}},   {20, 24, {Rule::work}},
                          {24, 56, {Rule::rules}},  {56, 120, {Rule::previous}},
                          {120, 184, {Rule::work}}, {184, 248, {Rule::past}},
                          {248, 256, {Rule::work}}};
  const Bytes good = encode(header_);
  int lucky =
      0;  // One hash in 256 has work by chance; wrong counts and roots are the block's then.
  for (const auto& [begin, end, rules] : fields) {
    for (std::size_t bit = 8 * begin; bit < 8 * end; ++bit) {
      Bytes flipped = good;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      const auto rule = rule_of(decode_header(flipped).value());
      EXPECT_TRUE(rules.contains(rule.value_or(Rule::work))) << bit;
      lucky += rule ? 0 : 1;
    }
  }
  EXPECT_LT(lucky, 20);
}

TEST_F(HeaderRules, MagicIsRefusedByTheDecoderUnderItsName) {
  for (std::size_t bit = 0; bit < 32; ++bit) {
    Bytes flipped = encode(header_);
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const auto header = decode_header(flipped);
    ASSERT_FALSE(header);
    EXPECT_TRUE(header.error().message.ends_with(name_of(Rule::magic))) << header.error().message;
  }
}

TEST_F(HeaderRules, CountTheWorkOfTheBits) {
  EXPECT_EQ(work_of(builder_.chain(), header_), work_of(*target_of(header_.bits)));
  EXPECT_GT(work_of(builder_.chain(), header_), one_work());
}

class EndorsedHeaderRules : public HeaderRules {
 protected:
  EndorsedHeaderRules() : HeaderRules(endorse_rules_text(2, 3)) {}
  SealedHeader sealed(Header header) const {
    SealedHeader made{std::move(header), {}};
    builder_.mine(made);
    return made;
  }
};

TEST_F(EndorsedHeaderRules, AcceptASealedHeader) {
  EXPECT_EQ(rule_of(sealed(header_)), std::nullopt);
  EXPECT_EQ(work_of(builder_.chain(), header_), one_work());
}

TEST_F(EndorsedHeaderRules, WantNoBitsAndNoNonce) {
  Header header = header_;
  header.bits.value = 0x2000ffff;
  EXPECT_EQ(rule_of(sealed(header)), Rule::bits);
  header = header_;
  header.nonce = 1;
  EXPECT_EQ(rule_of(sealed(header)), Rule::work);
}

TEST_F(EndorsedHeaderRules, WantTheSealOfThisHeader) {
  SealedHeader block = sealed(header_);
  block.header.time.value += 1;
  EXPECT_EQ(rule_of(block), Rule::seal);
  EXPECT_EQ(rule_of(header_), Rule::seal);
  block = sealed(header_);
  block.seal.pop_back();
  EXPECT_EQ(rule_of(block), Rule::seal);
}

TEST_F(EndorsedHeaderRules, TakeAProposalForOneSignature) {
  SealedHeader block = sealed(header_);
  const auto context = builder_.context_after(parent_);
  HeaderContext of_proposals{context.chain, context.parent, context.parent_hash, context.past, 1};
  block.seal.pop_back();
  EXPECT_EQ(find_violation(block, of_proposals), std::nullopt);
  EXPECT_EQ(rule_of(block), Rule::seal);
  block.seal[0].signature.data()[0] ^= 1;
  EXPECT_EQ(find_violation(block, of_proposals)->rule, Rule::seal);
  block.seal.clear();
  EXPECT_EQ(find_violation(block, of_proposals)->rule, Rule::seal);
}

TEST_F(EndorsedHeaderRules, NameARuleForEveryFlippedBit) {
  const Bytes good = encode(sealed(header_));
  for (std::size_t bit = 32; bit < 8 * good.size(); ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const auto block = decode_sealed_header(flipped);
    EXPECT_TRUE(!block || rule_of(block.value())) << bit;
  }
}

}  // namespace
}  // namespace bmsg::chain
