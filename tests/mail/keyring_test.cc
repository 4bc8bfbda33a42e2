#include "lib/mail/keyring.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/crypto/sign.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/statement.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

const crypto::ScryptCost kCheap = kNoPassphraseCost;

Bytes sealed_file(std::string_view passphrase = "correct horse") {
  FakeEntropy entropy;
  const auto json = crypto::SecretBytes::from(as_bytes("{\"v\":1,\"archive\":\"00\"}"));
  return seal_keyring(json, as_bytes(passphrase), kCheap, entropy).value();
}

Errc error_of(ByteView file, std::string_view passphrase = "correct horse") {
  const auto opened = open_keyring(file, as_bytes(passphrase));
  EXPECT_FALSE(opened);
  return opened.error().code;
}

TEST(KeyringFile, OpensWithItsPassphraseAlone) {
  const auto opened = open_keyring(sealed_file(), as_bytes("correct horse"));
  EXPECT_EQ(as_text(opened.value().view()), "{\"v\":1,\"archive\":\"00\"}");
  EXPECT_EQ(error_of(sealed_file(), "correct horsE"), Errc::denied);
  EXPECT_EQ(error_of(sealed_file(), ""), Errc::denied);
}

TEST(KeyringFile, MayHaveNoPassphrase) {
  EXPECT_TRUE(open_keyring(sealed_file(""), {}));
  EXPECT_EQ(error_of(sealed_file(""), "x"), Errc::denied);
}

TEST(KeyringFile, HasAnotherSaltEachTime) {
  FakeEntropy entropy;
  const auto json = crypto::SecretBytes::from(as_bytes("{}"));
  const auto first = seal_keyring(json, {}, kCheap, entropy);
  const auto second = seal_keyring(json, {}, kCheap, entropy);
  EXPECT_NE(first.value(), second.value());
}

TEST(KeyringFile, SaysDamagedWhenItsTextWasChanged) {
  Bytes file = sealed_file();
  file.back() ^= 1;
  EXPECT_EQ(error_of(file), Errc::corrupt);
  file = sealed_file();
  file[72] ^= 1;
  EXPECT_EQ(error_of(file), Errc::corrupt);
  file = sealed_file();
  file.push_back(0);
  EXPECT_EQ(error_of(file), Errc::corrupt);
}

TEST(KeyringFile, CannotTellADamagedSaltFromAWrongPassphrase) {
  for (const std::size_t at : {8u, 39u, 40u, 71u}) {
    Bytes file = sealed_file();
    file[at] ^= 1;
    EXPECT_EQ(error_of(file), Errc::denied) << at;
  }
}

TEST(KeyringFile, IsDamagedWhenCutAnywhere) {
  const Bytes file = sealed_file();
  for (std::size_t size = 0; size < 88; ++size) {
    EXPECT_EQ(error_of(ByteView(file).first(size)), Errc::corrupt) << size;
  }
}

TEST(KeyringFile, RefusesCostsOutOfBoundsBeforeItPaysThem) {
  struct Case {
    std::size_t at;
    std::uint8_t value;
  };
  for (const auto& [at, value] : {Case{0, 'B'},
                                  {3, '2'},
                                  {4, 9},
                                  {4, 23},
                                  {4, 255},
                                  {5, 7},
                                  {5, 9},
                                  {6, 0},
                                  {6, 5},
                                  {7, 1}}) {
    Bytes file = sealed_file();
    file[at] = value;
    EXPECT_EQ(error_of(file), Errc::corrupt) << at << " " << int{value};
  }
  Bytes file = sealed_file();
  file[6] = 4;  // Within bounds, but not what it was made with.
  EXPECT_EQ(error_of(file), Errc::denied);
}

TEST(KeyringFile, SaysSoWhenThereIsNoRandomness) {
  ScriptedEntropy nothing({});
  const auto json = crypto::SecretBytes::from(as_bytes("{}"));
  EXPECT_EQ(seal_keyring(json, {}, kCheap, nothing).error().code, Errc::no_resource);
}

TEST(Keyring, HasAMailboxKeyFromTheStart) {
  FakeEntropy entropy;
  EXPECT_EQ(make_keyring(entropy).value().archive.size(), 32u);
}

