// What the page sends as a form: texts by name, and nothing else.

#include "lib/api/web_form.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace bmsg::api {
namespace {

TEST(WebForm, HasTheTextsThatWereGiven) {
  const auto form = WebForm::parse(R"({"verb":"add","name":"b\u00e4r"})", {"verb", "name", "more"});
  ASSERT_TRUE(form);
  EXPECT_EQ(form.value().text("name"), "bär");
  EXPECT_EQ(form.value().text("more"), "");
  EXPECT_TRUE(form.value().has("verb"));
  EXPECT_FALSE(form.value().has("more"));
  EXPECT_EQ(form.value().filled("verb").value(), "add");
  EXPECT_EQ(form.value().filled("more").error().code, Errc::bad_input);
  EXPECT_TRUE(WebForm::parse("{}", {"verb"}));
}

TEST(WebForm, RefusesWhatNobodyAskedFor) {
  for (const char* body :
       {"", "[]", "\"verb\"", R"({"verb":1})", R"({"verb":null})", R"({"verb":["a"]})",
        R"({"verb":"a","verb":"b"})", R"({"other":"a"})", R"({"verb":"a"} x)"}) {
    const auto form = WebForm::parse(body, {"verb"});
    ASSERT_FALSE(form) << body;
    EXPECT_EQ(form.error().code, Errc::bad_input) << body;
  }
}

TEST(WebForm, HasALimit) {
  const auto of_size = [](std::size_t size) {
    return fmt::format("{{\"id\":\"{}\"}}", std::string(size - 9, 'a'));
  };
  EXPECT_TRUE(WebForm::parse(of_size(kWebFormBytesMax), {"id"}));
  EXPECT_FALSE(WebForm::parse(of_size(kWebFormBytesMax + 1), {"id"}));
}

TEST(WebForm, WipesASecret) {
  auto form = WebForm::parse(R"({"passphrase":"correct horse battery staple"})", {"passphrase"});
  ASSERT_TRUE(form);
  const char* where = form.value().text("passphrase").data();
  form.value().wipe("passphrase");
  EXPECT_EQ(form.value().text("passphrase"), "");
  EXPECT_EQ(std::string_view(where + 1, 3), std::string_view("\0\0\0", 3));
}

}  // namespace
}  // namespace bmsg::api
