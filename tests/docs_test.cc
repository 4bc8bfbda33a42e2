// The manual says what the code does: values of the worked example, names of rules, exit codes.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "lib/chain/rules.h"
#include "tests/support/tidy.h"
#include "tests/vectors/golden.h"

namespace bmsg {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(std::string(BMSG_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What stands between the heading `.Ss NAME` and the next heading.
std::string section(const std::string& page, const std::string& name) {
  const auto start = page.find(".Ss " + name + "\n");
  if (start == std::string::npos) return {};
  return page.substr(start, page.find("\n.S", start + 1) - start);
}

std::string without_line_ends(std::string text) {
  std::erase(text, '\n');
  return text;
}

TEST(FormatPage, HasTheValuesOfTheWorkedExample) {
  const std::string page = read_file("man/bmsg-format.5");
  EXPECT_NE(page.find(golden::kGenesisText), std::string::npos);
  const std::string folded = without_line_ends(page);
  for (const std::string_view value :
       {golden::kChainId,    golden::kGenesisId,       golden::kAliceKey,   golden::kAliceAddress,
        golden::kAliceWords, golden::kBobPrekeySecret, golden::kBobPrekey,  golden::kCardHead,
        golden::kCardBody,   golden::kCardId,          golden::kPostHead,   golden::kPostBody,
        golden::kPostId,     golden::kSealHead,        golden::kSealTh,     golden::kSealPlain,
        golden::kSealId,     golden::kBlock1Root,      golden::kBlock1Past, golden::kBlock1Bits,
        golden::kBlock1Id,   golden::kKeyring}) {
    EXPECT_NE(folded.find(value), std::string::npos) << value;
  }
  for (const std::uint64_t number : {golden::kCardNonce, golden::kPostNonce, golden::kSealNonce,
                                     golden::kBlock1Nonce, golden::kBlock1Work}) {
    EXPECT_NE(page.find(std::to_string(number)), std::string::npos) << number;
  }
}

TEST(FormatPage, NamesEveryRuleInTheOrderOfChecking) {
  std::string names = section(read_file("man/bmsg-format.5"), "Rules");
  std::ranges::replace(names, '\n', ' ');
  std::size_t at = 0;
  for (int rule = 0; rule <= static_cast<int>(chain::Rule::digest); ++rule) {
    const std::string name(chain::name_of(static_cast<chain::Rule>(rule)));
    const auto found = names.find(" " + name, at);
    ASSERT_NE(found, std::string::npos) << name << " is missing or in another place";
    at = found + name.size();
  }
}

TEST(Pages, HaveASectionForEveryPlaceThatTheCodeNames) {
  static const std::regex place(R"re((bmsg-\w+)\(([57])\), "([^"]+)")re");
  std::size_t places = 0;
  for (const auto& [path, text] : testing::read_tree(BMSG_SOURCE_DIR)) {
    if (path.starts_with("tests/")) continue;
    for (std::sregex_iterator it(text.begin(), text.end(), place), end; it != end; ++it) {
      const std::string page = "man/" + it->str(1) + "." + it->str(2);
      EXPECT_NE(section(read_file(page), it->str(3)), "") << path << " names " << it->str();
      ++places;
    }
  }
  EXPECT_GT(places, 10u);
}

TEST(ProgramPage, HasEveryExitCodeAndNoOther) {
  static const std::regex in_code(R"(\w+ = (\d+),)");
  static const std::regex in_page(R"(\n\.It (\d+)\n)");
  const std::string code = read_file("cli/exit_code.h");
  const std::string page = read_file("man/bmsg.1");
  std::vector<std::string> wanted;
  for (std::sregex_iterator it(code.begin(), code.end(), in_code), end; it != end; ++it) {
    wanted.push_back((*it)[1]);
  }
  std::vector<std::string> told;
  for (std::sregex_iterator it(page.begin(), page.end(), in_page), end; it != end; ++it) {
    told.push_back((*it)[1]);
  }
  EXPECT_GT(wanted.size(), 10u);
  EXPECT_EQ(told, wanted);
}

}  // namespace
}  // namespace bmsg
