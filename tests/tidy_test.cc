// Holds the whole checkout to the limits of lib/README.md, and the checker to trees with one breach
// each. Planted words are cut in two, so that this file does not break what it asks for.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/tidy.h"

namespace bmsg::testing {
namespace {

using Faults = std::vector<std::string>;

const Tree& checkout() {
  static const Tree tree = read_tree(BMSG_SOURCE_DIR);
  return tree;
}

void expect_none(const Faults& faults) {
  for (const auto& fault : faults) ADD_FAILURE() << fault;
}

std::string times(std::size_t count, const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Checkout, IsReadWhole) {
  EXPECT_TRUE(checkout().contains("tests/tidy_test.cc"));
  EXPECT_TRUE(checkout().contains("lib/core/error.h"));
  EXPECT_TRUE(checkout().contains("dev"));
}

TEST(Checkout, HasNoIncludeThatClimbs) { expect_none(find_climbing_includes(checkout())); }
TEST(Checkout, KeepsForeignHeadersAtHome) { expect_none(find_foreign_words(checkout())); }
TEST(Checkout, HasNothingTooLong) { expect_none(find_long_things(checkout())); }
TEST(Checkout, HasNoLeftoverWords) { expect_none(find_leftover_words(checkout())); }
TEST(Checkout, BuildsEverySource) { expect_none(find_unbuilt_sources(checkout())); }

TEST(Checkout, TestsEveryRuleByName) {
  expect_none(find_untested_enumerators(checkout(), "lib/chain/rules.h", "Rule"));
}

TEST(Checkout, TestsEveryErrorCodeByName) {
  expect_none(find_untested_enumerators(checkout(), "lib/core/error.h", "Errc"));
}

TEST(ClimbingIncludes, AreFoundFromEveryFloorBelow) {
  EXPECT_EQ(find_climbing_includes({{"lib/chain/a.h", "#include \"lib/node/b.h\"\n"}}),
            Faults{"lib/chain/a.h:1: lib/chain may not include lib/node"});
  EXPECT_EQ(find_climbing_includes({{"lib/core/a.h", "#include \"cli/b.h\"\n"}}).size(), 1);
  EXPECT_EQ(find_climbing_includes({{"lib/node/a.cc", "#include \"lib/net/b.h\"\n"}}).size(), 1);
  EXPECT_EQ(find_climbing_includes({{"storage/a.cc", "#include \"lib/crypto/b.h\"\n"}}).size(), 1);
}

TEST(ClimbingIncludes, AreNotSeenWhereTheTableAllowsThem) {
  EXPECT_EQ(find_climbing_includes({{"lib/node/a.h", "#include \"lib/chain/b.h\"\n"},
                                    {"lib/node/b.h", "#include \"lib/node/a.h\"\n"},
                                    {"storage/c.cc", "#include \"lib/mail/b.h\"\n"},
                                    {"cli/d.cc", "#include \"storage/b.h\"\n"}}),
            Faults{});
}

TEST(ForeignWords, AreFoundOutsideTheirFolder) {
  for (const std::string line :
       {"#include <openssl/evp.h>", "#include <secp256k1.h>", "#include <rocksdb/db.h>",
        "#include <CLI/CLI.hpp>", "#include <nlohmann/json.hpp>", "#include <boost/asio.hpp>",
        "#include <boost/beast/http.hpp>", "#include <opendht/dhtrunner.h>",
        "#include <sys/socket.h>", "#include <poll.h>", "std::chrono::system_clock::now();",
        "throw 1;", "} catch (int) {", "std::cout << 1;", "std::printf(\"\");"}) {
    EXPECT_EQ(find_foreign_words({{"lib/node/a.cc", "int a;\n" + line + "\n"}}).size(), 1) << line;
    EXPECT_EQ(find_foreign_words({{"tests/node/a_test.cc", line + "\n"}}), Faults{}) << line;
  }
}

TEST(ForeignWords, AreAllowedAtHomeAndInComments) {
  EXPECT_EQ(find_foreign_words({{"lib/crypto/a.cc", "#include <openssl/evp.h>\n"},
                                {"storage/a.cc", "#include <rocksdb/db.h>\n"},
                                {"cli/a.cc", "#include <CLI/CLI.hpp>\nstd::cout << 1;\n"},
                                {"lib/api/a.cc", "#include <nlohmann/json.hpp>\n"},
                                {"lib/net/a.cc", "#include <boost/asio.hpp>\n"},
                                {"cli/discover/a.cc", "#include <opendht/value.h>\ntry {} catch ("},
                                {"lib/core/clock.cc", "steady_clock::now();\n"},
                                {"lib/node/a.cc", "std::fprintf(stderr, 1);  // never throw\n"}}),
            Faults{});
}

TEST(LongThings, AreFoundOnePastEachLimit) {
  const std::string line(100, 'x');
  EXPECT_EQ(find_long_things({{"lib/core/a.h", line + "\n"}}), Faults{});
  EXPECT_EQ(find_long_things({{"lib/core/a.h", line + "x\n"}}).size(), 1);

  const auto function = [](std::size_t body) {
    return "void f() {\n" + times(body, "  g();\n") + "}\n";
  };
  EXPECT_EQ(find_long_things({{"lib/core/a.cc", function(58)}}), Faults{});
  EXPECT_EQ(find_long_things({{"lib/core/a.cc", function(59)}}),
            Faults{"lib/core/a.cc:1: function of 61 lines"});
  EXPECT_EQ(find_long_things({{"tests/core/a.h", function(59)}}), Faults{});

  EXPECT_EQ(find_long_things({{"tests/a.cc", times(400, "\n")}}), Faults{});
  EXPECT_EQ(find_long_things({{"tests/a.cc", times(401, "\n")}}), Faults{"tests/a.cc: 401 lines"});
}

TEST(LongThings, CountCharactersAndNotBytes) {
  EXPECT_EQ(find_long_things({{"lib/core/a.h", times(100, "ä") + "\n"}}), Faults{});
}

TEST(LongThings, DoNotTakeClassesForFunctions) {
  const std::string body = times(70, "  int g();\n");
  EXPECT_EQ(find_long_things(
                {{"lib/core/a.h", "class A final : public B<decltype(c())> {\n" + body + "};\n"}}),
            Faults{});
}

TEST(LeftoverWords, AreFoundUnlessTheyNameAnIssue) {
  for (const std::string word : {"TO"
                                 "DO",
                                 "FIX"
                                 "ME",
                                 "X"
                                 "XX",
                                 "HA"
                                 "CK"}) {
    EXPECT_EQ(find_leftover_words({{"cli/a.cc", "// " + word + ": later\n"}}).size(), 1) << word;
    EXPECT_EQ(find_leftover_words({{"cli/a.cc", "// " + word + "(#12): later\n"}}), Faults{});
    EXPECT_EQ(find_leftover_words({{"cli/a.cc", "// " + word + "S\n"}}), Faults{}) << word;
  }
}

TEST(UnbuiltSources, AreThoseThatNoListNames) {
  const Tree tree = {{"lib/core/CMakeLists.txt", "bmsg_library(bmsg_core SOURCES a.cc b.cc)\n"},
                     {"tests/core/CMakeLists.txt",
                      "bmsg_test(core_test SOURCES a_test.cc ../support/s.cc\n"
                      "  ${PROJECT_SOURCE_DIR}/tests/support/t.cc)\n"},
                     {"lib/core/a.cc", ""},
                     {"lib/core/b.cc", ""},
                     {"tests/core/a_test.cc", ""},
                     {"tests/support/s.cc", ""},
                     {"tests/support/t.cc", ""}};
  EXPECT_EQ(find_unbuilt_sources(tree), Faults{});
  Tree more = tree;
  more["lib/core/c.cc"] = "";
  more["lib/crypto/a.cc"] = "";  // The same name in another folder does not help.
  EXPECT_EQ(find_unbuilt_sources(more).size(), 2);
}

TEST(UntestedEnumerators, AreThoseThatNoTestSpellsOut) {
  const std::string header =
      "enum class Rule : int {\n  // Blocks.\n  one = 1,  // first\n  two,\n};\n";
  const Tree tree = {{"lib/chain/rules.h", header},
                     {"lib/chain/rules.cc", "Rule::two"},
                     {"tests/support/fake.h", "Rule::two"},
                     {"tests/chain/a_test.cc", "EXPECT_EQ(x, Rule::one); Rule::two_more"}};
  EXPECT_EQ(find_untested_enumerators(tree, "lib/chain/rules.h", "Rule"),
            Faults{"Rule::two: no test names it"});
}

TEST(UntestedEnumerators, ComplainWhenThereIsNothingToRead) {
  EXPECT_EQ(find_untested_enumerators({}, "lib/chain/rules.h", "Rule").size(), 1);
  EXPECT_EQ(find_untested_enumerators({{"a.h", "enum Rule {"}}, "a.h", "Rule").size(), 1);
}

}  // namespace
}  // namespace bmsg::testing
