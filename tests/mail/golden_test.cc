// The worked example of bmsg-format(5), byte for byte.

#include <gtest/gtest.h>

#include "lib/chain/block_hash.h"
#include "lib/core/address.h"
#include "lib/core/codec.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/card.h"
#include "lib/mail/keyring.h"
#include "lib/mail/stamp.h"
#include "lib/mail/statement.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

using golden::bytes;

Content golden_text(std::uint64_t seq, std::string_view words) {
  Content content = text(words);
  content.seq = seq;
  return content;
}

ScriptedEntropy golden_entropy(std::uint8_t ephemeral = 0xe0) {
  return ScriptedEntropy({filled(0x4b), filled(ephemeral)});
}

Sealed sealed_by_alice(const std::vector<Recipient>& to, HeadOptions options) {
  options.slots = Slots::exact;
  auto entropy =
      golden_entropy(options.suite == Suite::sealed_secp256k1 ? std::uint8_t{0x71} : 0xe0);
  const auto alice = secret(1);
  return seal(example_chain(), golden_text(2, "attack at dawn"), to, &alice, options, entropy)
      .value();
}

TEST(Golden, Card) {
  const CardDraft draft{.name = "bob",
                        .prekey = golden::fixed<Prekey>(golden::kBobPrekey),
                        .inbox = {},
                        .time = golden::kMessageTime};
  Sealed made = make_card(example_chain(), draft, secret(2)).value();
  EXPECT_EQ(encode(made.head), bytes(golden::kCardHead));
  EXPECT_EQ(made.body, bytes(golden::kCardBody));
  EXPECT_EQ(made.id(), golden::fixed<MessageId>(golden::kCardId));
  EXPECT_EQ(find_stamp(made.head, example_chain(), 1, {}), golden::kCardNonce);
}

TEST(Golden, Post) {
  const auto alice = secret(1);
  HeadOptions options = month();
  options.topic = Topic::from(as_bytes("news"));
  Sealed made = post(example_chain(), golden_text(1, "hello, chain"), &alice, options).value();
  EXPECT_EQ(encode(made.head), bytes(golden::kPostHead));
  EXPECT_EQ(made.body, bytes(golden::kPostBody));
  EXPECT_EQ(made.id(), golden::fixed<MessageId>(golden::kPostId));
  EXPECT_EQ(made.head.encoded_bytes(), golden::kPostSize);
  EXPECT_EQ(find_stamp(made.head, example_chain(), 2, {}), golden::kPostNonce);
}

TEST(Golden, SealedToOne) {
  Sealed made = sealed_by_alice({recipient(0xb0, 2)}, month());
  EXPECT_EQ(encode(made.head), bytes(golden::kSealHead));
  EXPECT_EQ(made.body, bytes(golden::kSealBody));
  EXPECT_EQ(head_hash(made.head), golden::fixed<Digest>(golden::kSealTh));
  EXPECT_EQ(made.id(), golden::fixed<MessageId>(golden::kSealId));
  EXPECT_EQ(to_bytes(made.content_key.view()), bytes(golden::kSealContentKey));
  EXPECT_EQ(find_stamp(made.head, example_chain(), 2, {}), golden::kSealNonce);
}

TEST(Golden, OpensTheSealedMessage) {
  Message message{.head = decode_head(bytes(golden::kSealHead)).value(),
                  .nonce = golden::kSealNonce,
                  .body = bytes(golden::kSealBody)};
  const auto opened = open(message, example_chain().id, agreement(0xb0), identity(2));
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->fault);
  EXPECT_EQ(opened->signature, SignatureState::good);
  EXPECT_EQ(opened->content.identity(), golden::fixed<IdentityKey>(golden::kAliceKey));
  EXPECT_EQ(opened->content.seq, 2);
  EXPECT_EQ(opened->content.content, to_bytes("attack at dawn"));
}

TEST(Golden, SealedToThree) {
  const Sealed made =
      sealed_by_alice({recipient(0xc2, 1), recipient(0xc0, 2), recipient(0xc1, 2)}, month());
  EXPECT_EQ(made.id(), golden::fixed<MessageId>(golden::kSeal3Id));
  EXPECT_EQ(made.head.encoded_bytes(), golden::kSeal3Size);
}

TEST(Golden, SealedToASecp256k1Key) {
  const auto key = crypto::derive_private_key(crypto::KemId::secp256k1_hkdf_sha256,
                                              bytes(golden::kSeal2RecipientIkm));
  HeadOptions options = month();
  options.suite = Suite::sealed_secp256k1;
  options.topic = Topic::from(as_bytes("whsp"));
  options.ttl = 86400;
  Sealed made = sealed_by_alice(
      {{*crypto::public_key_of(crypto::Curve::secp256k1, key), std::nullopt}}, options);
  EXPECT_EQ(made.id(), golden::fixed<MessageId>(golden::kSeal2Id));
  EXPECT_EQ(made.head.encoded_bytes(), golden::kSeal2Size);

  const Message message = std::move(made).with_nonce(0);
  const auto content_key = find_content_key(message.head, example_chain().id, key);
  ASSERT_TRUE(content_key);
  const Opened opened = open_with_content_key(message, example_chain().id, *content_key);
  EXPECT_EQ(opened.content.content, to_bytes("attack at dawn"));
}

TEST(Golden, SealedToARoom) {
  HeadOptions options = month();
  options.topic = golden::fixed<Topic>(golden::kRoomTopic);
  EXPECT_EQ(prekey(0x33), bytes(golden::kRoomKey));
  EXPECT_EQ(sealed_by_alice({recipient(0x33, 1)}, options).id(),
            golden::fixed<MessageId>(golden::kSealRoomId));
}

TEST(Golden, Keyring) {
  ScriptedEntropy entropy({filled(0x5a)});
  const auto json = crypto::SecretBytes::from(as_bytes("{\"v\":1}"));
  const auto file =
      seal_keyring(json, as_bytes("correct horse"), {.log2_n = 10, .r = 8, .p = 1}, entropy);
  EXPECT_EQ(file.value(), bytes(golden::kKeyring));
  const auto opened = open_keyring(bytes(golden::kKeyring), as_bytes("correct horse"));
  EXPECT_EQ(as_text(opened.value().view()), "{\"v\":1}");
}

TEST(Golden, Statements) {
  const auto alice = secret(1);
  const auto bob = secret(2);
  EXPECT_EQ(make_statement(kWholeIdentity, alice, nullptr), bytes(golden::kRevokeAlice));
  EXPECT_EQ(make_statement(kWholeIdentity, alice, &bob), bytes(golden::kSucceedAliceBob));
}

TEST(Golden, PaddedLengths) {
  for (const auto& [length, padded] : golden::kPaddedLengths) {
    EXPECT_EQ(padded_bytes(length), padded) << length;
  }
}

}  // namespace
}  // namespace bmsg::mail
