// Each layer of a sealed message refuses by its name.

#include "lib/mail/open.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/core/codec.h"
#include "lib/crypto/aead.h"
#include "lib/mail/seal_scheme.h"
#include "lib/mail/summary.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

/// A message from Alice to Bob that opens, so that each test breaks one thing.
class Open : public testing::Test {
 protected:
  std::optional<Opened> opened() const {
    return open(message, example_chain().id, agreement(0xb0), identity(2));
  }
  std::optional<Fault> fault() const {
    const auto found = opened();
    EXPECT_TRUE(found) << "not ours";
    return found ? found->fault : std::nullopt;
  }
  crypto::SecretBytes content_key() const {
    return std::move(
        *find_content_key(message.head, example_chain().id, agreement(0xb0), identity(2)));
  }
  /// Puts other plaintext in, made as a sender with the content key would.
  void replace_plain(ByteView plain) {
    message.head.body_bytes = static_cast<std::uint32_t>(plain.size() + scheme::kBodyOverheadBytes);
    const auto keys = scheme::body_keys(content_key(), head_hash(message.head));
    Bytes body = keys.commitment;
    append(body, crypto::aead_seal(keys.key, crypto::AeadNonce(), {}, plain));
    set_body(std::move(body));
  }
  void set_body(Bytes body) {
    message.head.body_hash = chain::body_hash_of(body);
    message.body = std::move(body);
  }
  Bytes plain() const {
    const auto keys = scheme::body_keys(content_key(), head_hash(message.head));
    return to_bytes(
        crypto::aead_open(keys.key, crypto::AeadNonce(), {}, ByteView(*message.body).subspan(32))
            ->view());
  }

  Message message = sealed_to({recipient(0xb0, 2), recipient(0xc0, 3)}, "attack at dawn");
};

TEST_F(Open, StartsFromAMessageThatOpens) {
  EXPECT_EQ(fault(), std::nullopt);
  EXPECT_EQ(opened()->content.content, to_bytes("attack at dawn"));
}

TEST_F(Open, NamesNobodyWhoseSignatureWasMadeUp) {
  const Bytes good = plain();
  const std::optional<IdentityKey> alice = identity(1);
  EXPECT_EQ(summary_of(message, *opened()).identity(), alice);
  const auto read = std::get<ReadRecords>(decode_records(good, Padding::allowed));
  Bytes forged = good;
  forged[read.signed_bytes + 10] ^= 1;  // Within the signature, behind its type and length.
  replace_plain(forged);
  const auto found = opened();
  ASSERT_TRUE(found && !found->fault);
  EXPECT_EQ(found->content.sender, to_bytes(identity(1).view()));
  EXPECT_EQ(found->signature, SignatureState::bad);
  EXPECT_EQ(summary_of(message, *found).identity(), std::nullopt);
}

TEST_F(Open, RefusesEveryFlippedBit) {
  const Bytes good = encode(message);
  const std::size_t nonce_at = message.head.head_bytes();
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    if (bit / 8 >= nonce_at && bit / 8 < nonce_at + kNonceBytes) continue;  // The stamp's.
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto decoded = decode_message(bad);
    if (!decoded) continue;
    const auto found = open(decoded.value(), example_chain().id, agreement(0xb0), identity(2));
    EXPECT_TRUE(!found || found->fault) << "bit " << bit;
  }
}

TEST_F(Open, AKeyThatIsTriedOnManyMessagesKeepsNothingOfTheOneBefore) {
  const SlotKey key(agreement(0xb0), example_chain().id, identity(2));
  const Message foreign = sealed_to({recipient(0xc0, 3)}, "attack at noon", 2);
  const Message other = sealed_to({recipient(0xb0, 2)}, "attack at dusk", 3);
  MessageHead zero = message.head;  // All keys agree on nothing with it.
  std::fill_n(zero.key_section.begin(), 32, std::uint8_t{0});
  MessageHead short_one = message.head;
  short_one.key_section.resize(32);
  for (int times = 0; times < 2; ++times) {
    EXPECT_FALSE(key.find_content_key(foreign.head));
    const auto first = key.find_content_key(message.head);
    ASSERT_TRUE(first);
    EXPECT_EQ(to_bytes(first->view()), to_bytes(content_key().view()));
    EXPECT_FALSE(key.find_content_key(zero));
    EXPECT_FALSE(key.find_content_key(short_one));
    const auto second = key.find_content_key(other.head);
    ASSERT_TRUE(second);
    EXPECT_NE(to_bytes(second->view()), to_bytes(first->view()));
  }
}

TEST_F(Open, IsNotOursForAnotherKeyOwnerOrChain) {
  EXPECT_FALSE(open(message, example_chain().id, agreement(0xb1), identity(2)));
  EXPECT_FALSE(open(message, ChainId::filled(9), agreement(0xb0), identity(2)));
}

TEST_F(Open, GivesNothingToWhoSeesItsKeyInAnotherCard) {
  // Mallory publishes Bob's prekey as his own; what Alice seals for Mallory stays shut for Bob.
  const Message for_mallory = sealed_to({recipient(0xb0, 66)}, "for Mallory only");
  EXPECT_FALSE(open(for_mallory, example_chain().id, agreement(0xb0), identity(2)));
  EXPECT_TRUE(open(for_mallory, example_chain().id, agreement(0xb0), identity(66)));
}

TEST_F(Open, NamesABodyThatIsNotTheHeads) {
  message.body->back() ^= 1;
  EXPECT_EQ(fault(), Fault::body);
  message.body.reset();
  EXPECT_EQ(fault(), Fault::body);
}

