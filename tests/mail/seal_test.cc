#include "lib/mail/seal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lib/chain/block_hash.h"
#include "lib/core/codec.h"
#include "lib/crypto/aead.h"
#include "lib/mail/open.h"
#include "lib/mail/seal_scheme.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

std::size_t slots_of(const MessageHead& head) { return (head.key_section.size() - 32) / 48; }

std::vector<Recipient> many(std::size_t count) {
  std::vector<Recipient> made;
  for (std::size_t i = 0; i < count; ++i) {
    made.push_back(recipient(static_cast<std::uint8_t>(i), 2));
  }
  return made;
}

Result<Sealed> try_seal(std::vector<Recipient> to, Content content = text("hello"),
                        HeadOptions options = month()) {
  FakeEntropy entropy;
  const auto alice = secret(1);
  return seal(example_chain(), std::move(content), std::move(to), &alice, options, entropy);
}

TEST(Seal, OpensForEachRecipientFrom1To64) {
  for (const std::size_t count : {1u, 2u, 3u, 63u, 64u}) {
    const Message message = sealed_to(many(count), "to all of you");
    for (std::size_t i = 0; i < count; ++i) {
      const auto opened =
          open(message, example_chain().id, agreement(static_cast<std::uint8_t>(i)), identity(2));
      ASSERT_TRUE(opened) << i << " of " << count;
      EXPECT_EQ(opened->content.content, to_bytes("to all of you"));
      EXPECT_EQ(opened->signature, SignatureState::good);
    }
    EXPECT_FALSE(open(message, example_chain().id, agreement(200), identity(2)));
  }
}

TEST(Seal, RefusesNoRecipientAnd65) {
  EXPECT_EQ(try_seal({}).error().code, Errc::bad_input);
  EXPECT_TRUE(try_seal(many(64)));
  EXPECT_EQ(try_seal(many(65)).error().code, Errc::bad_input);
}

TEST(Seal, HidesTheNumberOfRecipientsInPowersOfTwo) {
  for (std::size_t count = 1; count <= 64; ++count) {
    const std::size_t slots = slots_of(try_seal(many(count)).value().head);
    EXPECT_GE(slots, count);
    EXPECT_EQ(slots & (slots - 1), 0u);
    EXPECT_LT(slots, 2 * count);
  }
}

TEST(Seal, SortsSlotsSoThatTheirOrderSaysNothing) {
  const Sealed made = try_seal(many(33)).value();
  std::vector<Bytes> slots;
  for (std::size_t at = 32; at < made.head.key_section.size(); at += 48) {
    slots.push_back(to_bytes(ByteView(made.head.key_section).subspan(at, 48)));
  }
  EXPECT_TRUE(std::ranges::is_sorted(slots));
  EXPECT_EQ(std::set<Bytes>(slots.begin(), slots.end()).size(), 64u);
}

TEST(Seal, CountsTheSameRecipientOnce) {
  HeadOptions exact = month();
  exact.slots = Slots::exact;
  const auto twice = {recipient(1, 2), recipient(1, 2), recipient(2, 2)};
  EXPECT_EQ(slots_of(try_seal(twice, text("a"), exact).value().head), 2u);
}

TEST(Seal, MakesAnotherMessageEachTime) {
  const Message first = sealed_to({recipient(1, 2)}, "again", 1);
  const Message second = sealed_to({recipient(1, 2)}, "again", 2);
  EXPECT_NE(first.head, second.head);
  EXPECT_NE(first.body, second.body);
}

TEST(Seal, ShowsNoAddressNoKeyAndNoTextInTheClear) {
  const Bytes bytes = encode(sealed_to({recipient(0xb0, 2), recipient(0xb1, 2)}, "attack at dawn"));
  for (const Bytes& hidden : {to_bytes(identity(1).view()), to_bytes(identity(2).view()),
                              prekey(0xb0), prekey(0xb1), to_bytes("attack")}) {
    EXPECT_TRUE(std::ranges::search(bytes, hidden).empty());
  }
}

TEST(Seal, PadsTextsOfDifferentLengthsAlike) {
  const auto size = [](std::string_view words) {
    return sealed_to({recipient(1, 2)}, words).head.encoded_bytes();
  };
  EXPECT_EQ(size("a"), 488u);
  EXPECT_EQ(size("a"), size("a much longer text, which says a little more than the other one"));
}

TEST(Seal, RefusesAKeyThatCannotBeSealedTo) {
  Recipient weak = recipient(1, 2);
  weak.key = Bytes(32);  // X25519 of anything with it is zero.
  EXPECT_EQ(try_seal({weak}).error().code, Errc::no_recipient);
  EXPECT_EQ(try_seal({recipient(1, 2), weak}).error().code, Errc::no_recipient);
  weak.key.resize(31);
  EXPECT_EQ(try_seal({weak}).error().code, Errc::no_recipient);
}

TEST(Seal, AcceptsTheLongestTextThatFitsAndRefusesOneByteMore) {
  // Records of 63488 bytes pad to themselves: kind 4, sender 35, signature 67, content 3.
  Content content = text("");
  content.content.resize(63488 - 4 - 35 - 67 - 3);
  EXPECT_EQ(try_seal({recipient(1, 2)}, content).value().head.encoded_bytes(), 63720u);
  content.content.push_back(0);
  const auto refused = try_seal({recipient(1, 2)}, content);
  EXPECT_EQ(refused.error().code, Errc::bad_input);
  EXPECT_NE(refused.error().message.find("maxmessage"), std::string::npos);
}

