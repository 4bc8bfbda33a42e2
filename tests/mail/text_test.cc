#include "lib/mail/text.h"

#include <gtest/gtest.h>

namespace bmsg::mail {
namespace {

TEST(Utf8, IsStrict) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("a\u00e4\u98df\U0001f600"));
  EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
  for (const std::string_view bad :
       {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80", "\xe2\x82", "a\xff"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Snippet, IsOneLineWithSingleSpaces) {
  EXPECT_EQ(snippet("Dear Ana,\n\n\tsee you  at nine.\r\n", 200), "Dear Ana, see you at nine.");
  EXPECT_EQ(snippet("  a", 200), "a");
  EXPECT_EQ(snippet("", 200), "");
  EXPECT_EQ(snippet("a\u202eb\x1b[31m", 200), "a b [31m");
}

TEST(Snippet, CutsBetweenCharacters) {
  EXPECT_EQ(snippet("abcdef", 3), "abc");
  EXPECT_EQ(snippet("ab\u00e4\u00e4", 4), "ab\u00e4");
  EXPECT_EQ(snippet("ab\u00e4\u00e4", 5), "ab\u00e4");
  EXPECT_EQ(snippet("ab cd", 3), "ab");
  EXPECT_EQ(snippet(std::string(1'000'000, 'x'), 200).size(), 200u);
}

TEST(Snippet, EndsWhereTextStopsBeingText) { EXPECT_EQ(snippet("ab\xff cd", 200), "ab"); }

TEST(Snippet, DoesNotGoOnAfterAWordThatDidNotFit) { EXPECT_EQ(snippet("ab\u98df c", 4), "ab"); }

}  // namespace
}  // namespace bmsg::mail
