// Pairing: codes, the file, contacts that arrive, and two devices that drew the same number.

#include "lib/mail/pairing.h"

#include <gtest/gtest.h>

#include <set>

#include "lib/core/address.h"
#include "lib/crypto/sha512.h"
#include "tests/mail/support.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kCode =
    "lusab-babad-gutih-tugad-gutuk-bisog-mudof-sakat";  // 127.0.0.1, 63.84.220.193, ...

std::string read(std::string_view typed) {
  const auto code = read_pair_code(as_bytes(typed));
  return code ? to_string(code.value().view()) : std::string();
}

TEST(PairCode, IsEightWordsAndNeverTheSame) {
  FakeEntropy entropy;
  std::set<std::string> codes;
  for (int i = 0; i < 20; ++i) {
    const std::string code = to_string(make_pair_code(entropy).value().view());
    EXPECT_EQ(code.size(), 47u);
    EXPECT_EQ(read(code), code);
    codes.insert(code);
  }
  EXPECT_EQ(codes.size(), 20u);
  ScriptedEntropy nothing({});
  EXPECT_EQ(make_pair_code(nothing).error().code, Errc::no_resource);
}

TEST(PairCode, WritesRandomBytesAsTheyCome) {
  ScriptedEntropy script({{127, 0, 0, 1, 63, 84, 220, 193, 63, 118, 7, 35, 140, 98, 193, 141}});
  EXPECT_EQ(as_text(make_pair_code(script).value().view()), kCode);
}

TEST(PairCode, IsReadAsPeopleTypeIt) {
  const std::string code(kCode);
  EXPECT_EQ(read(code + "\n"), code);
  EXPECT_EQ(read("  Lusab BABAD  gutih-tugad\n gutuk - bisog\tmudof -- sakat\r\n"), code);
  EXPECT_EQ(read("-" + code + "-"), code);
}

TEST(PairCode, RefusesWhatIsNone) {
  const std::string code(kCode);
  for (const std::string& typed :
       {std::string(), std::string("-"), code.substr(0, 41), code + "-lusab", code.substr(1),
        "lusabbabad" + code.substr(11), "lusac" + code.substr(5), std::string(1025, ' '),
        code + std::string(1, '\0')}) {
    const auto read = read_pair_code(as_bytes(typed));
    ASSERT_FALSE(read) << typed;
    EXPECT_EQ(read.error().code, Errc::denied) << typed;
  }
  EXPECT_EQ(read(code + std::string(1024 - code.size(), ' ')), code);
}

class PairFile : public testing::Test {
 protected:
  static crypto::SecretBytes text_of(std::string_view text) {
    return crypto::SecretBytes::from(as_bytes(text));
  }
  Bytes made() { return seal_pairing(text_of("{}"), text_of(kCode), entropy).value(); }
  static Bytes signed_again(Bytes keyring) {
    append(keyring, crypto::sha512(keyring).view());
    return keyring;
  }
  static Errc error_of(ByteView file, std::string_view code = kCode) {
    const auto opened = open_pairing(file, text_of(code));
    EXPECT_FALSE(opened);
    return opened ? Errc::io : opened.error().code;
  }
  FakeEntropy entropy;
};

TEST_F(PairFile, OpensWithItsCodeAlone) {
  const Bytes file = seal_pairing(text_of("{\"v\":1}"), text_of(kCode), entropy).value();
  ASSERT_TRUE(check_pairing(file));
  EXPECT_EQ(as_text(open_pairing(file, text_of(kCode)).value().view()), "{\"v\":1}");
  std::string other(kCode);
  other.back() = 'd';
  EXPECT_EQ(error_of(file, other), Errc::denied);
  // A keyring's reader takes the front of it.
  const ByteView keyring = ByteView(file).first(file.size() - 64);
  EXPECT_TRUE(open_keyring(keyring, as_bytes(kCode)));
}