TEST_F(Open, NamesTheCommitment) {
  Bytes body = *message.body;
  body[0] ^= 1;
  set_body(body);
  EXPECT_EQ(fault(), Fault::commitment);
  EXPECT_EQ(open_with_content_key(message, example_chain().id, secret(9)).fault, Fault::commitment);
  EXPECT_EQ(open_with_content_key(message, example_chain().id, {}).fault, Fault::commitment);
}

TEST_F(Open, NamesTheCommitmentWhenAFellowsSlotWasChanged) {
  const auto key = content_key();
  message.head.key_section.back() ^= 1;
  message.head.key_section[40] ^= 1;
  EXPECT_EQ(open_with_content_key(message, example_chain().id, key).fault, Fault::commitment);
}

TEST_F(Open, NamesTheTag) {
  Bytes body = *message.body;
  body.back() ^= 1;
  set_body(body);
  EXPECT_EQ(fault(), Fault::tag);
}

TEST_F(Open, NamesThePadding) {
  Bytes text = plain();
  text.back() = 1;
  replace_plain(text);
  EXPECT_EQ(fault(), Fault::padding);
  EXPECT_TRUE(opened()->content.content.empty()) << "shown in part";
}

TEST_F(Open, NamesTheRecords) {
  Bytes text = plain();
  text[0] = 0x09;
  replace_plain(text);
  EXPECT_EQ(fault(), Fault::records);
}

TEST_F(Open, NamesANewerProgram) {
  Bytes text = {0x01, 0x00, 0x01, 0x00, 0x20, 0x00, 0x01, 0x00};
  text.resize(256);
  replace_plain(text);
  EXPECT_EQ(fault(), Fault::newer);
}

TEST_F(Open, ShowsABadSignatureOnRecordsOfAnotherMessage) {
  // A fellow recipient takes the signed records and makes a message of them for somebody else.
  const Bytes signed_records = plain();
  message = sealed_to({recipient(0xb0, 2)}, "another text");
  replace_plain(signed_records);
  EXPECT_EQ(fault(), std::nullopt);
  EXPECT_EQ(opened()->signature, SignatureState::bad);
}

TEST_F(Open, CountsAWeakKeyAsABadSignature) {
  Bytes text = {0x01, 0x00, 0x01, 0x00, 0x02, 0x00, 0x20};
  Bytes identity_point(32);
  identity_point[0] = 1;  // Of order one: anything is signed under it.
  append(text, identity_point);
  Signature forged;
  forged.data()[0] = 1;
  append_signature(text, forged);
  text.resize(256);
  replace_plain(text);
  EXPECT_EQ(fault(), std::nullopt);
  EXPECT_EQ(opened()->signature, SignatureState::bad);
}

TEST_F(Open, GivesAContentKeyThatOpensThisMessageAlone) {
  const auto key = content_key();
  EXPECT_FALSE(open_with_content_key(message, example_chain().id, key).fault);
  const Message other = sealed_to({recipient(0xb0, 2)}, "another", 2);
  EXPECT_EQ(open_with_content_key(other, example_chain().id, key).fault, Fault::commitment);
}

TEST_F(Open, RefusesKeySectionsThatNoSenderMakes) {
  for (const std::size_t size : {0u, 31u, 32u, 33u, 79u, 81u, 32u + 65u * 48u}) {
    message.head.key_section.resize(size);
    EXPECT_FALSE(opened()) << size;
  }
}

TEST_F(Open, GivesTheTextAloneToWhoeverMayReadIt) {
  const auto key = content_key();
  EXPECT_EQ(text_alone(message, example_chain().id, key), to_bytes("attack at dawn"));
  EXPECT_EQ(text_alone(message, ChainId::filled(1), key), std::nullopt);
  EXPECT_EQ(text_alone(message, example_chain().id, secret(9)), std::nullopt);
  message.body->back() ^= 1;
  EXPECT_EQ(text_alone(message, example_chain().id, key), std::nullopt);
  message.body.reset();
  EXPECT_EQ(text_alone(message, example_chain().id, key), std::nullopt);
}

TEST_F(Open, LooksAtNoOtherSuite) {
  const auto key = content_key();
  message.head.suite = Suite::chunk;
  EXPECT_FALSE(opened());
  EXPECT_EQ(open_with_content_key(message, example_chain().id, key).fault, Fault::suite);
  EXPECT_EQ(open_public(message, example_chain().id).fault, Fault::suite);
}

TEST(OpenPublic, RefusesPaddingAndOtherChains) {
  Message message =
      std::move(post(example_chain(), text("hear"), nullptr, month()).value()).with_nonce(0);
  EXPECT_EQ(open_public(message, example_chain().id).signature, SignatureState::absent);
  EXPECT_EQ(text_alone(message, example_chain().id, {}), to_bytes("hear"));
  EXPECT_EQ(open_public(message, ChainId::filled(1)).fault, Fault::suite);
  message.body->push_back(0);
  message.head.body_bytes += 1;
  message.head.body_hash = chain::body_hash_of(*message.body);
  EXPECT_EQ(open_public(message, example_chain().id).fault, Fault::padding);
}

TEST(OpenPublic, ShowsABadSignatureOnAChangedDate) {
  const auto alice = secret(1);
  Message message =
      std::move(post(example_chain(), text("hear"), &alice, month()).value()).with_nonce(0);
  message.head.time += 60;
  EXPECT_EQ(open_public(message, example_chain().id).signature, SignatureState::bad);
}

TEST(FaultNames, AreTheLayers) {
  EXPECT_EQ(name_of(Fault::suite), "suite");
  EXPECT_EQ(name_of(Fault::newer), "newer");
  EXPECT_EQ(name_of(SignatureState::bad), "bad");
}

}  // namespace
}  // namespace bmsg::mail
