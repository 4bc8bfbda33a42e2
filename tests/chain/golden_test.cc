// The chain of the worked example, rebuilt value by value.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/block_rules.h"
#include "lib/chain/endorsement.h"
#include "lib/chain/genesis.h"
#include "lib/chain/header_rules.h"
#include "lib/chain/merkle.h"
#include "lib/chain/message_rules.h"
#include "lib/chain/work.h"
#include "lib/core/address.h"
#include "lib/core/codec.h"
#include "lib/crypto/sha512.h"
#include "tests/vectors/golden.h"

namespace bmsg::chain {
namespace {

ChainRules rules_of(std::string_view text) { return parse_chain_rules(text).value(); }

Header header_of(std::string_view hex) { return decode_header(golden::bytes(hex)).value(); }

Message message_of(std::string_view head, std::uint64_t nonce, std::string_view body) {
  return Message{decode_head(golden::bytes(head)).value(), nonce, golden::bytes(body)};
}

Message card() { return message_of(golden::kCardHead, golden::kCardNonce, golden::kCardBody); }
Message post() { return message_of(golden::kPostHead, golden::kPostNonce, golden::kPostBody); }
Message sealed() { return message_of(golden::kSealHead, golden::kSealNonce, golden::kSealBody); }

Block block1() { return Block{header_of(golden::kBlock1Header), {}, {sealed(), card(), post()}}; }

Digest block_leaf(std::string_view id) { return leaf_hash(golden::bytes(id)); }

TEST(Golden, GenesisTextNamesItsChain) {
  const ChainRules chain = rules_of(golden::kGenesisText);
  EXPECT_EQ(chain.id, golden::fixed<ChainId>(golden::kChainId));
  EXPECT_EQ(chain_id_of(golden::kGenesisText), chain.id);
  EXPECT_EQ(chain.tag, prefix_of<RulesTag>(chain.id));
  EXPECT_EQ(print(chain.rules), golden::kGenesisText);
}

TEST(Golden, GenesisHeaderIsComputedFromTheText) {
  const Header genesis = genesis_header(rules_of(golden::kGenesisText));
  EXPECT_EQ(to_hex(encode(genesis)), golden::kGenesisHeader);
  EXPECT_EQ(to_hex(hash_of(genesis).view()), golden::kGenesisId);
  EXPECT_EQ(to_hex(root_of({}).view()), golden::kEmptyTree);
}

TEST(Golden, MessagesHaveTheirIdsAndSizes) {
  EXPECT_EQ(to_hex(id_of(card().head).view()), golden::kCardId);
  EXPECT_EQ(to_hex(id_of(post().head).view()), golden::kPostId);
  EXPECT_EQ(to_hex(id_of(sealed().head).view()), golden::kSealId);
  EXPECT_EQ(post().head.encoded_bytes(), golden::kPostSize);
  EXPECT_EQ(encode(post()).size(), golden::kPostSize);
  EXPECT_EQ(sealed().head.encoded_bytes(), golden::kSealSize);
}

TEST(Golden, MessagesKeepEveryRule) {
  const ChainRules chain = rules_of(golden::kGenesisText);
  for (const Message& message : {card(), post(), sealed()}) {
    const auto violation =
        find_violation(message, id_of(message.head), UnixSeconds{golden::kMessageTime}, chain);
    EXPECT_FALSE(violation) << violation->detail;
  }
}

TEST(Golden, NoSmallerNonceWouldHaveStampedAMessage) {
  const ChainRules chain = rules_of(golden::kGenesisText);
  for (const Message& message : {card(), post()}) {
    const MessageId id = id_of(message.head);
    const std::uint64_t limit = stamp_limit(stamp_needed(chain, message.head));
    std::uint64_t nonce = 0;
    while (stamp_value(id, nonce) > limit) ++nonce;
    EXPECT_EQ(nonce, message.nonce);
  }
}

TEST(Golden, StampsAskForTheseHashes) {
  ChainRules chain = rules_of(golden::kGenesisText);
  for (const auto& [rate, bytes, ttl, hashes] : golden::kStampNeeded) {
    chain.rules.stamp = rate;
    MessageHead head;
    head.ttl = ttl;
    head.body_bytes = bytes - static_cast<std::uint32_t>(kHeadBytesFixed + kNonceBytes);
    EXPECT_EQ(stamp_needed(chain, head), hashes);
  }
}

TEST(Golden, Block1KeepsEveryRule) {
  const ChainRules chain = rules_of(golden::kGenesisText);
  const Header genesis = genesis_header(chain);
  const Block block = block1();
  EXPECT_EQ(to_hex(hash_of(block.header).view()), golden::kBlock1Id);
  EXPECT_EQ(to_hex(message_root(block).view()), golden::kBlock1Root);
  EXPECT_EQ(fmt::format("{:08x}", block.header.bits.value), golden::kBlock1Bits);
  EXPECT_EQ(block.header.nonce, golden::kBlock1Nonce);

  const auto past = golden::fixed<MerkleRoot>(golden::kBlock1Past);
  EXPECT_EQ(root_of({block_leaf(golden::kGenesisId)}), past);
  const HeaderContext context{chain, genesis, hash_of(genesis), past};
  EXPECT_FALSE(find_violation(SealedHeader{block.header, {}}, context));
  EXPECT_FALSE(find_violation(block, ids_of(block), chain, [](const MessageId&) { return false; }));
  EXPECT_EQ(to_decimal(work_of(chain, block.header)), std::to_string(golden::kBlock1Work));
}

TEST(Golden, Block2KeepsEveryHeaderRule) {
  const ChainRules chain = rules_of(golden::kGenesisText);
  const Header header = header_of(golden::kBlock2Header);
  EXPECT_EQ(to_hex(hash_of(header).view()), golden::kBlock2Id);
  const Header parent = header_of(golden::kBlock1Header);
  const MerkleRoot past = root_of({block_leaf(golden::kGenesisId), block_leaf(golden::kBlock1Id)});
  const HeaderContext context{chain, parent, hash_of(parent), past};
  EXPECT_FALSE(find_violation(SealedHeader{header, {}}, context));
}

TEST(Golden, ReceiptPathLeadsToTheRoot) {
  std::vector<Digest> leaves;
  for (const Message& message : block1().messages) {
    leaves.push_back(leaf_of(id_of(message.head), message.nonce));
  }
  std::vector<Digest> path;
  for (const auto& hex : golden::kReceiptPath) path.push_back(golden::fixed<Digest>(hex));
  EXPECT_EQ(inclusion_proof(leaves, golden::kReceiptIndex), path);
  EXPECT_TRUE(includes(leaves[golden::kReceiptIndex], golden::kReceiptIndex, leaves.size(), path,
                       golden::fixed<MerkleRoot>(golden::kBlock1Root)));
}

TEST(Golden, EndorsedBlockCarriesAGoodSeal) {
  const ChainRules chain = rules_of(golden::kEndorseGenesisText);
  EXPECT_EQ(to_hex(chain.id.view()), golden::kEndorseChainId);
  const Header genesis = genesis_header(chain);
  EXPECT_EQ(to_hex(hash_of(genesis).view()), golden::kEndorseGenesisId);

  Header header = genesis;
  header.height = Height{1};
  header.time = UnixSeconds{1767226000};
  header.previous = hash_of(genesis);
  header.root = root_of({});
  header.past = root_of({block_leaf(golden::kEndorseGenesisId)});
  EXPECT_EQ(to_hex(hash_of(header).view()), golden::kEndorseBlock1Id);

  const Bytes seal_bytes = golden::bytes(golden::kEndorseSeal);
  ByteReader reader(seal_bytes);
  const SealedHeader block{header, read_seal(reader).value()};
  const HeaderContext context{chain, genesis, hash_of(genesis), header.past};
  const auto violation = find_violation(block, context);
  EXPECT_FALSE(violation) << violation->detail;
}

TEST(Golden, WordsOfAnIdentityAreProquintsOfItsHash) {
  const auto words_of = [](std::string_view key) {
    const Digest hash = crypto::sha512({as_bytes("bmsg1 fp"), golden::bytes(key)});
    return to_proquint(hash.view().first(16));
  };
  EXPECT_EQ(words_of(golden::kAliceKey), golden::kAliceWords);
  EXPECT_EQ(words_of(golden::kBobKey), golden::kBobWords);
}

}  // namespace
}  // namespace bmsg::chain
