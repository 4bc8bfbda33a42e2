#include "lib/mail/contact_book.h"

#include <gtest/gtest.h>

#include <set>

#include "lib/core/address.h"
#include "lib/mail/text.h"
#include "tests/mail/support.h"
#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

Contact person(std::string_view name, std::uint8_t key) {
  Contact made;
  made.name = name;
  made.address = IdentityKey::filled(key);
  return made;
}

/// Ana, Ben and Cleo, and the group "team" of the first two.
class Contacts : public testing::Test {
 protected:
  Contacts() {
    EXPECT_TRUE(book.add(person("ana", 1)));
    EXPECT_TRUE(book.add(person("ben", 2)));
    EXPECT_TRUE(book.add(person("cleo", 3)));
    EXPECT_TRUE(book.add_members("team", {"ben", "ana"}, {5}));
  }
  std::vector<std::string> names_in(std::string_view group) const {
    std::vector<std::string> names;
    for (const Contact& contact : book.persons(group).value()) names.push_back(contact.name);
    return names;
  }

  ContactBook book;
};

TEST(ContactName, AcceptsWhatPeopleWrite) {
  for (const std::string_view name :
       {"ana", "Ana Maria", "Ärger", "食事", "o'neil", "a", "ana-maria", "R2-D2", "@home", "a.b"}) {
    EXPECT_EQ(to_contact_name(name).value(), name);
  }
}

TEST(ContactName, IsKeptInOneForm) { EXPECT_EQ(to_contact_name("e\u0301").value(), "\u00e9"); }

