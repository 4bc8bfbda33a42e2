// What only the page is given: remarks, codes, headers, messages as strangers see them.

#include "lib/api/web_json.h"

#include <gtest/gtest.h>

#include "lib/api/json_guard.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"

namespace bmsg::api {
namespace {

Json parsed(const std::string& line) {
  EXPECT_EQ(line.find('\n'), std::string::npos);
  return parse_json(line).value();
}

TEST(WebJson, HasRemarksAsText) {
  const Json json = parsed(remark_json("looks like \"ana\"\n\x1b[2J"));
  EXPECT_EQ(json["type"], "remark");
  EXPECT_EQ(json["text"], "looks like \"ana\"\n\x1b[2J");
}

TEST(WebJson, HasCodesRowByRow) {
  CodeView view{.text = "bmsg1x", .card = {}, .modules = {{true, false}, {false, true}}};
  Json json = parsed(code_json(view));
  EXPECT_EQ(json["rows"], (Json{"10", "01"}));
  EXPECT_TRUE(json["card"].is_null());
  view.card = "card";
  EXPECT_EQ(parsed(code_json(view))["card"], "card");
}

TEST(WebJson, HasHeadersAsTheyAreHashed) {
  SealedHeader sealed;
  sealed.header.height = Height{7};
  sealed.seal.push_back({.index = 2, .signature = {}});
  const Json json = parsed(header_json(BlockHash(), sealed));
  EXPECT_EQ(json["bytes"], to_hex(encode(sealed.header)));
  EXPECT_EQ(json["seal"].get<std::string>().substr(0, 4), "0102");
}

TEST(WebJson, ShowsOfAMessageWhatEverybodyMayRead) {
  ChainedView view;
  view.state = "pending";
  Json json = parsed(chained_json(view));
  EXPECT_EQ(json["public"], false);
  EXPECT_FALSE(json.contains("body"));
  EXPECT_TRUE(json["height"].is_null());
  view.state = "buried";
  view.height = Height{3};
  view.open = ChainedView::Open{
      .from = {}, .signature = "absent", .subject = "<b>", .media_type = {}, .body = {0xff}};
  json = parsed(chained_json(view));
  EXPECT_EQ(json["public"], true);
  EXPECT_EQ(json["height"], 3);
  EXPECT_EQ(json["subject"], "<b>");
  EXPECT_TRUE(json["body"].is_null());
  EXPECT_EQ(json["body_base64"], "/w==");
}

}  // namespace
}  // namespace bmsg::api
