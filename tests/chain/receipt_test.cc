// Receipts: the one of the worked example holds, and nothing that differs from it does.

#include "lib/chain/receipt.h"

#include <gtest/gtest.h>

#include "lib/chain/block_hash.h"
#include "lib/chain/merkle.h"
#include "tests/support/chain_builder.h"
#include "tests/vectors/golden.h"
#include "tests/vectors/receipt.h"

namespace bmsg::chain {
namespace {

Receipt example() { return parse_receipt(golden::kReceipt).value(); }

/// Parsed and checked, as whoever is given a text does.
Result<Receipted> read(std::string_view text) {
  const auto parsed = parse_receipt(text);
  if (!parsed) return parsed.error();
  return check_receipt(parsed.value());
}

std::string why(const Receipt& receipt) {
  const auto checked = check_receipt(receipt);
  return checked ? "it holds" : checked.error().message;
}

TEST(Receipt, OfTheWorkedExampleHolds) {
  const Receipt receipt = example();
  EXPECT_EQ(print(receipt), golden::kReceipt);
  const auto proven = check_receipt(receipt);
  ASSERT_TRUE(bool(proven)) << proven.error().message;
  EXPECT_EQ(proven.value().id, golden::fixed<MessageId>(golden::kSealId));
  EXPECT_EQ(proven.value().block, golden::fixed<BlockHash>(golden::kBlock1Id));
  EXPECT_EQ(proven.value().anchor, golden::fixed<BlockHash>(golden::kBlock2Id));
  EXPECT_EQ(receipt.index, 0u);
}

// What is not bound: of the chain's id the bytes after the 32 that headers have, and the key, which
// whoever opens the message tries.
TEST(Receipt, HoldsNoMoreOnceAnyCharacterIsAnother) {
  const std::string whole(golden::kReceipt);
  const std::size_t chain = whole.find("chain ") + 6;
  const std::size_t key = whole.find("\nkey ") + 5;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    const bool is_bound =
        (at < chain + 64 || at >= chain + 128) && (at < key || at + 1 >= key + 44);
    if (!is_bound) continue;
    for (const char other : {char(whole[at] ^ 1), 'A', '0', ' ', '\n', '\0'}) {
      if (other == whole[at]) continue;
      std::string text = whole;
      text[at] = other;
      EXPECT_FALSE(bool(read(text))) << at << ": " << int(other);
      ++tried;
    }
  }
  EXPECT_GT(tried, 8000u);
}

TEST(Receipt, IsNotCutNorContinued) {
  const std::string whole(golden::kReceipt);
  std::vector<std::size_t> good;
  for (std::size_t size = 0; size < whole.size(); ++size)
    if (read(whole.substr(0, size))) good.push_back(size);
  // What may be absent: the key, the body, and the anchor with its past.
  const std::vector<std::size_t> ends = {whole.find("anchor "), whole.find("body "),
                                         whole.find("key ")};
  EXPECT_EQ(good, ends);
  for (const char* more : {"\n", "key AAAA\n", "past AAAA\n", " ", "x"})
    EXPECT_FALSE(bool(read(whole + more))) << more;
}

TEST(Receipt, HasEachLineInItsPlaceOnce) {
  const std::string whole(golden::kReceipt);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = whole.find('\n', at) + 1;
    lines.push_back(whole.substr(at, end - at));
    at = end;
  }
  const auto joined = [](const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& one : all) text += one;
    return text;
  };
  ASSERT_EQ(joined(lines), whole);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    auto swapped = lines;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_FALSE(bool(read(joined(swapped)))) << lines[i];
    auto twice = lines;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    EXPECT_FALSE(bool(read(joined(twice)))) << lines[i];
  }
}

TEST(Receipt, HasOneTextForEachNumber) {
  const std::string whole(golden::kReceipt);
  for (const char* index :
       {"index 00\n", "index +0\n", "index 0 \n", "index \n", "index 4294967296\n"}) {
    std::string text = whole;
    text.replace(text.find("index 0\n"), 8, index);
    EXPECT_FALSE(bool(parse_receipt(text))) << index;
  }
}

