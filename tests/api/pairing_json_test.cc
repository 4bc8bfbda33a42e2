#include "lib/api/pairing_json.h"

#include <gtest/gtest.h>

#include "lib/api/keyring_json.h"
#include "tests/support/fake_entropy.h"

namespace bmsg::api {
namespace {

using crypto::SecretBytes;

SecretBytes secret(std::string_view text) { return SecretBytes::from(as_bytes(text)); }

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

mail::Pairing example() {
  FakeEntropy entropy;
  mail::Keyring keyring = mail::make_keyring(entropy).value();
  keyring.identities.push_back(mail::make_identity("ana", 0, entropy).value());
  mail::Room room;
  room.id = Bytes(16, 1);
  room.name = "hall";
  room.keys.push_back({2, SecretBytes(32)});
  keyring.rooms.push_back(std::move(room));
  mail::ContactBook contacts;
  mail::Contact ben;
  ben.name = "ben";
  ben.address = mail::make_identity("ben", 0, entropy).value().address();
  ben.trust = mail::Trust::verified;
  ben.verified = {7};
  ben.note = "of the choir";
  check(bool(contacts.add(ben)), "no contact");
  return mail::pairing_of(keyring, nullptr, std::move(contacts));
}

std::string text_of_example() { return to_string(print_pairing(example()).value().view()); }

TEST(PairingJson, ReadsWhatItWrites) {
  const mail::Pairing before = example();
  const auto after = parse_pairing(secret(text_of_example()));
  ASSERT_TRUE(after) << after.error().message;
  const mail::Pairing& read = after.value();
  ASSERT_EQ(read.keyring.identities.size(), 1u);
  EXPECT_EQ(read.keyring.identities[0].address(), before.keyring.identities[0].address());
  EXPECT_EQ(read.keyring.identities[0].revocation, before.keyring.identities[0].revocation);
  ASSERT_EQ(read.keyring.rooms.size(), 1u);
  EXPECT_EQ(read.keyring.rooms[0].keys[0].epoch, 2u);
  ASSERT_EQ(read.contacts.size(), 1u);
  EXPECT_EQ(*read.contacts.find("ben"), *before.contacts.find("ben"));
  EXPECT_EQ(read.keyring.unknown.size(), 0u);
}

TEST(PairingJson, SkipsWhatANewerVersionCarries) {
  const std::string text = replaced(text_of_example(), R"({"v":1,)", R"({"v":1,"readers":[1],)");
  const auto read = parse_pairing(secret(text));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().contacts.size(), 1u);
}

TEST(PairingJson, MayHaveNoContacts) {
  const std::string text = replaced(text_of_example(), R"("contacts":)", R"("kontakte":)");
  EXPECT_EQ(parse_pairing(secret(text)).value().contacts.size(), 0u);
}

TEST(PairingJson, NamesWhatIsDamaged) {
  const std::string good = text_of_example();
  ASSERT_TRUE(parse_pairing(secret(good)));
  const std::pair<std::string, std::string> cases[] = {
      {R"("device":0)", R"("device":4)"},
      {R"("name":"ana")", R"("name":"-ana")"},
      {R"("revocation":")", R"("revocation":"00)"},
      {R"("seed":")", R"("seed":"00)"},
      {R"("cards":[])", R"("cards":[{}])"},
      {R"("contacts":[)", R"("contacts":[1,)"},
      {R"("contacts":)", R"("contacts":1,"x":)"},
      {R"("trust":"verified")", R"("trust":"entirely")"},
      {R"("identities":[)", R"("identities":[{},)"},
      {R"("identities":)", R"("identities":{},"x":)"},
      {R"("identities":)", R"("identities":[],"x":)"},
      {R"("rooms":)", R"("rooms":1,"x":)"},
      {R"({"v":1,)", R"({"v":1,"archive":")" + std::string(64, '0') + R"(",)"}};
  for (const auto& [what, by] : cases) {
    const auto read = parse_pairing(secret(replaced(good, what, by)));
    ASSERT_FALSE(read) << by;
    EXPECT_EQ(read.error().code, Errc::corrupt) << by;
  }
  for (std::size_t size = 0; size < good.size(); size += 7)
    EXPECT_FALSE(parse_pairing(secret(good.substr(0, size)))) << size;
  EXPECT_EQ(parse_pairing(secret(replaced(good, R"("v":1)", R"("v":2)"))).error().code,
            Errc::bad_config);
}

TEST(PairingJson, RefusesAnIdentityThatStandsInItTwice) {
  mail::Pairing twice = example();
  mail::Identity again;
  again.name = "other";
  again.seed = twice.keyring.identities[0].seed.clone();
  again.revocation = twice.keyring.identities[0].revocation;
  twice.keyring.identities.push_back(std::move(again));
  const auto read = parse_pairing(print_pairing(std::move(twice)).value());
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("twice"), std::string::npos);
}

TEST(PairingJson, IsNoKeyringOfAStore) {
  EXPECT_FALSE(parse_keyring(secret(text_of_example())));
  EXPECT_TRUE(parse_travelling_keyring(secret(text_of_example()), 1 << 20));
  EXPECT_FALSE(parse_travelling_keyring(secret(text_of_example()), 100));
}

TEST(IdentityBackupJson, MayHavePrekeysThatAPairFileMayNot) {
  FakeEntropy entropy;
  mail::Pairing pairing;
  pairing.keyring.identities.push_back(mail::make_identity("ana", 0, entropy).value());
  mail::Identity& ana = pairing.keyring.identities[0];
  ana.cards.push_back(mail::make_card_key(ana, ChainId(), UnixSeconds{5}, entropy).value());
  const auto json = print_pairing(std::move(pairing));
  ASSERT_TRUE(json);
  EXPECT_EQ(parse_pairing(json.value()).error().code, Errc::corrupt);
  const auto read = parse_identity_backup(json.value());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().keyring.identities.at(0).cards.size(), 1u);
}

}  // namespace
}  // namespace bmsg::api