TEST_F(PairFile, TellsDamageFromAWrongCodeWithoutOne) {
  const Bytes good = made();
  ASSERT_TRUE(check_pairing(good));
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= 0x10;
    const auto checked = check_pairing(bad);
    ASSERT_FALSE(checked) << at;
    EXPECT_EQ(checked.error().code, Errc::corrupt) << at;
    ASSERT_FALSE(check_pairing(ByteView(good).first(at))) << at;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(check_pairing(longer));
  EXPECT_EQ(error_of(as_bytes("bmO1 something else")), Errc::corrupt);
}

TEST_F(PairFile, AsksForNoWorkOutOfBounds) {
  // Only the front says it: nobody computes that much here.
  const Bytes cheap = made();
  const auto with_cost = [&](std::uint8_t log2_n) {
    Bytes keyring(cheap.begin(), cheap.end() - 64);
    keyring[4] = log2_n;
    return signed_again(std::move(keyring));
  };
  EXPECT_TRUE(check_pairing(with_cost(10)));
  EXPECT_TRUE(check_pairing(with_cost(kPairLog2NMax)));
  for (const int log2_n : {0, 1, 9, kPairLog2NMax + 1, 22, 255})
    EXPECT_FALSE(check_pairing(with_cost(static_cast<std::uint8_t>(log2_n)))) << log2_n;
}

TEST(PairingOf, LeavesPrekeysAndTheMailboxKeyAtHome) {
  FakeEntropy entropy;
  Keyring keyring = make_keyring(entropy).value();
  for (const char* name : {"ana", "work"})
    keyring.identities.push_back(make_identity(name, 7, entropy).value());
  keyring.identities[0].cards.push_back(
      make_card_key(keyring.identities[0], ChainId(), {9}, entropy).value());
  Room room;
  room.id = Bytes(16, 1);
  room.keys.push_back({3, secret(5)});
  keyring.rooms.push_back(std::move(room));
  keyring.shh = crypto::SecretBytes::from(as_bytes("[1]"));

  const Pairing both = pairing_of(keyring, nullptr, ContactBook());
  ASSERT_EQ(both.keyring.identities.size(), 2u);
  EXPECT_EQ(both.keyring.identities[0].address(), keyring.identities[0].address());
  EXPECT_EQ(both.keyring.identities[0].revocation, keyring.identities[0].revocation);
  EXPECT_EQ(both.keyring.identities[0].device, 0);
  EXPECT_TRUE(both.keyring.identities[0].cards.empty());
  EXPECT_EQ(both.keyring.archive.size(), 0u);
  EXPECT_EQ(as_text(both.keyring.shh.view()), "[1]");
  ASSERT_EQ(both.keyring.rooms.size(), 1u);
  EXPECT_EQ(both.keyring.rooms[0].keys[0].epoch, 3u);

  const Pairing one = pairing_of(keyring, &keyring.identities[1], ContactBook());
  ASSERT_EQ(one.keyring.identities.size(), 1u);
  EXPECT_EQ(one.keyring.identities[0].name, "work");
}

Contact person(const std::string& name, std::uint8_t owner, Trust trust = Trust::known) {
  Contact made;
  made.name = name;
  made.address = identity(owner);
  made.trust = trust;
  if (trust == Trust::verified) made.verified = {5};
  return made;
}

Contact group(const std::string& name, std::vector<std::string> members) {
  Contact made;
  made.name = name;
  made.kind = ContactKind::group;
  made.members = std::move(members);
  return made;
}

ContactBook book(const std::vector<Contact>& contacts) {
  ContactBook made;
  for (const Contact& one : contacts) check(bool(made.add(one)), "a contact that does not fit");
  return made;
}

TEST(AddMissing, AddsThemAsTheyWere) {
  ContactBook here;
  const ContactBook from = book({person("ben", 2, Trust::verified),
                                 person("eve", 3, Trust::blocked), group("all", {"ben", "eve"})});
  EXPECT_TRUE(add_missing(here, from).empty());
  ASSERT_EQ(here.size(), 3u);
  for (const Contact* one : from.all()) EXPECT_EQ(*here.find(one->name), *one);
  EXPECT_TRUE(add_missing(here, from).empty()) << "the same again says nothing";
}

