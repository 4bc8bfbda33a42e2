// Targets as text: what is decoded, and what is refused.

#include "lib/net/http_target.h"

#include <gtest/gtest.h>

namespace bmsg::net {
namespace {

TEST(HttpTarget, DecodesPathAndQuery) {
  const auto target = parse_target("/a%20b/%c3%a4;x=1?q=%26+%2B&empty=&bare&slash=/?");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a b/\xc3\xa4;x=1");
  EXPECT_EQ(target->query.at("q"), "& +");
  EXPECT_EQ(target->query.at("empty"), "");
  EXPECT_EQ(target->query.at("bare"), "");
  EXPECT_EQ(target->query.at("slash"), "/?");
}

TEST(HttpTarget, TakesTheRootAndATrailingSlash) {
  EXPECT_EQ(parse_target("/")->path, "/");
  EXPECT_EQ(parse_target("/a/")->path, "/a/");
  EXPECT_EQ(parse_target("/a?")->query.size(), 0u);
}

TEST(HttpTarget, TakesDotsThatAreNoDirectories) {
  EXPECT_EQ(parse_target("/.../a..b/.c")->path, "/.../a..b/.c");
}

TEST(HttpTarget, TakesTheEdgesOfUtf8AndRefusesOneBeyond) {
  for (const char* good : {"/%c2%a0", "/%df%bf", "/%e0%a0%80", "/%ed%9f%bf", "/%ee%80%80",
                           "/%f0%90%80%80", "/%f4%8f%bf%bf"}) {
    EXPECT_TRUE(parse_target(good)) << good;
  }
  for (const char* bad : {"/%c1%bf", "/%c2%9f", "/%e0%9f%bf", "/%ed%a0%80", "/%f0%8f%bf%bf",
                          "/%f4%90%80%80", "/%f5%80%80%80", "/%80", "/%e2%82", "/%ff"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
}

TEST(HttpTarget, TakesThirtyTwoPartsOfAQueryAndNotOneMore) {
  std::string text = "/?a0=0";
  for (std::size_t i = 1; i < kQueryPartsMax; ++i) text += "&a" + std::to_string(i) + "=0";
  EXPECT_EQ(parse_target(text)->query.size(), kQueryPartsMax);
  EXPECT_FALSE(parse_target(text + "&b=0"));
}

TEST(HttpTarget, RefusesEncodedSlashesInPathsOnly) {
  EXPECT_FALSE(parse_target("/a%2fb"));
  EXPECT_FALSE(parse_target("/a%2Fb"));
  EXPECT_EQ(parse_target("/?a=b%2fc")->query.at("a"), "b/c");
}

TEST(HttpTarget, ReadsBackWhatItEncodes) {
  std::string all;
  for (char c = ' '; c < 0x7f; ++c) all += c;
  all += "\xc3\xa4\xf0\x9f\x98\x80";
  const auto target = parse_target("/?q=" + percent_encode(all));
  ASSERT_TRUE(target);
  EXPECT_EQ(target->query.at("q"), all);
}

}  // namespace
}  // namespace bmsg::net
