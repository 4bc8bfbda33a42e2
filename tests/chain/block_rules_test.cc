// Block rules: a valid block, one thing broken at a time.

#include "lib/chain/block_rules.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/codec.h"
#include "tests/support/chain_builder.h"

namespace bmsg::chain {
namespace {

bool never(const MessageId&) { return false; }

std::string block_rules_text() { return easy_rules_text("maxblock", "65536"); }

class BlockRules : public testing::Test {
 protected:
  explicit BlockRules(const std::string& rules_text = block_rules_text()) : builder_(rules_text) {}

  Message message(std::string_view text) const {
    return builder_.public_message(text, builder_.genesis().time);
  }
  std::optional<Rule> rule_of(const Block& block) const {
    const auto violation = find_violation(block, ids_of(block), builder_.chain(), never);
    return violation ? std::optional(violation->rule) : std::nullopt;
  }
  /// The rule that a block of these messages breaks, in order and under the right root.
  std::optional<Rule> rule_of_messages(std::vector<Message> messages) {
    return rule_of(builder_.block(builder_.genesis(), std::move(messages)));
  }

  ChainBuilder builder_;
  Block block_ =
      builder_.block(builder_.genesis(), {message("one"), message("two"), message("three")});
};

TEST_F(BlockRules, AcceptAValidBlockAndAnEmptyOne) {
  EXPECT_EQ(rule_of(block_), std::nullopt);
  EXPECT_EQ(rule_of_messages({}), std::nullopt);
}

TEST_F(BlockRules, AcceptALightBlockUnderTheSameRoot) {
  Block light = block_;
  for (Message& message : light.messages) message.body.reset();
  EXPECT_EQ(rule_of(light), std::nullopt);
  EXPECT_EQ(message_root(light), message_root(block_));
}

TEST_F(BlockRules, WantTheCount) {
  ++block_.header.count;
  EXPECT_EQ(rule_of(block_), Rule::count);
  block_.header.count = 0;
  EXPECT_EQ(rule_of(block_), Rule::count);
}

TEST_F(BlockRules, WantStrictlyAscendingIds) {
  Block swapped = block_;
  std::swap(swapped.messages[0], swapped.messages[1]);
  builder_.finish(swapped);
  EXPECT_EQ(rule_of(swapped), Rule::order);

  Block twice = block_;
  twice.messages.push_back(twice.messages.back());
  builder_.finish(twice);
  EXPECT_EQ(rule_of(twice), Rule::order);
}

TEST_F(BlockRules, WantTheRoot) {
  Block other = block_;
  other.header.root.data()[0] ^= 1;
  EXPECT_EQ(rule_of(other), Rule::root);
  other = block_;
  other.messages[1].nonce ^= 1;  // The id stays the same, the leaf does not.
  EXPECT_EQ(rule_of(other), Rule::root);
  other = block_;
  other.messages.pop_back();
  --other.header.count;
  EXPECT_EQ(rule_of(other), Rule::root);
}

TEST_F(BlockRules, HoldTheSumOfSizesToTheLimit) {
  const std::size_t most = builder_.chain().rules.maxblock;
  Message filler = message("filler");
  const auto of_bytes = [&](std::size_t bytes) {
    builder_.set_body(filler, Bytes(bytes - kHeadBytesFixed - kNonceBytes));
    return filler;
  };
  const Message small = message("small");
  const std::size_t left = most - small.head.encoded_bytes();
  EXPECT_EQ(rule_of_messages({small, of_bytes(left)}), std::nullopt);
  EXPECT_EQ(rule_of_messages({small, of_bytes(left + 1)}), Rule::size);
}

TEST_F(BlockRules, CountBodiesThatAreNotThere) {
  Block light = builder_.block(builder_.genesis(), {message("one"), message("two")});
  for (Message& each : light.messages) {
    each.body.reset();
    each.head.body_bytes = 0xffffffff;
  }
  std::ranges::sort(light.messages, {}, [](const Message& each) { return id_of(each.head); });
  builder_.finish(light);
  EXPECT_EQ(rule_of(light), Rule::size);
}

TEST_F(BlockRules, JudgeMessagesAtTheBlocksTime) {
  Message early = builder_.public_message("early", UnixSeconds{block_.header.time.value + 120});
  EXPECT_EQ(rule_of_messages({early}), std::nullopt);
  early.head.time += 1;
  EXPECT_EQ(rule_of_messages({early}), Rule::early);

  Message old = message("old");
  old.head.ttl = builder_.chain().rules.interval + 1;
  EXPECT_EQ(rule_of_messages({old}), std::nullopt);
  old.head.ttl -= 1;
  EXPECT_EQ(rule_of_messages({old}), Rule::expired);

  Message foreign = message("foreign");
  foreign.head.chain = ChainTag();
  EXPECT_EQ(rule_of_messages({message("good"), foreign}), Rule::chain);
}

TEST_F(BlockRules, RefuseWhatAnAncestorHolds) {
  const MessageId known = id_of(block_.messages[1].head);
  const auto in_ancestor = [&known](const MessageId& id) { return id == known; };
  const auto found = find_violation(block_, ids_of(block_), builder_.chain(), in_ancestor);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rule, Rule::duplicate);
}

TEST_F(BlockRules, RefusePiecesOfFiles) {
  Message chunk = message("chunk");
  chunk.head.suite = Suite::chunk;
  EXPECT_EQ(rule_of_messages({message("good"), chunk}), Rule::suite);
}

TEST_F(BlockRules, RefuseChartersOnProofOfWork) {
  Message charter = message("charter");
  charter.head.suite = Suite::charter;
  EXPECT_EQ(rule_of_messages({message("good"), charter}), Rule::charter);
}

TEST_F(BlockRules, AcceptSuitesOfTheFuture) {
  Message future = message("future");
  future.head.suite = Suite{200};
  future.head.key_section = Bytes(1000);
  EXPECT_EQ(rule_of_messages({future}), std::nullopt);
}

TEST_F(BlockRules, WantTheBodiesOfTheHeads) {
  block_.messages[2].body->back() ^= 1;
  EXPECT_EQ(rule_of(block_), Rule::body);
}

TEST_F(BlockRules, BlameTheBlockBeforeTheSenderOfBytes) {
  // A wrong body beside a duplicate: fetching the body elsewhere would not help.
  block_.messages[0].body->back() ^= 1;
  const auto all = [](const MessageId&) { return true; };
  EXPECT_EQ(find_violation(block_, ids_of(block_), builder_.chain(), all)->rule, Rule::duplicate);
}

TEST_F(BlockRules, NameARuleForEveryFlippedBitOfAMessage) {
  const Bytes good = encode(block_);
  for (std::size_t bit = 8 * 257; bit < 8 * good.size(); ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const auto block = decode_block(flipped);
    EXPECT_TRUE(!block || rule_of(block.value())) << bit;
  }
}

class EndorsedBlockRules : public BlockRules {
 protected:
  EndorsedBlockRules() : BlockRules(endorse_rules_text(2, 3)) {}
};

TEST_F(EndorsedBlockRules, AcceptAValidBlock) { EXPECT_EQ(rule_of(block_), std::nullopt); }

TEST_F(EndorsedBlockRules, RefuseChartersWhoseVotesNobodyCounts) {
  Message charter = message("charter");
  charter.head.suite = Suite::charter;
  EXPECT_EQ(rule_of_messages({charter}), Rule::charter);
}

}  // namespace
}  // namespace bmsg::chain