TEST(AddMissing, LeavesWhoIsThereAndTellsOfNames) {
  ContactBook here = book({person("benny", 2, Trust::verified), person("cleo", 3), person("dan", 4),
                           group("team", {"dan"})});
  const ContactBook before = here;
  const auto told =
      add_missing(here, book({person("ben", 2, Trust::blocked), person("cleo", 5), person("eve", 6),
                              group("all", {"ben", "cleo", "eve"}), group("team", {"eve"})}));
  for (const Contact* one : before.all()) EXPECT_EQ(*here.find(one->name), *one);
  EXPECT_EQ(here.find("ben"), nullptr);
  ASSERT_NE(here.find("eve"), nullptr);
  EXPECT_EQ(here.find("all")->members, (std::vector<std::string>{"benny", "eve"}));
  ASSERT_EQ(told.size(), 4u);
  EXPECT_NE(told[0].find("'ben' is 'benny' here"), std::string::npos) << told[0];
  EXPECT_NE(told[1].find("'cleo' is another one here"), std::string::npos) << told[1];
  EXPECT_NE(told[2].find("'all' lacks"), std::string::npos) << told[2];
  EXPECT_NE(told[3].find("'team' is another one"), std::string::npos) << told[3];
}

TEST(AddMissing, TakesARoomByItsNameAndKeeper) {
  Contact room = person("hall", 2);
  room.kind = ContactKind::room;
  ContactBook here;
  EXPECT_TRUE(add_missing(here, book({person("ben", 2), room})).empty());
  EXPECT_EQ(here.size(), 2u);
  EXPECT_TRUE(add_missing(here, book({room})).empty());
  room.address = identity(3);
  EXPECT_EQ(add_missing(here, book({room})).size(), 1u);
}

NewestCards cards_of_devices(unsigned first, unsigned last) {
  NewestCards known;
  for (unsigned device = first; device <= last; ++device)
    known.cards.emplace_back().device = static_cast<std::uint8_t>(device);
  return known;
}

TEST(DrawDevice, TakesOnlyNumbersThatAreFree) {
  FakeEntropy entropy;
  NewestCards known = cards_of_devices(0, 253);
  known.cards.erase(known.cards.begin() + 77);
  std::set<unsigned> drawn;
  for (int i = 0; i < 64; ++i) drawn.insert(draw_device(known, entropy).value());
  EXPECT_EQ(drawn, (std::set<unsigned>{77, 254}));
  EXPECT_EQ(draw_device(cards_of_devices(0, 253), entropy).value(), 254);
  EXPECT_EQ(draw_device(cards_of_devices(0, 254), entropy).error().code, Errc::bad_input);
}

