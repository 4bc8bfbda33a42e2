// Message rules: a valid message, one thing broken at a time, and each limit from both sides.

#include "lib/chain/message_rules.h"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <limits>

#include "lib/chain/block_hash.h"
#include "lib/core/limits.h"
#include "tests/support/chain_builder.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

using boost::multiprecision::cpp_int;

constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();
constexpr UnixSeconds kTime{1'767'225'660};

class MessageRules : public testing::Test {
 protected:
  /// The rule that breaks at `time`; nullopt if none does.
  std::optional<Rule> rule_of(const Message& message, UnixSeconds time = kTime) const {
    return rule_of(message, time, builder_.chain());
  }
  static std::optional<Rule> rule_of(const Message& message, UnixSeconds time,
                                     const ChainRules& chain) {
    const auto violation = find_violation(message, id_of(message.head), time, chain);
    return violation ? std::optional(violation->rule) : std::nullopt;
  }
  /// A message of so many bytes in all.
  Message sized(std::size_t bytes, Suite suite = Suite::open) const {
    Message message = message_;
    message.head.suite = suite;
    builder_.set_body(message, Bytes(bytes - kHeadBytesFixed - kNonceBytes));
    EXPECT_EQ(message.head.encoded_bytes(), bytes);
    return message;
  }

  ChainBuilder builder_{easy_rules_text("stamp", "1")};
  Message message_ = builder_.public_message("hello", kTime);
};

TEST_F(MessageRules, AcceptAValidMessage) { EXPECT_EQ(rule_of(message_), std::nullopt); }

TEST_F(MessageRules, AcceptAMessageWithoutItsBody) {
  message_.body.reset();
  EXPECT_EQ(rule_of(message_), std::nullopt);
}

TEST_F(MessageRules, WantTheLayoutOfTheSuite) {
  const auto with_keys = [this](Suite suite, std::size_t bytes) {
    Message message = message_;
    message.head.suite = suite;
    message.head.key_section = Bytes(bytes);
    builder_.stamp(message);
    return rule_of(message);
  };
  for (const Suite suite : {Suite::open, Suite::chunk, Suite::charter}) {
    EXPECT_EQ(with_keys(suite, 0), std::nullopt);
    EXPECT_EQ(with_keys(suite, 1), Rule::layout);
  }
  for (const std::size_t slots : {1u, 64u}) {
    EXPECT_EQ(with_keys(Suite::sealed, 32 + 48 * slots), std::nullopt);
    EXPECT_EQ(with_keys(Suite::sealed, 33 + 48 * slots), Rule::layout);
    EXPECT_EQ(with_keys(Suite::sealed_secp256k1, 65 + 48 * slots), std::nullopt);
    EXPECT_EQ(with_keys(Suite::sealed_secp256k1, 32 + 48 * slots), Rule::layout);
  }
  EXPECT_EQ(with_keys(Suite::sealed, 0), Rule::layout);
  EXPECT_EQ(with_keys(Suite::sealed, 32), Rule::layout);
  EXPECT_EQ(with_keys(Suite::sealed, 32 + 48 * 65), Rule::layout);
  EXPECT_EQ(with_keys(Suite{5}, 1), std::nullopt);
  EXPECT_EQ(with_keys(Suite{255}, 12345), std::nullopt);
}

TEST_F(MessageRules, WantABodyOfTheLengthThatTheHeadSays) {
  message_.body->push_back(0);
  EXPECT_EQ(rule_of(message_), Rule::layout);
}

TEST_F(MessageRules, WantTheTagOfThisChain) {
  message_.head.chain.data()[7] ^= 1;
  builder_.stamp(message_);
  EXPECT_EQ(rule_of(message_), Rule::chain);
}

TEST_F(MessageRules, HoldSizesToTheirLimits) {
  const std::uint32_t most = builder_.chain().rules.maxmessage;
  EXPECT_EQ(rule_of(sized(most)), std::nullopt);
  EXPECT_EQ(rule_of(sized(most + 1)), Rule::message_size);
  EXPECT_EQ(rule_of(sized(kChunkMessageBytesMax, Suite::chunk)), std::nullopt);
  EXPECT_EQ(rule_of(sized(kChunkMessageBytesMax + 1, Suite::chunk)), Rule::message_size);
}

TEST_F(MessageRules, CountALengthThatIsOnlyClaimed) {
  message_.body.reset();
  for (const std::uint32_t claimed : {0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    message_.head.body_bytes = claimed;
    EXPECT_EQ(rule_of(message_), Rule::message_size);
  }
}

TEST_F(MessageRules, HoldTheTtlToItsLimits) {
  const auto with_ttl = [this](std::uint32_t ttl) {
    message_.head.ttl = ttl;
    builder_.stamp(message_);
    return rule_of(message_);
  };
  const std::uint32_t most = builder_.chain().rules.maxttl;
  EXPECT_EQ(with_ttl(1), std::nullopt);
  EXPECT_EQ(with_ttl(most), std::nullopt);
  EXPECT_EQ(with_ttl(0), Rule::ttl);
  EXPECT_EQ(with_ttl(most + 1), Rule::ttl);
  EXPECT_EQ(with_ttl(0xffffffff), Rule::ttl);
}

TEST_F(MessageRules, MayBe120SecondsAhead) {
  const std::uint64_t time = message_.head.time;
  EXPECT_EQ(rule_of(message_, UnixSeconds{time - 120}), std::nullopt);
  EXPECT_EQ(rule_of(message_, UnixSeconds{time - 121}), Rule::early);
  EXPECT_EQ(rule_of(message_, UnixSeconds{0}), Rule::early);
}

TEST_F(MessageRules, LiveUntilTheyExpire) {
  const std::uint64_t expiry = message_.head.expiry();
  EXPECT_EQ(rule_of(message_, UnixSeconds{expiry - 1}), std::nullopt);
  EXPECT_EQ(rule_of(message_, UnixSeconds{expiry}), Rule::expired);
  EXPECT_EQ(rule_of(message_, UnixSeconds{kLargest}), Rule::expired);
}

TEST_F(MessageRules, ExpireBeyond32Bits) {
  ChainRules chain = builder_.chain();
  chain.rules.maxttl = 0xffffffff;
  chain.rules.stamp = 0;
  message_.head.time = 0xffffffff;
  message_.head.ttl = 0xffffffff;
  EXPECT_EQ(rule_of(message_, UnixSeconds{0xffffffff}, chain), std::nullopt);
  EXPECT_EQ(rule_of(message_, UnixSeconds{0x1fffffffd}, chain), std::nullopt);
  EXPECT_EQ(rule_of(message_, UnixSeconds{0x1fffffffe}, chain), Rule::expired);
}

TEST_F(MessageRules, WantAStamp) {
  const MessageId id = id_of(message_.head);
  const std::uint64_t limit = stamp_limit(stamp_needed(builder_.chain(), message_.head));
  while (stamp_value(id, message_.nonce) <= limit) ++message_.nonce;
  EXPECT_EQ(rule_of(message_), Rule::stamp);
}

TEST_F(MessageRules, WantNoStampWhereTheRateIsZero) {
  ChainRules chain = builder_.chain();
  chain.rules.stamp = 0;
  for (message_.nonce = 0; message_.nonce < 100; ++message_.nonce) {
    EXPECT_EQ(rule_of(message_, kTime, chain), std::nullopt);
  }
}

TEST_F(MessageRules, StampChunksAtTheirOwnRate) {
  ChainRules chain = builder_.chain();
  chain.rules.stamp = 3;
  chain.rules.blobstamp = 5;
  MessageHead head;
  head.ttl = 86400;
  EXPECT_EQ(stamp_needed(chain, head), 3 * head.encoded_bytes());
  head.suite = Suite::chunk;
  EXPECT_EQ(stamp_needed(chain, head), 5 * head.encoded_bytes());
}

TEST_F(MessageRules, WantTheBodyOfTheHash) {
  message_.body->back() ^= 1;
  EXPECT_EQ(rule_of(message_), Rule::body);
  EXPECT_FALSE(find_head_violation(message_, id_of(message_.head), kTime, builder_.chain()));
  EXPECT_EQ(find_body_violation(message_)->rule, Rule::body);
}

TEST_F(MessageRules, ReportTheFirstOfSeveral) {
  ChainRules chain = builder_.chain();
  chain.rules.stamp = 1'000'000'000;
  EXPECT_EQ(rule_of(message_, kTime, chain), Rule::stamp);
  EXPECT_EQ(rule_of(message_, UnixSeconds{kLargest}, chain), Rule::expired);
  EXPECT_EQ(rule_of(message_, UnixSeconds{0}, chain), Rule::early);
  message_.head.ttl = 0;
  EXPECT_EQ(rule_of(message_, UnixSeconds{0}, chain), Rule::ttl);
  chain.rules.maxmessage = 1;
  EXPECT_EQ(rule_of(message_, UnixSeconds{0}, chain), Rule::message_size);
  message_.head.chain = ChainTag();
  EXPECT_EQ(rule_of(message_, UnixSeconds{0}, chain), Rule::chain);
  message_.head.key_section = Bytes(1);
  EXPECT_EQ(rule_of(message_, UnixSeconds{0}, chain), Rule::layout);
}

TEST(Stamp, CountsDaysBegun) {
  ChainRules chain{};
  chain.rules.stamp = 1;
  MessageHead head;
  const std::uint64_t bytes = head.encoded_bytes();
  for (const auto& [ttl, days] : {std::pair{1u, 1u}, {86400u, 1u}, {86401u, 2u}, {172800u, 2u}}) {
    head.ttl = ttl;
    EXPECT_EQ(stamp_needed(chain, head), bytes * days) << ttl;
  }
}

TEST(Stamp, NeedStaysWithin64BitsAtTheLimitsAndStopsBeyond) {
  ChainRules chain{};
  chain.rules.blobstamp = 1'000'000'000;
  MessageHead head;
  head.suite = Suite::chunk;
  head.ttl = 0xffffffff;
  head.body_bytes = kChunkMessageBytesMax - kHeadBytesFixed - kNonceBytes;
  EXPECT_EQ(cpp_int(stamp_needed(chain, head)), cpp_int(1'000'000'000) * 262264 * 49711);
  head.body_bytes = 0xffffffff;
  EXPECT_EQ(stamp_needed(chain, head), kLargest);
}

TEST(Stamp, LimitIsTheGreatestValueWhoseProductFits) {
  auto numbers = seeded_numbers();
  const cpp_int end = cpp_int(1) << 64;
  for (int round = 0; round < 100'000; ++round) {
    const std::uint64_t needed = numbers() >> number_up_to(numbers, 63);
    if (needed == 0) continue;
    const std::uint64_t limit = stamp_limit(needed);
    ASSERT_LT(cpp_int(limit) * needed, end);
    ASSERT_GE((cpp_int(limit) + 1) * needed, end);
  }
  EXPECT_EQ(stamp_limit(0), kLargest);
  EXPECT_EQ(stamp_limit(1), kLargest);
  EXPECT_EQ(stamp_limit(2), kLargest / 2);
  EXPECT_EQ(stamp_limit(kLargest), 1u);
}

TEST(Stamp, AchievesWhatItsValueIsWorth) {
  auto numbers = seeded_numbers();
  for (int round = 0; round < 1'000; ++round) {
    const auto id = MessageId::from(random_bytes(numbers, MessageId::kSize));
    const std::uint64_t nonce = numbers();
    const cpp_int shown = cpp_int(kLargest) / (cpp_int(stamp_value(id, nonce)) + 1);
    EXPECT_EQ(cpp_int(stamp_achieved(id, nonce)), shown);
  }
}

}  // namespace
}  // namespace bmsg::chain
