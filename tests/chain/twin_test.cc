// The rules against the naive validator: blocks that are broken in every way one can think of, and
// made plausible again, are judged alike by both.

#include <gtest/gtest.h>

#include <map>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/block_rules.h"
#include "lib/chain/schedule.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "tests/chain/naive_validator.h"
#include "tests/support/chain_builder.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

constexpr std::uint32_t kBytesMax = 4096;  // Of a message and of a block.
constexpr std::uint32_t kTwoDays = 2 * 86400;

std::string tight_rules_text() {
  RulesText rules = parse_rules_text(easy_rules_text()).value();
  rules.stamp = 1;
  rules.maxmessage = kBytesMax;
  rules.maxblock = kBytesMax;
  return print(rules);
}

class Twin : public testing::Test {
 protected:
  Message message(std::string_view text) const {
    Message made = builder_.public_message(text, parent_.time);
    made.head.ttl = kTwoDays;
    builder_.stamp(made);
    return made;
  }

  /// The name of the rule or the decoder's word for what is wrong; empty for a valid block.
  std::string judge(ByteView bytes) const {
    const auto block = decode_block(bytes);
    if (!block) return block.error().message;
    const SealedHeader sealed{block.value().header, block.value().seal};
    auto found = find_violation(sealed, builder_.context_after(parent_));
    if (!found) {
      found = find_violation(block.value(), ids_of(block.value()), builder_.chain(),
                             [this](const MessageId& id) { return id == known_; });
      expect_same(found, block.value());
    }
    return found ? std::string(name_of(found->rule)) : "";
  }

  /// Whoever has hashed it all before is told the same.
  void expect_same(const std::optional<Violation>& found, const Block& block) const {
    const auto digests = digests_of({&block, 1});
    const auto again = find_violation(block, digests[0], builder_.chain(),
                                      [this](const MessageId& id) { return id == known_; });
    ASSERT_EQ(again.has_value(), found.has_value());
    if (!found) return;
    EXPECT_EQ(again->rule, found->rule);
    EXPECT_EQ(again->detail, found->detail);
  }

  naive::Chain naive_chain() const {
    naive::Chain chain{builder_.rules_text(), {encode(builder_.genesis())}, {}};
    for (const Block& block : history_) chain.headers.push_back(encode(block.header));
    chain.known_ids.push_back(to_bytes(known_.view()));
    return chain;
  }

  void break_header(Header& header);
  void break_message(Message& message);
  void break_block(Block& block);
  Bytes broken();

  std::uint64_t up_to(std::uint64_t most) { return number_up_to(numbers_, most); }
  std::uint32_t any32() {
    const std::uint32_t choice[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 86401};
    return choice[up_to(5)];
  }

  std::mt19937_64 numbers_ = seeded_numbers();
  ChainBuilder builder_{tight_rules_text()};
  std::vector<Block> history_ = builder_.blocks(builder_.genesis(), 5);
  Header parent_ = history_.back().header;
  Message known_message_ = message("known");
  MessageId known_ = id_of(known_message_.head);
  Block good_ = builder_.block(parent_, {message("one"), message("two"), message("three")});
};

void Twin::break_header(Header& header) {
  switch (up_to(8)) {
    case 0:
      header.height.value = any32();
      break;
    case 1:
      header.time.value = parent_.time.value + up_to(2) - 1;
      break;
    case 2:
      header.time.value = any32();
      break;
    case 3:
      header.bits.value ^= 1u << up_to(31);
      break;
    case 4:
      header.count = any32();
      break;
    case 5:
      header.rules.data()[up_to(31)] ^= 1;
      break;
    case 6:
      header.previous.data()[up_to(63)] ^= 1;
      break;
    case 7:
      header.root.data()[up_to(63)] ^= 1;
      break;
    case 8:
      header.past.data()[up_to(63)] ^= 1;
      break;
  }
}

void Twin::break_message(Message& message) {
  switch (up_to(9)) {
    case 0:
      message.head.suite = Suite{static_cast<std::uint8_t>(up_to(7))};
      break;
    case 1:
      message.head.key_section.resize(up_to(2) == 0 ? 32 + 48 * up_to(65) : up_to(300));
      break;
    case 2:
      message.head.chain.data()[up_to(7)] ^= 1;
      break;
    case 3:
      message.head.time = static_cast<std::uint32_t>(good_.header.time.value + 119 + up_to(2));
      break;
    case 4:
      message.head.ttl = any32();
      break;
    case 5:
      message.head.ttl = builder_.chain().rules.interval - 1 + static_cast<std::uint32_t>(up_to(2));
      break;
    case 6:
      message.body.reset();
      break;
    case 7:
      message.head.body_hash.data()[up_to(63)] ^= 1;
      break;
    case 8:
      message.nonce += 1 + up_to(3);
      break;
    case 9:
      message.body = Bytes(kBytesMax - 103 - up_to(250));
      message.head.body_bytes = static_cast<std::uint32_t>(message.body->size());
      message.head.body_hash = body_hash_of(*message.body);
      break;
  }
}