TEST(ContactName, RefusesWhatCouldDeceive) {
  for (const std::string_view name :
       {"",          "-ana",        " ana",           "ana ",      "ana\n",     "a\tb",
        "a\x7f",     "a\x1b[31m",   "\u202e\u0061na", "a\u2066na", "a\u200bna", "a\u200dna",
        "ana\u00ad", "a\u2028b",    "\ufeffana",      "a\u0085b",  "a\ufe0f",   "a\u3164",
        "a\u115f",   "a\U000e0041", "\ue000",         "a\uffff"}) {
    EXPECT_EQ(to_contact_name(name).error().code, Errc::bad_input) << name;
  }
  for (const std::string_view bytes : {"\xff", "a\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(to_contact_name(bytes).error().code, Errc::bad_input);
  }
}

TEST(ContactName, Has64BytesAtMost) {
  EXPECT_TRUE(to_contact_name(std::string(64, 'a')));
  EXPECT_FALSE(to_contact_name(std::string(65, 'a')));
  EXPECT_FALSE(to_contact_name(std::string(10'000'000, 'a')));
}

TEST(ContactName, IsNoAddress) {
  EXPECT_FALSE(to_contact_name(to_address(IdentityKey::filled(1))));
}

TEST_F(Contacts, AreFoundByNameAndByAddress) {
  EXPECT_EQ(book.find("ana")->address, IdentityKey::filled(1));
  EXPECT_EQ(book.by_address(IdentityKey::filled(2))->name, "ben");
  EXPECT_EQ(book.find("dora"), nullptr);
  EXPECT_EQ(book.by_address(IdentityKey::filled(9)), nullptr);
  EXPECT_EQ(book.find("\xff"), nullptr);
  EXPECT_EQ(book.size(), 4u);
}

TEST_F(Contacts, AreListedByName) {
  std::vector<std::string> names;
  for (const Contact* contact : book.all()) names.push_back(contact->name);
  EXPECT_EQ(names, (std::vector<std::string>{"ana", "ben", "cleo", "team"}));
}

TEST_F(Contacts, HaveOneNameAndOneAddressEach) {
  EXPECT_EQ(book.add(person("ana", 9)).error().code, Errc::exists);
  EXPECT_EQ(book.add(person("anna", 1)).error().code, Errc::exists);
  EXPECT_EQ(book.add(person("team", 9)).error().code, Errc::exists);
  EXPECT_EQ(book.size(), 4u);
}

TEST_F(Contacts, AreFoundInTheOtherSpellingOfTheirName) {
  EXPECT_TRUE(book.add(person("Ren\u00e9", 9)));
  EXPECT_NE(book.find("Rene\u0301"), nullptr);
  EXPECT_EQ(book.add(person("Rene\u0301", 10)).error().code, Errc::exists);
}

TEST_F(Contacts, NeedAnAddressUnlessTheyAreAGroup) {
  Contact bare;
  bare.name = "dora";
  EXPECT_EQ(book.add(bare).error().code, Errc::bad_input);
  bare.kind = ContactKind::group;
  EXPECT_TRUE(book.add(bare));
  Contact group = person("gang", 9);
  group.kind = ContactKind::group;
  EXPECT_EQ(book.add(group).error().code, Errc::bad_input);
}

TEST_F(Contacts, KeepTheirGroupsWhenRenamed) {
  EXPECT_TRUE(book.rename("ana", "Ana Maria"));
  EXPECT_EQ(book.find("ana"), nullptr);
  EXPECT_EQ(book.by_address(IdentityKey::filled(1))->name, "Ana Maria");
  EXPECT_EQ(names_in("team"), (std::vector<std::string>{"Ana Maria", "ben"}));
  EXPECT_TRUE(book.rename("team", "crew"));
  EXPECT_EQ(names_in("crew").size(), 2u);
}

TEST_F(Contacts, AreNotRenamedToATakenOrBadName) {
  EXPECT_EQ(book.rename("ana", "ben").error().code, Errc::exists);
  EXPECT_EQ(book.rename("ana", "-x").error().code, Errc::bad_input);
  EXPECT_EQ(book.rename("dora", "x").error().code, Errc::no_recipient);
  EXPECT_TRUE(book.rename("ana", "ana"));
}

TEST_F(Contacts, LeaveTheirGroupsWhenRemoved) {
  EXPECT_TRUE(book.remove("ana"));
  EXPECT_EQ(names_in("team"), (std::vector<std::string>{"ben"}));
  EXPECT_EQ(book.by_address(IdentityKey::filled(1)), nullptr);
  EXPECT_EQ(book.remove("ana").error().code, Errc::no_recipient);
  EXPECT_TRUE(book.remove("team"));
  EXPECT_NE(book.find("ben"), nullptr);
}

TEST_F(Contacts, LoseTheirVerificationWithTheirAddress) {
  EXPECT_TRUE(book.set_verified("ana", {77}));
  EXPECT_EQ(book.find("ana")->verified.value, 77u);
  EXPECT_TRUE(book.move("ana", IdentityKey::filled(9)));
  const Contact& ana = *book.find("ana");
  EXPECT_EQ(ana.trust, Trust::known);
  EXPECT_EQ(ana.verified.value, 0u);
  EXPECT_EQ(ana.formerly, std::vector{IdentityKey::filled(1)});
  EXPECT_EQ(book.by_address(IdentityKey::filled(1)), nullptr);
  EXPECT_EQ(book.by_address(IdentityKey::filled(9))->name, "ana");
}

TEST_F(Contacts, DoNotMoveToAnAddressThatIsTaken) {
  EXPECT_EQ(book.move("ana", IdentityKey::filled(2)).error().code, Errc::exists);
  EXPECT_EQ(book.move("team", IdentityKey::filled(9)).error().code, Errc::bad_input);
}

TEST_F(Contacts, StayBlockedWhenTheyMove) {
  EXPECT_TRUE(book.block("ana"));
  EXPECT_TRUE(book.move("ana", IdentityKey::filled(9)));
  EXPECT_EQ(book.find("ana")->trust, Trust::blocked);
  EXPECT_TRUE(book.unblock("ana"));
  EXPECT_EQ(book.find("ana")->trust, Trust::known);
}

TEST_F(Contacts, AreWhatTheyWereWhenUnblocked) {
  EXPECT_TRUE(book.set_verified("ana", {77}));
  EXPECT_TRUE(book.block("ana"));
  EXPECT_EQ(book.find("ana")->trust, Trust::blocked);
  EXPECT_TRUE(book.unblock("ana"));
  EXPECT_EQ(book.find("ana")->trust, Trust::verified);
  EXPECT_EQ(book.find("ana")->verified.value, 77u);
  EXPECT_TRUE(book.unblock("ben"));
  EXPECT_EQ(book.find("ben")->trust, Trust::known);
}

TEST_F(Contacts, AreNotUnblockedByVerification) {
  EXPECT_TRUE(book.block("ana"));
  EXPECT_TRUE(book.set_verified("ana", {77}));
  EXPECT_EQ(book.find("ana")->trust, Trust::blocked);
  EXPECT_TRUE(book.set_verified("ana", {}));
  EXPECT_EQ(book.find("ana")->trust, Trust::blocked);
  EXPECT_TRUE(book.unblock("ana"));
  EXPECT_EQ(book.find("ana")->trust, Trust::known);
}

TEST_F(Contacts, KeepPolicyAndNote) {
  EXPECT_TRUE(book.set_ack("ana", AckPolicy::read));
  EXPECT_TRUE(book.set_note("ana", "met in Oslo"));
  EXPECT_EQ(book.find("ana")->ack, AckPolicy::read);
  EXPECT_EQ(book.find("ana")->note, "met in Oslo");
}

TEST_F(Contacts, StandForThemselvesOrTheirGroup) {
  EXPECT_EQ(names_in("cleo"), (std::vector<std::string>{"cleo"}));
  EXPECT_EQ(names_in("team"), (std::vector<std::string>{"ana", "ben"}));
  EXPECT_EQ(book.persons("dora").error().code, Errc::no_recipient);
}

TEST_F(Contacts, JoinAGroupOnceAndAllOrNone) {
  EXPECT_EQ(book.add_members("team", {"cleo", "dora"}, {}).error().code, Errc::no_recipient);
  EXPECT_EQ(names_in("team").size(), 2u);
  EXPECT_TRUE(book.add_members("team", {"cleo", "ana"}, {}));
  EXPECT_EQ(names_in("team").size(), 3u);
  EXPECT_EQ(book.add_members("gang", {"team"}, {}).error().code, Errc::bad_input);
  EXPECT_EQ(book.add_members("ana", {"ben"}, {}).error().code, Errc::exists);
}

TEST_F(Contacts, LeaveAGroupAllOrNone) {
  EXPECT_EQ(book.remove_members("team", {"ana", "cleo"}).error().code, Errc::no_recipient);
  EXPECT_EQ(names_in("team").size(), 2u);
  EXPECT_TRUE(book.remove_members("team", {"ana"}));
  EXPECT_EQ(names_in("team"), (std::vector<std::string>{"ben"}));
  EXPECT_TRUE(book.remove_members("team", {"ben"}));
  EXPECT_EQ(book.persons("team").error().code, Errc::no_recipient) << "nobody would get it";
}

TEST_F(Contacts, MayBeReadInAnyOrder) {
  Contact group;
  group.name = "aaa";
  group.kind = ContactKind::group;
  group.members = {"zoe"};
  EXPECT_TRUE(book.add(group));
  EXPECT_EQ(book.persons("aaa").error().code, Errc::no_recipient);
  EXPECT_TRUE(book.add(person("zoe", 20)));
  EXPECT_EQ(names_in("aaa"), (std::vector<std::string>{"zoe"}));
}

TEST_F(Contacts, WarnOfNamesThatLookTheSame) {
  for (const std::string_view alike :
       {"Ana", "\u0430na", "an\u0430", "\u00e1na", "\uff41na", "aNa"}) {
    const Contact* found = book.confusable_with(alike);
    ASSERT_NE(found, nullptr) << alike;
    EXPECT_EQ(found->name, "ana");
  }
  EXPECT_EQ(book.confusable_with("ana"), nullptr);
  EXPECT_EQ(book.confusable_with("anna"), nullptr);
  EXPECT_NE(book.confusable_with("c1eo"), nullptr);
}

/// What confusable_with() is to say, by going through all.
std::set<std::string> all_confusable(const ContactBook& book, const std::string& name) {
  std::set<std::string> found;
  for (const Contact* one : book.all()) {
    if (one->name != name && skeleton(one->name) == skeleton(name)) found.insert(one->name);
  }
  return found;
}

void expect_known_by_all_their_marks(const ContactBook& book, const std::string& asked) {
  const auto alike = all_confusable(book, asked);
  const Contact* found = book.confusable_with(asked);
  ASSERT_EQ(found != nullptr, !alike.empty()) << asked;
  EXPECT_TRUE(found == nullptr || alike.contains(found->name)) << asked;
  for (const Contact* one : book.all()) {
    EXPECT_EQ(
        one->kind == ContactKind::room ? book.by_room(one->room) : book.by_address(*one->address),
        one);
  }
}

TEST(ContactBook, KnowsByLookRoomAndAddressWhateverWasChanged) {
  std::mt19937_64 random = seeded_numbers();
  const std::vector<std::string> names = {"ana", "Ana",      "\u0430na", "ANA",
                                          "ben", "b\u0435n", "zoe"};
  const auto any_name = [&] { return names[random() % names.size()]; };
  int changes = 0;
  ContactBook book;
  for (std::uint8_t turn = 0; turn < 200; ++turn) {
    Contact one = person(any_name(), turn);
    if (random() % 2 == 0) {
      one.kind = ContactKind::room;
      one.room = Bytes(16, turn);
    }
    const Bytes room = one.room;
    changes += book.add(std::move(one)) ? 1 : 0;
    changes += book.rename(any_name(), any_name()) ? 1 : 0;
    if (turn % 3 == 0 && book.remove(any_name())) ++changes;
    expect_known_by_all_their_marks(book, any_name());
    EXPECT_EQ(book.by_room(Bytes(16, 255)), nullptr);
    EXPECT_EQ(book.by_room({}), nullptr);
  }
  EXPECT_GT(changes, 100);
}

TEST_F(Contacts, GroupsTakeManyInAnyOrderOnce) {
  ASSERT_TRUE(book.add_members("many", {"ben", "ana", "ben"}, {5}));
  ASSERT_TRUE(book.add_members("many", {"ana", "ben"}, {5}));
  EXPECT_EQ(names_in("many"), (std::vector<std::string>{"ana", "ben"}));
  ASSERT_TRUE(book.remove_members("many", {"ben", "ben"}));
  EXPECT_EQ(names_in("many"), (std::vector<std::string>{"ana"}));
}

// Import may bring such a one.
TEST_F(Contacts, AGroupOfGroupsStandsForNobody) {
  ASSERT_TRUE(book.add_members("many", {"ana", "ben"}, {5}));
  Contact outer;
  outer.name = "outer";
  outer.kind = ContactKind::group;
  outer.members = {"many"};
  ASSERT_TRUE(book.add(std::move(outer)));
  EXPECT_EQ(book.persons("outer").error().code, Errc::no_recipient);
  EXPECT_EQ(book.persons("many").value().size(), 2u);
}

TEST_F(Contacts, WhatIsOfPersonsIsNotDoneToGroups) {
  ASSERT_TRUE(book.add_members("many", {"ana"}, {5}));
  EXPECT_EQ(book.block("many").error().code, Errc::bad_usage);
  EXPECT_EQ(book.unblock("many").error().code, Errc::bad_usage);
  EXPECT_EQ(book.set_ack("many", AckPolicy::never).error().code, Errc::bad_usage);
  EXPECT_EQ(book.set_verified("many", {7}).error().code, Errc::bad_usage);
  EXPECT_TRUE(book.set_note("many", "all of them"));
  EXPECT_TRUE(book.block("ana"));
}

TEST(ContactBook, FindsOneOf10000Quickly) {
  ContactBook book;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    Contact one = person("user" + std::to_string(i), 0);
    one.address->data()[0] = static_cast<std::uint8_t>(i);
    one.address->data()[1] = static_cast<std::uint8_t>(i >> 8);
    ASSERT_TRUE(book.add(std::move(one)));
  }
  EXPECT_EQ(book.size(), 10'000u);
  EXPECT_NE(book.find("user9999"), nullptr);
}

}  // namespace
}  // namespace bmsg::mail
