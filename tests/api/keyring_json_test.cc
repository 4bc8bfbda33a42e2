// The text of a keyring, both ways, and what is kept of later versions.

#include "lib/api/keyring_json.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/core/hex.h"
#include "tests/support/fake_entropy.h"
#include "tests/support/seed.h"

namespace bmsg::api {
namespace {

using crypto::SecretBytes;

SecretBytes secret(std::string_view text) { return SecretBytes::from(as_bytes(text)); }
std::string text_of(const SecretBytes& secret) { return to_string(secret.view()); }

mail::Keyring full_keyring() {
  FakeEntropy entropy;
  mail::Keyring keyring = mail::make_keyring(entropy).value();
  mail::Identity identity = mail::make_identity("ana", 3, entropy).value();
  for (int i = 0; i < 2; ++i) {
    identity.cards.push_back(
        mail::make_card_key(identity, ChainId::filled(7), {2'000'000'000}, entropy).value());
  }
  identity.cards[1].buried = {1'900'000'000};
  identity.cards[1].block = BlockHash::filled(3);
  identity.epoch = 86400;
  identity.inbox_bits = 8;
  identity.cards[1].inbox = {.bits = 8, .topic = Topic::filled(0xab)};
  keyring.identities.push_back(std::move(identity));
  mail::Room room;
  room.id = Bytes(16, 5);
  room.name = "room";
  room.keeper = IdentityKey::filled(9);
  room.keys.push_back({.epoch = 3, .secret = SecretBytes::from(Bytes(32, 7)), .replaced = {77}});
  room.keys.push_back({.epoch = 4, .secret = SecretBytes::from(Bytes(32, 6))});
  room.members = {IdentityKey::filled(3)};
  room.owed.push_back({.mark = Bytes(8, 1), .epoch = 4, .to = {IdentityKey::filled(4)}});
  room.alarms = {{3, MessageId::filled(2)}};
  room.skip = 5;
  keyring.rooms.push_back(std::move(room));
  return keyring;
}

std::string full_text() { return text_of(print_keyring(full_keyring())); }

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(KeyringJson, ComesBackAsItWas) {
  const mail::Keyring before = full_keyring();
  const auto parsed = parse_keyring(print_keyring(before));
  ASSERT_TRUE(parsed) << parsed.error().message;
  const mail::Keyring& after = parsed.value();
  ASSERT_EQ(after.identities.size(), 1);
  const mail::Identity& ana = after.identities[0];
  EXPECT_EQ(ana.name, "ana");
  EXPECT_EQ(ana.device, 3);
  EXPECT_EQ(ana.address(), before.identities[0].address());
  EXPECT_EQ(ana.revocation, before.identities[0].revocation);
  ASSERT_EQ(ana.cards.size(), 2);
  EXPECT_EQ(text_of(ana.cards[1].secret), text_of(before.identities[0].cards[1].secret));
  EXPECT_EQ(ana.cards[1].seq, 2);
  EXPECT_EQ(ana.cards[1].until.value, 2'000'000'000);
  EXPECT_EQ(ana.cards[1].buried.value, 1'900'000'000);
  EXPECT_EQ(ana.cards[1].block, BlockHash::filled(3));
  EXPECT_FALSE(ana.cards[0].block);
  EXPECT_EQ(ana.epoch, 86400u);
  EXPECT_EQ(ana.grace, mail::kGraceSeconds) << "absent: as it is unless chosen";
  EXPECT_EQ(full_text().find("grace"), std::string::npos);
  EXPECT_EQ(ana.cards[1].inbox, before.identities[0].cards[1].inbox);
  EXPECT_EQ(ana.cards[0].inbox, mail::InboxPrefix());
  EXPECT_EQ(ana.inbox_bits, 8);
  ASSERT_EQ(after.rooms.size(), 1);
  EXPECT_EQ(after.rooms[0].name, "room");
  ASSERT_EQ(after.rooms[0].keys.size(), 2);
  EXPECT_EQ(after.rooms[0].keys[0].epoch, 3) << "by epoch";
  EXPECT_EQ(after.rooms[0].keys[0].replaced, UnixSeconds{77});
  EXPECT_EQ(after.rooms[0].keys[1].epoch, 4);
  EXPECT_EQ(after.rooms[0].members, before.rooms[0].members);
  EXPECT_EQ(after.rooms[0].skip, 5);
  ASSERT_EQ(after.rooms[0].owed.size(), 1);
  EXPECT_EQ(after.rooms[0].owed[0].mark, Bytes(8, 1));
  EXPECT_EQ(after.rooms[0].owed[0].to, before.rooms[0].owed[0].to);
  EXPECT_EQ(after.rooms[0].alarms, before.rooms[0].alarms);
  EXPECT_EQ(text_of(after.archive), text_of(before.archive));
  EXPECT_EQ(text_of(print_keyring(after)), full_text());
}

TEST(KeyringJson, KeepsWhatItDoesNotKnow) {
  std::string text = full_text();
  text = replaced(text, R"("name":"ana")", R"("name":"ana","pet":{"cat":[1,2]})");
  text = replaced(text, R"("seq":1)", R"("seq":1,"kem":"later")");
  text = replaced(text, R"("name":"room")", R"("name":"room","mood":null)");
  text = replaced(text, R"("shh":[])", R"("shh":[{"key":"00"}])");
  text = replaced(text, R"({"v":1,)", R"({"v":1,"color":"blue",)");
  const auto parsed = parse_keyring(secret(text));
  ASSERT_TRUE(parsed) << parsed.error().message;
  const std::string again = text_of(print_keyring(parsed.value()));
  for (const std::string_view kept : {R"("pet":{"cat":[1,2]})", R"("kem":"later")",
                                      R"("mood":null)", R"("key":"00")", R"("color":"blue")"}) {
    EXPECT_NE(again.find(kept), std::string::npos) << kept;
  }
}

TEST(KeyringJson, RefusesADamagedRoom) {
  const auto refuses = [](std::string_view what, std::string_view by) {
    const auto parsed = parse_keyring(secret(replaced(full_text(), what, by)));
    return !parsed && parsed.error().code == Errc::corrupt;
  };
  EXPECT_TRUE(refuses(R"("epoch":3,"secret":"07)", R"("epoch":4,"secret":"07)"))
      << "an epoch twice";
  EXPECT_TRUE(refuses(R"("replaced":77)", R"("replaced":"77")"));
  EXPECT_TRUE(refuses(R"("members":[)", R"("members":["ab",)"));
  EXPECT_TRUE(refuses(R"("mark":"01)", R"("mark":")"));
  EXPECT_TRUE(refuses(R"("message":"02)", R"("message":")"));
}

TEST(KeyringJson, OfALaterVersionIsNotTouched) {
  const auto parsed = parse_keyring(secret(replaced(full_text(), R"("v":1)", R"("v":2)")));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::bad_config);
}

TEST(KeyringJson, IsRefusedWhereItIsDamaged) {
  const std::string text = full_text();
  const std::pair<std::string_view, std::string_view> breaks[] = {
      {R"("v":1)", R"("v":"1")"},
      {R"("identities":[)", R"("identities":[1,)"},
      {R"("name":"ana")", R"("name":7)"},
      {R"("seed":")", R"("seed":"00)"},
      {R"("seed":")", R"("seed":"XY)"},
      {R"("device":3)", R"("device":256)"},
      {R"("device":3)", R"("device":-1)"},
      {R"("cards":[)", R"("cards":["x",)"},
      {R"("seq":1)", R"("seq":1.5)"},
      {R"("inbox":")", R"("inbox":"00)"},
      {R"("inbox_bits":8)", R"("inbox_bits":33)"},
      {R"("epoch":4)", R"("epoch":4294967296)"},
      {R"("keeper":")", R"("keeper":"0)"},
      {R"("archive":")", R"("archive":"00)"},
      {R"("archive":")", R"("archives":")"},  // No mailbox key.
  };
  for (const auto& [what, by] : breaks) {
    const auto parsed = parse_keyring(secret(replaced(text, what, by)));
    ASSERT_FALSE(parsed) << by;
    EXPECT_EQ(parsed.error().code, Errc::corrupt) << by;
  }
  for (const std::string_view other : {"", "[]", "1", "{}", "{\"v\":1", "null"}) {
    EXPECT_FALSE(parse_keyring(secret(other))) << other;
  }
}

TEST(KeyringJson, TellsNoSecretInItsErrors) {
  const std::string seed = to_hex(full_keyring().identities[0].seed.view());
  const auto parsed =
      parse_keyring(secret(replaced(full_text(), R"("device":3)", R"("device":x)")));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message.find(seed.substr(0, 8)), std::string::npos);
}

TEST(KeyringJson, WritesANameThatIsNotUtf8) {
  mail::Keyring keyring = full_keyring();
  keyring.identities[0].name = "an\xff";
  EXPECT_TRUE(parse_keyring(print_keyring(keyring)));
}

TEST(KeyringJson, NeverCrashesOnAlteredText) {
  auto numbers = seeded_numbers();
  const Bytes good = to_bytes(full_text());
  for (int i = 0; i < 3'000; ++i) {
    const auto parsed = parse_keyring(SecretBytes::from(mutated(numbers, good)));
    if (parsed) (void)print_keyring(parsed.value());  // It is enough that it ends.
  }
}

}  // namespace
}  // namespace bmsg::api