TEST(Seal, KeepsTheChainsLimitsOfLife) {
  HeadOptions options = month();
  options.ttl = example_chain().rules.maxttl;
  EXPECT_TRUE(try_seal(many(1), text("a"), options));
  options.ttl += 1;
  EXPECT_EQ(try_seal(many(1), text("a"), options).error().code, Errc::bad_input);
  options.ttl = 0;
  EXPECT_EQ(try_seal(many(1), text("a"), options).error().code, Errc::bad_input);
}

TEST(Seal, SaysSoWhenThereIsNoRandomness) {
  const auto alice = secret(1);
  for (const std::size_t pieces : {0u, 1u, 2u}) {
    std::deque<Bytes> script(pieces, filled(7));
    ScriptedEntropy entropy(std::move(script));
    const auto made = seal(example_chain(), text("a"), many(3), &alice, month(), entropy);
    EXPECT_EQ(made.error().code, Errc::no_resource);
  }
}

TEST(Seal, WithoutASignerIsAnonymous) {
  FakeEntropy entropy;
  auto made = seal(example_chain(), text("psst"), {recipient(1, 2)}, nullptr, month(), entropy);
  const Message message = std::move(made).value().with_nonce(0);
  const auto opened = open(message, example_chain().id, agreement(1), identity(2));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->signature, SignatureState::absent);
  EXPECT_TRUE(opened->content.sender.empty());
}

TEST(Post, IsOpenToEverybodyAndSigned) {
  const auto alice = secret(1);
  const Message message =
      std::move(post(example_chain(), text("hear, hear"), &alice, month()).value()).with_nonce(0);
  EXPECT_EQ(message.head.suite, Suite::open);
  const Opened opened = open_public(message, example_chain().id);
  EXPECT_EQ(opened.content.content, to_bytes("hear, hear"));
  EXPECT_EQ(opened.signature, SignatureState::good);
  EXPECT_EQ(opened.content.identity(), identity(1));
}

TEST(Post, RefusesWhatDoesNotFit) {
  Content content = text("");
  content.content.resize(65535 - 96 - 8);  // And the 7 bytes before it: 2 too many.
  EXPECT_EQ(post(example_chain(), content, nullptr, month()).error().code, Errc::bad_input);
  content.content.resize(65536 - 96 - 8 - 4 - 3);
  EXPECT_EQ(post(example_chain(), content, nullptr, month()).value().head.encoded_bytes(), 65536u);
}

/// A message that a key pair of a gateway has signed.
Message signed_by_pair(const crypto::SecretBytes& key, Content content = text("psst")) {
  FakeEntropy entropy;
  auto made = seal(example_chain(), std::move(content), {recipient(1, 2)}, SigningKey::of_pair(key),
                   month(), entropy);
  return std::move(made).value().with_nonce(0);
}

TEST(Seal, LetsAKeyPairSignThatIsNobodys) {
  const auto key = secret(7);
  const auto opened =
      open(signed_by_pair(key), example_chain().id, agreement(1), identity(2)).value();
  EXPECT_EQ(opened.signature, SignatureState::good);
  EXPECT_EQ(opened.content.sender, crypto::public_key_of(crypto::Curve::secp256k1, key));
  EXPECT_FALSE(opened.content.identity());
}

TEST(Seal, BindsThatSignatureToTheWholeMessage) {
  const auto key = secret(7);
  const Message message = signed_by_pair(key);
  const auto content_key =
      find_content_key(message.head, example_chain().id, agreement(1), identity(2)).value();
  const auto plain_keys = scheme::body_keys(content_key, head_hash(message.head));
  const auto plain = crypto::aead_open(plain_keys.key, crypto::AeadNonce(), {},
                                       ByteView(*message.body).subspan(scheme::kCommitmentBytes));
  ASSERT_TRUE(plain);
  const auto read = std::get<ReadRecords>(decode_records(plain->view(), Padding::allowed));
  const auto state = [&](Message altered, std::size_t at) {
    Bytes records = to_bytes(plain->view());
    if (at < records.size()) records[at] ^= 1;
    const auto keys = scheme::body_keys(content_key, head_hash(altered.head));
    Bytes body = keys.commitment;
    append(body, crypto::aead_seal(keys.key, crypto::AeadNonce(), {}, records));
    altered.head.body_hash = chain::body_hash_of(body);
    altered.body = std::move(body);
    return open_with_content_key(altered, example_chain().id, content_key).signature;
  };
  EXPECT_EQ(state(message, plain->size()), SignatureState::good);
  Message dated = message;
  dated.head.time += 60;
  EXPECT_EQ(state(dated, plain->size()), SignatureState::bad);
  EXPECT_EQ(state(message, 4 + 3 + 20), SignatureState::bad) << "the key";
  EXPECT_EQ(state(message, read.signed_bytes - 1), SignatureState::bad) << "the text";
  EXPECT_EQ(state(message, read.signed_bytes + 3), SignatureState::bad) << "the signature";
}

}  // namespace
}  // namespace bmsg::mail