void Twin::break_block(Block& block) {
  switch (up_to(4)) {
    case 0:
      block.seal.push_back(SealEntry{static_cast<std::uint8_t>(up_to(64)), {}});
      break;
    case 1:
      std::swap(block.messages.front(), block.messages.back());
      break;
    case 2:
      block.messages.push_back(block.messages[up_to(2)]);
      break;
    case 3:
      block.messages.erase(block.messages.begin() + static_cast<std::ptrdiff_t>(up_to(2)));
      break;
    case 4:
      block.messages.push_back(known_message_);
      break;
  }
}

Bytes Twin::broken() {
  Block block = good_;
  for (std::uint64_t left = up_to(2); left > 0; --left) break_message(block.messages[up_to(2)]);
  if (up_to(3) == 0) break_block(block);
  if (up_to(1) == 0) {
    for (Message& each : block.messages) {
      if (up_to(3) > 0 && each.head.ttl <= kTwoDays) builder_.stamp(each);
    }
  }
  if (up_to(1) == 0) {
    std::ranges::sort(block.messages, {}, [](const Message& each) { return id_of(each.head); });
  }
  if (up_to(4) > 0) {
    const Seal seal = block.seal;
    builder_.finish(block);
    block.seal = seal;
  }
  if (up_to(3) == 0) break_header(block.header);
  const Bytes bytes = encode(block);
  return up_to(9) == 0 ? mutated(numbers_, bytes) : bytes;
}

TEST_F(Twin, AcceptsWhatIsGood) {
  EXPECT_EQ(judge(encode(good_)), "");
  EXPECT_TRUE(naive::accepts(encode(good_), naive_chain()));
}

TEST_F(Twin, JudgesEveryFlippedBitOfTheHeaderAlike) {
  const naive::Chain chain = naive_chain();
  const Bytes good = encode(good_);
  std::map<std::string, int> reasons;
  for (std::size_t bit = 0; bit < 8 * kHeaderBytes; ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const std::string reason = judge(flipped);
    EXPECT_EQ(reason.empty(), naive::accepts(flipped, chain)) << bit << " " << reason;
    // Nearly every hash meets the target of this chain, which hardly moves: a block with another
    // time or nonce is another good one.
    const bool is_free = bit / 8 >= kHeaderBytes - 8 || (bit / 8 >= 8 && bit / 8 < 16);
    EXPECT_TRUE(!reason.empty() || is_free) << bit;
    ++reasons[reason];
  }
  for (const Rule rule :
       {Rule::height, Rule::time, Rule::bits, Rule::rules, Rule::previous, Rule::past, Rule::root})
    EXPECT_GT(reasons[std::string(name_of(rule))], 0) << name_of(rule);
}

TEST_F(Twin, RefusesEveryMutationOfTheBody) {
  const naive::Chain chain = naive_chain();
  const Bytes good = encode(good_);
  const Bytes head(good.begin(), good.begin() + kHeaderBytes);
  const Bytes body(good.begin() + kHeaderBytes, good.end());
  for (int round = 0; round < 1'000; ++round) {
    Bytes bytes = head;
    append(bytes, mutated(numbers_, body));
    EXPECT_NE(judge(bytes), "") << to_hex(bytes);
    EXPECT_FALSE(naive::accepts(bytes, chain)) << to_hex(bytes);
  }
}

TEST_F(Twin, JudgesBrokenBlocksAlike) {
  const naive::Chain chain = naive_chain();
  std::map<std::string, int> reasons;
  for (int round = 0; round < 10'000; ++round) {
    const Bytes bytes = broken();
    const std::string reason = judge(bytes);
    ASSERT_EQ(reason.empty(), naive::accepts(bytes, chain)) << reason << "\n" << to_hex(bytes);
    ++reasons[reason];
  }
  // What none of the rounds reached would be judged alike for nothing.
  for (const Rule rule :
       {Rule::height, Rule::previous, Rule::rules, Rule::past, Rule::time, Rule::bits, Rule::seal,
        Rule::order, Rule::root, Rule::size, Rule::duplicate, Rule::suite, Rule::charter,
        Rule::body, Rule::chain, Rule::ttl, Rule::early, Rule::expired, Rule::stamp}) {
    EXPECT_GT(reasons[std::string(name_of(rule))], 0) << name_of(rule);
  }
  EXPECT_GT(reasons[""], 100);
}

}  // namespace
}  // namespace bmsg::chain
