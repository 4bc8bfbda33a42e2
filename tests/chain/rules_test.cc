// Names of rules go over the wire: they are what the format says, and tell rules apart.

#include "lib/chain/rules.h"

#include <gtest/gtest.h>

#include <map>

namespace bmsg::chain {
namespace {

TEST(Rule, NamesAreThoseOfTheProtocolInItsOrder) {
  const std::string_view names[] = {
      "magic", "height", "prev", "rules", "past",      "time",  "bits",    "work",  "seal",
      "count", "order",  "root", "size",  "duplicate", "suite", "charter", "body",  "layout",
      "chain", "size",   "ttl",  "early", "expired",   "stamp", "frame",   "digest"};
  std::uint8_t value = 0;
  for (const std::string_view name : names) EXPECT_EQ(name_of(Rule{value++}), name);
  EXPECT_EQ(name_of(Rule::digest), "digest");
  EXPECT_EQ(value, static_cast<std::uint8_t>(Rule::digest) + 1);
  EXPECT_EQ(name_of(Rule{value}), "unknown");
}

TEST(Rule, OnlySizeNamesTwoRules) {
  std::map<std::string_view, int> rules;
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Rule::digest); ++i) {
    ++rules[name_of(Rule{i})];
  }
  for (const auto& [name, count] : rules) EXPECT_EQ(count, name == "size" ? 2 : 1) << name;
  EXPECT_EQ(name_of(Rule::size), name_of(Rule::message_size));
}

}  // namespace
}  // namespace bmsg::chain
