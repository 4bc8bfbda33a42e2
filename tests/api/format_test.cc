// --format: fields in text, quoted for shells or as JSON.

#include "lib/api/format.h"

#include <gtest/gtest.h>

#include "lib/api/json_objects.h"

namespace bmsg::api {
namespace {

const std::string kObject =
    R"({"v":1,"id":"ab","name":"it's","to":["x","y"],"n":3,"none":null,"block":{"height":7}})";

std::string as_is(std::string_view text) { return std::string(text); }

std::string rendered(const std::string& text) {
  const auto format = Format::parse(text, kObject);
  return format ? format.value().render(kObject, as_is) : format.error().message;
}

TEST(Format, PutsFieldsIntoText) {
  EXPECT_EQ(rendered("<{id}> {n}"), "<ab> 3");
  EXPECT_EQ(rendered("no field"), "no field");
  EXPECT_EQ(rendered("{to} {none}."), "x,y .");
  EXPECT_EQ(rendered("{{{id}}}"), "{ab}");
}

TEST(Format, FindsTheHeightOfABlockAsIfItWereTheObjectsOwn) {
  EXPECT_EQ(rendered("{height}"), "7");
  const std::string waiting = R"({"id":"ab","block":null})";
  EXPECT_EQ(Format::parse("{height}", waiting).value().render(waiting, as_is), "");
}

TEST(Format, QuotesForShellsAndAsJson) {
  EXPECT_EQ(rendered("{name:sh}"), R"('it'\''s')");
  EXPECT_EQ(rendered("{none:sh}"), "''");
  EXPECT_EQ(rendered("{name:json} {to:json} {none:json}"), R"("it's" ["x","y"] null)");
}

TEST(Format, MakesOnlyUnquotedFieldsHarmless) {
  const auto format = Format::parse("{id} {id:sh}", kObject);
  EXPECT_EQ(format.value().render(kObject, [](std::string_view) { return "-"; }), "- 'ab'");
}

TEST(Format, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"{nothing}", "{}", "{id:xml}", "{id", "id}", "{"}) {
    const auto format = Format::parse(text, kObject);
    ASSERT_FALSE(format) << text;
    EXPECT_EQ(format.error().code, Errc::bad_usage) << text;
  }
  EXPECT_NE(rendered("{nothing}").find("{id}"), std::string::npos) << "it says what there is";
}

TEST(Format, KnowsTheFieldsOfEveryListFromAnEmptyObject) {
  EXPECT_TRUE(Format::parse("{id} {from} {to} {time} {size} {subject} {height}",
                            message_json(MessageView())));
  EXPECT_TRUE(Format::parse("{name} {address} {note}", contact_json(ContactView())));
}

}  // namespace
}  // namespace bmsg::api
