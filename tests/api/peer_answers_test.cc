// What a node answers to each path, without a network between.

#include "lib/api/peer_answers.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "lib/api/json_guard.h"
#include "lib/api/wire_json.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "tests/api/asked_node.h"
#include "tests/node/node_fixture.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kBlocks = 260;

/// A node with 260 blocks, ten minutes apart: nearly two days.
class PeerAnswers : public AskedNode {
 protected:
  PeerAnswers() : AskedNode(FakeClock(kEasyGenesisTime + 9'000 * 600)) {
    blocks = builder.blocks(builder.genesis(), kBlocks);
    for (const Block& block : blocks) EXPECT_TRUE(node->submit_block(block));
    node->on_change([this] { ++changes; });
  }

  net::HttpResponse ask(std::string path, net::Method method = net::Method::get, Bytes body = {}) {
    net::HttpRequest request;
    request.method = method;
    if (const auto query = path.find("?light="); query != std::string::npos) {
      request.query["light"] = path.substr(query + 7);
      path.resize(query);
    }
    request.path = "/bmsg/1/" + path;
    request.body = std::move(body);
    if (!known.empty()) request.fields.push_back({"if-none-match", known});
    return answer_peer(*node, request, policy);
  }
  int status(const std::string& path) { return ask(path).status; }
  std::vector<chain::Frame> frames(const net::HttpResponse& response) {
    EXPECT_EQ(response.status, 200) << as_text(response.body);
    return chain::split_pack(response.body, chain::EndFrame::optional).value();
  }
  std::string put(const Bytes& pack) {
    const auto response = ask("put", net::Method::post, pack);
    return std::to_string(response.status) + " " + to_string(response.body);
  }
  Message message(const std::string& text) { return builder.public_message(text, clock.now()); }
  static bool is_immutable(const net::HttpResponse& response) {
    const auto control = net::find_field(response.fields, "cache-control");
    EXPECT_TRUE(control);
    const bool forever = control == "public, max-age=31536000, immutable";
    EXPECT_TRUE(forever || control == "no-store");
    EXPECT_EQ(forever, net::find_field(response.fields, "etag").has_value());
    return forever;
  }

  std::vector<Block> blocks;
  node::ReorgPolicy policy;
  std::string known;  // If-None-Match.
  int changes = 0;
};

std::string ids_of(const Message& message) {
  return to_hex(prefix_of<ShortId>(chain::id_of(message.head)).view());
}

Bytes pack_of(const std::vector<std::pair<chain::FrameType, Bytes>>& frames) {
  Bytes pack = chain::begin_pack();
  for (const auto& [type, payload] : frames) chain::append_frame(pack, type, payload);
  return pack;
}

TEST_F(PeerAnswers, GiveTheBlocksThatAreAskedFor) {
  const auto some = frames(ask("blocks/5/3"));
  ASSERT_EQ(some.size(), 3);
  EXPECT_EQ(decode_block(some[0].payload).value(), blocks[4]);
  EXPECT_EQ(frames(ask("headers/0/2000")).size(), kBlocks + 1);
  EXPECT_EQ(frames(ask("headers/260/16")).size(), 1);
  EXPECT_EQ(frames(ask("headers/261/16")).size(), 0);
  const std::string hash = to_hex(chain::hash_of(blocks[9].header).view());
  EXPECT_EQ(decode_block(frames(ask("block/" + hash))[0].payload).value(), blocks[9]);
  EXPECT_EQ(to_string(ask("genesis").body), builder.rules_text());
  EXPECT_EQ(parse_info(as_text(ask("info").body)).value().tip, store.tip().value());
}

TEST_F(PeerAnswers, TakeOnlyStrictPaths) {
  for (const char* good : {"blocks/0/1", "blocks/0/16", "headers/0/1", "headers/0/2000",
                           "headers/4294967295/1", "info", "genesis", "feed", "peers"}) {
    EXPECT_EQ(status(good), 200) << good;
  }
  for (const std::string bad : {"blocks/0/0",     "blocks/0/17",
                                "blocks/00/1",    "blocks/0/01",
                                "blocks/-1/1",    "blocks/+1/1",
                                "blocks/0x1/1",   "blocks/ 1/1",
                                "blocks/1/1/1",   "blocks/1",
                                "blocks/1/",      "blocks//1",
                                "blocks",         "blocks/4294967296/1",
                                "blocks/1e1/1",   "headers/0/0",
                                "headers/0/2001", "block/12",
                                "obj/12",         "obj/zz"}) {
    EXPECT_EQ(status(bad), 400) << bad;
  }
  const std::string nowhere(128, '0');
  for (const std::string& missing :
       {std::string(""), std::string("nothing"), std::string("info/x"), std::string("genesis/x"),
        "block/" + nowhere, "obj/" + nowhere, "obj/" + nowhere.substr(0, 16)}) {
    EXPECT_EQ(status(missing), 404) << missing;
  }
  const std::string upper = "block/" + std::string(128, 'A');
  EXPECT_EQ(status(upper), 400);
}

TEST_F(PeerAnswers, KeepToTheirMethods) {
  for (const char* path : {"info", "genesis", "feed", "blocks/0/1"}) {
    for (const auto method : {net::Method::post, net::Method::head, net::Method::put,
                              net::Method::del, net::Method::options}) {
      EXPECT_EQ(ask(path, method).status, 405) << path;
    }
  }
  for (const char* path : {"get", "have", "put"}) EXPECT_EQ(status(path), 405) << path;
}

TEST_F(PeerAnswers, NameTheirErrorsInJson) {
  const auto response = ask("blocks/0/17");
  const auto json = parse_json(as_text(response.body));
  ASSERT_TRUE(json);
  EXPECT_EQ(json.value()["error"], "request");
  EXPECT_EQ(net::find_field(response.fields, "cache-control"), "no-store");
}

TEST_F(PeerAnswers, MarkWhatNeverChanges) {
  EXPECT_TRUE(is_immutable(ask("genesis")));
  EXPECT_TRUE(is_immutable(ask("blocks/0/16")));
  EXPECT_TRUE(is_immutable(ask("blocks/96/16?light=1")));
  EXPECT_FALSE(is_immutable(ask("blocks/1/16")));
  EXPECT_FALSE(is_immutable(ask("blocks/0/15")));
  EXPECT_FALSE(is_immutable(ask("blocks/240/16")));
  EXPECT_FALSE(is_immutable(ask("headers/0/2000")));
  EXPECT_FALSE(is_immutable(ask("info")));
}

// 72 blocks are half a day here; a reorganisation may take off all blocks of one day.
TEST_F(PeerAnswers, MarkNothingThatIsYoungerThanADay) {
  const Height tip{kBlocks};
  const std::uint32_t day_ago = tip.value - 86'400 / 600;
  const std::uint32_t last_old = (day_ago / 16 - 1) * 16;
  EXPECT_TRUE(is_immutable(ask("blocks/" + std::to_string(last_old) + "/16")));
  EXPECT_FALSE(is_immutable(ask("blocks/" + std::to_string(last_old + 16) + "/16")));
}

// Block 255 is the last of the last whole range: 5 below the tip.
TEST_F(PeerAnswers, MarkWhatIsDeeperThanMaxReorg) {
  policy.seconds_max = 0;
  policy.depth_max = 4;
  EXPECT_TRUE(is_immutable(ask("blocks/240/16")));
  EXPECT_FALSE(is_immutable(ask("blocks/256/16")));
  policy.depth_max = 5;
  EXPECT_FALSE(is_immutable(ask("blocks/240/16")));
  EXPECT_TRUE(is_immutable(ask("blocks/224/16")));
  policy.depth_max = 4;
  policy.seconds_max = 5 * 600 - 1;
  EXPECT_TRUE(is_immutable(ask("blocks/240/16")));
  policy.seconds_max = 5 * 600;
  EXPECT_FALSE(is_immutable(ask("blocks/240/16")));
}

TEST_F(PeerAnswers, AreNotSentAgainToWhoeverHasThem) {
  const auto whole = ask("blocks/0/16");
  const std::string tag(net::find_field(whole.fields, "etag").value());
  EXPECT_NE(tag, net::find_field(ask("blocks/16/16").fields, "etag"));
  EXPECT_EQ(tag, net::find_field(ask("blocks/0/16").fields, "etag"));
  for (const std::string& list :
       {tag, "\"x\", " + tag, tag + ",\"x\"", "W/" + tag, std::string("*"), "  " + tag + "\t"}) {
    known = list;
    const auto same = ask("blocks/0/16");
    EXPECT_EQ(same.status, 304) << list;
    EXPECT_TRUE(same.body.empty() && same.content_type.empty());
    EXPECT_EQ(same.fields, whole.fields);
  }
  for (const std::string& list : {std::string("\"x\""), std::string(","), std::string("W/"),
                                  tag.substr(1), tag + "x", "x" + tag, std::string(" ")}) {
    known = list;
    EXPECT_EQ(ask("blocks/0/16").body, whole.body) << list;
  }
  known = "*";  // What changes has no tag, so nobody can have it already.
  for (const char* path : {"info", "feed", "blocks/240/16", "blocks/1/16", "headers/0/2000"})
    EXPECT_EQ(status(path), 200) << path;
}

TEST_F(PeerAnswers, CommitAllMessagesOfAPutAtOnce) {
  std::vector<std::pair<chain::FrameType, Bytes>> parts;
  std::vector<Message> messages;
  for (int i = 0; i < 20; ++i) {
    messages.push_back(message("message " + std::to_string(i)));
    parts.emplace_back(chain::FrameType::message, encode(messages.back()));
  }
  parts.insert(parts.begin() + 10, {chain::FrameType::message, Bytes{1, 2, 3}});
  std::string want = "200 ";
  for (int i = 0; i < 21; ++i) want += i == 10 ? "bad layout\n" : "ok\n";
  EXPECT_EQ(put(pack_of(parts)), want);
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(frames(ask("obj/" + ids_of(messages[3]))).size(), 1);
}

TEST_F(PeerAnswers, AnswerEachFrameOfAPutInItsOrder) {
  const Message wanted = message("wanted");
  const Message mined = message("mined");
  const Block child = builder.block(blocks.back().header, {mined}, clock.now());
  const Block grandchild = builder.block(child.header, {}, UnixSeconds{clock.now().value + 1});
  const auto offer = chain::encode_short_ids({prefix_of<ShortId>(chain::id_of(wanted.head)),
                                              prefix_of<ShortId>(chain::id_of(mined.head))});
  const Bytes pack = pack_of({
      {chain::FrameType::block, encode(grandchild)},
      {chain::FrameType::compact, chain::encode(chain::compact_of(child))},
      {chain::FrameType::message, encode(mined)},
      {chain::FrameType::compact, chain::encode(chain::compact_of(child))},
      {chain::FrameType::ids, offer},
      {chain::FrameType::block, encode(child)},
      {chain::FrameType::block, encode(grandchild)},
      {chain::FrameType::header, Bytes{1}},
      {static_cast<chain::FrameType>('x'), Bytes{1}},
  });
  EXPECT_EQ(put(pack), "200 orphan\nneed " + ids_of(mined) + "\nok\nok\nneed " + ids_of(wanted) +
                           "\nhave\nok\nbad frame\n");
}

TEST_F(PeerAnswers, BoundWhatOnePutMayOffer) {
  const auto offers = [](std::size_t frames, std::size_t ids) {
    const std::pair frame{chain::FrameType::ids, Bytes(ids * ShortId::kSize)};
    return pack_of({frames, frame});
  };
  EXPECT_TRUE(put(offers(1, 1024)).starts_with("200 need "));
  EXPECT_EQ(put(offers(1, 1025)), "200 bad size\n");
  EXPECT_TRUE(put(offers(64, 1024)).starts_with("200 need "));
  EXPECT_TRUE(put(offers(65, 1024)).starts_with("400 "));
}

TEST_F(PeerAnswers, TakeAsManyCompactBlocksOfOnePutAsArePushedAtOnce) {
  const auto named = [](std::size_t frames) {
    return pack_of({frames, std::pair{chain::FrameType::compact, Bytes(1)}});
  };
  EXPECT_TRUE(put(named(16)).starts_with("200 bad layout\n"));
  EXPECT_TRUE(put(named(17)).starts_with("400 "));
}

TEST_F(PeerAnswers, TakeOnePutOfSixtyFiveThousandFramesAndNoMore) {
  const auto pack = [](std::size_t frames, Bytes payload) {
    const std::pair frame{chain::FrameType::ids, std::move(payload)};
    return pack_of({frames, frame});
  };
  EXPECT_EQ(ask("put", net::Method::post, pack(65536, {})).status, 200);
  const auto refused = ask("put", net::Method::post, pack(65537, {}));
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(as_text(refused.body).find("65536 frames"), std::string_view::npos);
}

TEST_F(PeerAnswers, TakeOneFrameOfPeersAndNoMore) {
  const Bytes new_one = encode(message("new"));
  EXPECT_EQ(put(pack_of({{chain::FrameType::peers, {}}, {chain::FrameType::message, new_one}})),
            "200 have\nok\n");
  const Bytes other = encode(message("other"));
  EXPECT_TRUE(put(pack_of({{chain::FrameType::message, other},
                           {chain::FrameType::peers, {}},
                           {chain::FrameType::peers, {}}}))
                  .starts_with("400 "));
  EXPECT_EQ(put(pack_of({{chain::FrameType::message, other}})), "200 ok\n") << "it was not taken";
}

TEST_F(PeerAnswers, RefuseWhatIsNoPack) {
  const Bytes pack = pack_of({{chain::FrameType::message, encode(message("x"))}});
  EXPECT_EQ(put(chain::begin_pack()), "200 ");
  for (std::size_t cut = 0; cut < pack.size(); ++cut) {
    if (cut == 4) continue;  // The magic alone is an empty pack.
    EXPECT_TRUE(put(Bytes(pack.begin(), pack.begin() + static_cast<std::ptrdiff_t>(cut)))
                    .starts_with("400 "));
  }
}

TEST_F(PeerAnswers, NameTheRuleThatAPackBreaks) {
  Bytes pack = pack_of({{chain::FrameType::message, encode(message("x"))}});
  chain::end_pack(pack);
  EXPECT_EQ(put(pack), "200 ok\n");
  pack.back() ^= 1;
  EXPECT_TRUE(put(pack).starts_with(R"(400 {"error":"digest")")) << put(pack);
  pack.pop_back();
  EXPECT_TRUE(put(pack).starts_with(R"(400 {"error":"frame")")) << put(pack);
}

TEST_F(PeerAnswers, FindMessagesByTheirShortIds) {
  const Message here = message("here");
  ASSERT_TRUE(node->submit_messages({here}, node::Origin::own));
  const Bytes ids = chain::encode_short_ids(
      {ShortId::filled(9), prefix_of<ShortId>(chain::id_of(here.head)), ShortId::filled(8)});
  const auto found = frames(ask("get", net::Method::post, ids));
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(decode_message(found[0].payload).value(), here);
  EXPECT_EQ(ask("have", net::Method::post, ids).body, Bytes{0x40});
  EXPECT_EQ(ask("get", net::Method::post, Bytes(1024 * 8)).status, 200);
  EXPECT_EQ(ask("get", net::Method::post, Bytes(1025 * 8)).status, 400);
  EXPECT_EQ(ask("have", net::Method::post, Bytes(7)).status, 400);
}

TEST(PeerAnswersOfAFullPool, NameWhatThereIsNoRoomIn) {
  const std::size_t one = NodeFixture().message("0").head.encoded_bytes();
  NodeFixture f;
  const auto node = f.node(nullptr, {.all = 2 * one, .of_giver = one});
  const auto put = [&](const std::string& address, const Message& message) {
    net::HttpRequest request;
    request.method = net::Method::post;
    request.path = "/bmsg/1/put";
    request.peer.address = address;
    request.body = pack_of({{chain::FrameType::message, encode(message)}});
    return to_string(answer_peer(*node, request).body);
  };
  const Message low = f.message("2");
  EXPECT_EQ(put("11.0.0.1", f.message("1", 2000)), "ok\n");
  EXPECT_EQ(put("11.0.0.2", low), "bad share\n") << "another subnet would be another giver";
  EXPECT_EQ(put("11.0.1.1", f.message("3", 2000)), "ok\n");
  EXPECT_EQ(put("11.0.2.1", low), "bad full\n");
}

}  // namespace
}  // namespace bmsg::api