TEST(Keyring, FindsIdentitiesByNameAndAddress) {
  FakeEntropy entropy;
  Keyring keyring = make_keyring(entropy).value();
  keyring.identities.push_back(make_identity("ana", 0, entropy).value());
  keyring.identities.push_back(make_identity("ben", 7, entropy).value());
  const Identity* ben = keyring.find("ben");
  ASSERT_NE(ben, nullptr);
  EXPECT_EQ(keyring.find(ben->address()), ben);
  EXPECT_EQ(keyring.find("cleo"), nullptr);
  EXPECT_EQ(keyring.find(IdentityKey::filled(1)), nullptr);
}

TEST(Identity, HasTheAddressOfTheSeedThatItHasNow) {
  FakeEntropy entropy;
  Identity made = make_identity("ana", 0, entropy).value();
  EXPECT_EQ(made.address(), crypto::public_key_of(made.seed));
  const IdentityKey before = made.address();
  made.seed = crypto::SecretBytes::from(Bytes(crypto::kSeedBytes, 7));
  EXPECT_EQ(made.address(), crypto::public_key_of(made.seed));
  EXPECT_NE(made.address(), before);
  const Identity moved = std::move(made);
  EXPECT_EQ(moved.address(), crypto::public_key_of(moved.seed));
}

TEST(Identity, ComesWithAGoodRevocation) {
  FakeEntropy entropy;
  const Identity made = make_identity("ana", 0, entropy).value();
  const auto revocation = read_statement(made.revocation);
  ASSERT_TRUE(revocation);
  EXPECT_EQ(revocation->old_key, made.address());
  EXPECT_EQ(revocation->scope, kWholeIdentity);
  EXPECT_FALSE(revocation->new_key);
}

TEST(CardKeys, CountUpForEachChain) {
  FakeEntropy entropy;
  Identity ana = make_identity("ana", 0, entropy).value();
  const ChainId here = ChainId::filled(1);
  const ChainId there = ChainId::filled(2);
  for (const std::uint64_t seq : {1u, 2u, 3u}) {
    CardKey key = make_card_key(ana, here, {1000}, entropy).value();
    EXPECT_EQ(key.seq, seq);
    ana.cards.push_back(std::move(key));
  }
  EXPECT_EQ(make_card_key(ana, there, {1000}, entropy).value().seq, 1u);
  EXPECT_FALSE(std::ranges::equal(ana.cards[0].secret.view(), ana.cards[1].secret.view()));
}

TEST(MailKeys, AreTheChainsAloneNewestFirst) {
  FakeEntropy entropy;
  Keyring keyring = make_keyring(entropy).value();
  Identity ana = make_identity("ana", 4, entropy).value();
  const ChainId here = ChainId::filled(1);
  for (const ChainId& chain : {here, ChainId::filled(2), here}) {
    ana.cards.push_back(make_card_key(ana, chain, {1000}, entropy).value());
  }
  const auto newest = crypto::public_key_of(crypto::Curve::x25519, ana.cards.back().secret);
  keyring.identities.push_back(std::move(ana));
  const MailKeys keys = mail_keys(keyring, here);
  ASSERT_EQ(keys.live.size(), 2u);
  EXPECT_EQ(to_bytes(keys.live[0].agreement.public_key().view()), *newest);
  EXPECT_EQ(keys.live[0].owner, keyring.identities[0].address());
  EXPECT_EQ(keys.own_of(keyring.identities[0].address().view())->device, 4);
  EXPECT_EQ(keys.own_of(filled(9)), nullptr);
}

TEST(MailKeys, HaveTheSameDigestAfterANewCardAndAnotherAfterANewIdentity) {
  FakeEntropy entropy;
  Keyring keyring = make_keyring(entropy).value();
  keyring.identities.push_back(make_identity("ana", 0, entropy).value());
  const ChainId here = ChainId::filled(1);
  const Digest before = mail_keys(keyring, here).digest;
  Identity& ana = keyring.identities[0];
  ana.cards.push_back(make_card_key(ana, here, {1000}, entropy).value());
  EXPECT_EQ(mail_keys(keyring, here).digest, before);
  keyring.identities.push_back(make_identity("ben", 0, entropy).value());
  EXPECT_NE(mail_keys(keyring, here).digest, before);
}

