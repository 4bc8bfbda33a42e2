// The file of contacts, both ways.

#include "lib/api/contacts_json.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/core/address.h"
#include "tests/support/seed.h"

namespace bmsg::api {
namespace {

mail::Contact ana() {
  mail::Contact contact;
  contact.name = "ana";
  contact.address = IdentityKey::filled(1);
  contact.trust = mail::Trust::verified;
  contact.ack = mail::AckPolicy::read;
  contact.added = {1'767'225'600};
  contact.verified = {1'767'225'700};
  contact.note = "met in Å, said \"hi\"\n\x1b";
  contact.formerly = {IdentityKey::filled(3), IdentityKey::filled(4)};
  return contact;
}

mail::ContactBook book() {
  mail::Contact ben;
  ben.name = "ben";
  ben.address = IdentityKey::filled(2);
  mail::Contact group;
  group.name = "all";
  group.kind = mail::ContactKind::group;
  group.members = {"ana", "ben"};
  mail::ContactBook made;
  EXPECT_TRUE(made.add(ana()));
  EXPECT_TRUE(made.add(ben));
  EXPECT_TRUE(made.add(group));
  return made;
}

/// A person whose address comes from the first letter of the name.
std::string line(std::string_view name, std::string_view more) {
  const auto key = IdentityKey::filled(name.empty() ? 0 : static_cast<std::uint8_t>(name[0]));
  return R"({"v":1,"name":")" + std::string(name) +
         R"(","kind":"person","trust":"known","ack":"asked","address":")" + to_address(key) + '"' +
         std::string(more) + "}\n";
}

std::string altered(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(ContactsJson, ComeBackAsTheyWere) {
  const mail::ContactBook before = book();
  const auto after = parse_contacts(print_contacts(before));
  ASSERT_TRUE(after) << after.error().message;
  ASSERT_EQ(after.value().size(), before.size());
  for (const mail::Contact* contact : before.all()) {
    ASSERT_NE(after.value().find(contact->name), nullptr);
    EXPECT_EQ(*after.value().find(contact->name), *contact);
  }
  EXPECT_EQ(print_contacts(after.value()), print_contacts(before));
}

TEST(ContactsJson, AreOneLineOfAsciiEach) {
  const std::string text = print_contacts(book());
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
}

TEST(ContactsJson, MayBeEmptyAndEndWithoutALineBreak) {
  EXPECT_EQ(parse_contacts("").value().size(), 0);
  EXPECT_EQ(parse_contacts("\n\n").value().size(), 0);
  std::string text = line("ana", "");
  text.pop_back();
  EXPECT_EQ(parse_contacts(text).value().size(), 1);
}

TEST(ContactsJson, NameTheLineThatIsWrong) {
  const auto parsed = parse_contacts(line("ana", "") + "\n" + line("ben", R"(,"added":"soon")"));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::bad_input);
  EXPECT_TRUE(parsed.error().message.starts_with("line 3: ")) << parsed.error().message;
}

TEST(ContactsJson, RefuseWhatIsNoContact) {
  const std::string good = line("ana", "");
  const std::string key = to_address(IdentityKey::filled('a'));
  ASSERT_TRUE(parse_contacts(good));
  ASSERT_TRUE(parse_contacts(line("ana", R"(,"note":"x","added":1,"members":[],"formerly":[])")));
  for (const std::string& text : {std::string("[]\n"),
                                  std::string("1\n"),
                                  std::string("{\n"),
                                  good + good,
                                  line("ana", R"(,"name":"x")"),
                                  line("ana", R"(,"added":-1)"),
                                  line("ana", R"(,"note":[])"),
                                  line("ana", R"(,"members":"ben")"),
                                  line("ana", R"(,"members":{"a":"ben"})"),
                                  line("ana", R"(,"members":[1])"),
                                  line("ana", R"(,"formerly":[1])"),
                                  line("ana", R"(,"formerly":")" + key + '"'),
                                  line("", ""),
                                  altered(good, key, key.substr(1)),
                                  altered(good, '"' + key + '"', "1"),
                                  altered(good, '"' + key + '"', "null"),
                                  altered(good, "person", "robot"),
                                  altered(good, "person", "group"),
                                  altered(good, R"("known")", "1"),
                                  altered(good, R"(,"ack":"asked")", "")}) {
    EXPECT_FALSE(parse_contacts(text)) << text;
  }
}

TEST(ContactsJson, NeverCrashOnAlteredText) {
  auto numbers = seeded_numbers();
  const Bytes good = to_bytes(print_contacts(book()));
  for (int i = 0; i < 3'000; ++i) {
    const auto parsed = parse_contacts(as_text(mutated(numbers, good)));
    if (!parsed) continue;
    EXPECT_TRUE(parse_contacts(print_contacts(parsed.value())));
  }
}

}  // namespace
}  // namespace bmsg::api
