// What the page sends apart from messages: one text, and nothing else.

#include "lib/api/web_input.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>

#include "lib/api/web_assets.h"

namespace bmsg::api {
namespace {

TEST(WebText, IsTheOneMember) {
  EXPECT_EQ(parse_web_text(R"({"id":"ab"})", "id").value(), "ab");
  EXPECT_EQ(parse_web_text(R"({"id":""})", "id").value(), "");
}

TEST(WebText, IsRefusedOtherwise) {
  for (const char* body :
       {"", "{}", "[]", "\"ab\"", R"({"id":1})", R"({"id":null})", R"({"other":"ab"})",
        R"({"id":"ab","more":1})", R"({"id":"ab","id":"ab"})",
        R"({"id":"ab"} )"
        "x"}) {
    const auto parsed = parse_web_text(body, "id");
    ASSERT_FALSE(parsed) << body;
    EXPECT_EQ(parsed.error().code, Errc::bad_input) << body;
  }
}

TEST(WebText, IsNoLongerThanEightKilobytes) {
  const auto of_size = [](std::size_t size) {
    return fmt::format("{{\"id\":\"{}\"}}", std::string(size - 9, 'a'));
  };
  EXPECT_TRUE(parse_web_text(of_size(8192), "id"));
  EXPECT_FALSE(parse_web_text(of_size(8193), "id"));
}

TEST(WebAssets, AreTherePageScriptAndStyles) {
  std::vector<std::string_view> paths;
  for (const WebAsset& asset : web_assets()) {
    paths.push_back(asset.path);
    EXPECT_GT(asset.bytes.size(), 100) << asset.path;
  }
  for (const char* path : {"/", "/app.css", "/app.js", "/base.js", "/bootstrap.css", "/proof.js"})
    EXPECT_EQ(std::ranges::count(paths, path), 1) << path;
}

/// The policy forbids it, so what needs it would silently not work.
TEST(WebAssets, HaveNothingInline) {
  for (const WebAsset& asset : web_assets()) {
    if (asset.path == "/bootstrap.css") continue;
    std::string text(asset.bytes);
    // The name of a kind of element, which nobody asks for.
    if (const auto at = text.find("'http://www.w3.org/2000/svg'"); at != std::string::npos)
      text.replace(at, 28, "");
    for (const char* word : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                             "eval(", "<style", " style=", "onclick=", "http://", "https://"})
      EXPECT_EQ(text.find(word), std::string::npos) << asset.path << ": " << word;
  }
}

}  // namespace
}  // namespace bmsg::api