TEST(Statement, ComesBackAsItWasMade) {
  const auto alice = secret(1);
  const auto bob = secret(2);
  const auto read = read_statement(make_statement(kWholeIdentity, alice, &bob));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->old_key, identity(1));
  EXPECT_EQ(read->new_key, identity(2));
  EXPECT_EQ(read_statement(make_statement(3, alice, nullptr))->scope, 3);
}

TEST(Statement, IsRefusedWhenAnyByteIsChanged) {
  const auto alice = secret(1);
  const auto bob = secret(2);
  for (const Bytes& good :
       {make_statement(kWholeIdentity, alice, &bob), make_statement(3, alice, nullptr)}) {
    for (std::size_t at = 0; at < good.size(); ++at) {
      Bytes bad = good;
      bad[at] ^= 1;
      EXPECT_FALSE(read_statement(bad)) << at;
    }
    EXPECT_FALSE(read_statement(ByteView(good).first(192)));
  }
}

TEST(Statement, OfADeviceHasNoSuccessor) {
  const auto alice = secret(1);
  const auto bob = secret(2);
  EXPECT_FALSE(read_statement(make_statement(3, alice, &bob)));
}

TEST(Keyring, FindsAnIdentityByItsNameInAnyForm) {
  FakeEntropy entropy;
  Keyring keyring = make_keyring(entropy).value();
  keyring.identities.push_back(make_identity("Ren\u00e9", 0, entropy).value());
  keyring.identities.push_back(make_identity("", 0, entropy).value());
  const Identity* rene = &keyring.identities[0];
  EXPECT_EQ(keyring.find("Ren\u00e9"), rene);
  EXPECT_EQ(keyring.find("Rene\u0301"), rene);
  EXPECT_EQ(keyring.find("Rene"), nullptr);
  EXPECT_EQ(keyring.find("Ren\xe9"), nullptr) << "no UTF-8";
  EXPECT_EQ(keyring.find(""), &keyring.identities[1]);
}

TEST(InboxOf, IsAsLongAsItsOwnerChoseAndOneForAllDevices) {
  FakeEntropy entropy;
  Identity ana = make_identity("ana", 0, entropy).value();
  EXPECT_EQ(inbox_of(ana), InboxPrefix());
  ana.inbox_bits = kInboxBitsMax;
  const InboxPrefix whole = inbox_of(ana);
  EXPECT_EQ(whole.bits, kInboxBitsMax);
  EXPECT_NE(whole.topic, Topic());
  ana.device = 7;
  EXPECT_EQ(inbox_of(ana), whole);
  for (std::uint8_t bits = 1; bits <= kInboxBitsMax; ++bits) {
    ana.inbox_bits = bits;
    const InboxPrefix inbox = inbox_of(ana);
    EXPECT_TRUE(inbox.matches(whole.topic)) << int{bits};
    for (std::size_t i = 0; i < Topic::kSize; ++i)
      EXPECT_EQ(inbox.topic.view()[i] & ~inbox.mask_of(i), 0) << "more is told than was chosen";
  }
  Identity ben = make_identity("ben", 0, entropy).value();
  ben.inbox_bits = kInboxBitsMax;
  EXPECT_NE(inbox_of(ben).topic, whole.topic);
}

TEST(InboxOf, StandsInEachPrekeyThatIsMadeFromThenOn) {
  FakeEntropy entropy;
  Identity ana = make_identity("ana", 0, entropy).value();
  const auto make = [&] {
    return make_card_key(ana, example_chain().id, UnixSeconds{5}, entropy).value();
  };
  ana.cards.push_back(make());
  ana.inbox_bits = 9;
  ana.cards.push_back(make());
  EXPECT_EQ(ana.cards[0].inbox, InboxPrefix());
  EXPECT_EQ(ana.cards[1].inbox, inbox_of(ana));
}

}  // namespace
}  // namespace bmsg::mail
