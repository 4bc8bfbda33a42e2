// The rules text: each key at both sides of its limits, and one text for each set of rules.

#include "lib/chain/rules_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "tests/support/chain_builder.h"
#include "tests/support/seed.h"
#include "tests/vectors/golden.h"

namespace bmsg::chain {
namespace {

const std::string kPow{golden::kGenesisText};
const std::string kEndorse{golden::kEndorseGenesisText};

/// `text` with another value at `key`.
std::string with(std::string text, std::string_view key, std::string_view value) {
  const auto line = text.find(fmt::format("\n{} ", key));
  check(line != std::string::npos, "no such key");
  const auto begin = line + key.size() + 2;
  return text.replace(begin, text.find('\n', begin) - begin, value);
}

std::string without(std::string text, std::string_view key) {
  const auto begin = text.find(fmt::format("\n{} ", key)) + 1;
  return text.erase(begin, text.find('\n', begin) + 1 - begin);
}

void expect_parses(const std::string& text) {
  const auto rules = parse_rules_text(text);
  ASSERT_TRUE(rules) << rules.error().message << "\n" << text;
  EXPECT_EQ(print(rules.value()), text);
}

/// The refusal says `why`.
void expect_refused(const std::string& text, std::string_view why) {
  const auto rules = parse_rules_text(text);
  ASSERT_FALSE(rules) << text;
  EXPECT_EQ(rules.error().code, Errc::bad_input);
  EXPECT_NE(rules.error().message.find(why), std::string::npos) << rules.error().message;
}

std::string key_hex(unsigned number) { return fmt::format("{:064x}", 0x1000 + number); }

std::string with_members(unsigned count) {
  std::string text = with(kPow, "access", "members");
  for (unsigned i = 0; i < count; ++i) text += "member " + key_hex(i) + "\n";
  return text;
}

TEST(RulesText, ParsesWhatItPrints) {
  expect_parses(kPow);
  expect_parses(kEndorse);
  expect_parses(easy_rules_text());
  expect_parses(endorse_rules_text(2, 3));
  expect_parses(with_members(2));
}

TEST(RulesText, ReadsEveryKey) {
  const RulesText rules = parse_rules_text(kPow).value();
  EXPECT_EQ(rules.name, "example");
  EXPECT_EQ(rules.mode, Mode::pow);
  EXPECT_EQ(rules.access, Access::open);
  EXPECT_EQ(rules.time, 1767225600u);
  EXPECT_EQ(rules.floor, CompactTarget{0x2000ffff});
  EXPECT_EQ(rules.stamp, 16u);
  EXPECT_EQ(rules.blobstamp, 1u);
  const RulesText board = parse_rules_text(kEndorse).value();
  EXPECT_EQ(board.mode, Mode::endorse);
  EXPECT_EQ(board.access, Access::members);
  EXPECT_EQ(board.endorse, 2u);
  EXPECT_EQ(board.endorsers.size(), 3u);
  EXPECT_EQ(board.maxttl, 315360000u);
}

TEST(RulesText, HoldsEachNumberToItsLimits) {
  struct Limit {
    std::string_view key;
    std::uint64_t least, most;
  };
  const Limit limits[] = {{"version", 0, 0xffffffff},  {"time", 0, 0xffffffff},
                          {"halflife", 600, 614400},   {"maxblock", 65536, 4194304},
                          {"maxmessage", 4096, 65536}, {"maxttl", 1, 0xffffffff},
                          {"stamp", 0, 1'000'000'000}, {"blobstamp", 0, 1'000'000'000}};
  for (const auto& [key, least, most] : limits) {
    expect_parses(with(kPow, key, fmt::to_string(least)));
    expect_parses(with(kPow, key, fmt::to_string(most)));
    expect_refused(with(kPow, key, fmt::to_string(most + 1)), key);
    expect_refused(with(kPow, key, least == 0 ? "-1" : fmt::to_string(least - 1)), key);
    expect_refused(with(kPow, key, fmt::format("0{}", most)), key);
    expect_refused(with(kPow, key, fmt::format("+{}", most)), key);
    expect_refused(with(kPow, key, fmt::format("{} ", most)), key);
    expect_refused(with(kPow, key, "18446744073709551616"), key);
    expect_refused(with(kPow, key, ""), key);
  }
}

TEST(RulesText, HoldsTheIntervalAndWhatRestsOnIt) {
  for (const std::uint32_t interval : {10u, 86400u}) {
    const std::string text = with(kPow, "interval", fmt::to_string(interval));
    expect_parses(with(text, "halflife", fmt::to_string(interval)));
    expect_parses(with(text, "halflife", fmt::to_string(1024 * interval)));
    expect_refused(with(text, "halflife", fmt::to_string(interval - 1)), "halflife");
    expect_refused(with(text, "halflife", fmt::to_string(1024 * interval + 1)), "halflife");
  }
  expect_refused(with(kPow, "interval", "9"), "interval");
  expect_refused(with(kPow, "interval", "86401"), "interval");
  expect_parses(with(with(kPow, "maxmessage", "4096"), "maxblock", "4096"));
  expect_refused(with(with(kPow, "maxmessage", "4097"), "maxblock", "4096"), "maxblock");
}

TEST(RulesText, HoldsTheNameToItsLetters) {
  expect_parses(with(kPow, "name", "a"));
  expect_parses(with(kPow, "name", "a.b-c9"));
  expect_parses(with(kPow, "name", std::string(64, 'z')));
  const std::string long_name(65, 'z');
  for (const std::string_view name : {"", long_name.c_str(), "A", "a b", "a_b", "\xc3\xa4"}) {
    expect_refused(with(kPow, "name", name), "name");
  }
}

TEST(RulesText, HoldsModeAndAccessToTheirWords) {
  expect_refused(with(kPow, "mode", "Pow"), "mode");
  expect_refused(with(kPow, "access", "closed"), "access");
  expect_refused(with(kPow, "mode", "endorse"), "maxblock");  // Where halflife stands.
}

TEST(RulesText, HoldsTheFloorToOneFormOfATarget) {
  for (const char* floor : {"2100ffff", "2000ffff", "1d00ffff", "01010000", "207fffff"}) {
    expect_parses(with(kPow, "floor", floor));
  }
  for (const char* floor : {"00000000", "01000000", "01003456", "2200ffff", "21010000", "1d0000ff",
                            "1d80ffff", "1D00FFFF", "1d00fff", "01d00ffff", "0x1d00ff", ""}) {
    expect_refused(with(kPow, "floor", floor), "floor");
  }
}

TEST(RulesText, WantsEachKeyOnceInItsPlace) {
  for (const char* key : {"version", "name", "mode", "access", "time", "interval", "halflife",
                          "floor", "maxblock", "maxmessage", "maxttl", "stamp", "blobstamp"}) {
    expect_refused(without(kPow, key), key);
  }
  expect_refused(with(kPow, "version", "0\nversion 0"), "name");
  expect_refused(kPow + "stamp 16\n", "end");
}

TEST(RulesText, RefusesOtherBytesAroundIt) {
  expect_refused("", "first line");
  expect_refused("bmsg 2\n" + kPow.substr(7), "first line");
  expect_refused(" " + kPow, "first line");
  expect_refused("\xef\xbb\xbf" + kPow, "first line");
  expect_refused(kPow + "\n", "end");
  expect_refused(kPow + "# more\n", "end");
  expect_refused(kPow + std::string(1, '\0'), "end");
  expect_refused(kPow.substr(0, kPow.size() - 1), "blobstamp");
  expect_refused(with(kPow, "name", "example\r"), "name");
  expect_refused(with(kPow, "version", " 0"), "version");
  expect_refused(kPow + std::string(kRulesTextBytesMax, 'x'), "length");
}

TEST(RulesText, RefusesEveryTruncation) {
  for (const std::string& text : {kPow, kEndorse}) {
    const std::size_t whole_lines = text.rfind("endorser ");  // Fewer endorsers: k > n then.
    for (std::size_t size = 0; size < text.size(); ++size) {
      const auto rules = parse_rules_text(std::string_view(text).substr(0, size));
      const bool is_two_endorsers = size == whole_lines;
      EXPECT_EQ(bool(rules), is_two_endorsers) << size;
    }
  }
}

TEST(RulesText, HoldsEndorsersAndTheirNumber) {
  expect_parses(endorse_rules_text(1, 1));
  expect_parses(endorse_rules_text(3, 3));
  expect_parses(endorse_rules_text(3, 5));
  expect_parses(endorse_rules_text(33, 64));
  expect_refused(endorse_rules_text(1, 2), "endorse");  // 2k > n.
  expect_refused(endorse_rules_text(2, 4), "endorse");
  expect_refused(endorse_rules_text(4, 3), "endorse");  // k ≤ n.
  expect_refused(endorse_rules_text(0, 1), "endorse");
  expect_refused(endorse_rules_text(1, 0), "endorser");
  expect_refused(endorse_rules_text(33, 65), "endorser");
}

TEST(RulesText, RefusesEndorsersTwiceOrWeak) {
  const std::string one = endorse_rules_text(1, 1);
  const std::string key = one.substr(one.rfind(' ') + 1, 64);
  expect_refused(with(one, "endorse", "2") + "endorser " + key + "\n", "twice");
  const std::string weak = "01" + std::string(62, '0');  // The neutral point.
  expect_refused(with(one, "endorser", weak), "anybody");
  std::string upper = key;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  expect_refused(with(one, "endorser", upper), "endorser");
  expect_refused(with(one, "endorser", key.substr(2)), "endorser");
}

TEST(RulesText, HasMembersOnlyWhereAccessIsTheirs) {
  expect_parses(with_members(0));
  expect_parses(with_members(512));
  expect_refused(with_members(513), "member");
  expect_refused(with(with_members(1), "access", "open"), "member");
  expect_refused(with_members(1) + "member " + key_hex(0) + "\n", "twice");
}

TEST(RulesText, AnyChangedByteMakesAnotherChainOrNone) {
  auto numbers = seeded_numbers();
  for (int round = 0; round < 20'000; ++round) {
    const std::string& text = round % 2 == 0 ? kPow : kEndorse;
    const std::string other = to_string(mutated(numbers, to_bytes(text)));
    const auto rules = parse_rules_text(other);
    if (!rules) continue;
    EXPECT_EQ(print(rules.value()), other);
    EXPECT_NE(chain_id_of(other), chain_id_of(text));
  }
}

TEST(ChainRules, BeginWithVersionZero) {
  EXPECT_TRUE(parse_chain_rules(kPow));
  EXPECT_FALSE(parse_chain_rules(with(kPow, "version", "1")));
  EXPECT_FALSE(parse_chain_rules("nothing"));
}

}  // namespace
}  // namespace bmsg::chain