TEST(Receipt, NamesWhatDoesNotHold) {
  Receipt receipt = example();
  receipt.head.chain = ChainTag::filled(7);
  EXPECT_NE(why(receipt).find("'head': the message is of another chain"), std::string::npos);
  receipt = example();
  receipt.index = receipt.sealed.header.count;
  EXPECT_NE(why(receipt).find("'index'"), std::string::npos);
  receipt = example();
  receipt.nonce ^= 1;
  EXPECT_NE(why(receipt).find("'path'"), std::string::npos);
  receipt = example();
  receipt.sealed.seal = {SealEntry{0, Signature::filled(1)}};
  EXPECT_NE(why(receipt).find("'seal'"), std::string::npos);
  receipt = example();
  receipt.past.clear();
  EXPECT_NE(why(receipt).find("'past'"), std::string::npos);
  receipt = example();
  receipt.anchor = receipt.sealed.header;
  EXPECT_NE(why(receipt).find("'anchor': does not lie above"), std::string::npos);
  receipt = example();
  receipt.body->back() ^= 1;
  EXPECT_NE(why(receipt).find("'body'"), std::string::npos);
}

/// A receipt of our own: one message in block 1, with an anchor at block 3.
struct Built {
  explicit Built(const std::string& rules) : builder(rules) {
    const Message message =
        builder.public_message("text", UnixSeconds{builder.genesis().time.value + 600});
    block = builder.block(builder.genesis(), {message});
    const auto above = builder.blocks(block.header, 2);
    receipt.chain = builder.chain().id;
    receipt.head = message.head;
    receipt.nonce = message.nonce;
    receipt.sealed = {block.header, block.seal};
    receipt.anchor = above.back().header;
    // The tree of blocks 0 to 2: block 1 has genesis on its left, then block 2 on the right.
    receipt.past = {leaf_of_block(builder.genesis()), leaf_of_block(above.front().header)};
  }
  static Digest leaf_of_block(const Header& header);

  ChainBuilder builder;
  Block block;
  Receipt receipt;
};

Digest Built::leaf_of_block(const Header& header) { return leaf_hash(hash_of(header).view()); }

TEST(Receipt, NeedsTheWorkThatItsHeadersName) {
  Built built(easy_rules_text());
  EXPECT_EQ(why(built.receipt), "it holds");
  // Bits that nobody has worked for: the header's hash is not good enough.
  Receipt poor = built.receipt;
  poor.anchor->bits = CompactTarget{0x03000001};
  EXPECT_NE(why(poor).find("'anchor': it lacks the work"), std::string::npos) << why(poor);
  poor.anchor->bits = CompactTarget{0x00ffffff};  // No target at all.
  EXPECT_NE(why(poor).find("'anchor': it lacks the work"), std::string::npos) << why(poor);
  poor = built.receipt;
  poor.anchor->bits = CompactTarget{0};  // As on a chain of endorsers.
  EXPECT_NE(why(poor).find("'anchor': of another mode"), std::string::npos) << why(poor);
  poor = built.receipt;
  poor.chain.data()[31] ^= 1;
  EXPECT_NE(why(poor).find("'header': is of another chain"), std::string::npos) << why(poor);
  poor = built.receipt;
  poor.chain.data()[32] ^= 1;
  EXPECT_EQ(why(poor), "it holds") << "if more of the id is bound, the pages must say so";
}

TEST(Receipt, OfAnEndorsedBlockHasItsSeal) {
  Built built(endorse_rules_text(2, 3));
  EXPECT_EQ(why(built.receipt), "it holds");
  EXPECT_EQ(parse_receipt(print(built.receipt)).value(), built.receipt);
  built.receipt.sealed.seal.clear();
  EXPECT_NE(why(built.receipt).find("'seal': is empty"), std::string::npos);
}

TEST(Receipt, TakesTheLongestProofAndNoLonger) {
  Receipt receipt = example();
  receipt.past.assign(kProofDigestsMax, Digest());
  EXPECT_TRUE(bool(parse_receipt(print(receipt))));
  receipt.past.emplace_back();
  EXPECT_FALSE(bool(parse_receipt(print(receipt))));
}

}  // namespace
}  // namespace bmsg::chain
