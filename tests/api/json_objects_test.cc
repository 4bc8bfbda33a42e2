// Every object of bmsg-json(5): its members, in their order, in ASCII, whatever strangers wrote.

#include "lib/api/json_objects.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "lib/api/json_guard.h"
#include "lib/api/policy_json.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"

namespace bmsg::api {
namespace {

constexpr UnixSeconds kTime{1'767'225'600};
constexpr std::string_view kHostile = "\x1b[31m\xc2\x9b\xe2\x80\xae\xff\"\\\n\x7f";

std::vector<std::string> members_of(const Json& json) {
  std::vector<std::string> names;
  for (const auto& member : json.items()) names.push_back(member.key());
  return names;
}

/// What the line says, after checking what holds for every line.
Json read(const std::string& line) {
  for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '\x7f') << line;
  const auto json = parse_json(line);
  EXPECT_TRUE(json) << line;
  const auto names = members_of(json.value());
  EXPECT_EQ(names.at(0), "v");
  EXPECT_EQ(names.at(1), "type");
  EXPECT_EQ(json.value()["v"], 1);
  return json.value();
}

MessageView message() {
  MessageView view;
  view.id = MessageId::filled(1);
  view.time = kTime;
  view.expires = {kTime.value + 86'400};
  view.kind = "text";
  view.from_name = std::string(kHostile);
  view.subject = std::string(kHostile);
  view.to = {"bmsg1x"};
  view.flags = {"unread"};
  return view;
}

/// The members that bmsg-json(5) gives for a type, in its order.
std::vector<std::string> documented(const std::string& type) {
  std::ifstream page(BMSG_SOURCE_DIR "/man/bmsg-json.5");
  std::stringstream all;
  all << page.rdbuf();
  std::string text = all.str();
  const auto from = text.find(".Ss " + type + "\n");
  EXPECT_NE(from, std::string::npos) << type;
  const auto begin = text.find("indent\n", from) + 7;
  text = text.substr(begin, text.find(".Ed", begin) - begin);
  std::vector<std::string> names;
  int depth = 0;
  bool at_name = true;
  std::string name;
  for (const char c : text) {
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth == 0 && c == ',') at_name = true;
    if (c == '"') at_name = false;  // A value, not a name.
    const bool is_part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (at_name && is_part) name += c;
    if (at_name && !is_part && !name.empty()) {
      names.push_back(name);
      name.clear();
      at_name = false;
    }
  }
  return names;
}

void expect_documented(const std::string& line) {
  const Json json = read(line);
  const auto type = json["type"].get<std::string>();
  auto names = members_of(json);
  names.erase(names.begin(), names.begin() + 2);
  EXPECT_EQ(names, documented(type)) << type;
}

TEST(JsonObjects, HaveTheMembersOfTheirPage) {
  expect_documented(message_json(message()));
  expect_documented(policy_json({}));
  expect_documented(queued_json({}));
  expect_documented(object_json({}));
  expect_documented(block_json({}));
  expect_documented(peer_json({}, kTime));
  expect_documented(contact_json({}));
  expect_documented(identity_json({}));
  expect_documented(device_json({}));
  expect_documented(key_event_json({}));
  expect_documented(store_json({}));
  expect_documented(sync_json({}));
  expect_documented(fault_json({}));
  expect_documented(status_json({}));
  expect_documented(state_json({}));
  expect_documented(error_json({}));
  expect_documented(fork_json({}));
  expect_documented(reorg_json({}));
}

TEST(JsonObjects, StayAsciiWhateverStrangersWrote) {
  const std::string text(kHostile);
  node::Peer peer;
  peer.url = text;
  peer.last_error = text;
  ContactView contact;
  contact.name = text;
  contact.note = text;
  SummaryView summary;
  summary.command = text;
  summary.texts = {{"where", text}};
  for (const std::string& line :
       {message_json(message()), peer_json(peer, kTime),
        error_json({.code = 76, .name = "protocol", .message = text, .hint = text}),
        fault_json({.kind = text, .height = {}, .hash = {}, .detail = text}),
        setting_json(text, text, text), contact_json(contact), summary_json(summary)}) {
    (void)read(line);  // It checks what holds for every line.
  }
}

TEST(MessageJson, SaysWhatTheMessageIs) {
  MessageView view = message();
  view.outgoing = true;
  view.seq = 7;
  view.topic = Topic::filled(0xab);
  view.block = MessageView::Place{BlockHash::filled(2), Height{12}};
  const Json json = read(message_json(view));
  EXPECT_EQ(json["id"], to_hex(view.id.view()));
  EXPECT_EQ(json["time"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(json["unix"], kTime.value);
  EXPECT_EQ(json["expires"], "2026-01-02T00:00:00Z");
  EXPECT_EQ(json["direction"], "out");
  EXPECT_EQ(json["topic"], "abababab");
  EXPECT_EQ(json["seq"], 7);
  EXPECT_EQ(json["block"]["height"], 12);
  EXPECT_TRUE(json["reply_to"].is_null());
  EXPECT_FALSE(json.contains("body"));
}

TEST(MessageJson, GivesABodyAsTextOrAsBase64) {
  MessageView view = message();
  view.body = to_bytes("grüße");
  Json json = read(message_json(view));
  EXPECT_EQ(json["body"], "grüße");
  EXPECT_FALSE(json.contains("body_base64"));
  EXPECT_EQ(json["body_truncated"], false);
  view.body = Bytes{0xff, 0x00};
  json = read(message_json(view));
  EXPECT_TRUE(json["body"].is_null());
  EXPECT_EQ(json["body_base64"], "/wA=");
}

TEST(MessageJson, SaysWhoStandsForItWhereAPolicyAsks) {
  MessageView view = message();
  EXPECT_TRUE(read(message_json(view))["approvals"].is_null());
  view.approvals = ApprovalsView{.pending = true, .have = 1, .needed = 2, .by = {}};
  view.approvals->by.push_back({"bmsg1x", std::string(kHostile), std::nullopt, ""});
  view.approvals->by.push_back({"bmsg1y", std::nullopt, MessageId::filled(3), "fine"});
  const Json json = read(message_json(view))["approvals"];
  EXPECT_EQ(json["pending"], true);
  EXPECT_EQ(json["have"], 1);
  EXPECT_EQ(json["needed"], 2);
  EXPECT_EQ(json["by"][0]["address"], "bmsg1x");
  EXPECT_TRUE(json["by"][0]["id"].is_null()) << "the author approves by no message";
  EXPECT_TRUE(json["by"][0]["note"].is_null());
  EXPECT_TRUE(json["by"][1]["name"].is_null());
  EXPECT_EQ(json["by"][1]["id"], to_hex(MessageId::filled(3).view()));
  EXPECT_EQ(json["by"][1]["note"], "fine");
}

TEST(PolicyJson, IsOfATopicOrOfARoom) {
  PolicyView view{.name = "deploy",
                  .topic = Topic::filled(0xab),
                  .room = {},
                  .rule = "ana",
                  .rule_addresses = "bmsg1x",
                  .persons = {"bmsg1x"}};
  Json json = read(policy_json(view));
  EXPECT_EQ(json["kind"], "topic");
  EXPECT_EQ(json["topic"], "abababab");
  EXPECT_TRUE(json["room"].is_null());
  view.topic.reset();
  view.room = "07";
  json = read(policy_json(view));
  EXPECT_EQ(json["kind"], "room");
  EXPECT_TRUE(json["topic"].is_null());
  EXPECT_EQ(json["room"], "07");
}

TEST(BlockJson, GivesWorkAsDecimalText) {
  BlockView view;
  view.total_work = Work::filled(0xff);
  view.header.nonce = 0xab;
  view.header.bits = {0x1e00ffff};
  const Json json = read(block_json(view));
  EXPECT_EQ(json["total_work"],
            "115792089237316195423570985008687907853269984665640564039457584007913129639935");
  EXPECT_EQ(json["work"], "0");
  EXPECT_EQ(json["nonce"], "00000000000000ab");
  EXPECT_EQ(json["bits"], "1e00ffff");
  EXPECT_FALSE(json.contains("ids"));
}

TEST(PeerJson, TellsTheStatesApart) {
  node::Peer peer;
  EXPECT_EQ(peer_state(peer, kTime), "never");
  peer.last_seen = kTime;
  EXPECT_EQ(peer_state(peer, kTime), "ok");
  peer.failures = 1;
  EXPECT_EQ(peer_state(peer, kTime), "backoff");
  peer.score = 100;
  peer.not_before = {kTime.value + 1};
  EXPECT_EQ(peer_state(peer, kTime), "banned");
  EXPECT_NE(peer_state(peer, peer.not_before), "banned");
}

TEST(SummaryJson, PrintsWholeNumbersAsSuch) {
  const double huge = 1e300;
  const Json json =
      read(summary_json({.command = "sync",
                         .numbers = {{"blocks", 3},
                                     {"rate", 1.5},
                                     {"huge", huge},
                                     {"none", std::numeric_limits<double>::quiet_NaN()}},
                         .texts = {}}));
  EXPECT_EQ(json["blocks"].dump(), "3");
  EXPECT_EQ(json["rate"], 1.5);
  EXPECT_EQ(json["huge"], huge);
  EXPECT_TRUE(json["none"].is_null());
}

TEST(ObjectJson, CountsTheSlotsOfASealedMessage) {
  ObjectView view;
  view.head.suite = Suite::sealed;
  view.head.key_section = Bytes(32 + 2 * kSlotBytes);
  EXPECT_EQ(read(object_json(view))["slots"], 2);
  view.head.suite = Suite::open;
  view.head.key_section.clear();
  EXPECT_EQ(read(object_json(view))["slots"], 0);
}

TEST(TimesInJson, EndWithTheYear9999) {
  MessageView view = message();
  view.expires = {253402300799};
  EXPECT_EQ(read(message_json(view))["expires"], "9999-12-31T23:59:59Z");
  view.expires = {std::numeric_limits<std::uint64_t>::max()};
  EXPECT_EQ(read(message_json(view))["expires"], "9999-12-31T23:59:59Z");
}

}  // namespace
}  // namespace bmsg::api