TEST(DrawDevice, TakesEveryNumberButTheFirstAndTheLast) {
  FakeEntropy entropy;
  std::set<unsigned> drawn;
  for (int i = 0; i < 10'000; ++i) drawn.insert(draw_device({}, entropy).value());
  EXPECT_EQ(drawn.size(), 254u);
  EXPECT_EQ(*drawn.begin(), 1u);
  EXPECT_EQ(*drawn.rbegin(), 254u);
}

TEST(DrawDevice, NeedsRandomnessAndDrawsAgainWhereSomeWouldComeMoreOften) {
  ScriptedEntropy nothing({});
  EXPECT_EQ(draw_device({}, nothing).error().code, Errc::no_resource);
  ScriptedEntropy high({{255}, {254}, {3}});  // 256 is no multiple of 254.
  EXPECT_EQ(draw_device({}, high).value(), 4);
}

/// Identity 2 and what is known of its devices.
class Devices : public testing::Test {
 protected:
  Devices() {
    self.seed = secret(2);
    self.device = 9;
  }
  void put(std::uint8_t device, std::uint64_t seq, const Prekey& key) {
    const CardDraft draft{
        .device = device, .seq = seq, .prekey = key, .time = golden::kMessageTime};
    const Message card =
        std::move(make_card(example_chain(), draft, secret(2)).value()).with_nonce(0);
    check(bool(cards.put(read_card(card, example_chain().id).value())), "the card was not kept");
  }
  /// A prekey of our own with this number.
  Prekey own(std::uint64_t seq) {
    CardKey key = make_card_key(self, example_chain().id, {1}, entropy).value();
    key.seq = seq;
    self.cards.push_back(std::move(key));
    return Prekey::from(*crypto::public_key_of(crypto::Curve::x25519, self.cards.back().secret));
  }
  OwnCard judged() { return judge_own_card(cards, self, example_chain().id).value(); }

  TempDir temp;
  SystemDisk disk;
  FakeEntropy entropy;
  CardDirectory cards{disk, temp.path() / "cards", example_chain().id};
  Identity self;
};

TEST_F(Devices, AreFineWithTheirNewestCardAndUnseenWithout) {
  EXPECT_EQ(judged(), OwnCard::fine) << "there is no key yet";
  const Prekey first = own(1);
  EXPECT_EQ(judged(), OwnCard::unseen);
  put(9, 1, first);
  EXPECT_EQ(judged(), OwnCard::fine);
  const Prekey second = own(2);
  EXPECT_EQ(judged(), OwnCard::unseen);
  put(9, 2, second);
  EXPECT_EQ(judged(), OwnCard::fine);
  put(8, 5, Prekey::from(prekey(0xb1)));
  EXPECT_EQ(judged(), OwnCard::fine) << "another device";
}

TEST_F(Devices, YieldToAHigherCardOfTheirNumber) {
  put(9, 1, own(1));
  put(9, 2, Prekey::from(prekey(0xb1)));
  EXPECT_EQ(judged(), OwnCard::yield);
}

// Both see the same two cards, whichever came first, and exactly one of them goes.
TEST_F(Devices, AtEqualNumbersExactlyOneYields) {
  std::set<OwnCard> seen;
  for (int i = 0; i < 16; ++i) {
    (void)disk.remove(temp.path() / "cards" / (to_address(identity(2)) + ".9"));
    (void)disk.remove(temp.path() / "cards" / (to_address(identity(2)) + ".9.conflict"));
    self.cards.clear();
    const Prekey mine = own(1);
    CardKey kept = std::move(self.cards[0]);
    self.cards.clear();
    const Prekey theirs = own(1);
    CardKey other = std::move(self.cards[0]);
    self.cards.clear();
    put(9, 1, i % 2 == 0 ? mine : theirs);
    put(9, 1, i % 2 == 0 ? theirs : mine);
    self.cards.push_back(std::move(kept));
    const OwnCard here = judged();
    self.cards.clear();
    self.cards.push_back(std::move(other));
    const OwnCard there = judged();
    EXPECT_NE(here, there);
    seen.insert({here, there});
  }
  EXPECT_EQ(seen, (std::set<OwnCard>{OwnCard::outbid, OwnCard::yield}));
}

TEST_F(Devices, TheFirstDeviceLeavesTheQuarrelToItsOwner) {
  self.device = 0;
  put(0, 1, own(1));
  EXPECT_EQ(judged(), OwnCard::fine);
  put(0, 1, Prekey::from(prekey(0xb1)));
  EXPECT_EQ(judged(), OwnCard::rival);
}

// A backup was put back: cards that were made after it draw mail that nobody can open.
TEST_F(Devices, TheFirstDeviceGoesAboveACardWhosePrekeyIsLost) {
  self.device = 0;
  put(0, 1, own(1));
  put(0, 2, Prekey::from(prekey(0xb2)));
  EXPECT_EQ(judged(), OwnCard::outbid);
  put(0, 3, own(3));
  EXPECT_EQ(judged(), OwnCard::fine);
}

TEST_F(Devices, DrawNoNumberThatWasRetired) {
  NewestCards known;
  for (unsigned number = 1; number <= 254; ++number) {
    if (number != 77) known.retired.push_back(static_cast<std::uint8_t>(number));
  }
  EXPECT_EQ(draw_device(known, entropy).value(), 77);
  known.retired.push_back(77);
  EXPECT_EQ(draw_device(known, entropy).error().code, Errc::bad_input);
}

}  // namespace
}  // namespace bmsg::mail
