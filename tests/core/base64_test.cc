// Base64: the published cases, and one text for each value.

#include "lib/core/base64.h"

#include <gtest/gtest.h>

#include "tests/support/seed.h"

namespace bmsg {
namespace {

// Source: RFC 4648, 10.
constexpr std::pair<std::string_view, std::string_view> kPublished[] = {{"", ""},
                                                                        {"f", "Zg=="},
                                                                        {"fo", "Zm8="},
                                                                        {"foo", "Zm9v"},
                                                                        {"foob", "Zm9vYg=="},
                                                                        {"fooba", "Zm9vYmE="},
                                                                        {"foobar", "Zm9vYmFy"}};

TEST(Base64, AgreesWithThePublishedCases) {
  for (const auto& [bytes, text] : kPublished) {
    EXPECT_EQ(to_base64(as_bytes(bytes)), text);
    EXPECT_EQ(from_base64(text), to_bytes(bytes));
  }
}

TEST(Base64Url, AgreesWithThePublishedCasesWithoutPadding) {
  for (const auto& [bytes, text] : kPublished) {
    const std::string_view bare = text.substr(0, text.find('='));
    EXPECT_EQ(to_base64url(as_bytes(bytes)), bare);
    EXPECT_EQ(from_base64url(bare), to_bytes(bytes));
  }
}

TEST(Base64, HasTheTwoAlphabets) {
  const Bytes bytes = {0xfb, 0xff, 0xbf};
  EXPECT_EQ(to_base64(bytes), "+/+/");
  EXPECT_EQ(to_base64url(bytes), "-_-_");
  EXPECT_EQ(from_base64("-_-_"), std::nullopt);
  EXPECT_EQ(from_base64url("+/+/"), std::nullopt);
}

TEST(Base64, RefusesWrongPaddingAndOtherCharacters) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zm8", "Zm8==", "Zm9v=", "Zm9v====", "=",
                           "====", "Z===", "=Zg=", "Zg==Zg==", "Zm9v\n", " Zm9", "Zm9.", "Z"}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
  for (const char* text : {"Zg==", "Zm8=", "Z", "Zm9vZ", "Zm9 "}) {
    EXPECT_EQ(from_base64url(text), std::nullopt) << text;
  }
}

// A buffer that grew has left what was in it in freed memory.
TEST(Base64, GrowsNoBuffer) {
  for (const std::size_t bytes : {34UL, 35UL, 36UL, 200UL}) {
    const std::string text = to_base64(Bytes(bytes, 0x5a));
    EXPECT_EQ(text.capacity(), text.size()) << bytes;
    EXPECT_EQ(from_base64(text)->capacity(), bytes);
  }
}

TEST(Base64, RefusesLeftOverBits) {
  EXPECT_EQ(from_base64("Zh=="), std::nullopt);
  EXPECT_EQ(from_base64("Zm9="), std::nullopt);
  EXPECT_EQ(from_base64url("Zh"), std::nullopt);
  EXPECT_EQ(from_base64url("Zm9"), std::nullopt);
}

TEST(Base64, ReadsEveryTextThatItWritesAndOnlyThose) {
  auto numbers = seeded_numbers();
  for (int round = 0; round < 20'000; ++round) {
    const Bytes bytes = random_bytes(numbers, number_up_to(numbers, 12));
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    const std::string other = to_string(mutated(numbers, to_bytes(to_base64(bytes))));
    const auto read = from_base64(other);
    EXPECT_EQ(read ? to_base64(*read) : other, other);
  }
}

}  // namespace
}  // namespace bmsg
