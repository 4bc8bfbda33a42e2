// The shapes of the paper's REST: hostile input is refused, and what its clients read is there.

#include "lib/api/rest_json.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/api/json_guard.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/base64.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/mail/seal.h"
#include "tests/support/chain_builder.h"

namespace bmsg::api {
namespace {

constexpr std::uint32_t kTime = 1'800'000'000;

class Rest : public ::testing::Test {
 protected:
  Message posted(const mail::Content& content, bool is_signed = true) {
    const mail::HeadOptions head{.time = kTime, .ttl = 3600};
    auto sealed = mail::post(builder.chain(), content, is_signed ? &seed : nullptr, head);
    return std::move(sealed.value()).with_nonce(0);
  }
  static mail::Content content(std::string_view author, std::string_view text,
                               std::string_view media_type = {}) {
    mail::Content made;
    made.subject = author;
    made.content = to_bytes(text);
    made.media_type = media_type;
    return made;
  }
  std::optional<Json> shown(const Message& message) {
    const auto text = rest_transaction(message, builder.chain().id);
    return text ? std::optional(parse_json(*text).value()) : std::nullopt;
  }
  const ChainId& chain() { return builder.chain().id; }

  ChainBuilder builder;
  crypto::SecretBytes seed = crypto::SecretBytes::from(Bytes(32, 7));
};

TEST_F(Rest, PostIsAuthorAndContent) {
  EXPECT_EQ(parse_rest_post(R"({"author": "ana", "content": "hello"})").value(),
            (RestPost{"ana", "hello", ""}));
  EXPECT_EQ(parse_rest_post(R"({"content": "h", "author": "a", "timestamp": 1, "id": 2,
                                "address": 3})")
                .value(),
            (RestPost{"a", "h", ""}))
      << "what we say ourselves is nobody's to give";
}

TEST_F(Rest, PostKeepsFurtherMembers) {
  const auto post =
      parse_rest_post(R"({"mood": [1, {"a": null}], "author": "ana", "content": "x"})");
  EXPECT_EQ(post.value().media_type, kRestMediaType);
  EXPECT_EQ(post.value().content, R"({"author":"ana","content":"x","mood":[1,{"a":null}]})");
}

TEST_F(Rest, PostWithoutAuthorOrContentIsTheirs) {
  for (const char* body :
       {"{}", "[]", "null", "1", R"("author")", R"({"author": "a"})", R"({"content": "c"})",
        R"({"author": "", "content": "c"})", R"({"author": "a", "content": ""})",
        R"({"author": "a", "content": null})", R"({"author": 1, "content": "c"})",
        R"({"author": "a", "content": ["c"]})", R"({"Author": "a", "content": "c"})"}) {
    const auto post = parse_rest_post(body);
    ASSERT_FALSE(post) << body;
    EXPECT_EQ(post.error().code, Errc::not_found) << body;
    EXPECT_EQ(post.error().message, "Invalid transaction data") << body;
  }
}

TEST_F(Rest, HostileJsonIsRefusedEverywhere) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("\xff"), deep.substr(0, 40), deep,
        std::string(R"({"author": "a", "author": "b", "content": "c"})"),
        std::string(R"({"author": "a", "content": "c"} x)"), std::string("author=a&content=c")}) {
    EXPECT_EQ(parse_rest_post(body).error().code, Errc::bad_input);
    EXPECT_EQ(parse_rest_node(body).error().code, Errc::bad_input);
    EXPECT_EQ(parse_rest_block(body).error().code, Errc::bad_input);
  }
}

TEST_F(Rest, PostIsBounded) {
  std::string body = R"({"author": "a", "content": ")";
  body += std::string(kRestPostBytesMax - body.size() - 2, 'x') + "\"}";
  ASSERT_EQ(body.size(), kRestPostBytesMax);
  EXPECT_TRUE(parse_rest_post(body));
  EXPECT_EQ(parse_rest_post(body + " ").error().code, Errc::bad_input);
}

TEST_F(Rest, NodeIsAUrlWithoutItsSlash) {
  EXPECT_EQ(parse_rest_node(R"({"node_address": "http://127.0.0.1:1/"})").value(),
            "http://127.0.0.1:1");
  EXPECT_EQ(parse_rest_node(R"({"node_address": "x", "more": 1})").value(), "x");
  for (const char* body : {"{}", "[]", R"({"node_address": ""})", R"({"node_address": 1})",
                           R"({"node_address": ["x"]})"})
    EXPECT_EQ(parse_rest_node(body).error().message, "Invalid data") << body;
}

TEST_F(Rest, TransactionHasWhatTheFrontEndReads) {
  const Message message = posted(content("ana", "hello \"<b>\" \xc3\xa4"));
  const auto made = shown(message);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)["author"], "ana");
  EXPECT_EQ((*made)["content"], "hello \"<b>\" \xc3\xa4");
  EXPECT_EQ((*made)["timestamp"], kTime);
  EXPECT_EQ((*made)["id"], to_hex(bmsg::chain::id_of(message.head).view()));
  EXPECT_EQ((*made)["address"].get<std::string>().substr(0, 5), "bmsg1");
}

TEST_F(Rest, TransactionOfNobodyNamesNobody) {
  const auto made = shown(posted(content("", "text"), false));
  EXPECT_EQ((*made)["author"], "");
  EXPECT_TRUE((*made)["address"].is_null());
  const auto signed_one = shown(posted(content("", "text")));
  EXPECT_EQ((*signed_one)["author"], (*signed_one)["address"]) << "the address is a name, too";
}

TEST_F(Rest, FurtherMembersComeBackAndCannotPassForOurs) {
  const auto post = parse_rest_post(R"({"author": "ana", "content": "x", "mood": "good"})").value();
  auto made = shown(posted(content(post.author, post.content, post.media_type)));
  EXPECT_EQ((*made)["content"], "x");
  EXPECT_EQ((*made)["mood"], "good");
  made = shown(posted(content("ben", R"({"author":"ana","content":"x","timestamp":1,"id":"0",
                                         "address":"bmsg1ana"})",
                              kRestMediaType)));
  EXPECT_EQ((*made)["timestamp"], kTime);
  EXPECT_NE((*made)["id"], "0");
  EXPECT_NE((*made)["address"], "bmsg1ana");
  // JSON of other programs is text.
  for (const char* other : {"{}", "[1]", "{\"author\":\"\",\"content\":\"x\"}", "{\"a\""}) {
    made = shown(posted(content("ben", other, kRestMediaType)));
    EXPECT_EQ((*made)["author"], "ben") << other;
    EXPECT_EQ((*made)["content"], other) << other;
  }
}

TEST_F(Rest, LeavesOutWhatIsNoPublicText) {
  EXPECT_TRUE(shown(posted(content("a", "x", "text/html"))));
  EXPECT_FALSE(shown(posted(content("a", "x", "image/png"))));
  EXPECT_FALSE(shown(posted(content("a", "\xff\xfe"))));
  auto card = content("a", "x");
  card.kind = mail::Kind::application;
  EXPECT_FALSE(shown(posted(card)));
  Message bare = posted(content("a", "x"));
  bare.body.reset();
  EXPECT_FALSE(shown(bare));
  Message sealed = posted(content("a", "x"));
  sealed.head.suite = Suite::sealed;
  EXPECT_FALSE(shown(sealed));
  Message forged = posted(content("a", "x"));
  forged.head.time += 60;  // The signature is of another head.
  const auto made = shown(forged);
  EXPECT_TRUE(!made || (*made)["address"].is_null());
}

TEST_F(Rest, ChainListsFromBlockZeroUpwards) {
  const Header genesis = builder.genesis();
  const Block first = builder.block(genesis, {builder.public_message("one", genesis.time)});
  RestChain shown(chain(), RestChain::Packs::without);
  shown.add_below(first, bmsg::chain::hash_of(first.header));
  shown.add_below(Block{genesis, {}, {}}, bmsg::chain::hash_of(genesis));
  const Json made = parse_json(shown.print(2, {"http://127.0.0.1:1", "\"\\"})).value();
  EXPECT_EQ(made["length"], 2);
  EXPECT_EQ(made["peers"], Json({"http://127.0.0.1:1", "\"\\"}));
  ASSERT_EQ(made["chain"].size(), 2);
  EXPECT_EQ(made["chain"][0]["index"], 0);
  EXPECT_EQ(made["chain"][0]["transactions"], Json::array());
  EXPECT_EQ(made["chain"][1]["index"], 1);
  EXPECT_EQ(made["chain"][1]["previous_hash"], made["chain"][0]["hash"]);
  EXPECT_EQ(made["chain"][1]["timestamp"], first.header.time.value);
  EXPECT_EQ(made["chain"][1]["nonce"], first.header.nonce);
  EXPECT_FALSE(made["chain"][1].contains("pack"));
}

TEST_F(Rest, ChainIsFullAtItsLimit) {
  RestChain shown(chain(), RestChain::Packs::without);
  const Block block{builder.genesis(), {}, {}};
  for (std::size_t i = 0; i + 1 < kRestBlocksMax; ++i) shown.add_below(block, BlockHash());
  EXPECT_FALSE(shown.is_full());
  shown.add_below(block, BlockHash());
  EXPECT_TRUE(shown.is_full());
}

TEST_F(Rest, BlockComesBackFromItsPack) {
  const Block block = builder.block(builder.genesis());
  RestChain shown(chain(), RestChain::Packs::with);
  shown.add_below(block, bmsg::chain::hash_of(block.header));
  const Json made = parse_json(shown.print(1, {})).value();
  EXPECT_EQ(parse_rest_block(print_json(made["chain"][0])).value(), block);
}

TEST_F(Rest, BlockWithoutAGoodPackIsRefused) {
  const Block block = builder.block(builder.genesis());
  const auto packed = [](const std::vector<std::pair<bmsg::chain::FrameType, Bytes>>& frames,
                         bool ends = true) {
    Bytes pack = bmsg::chain::begin_pack();
    for (const auto& [type, payload] : frames) bmsg::chain::append_frame(pack, type, payload);
    if (ends) bmsg::chain::end_pack(pack);
    return fmt::format(R"({{"pack": "{}"}})", to_base64(pack));
  };
  using bmsg::chain::FrameType;
  const Bytes good = encode(block);
  ASSERT_TRUE(parse_rest_block(packed({{FrameType::block, good}})));
  for (const std::string& body :
       {std::string(R"({"index": 1, "hash": "00"})"), std::string(R"({"pack": ""})"),
        std::string(R"({"pack": 1})"), std::string(R"({"pack": "%%"})"), packed({}),
        packed({{FrameType::block, good}}, false), packed({{FrameType::message, good}}),
        packed({{FrameType::block, good}, {FrameType::block, good}}),
        packed({{FrameType::block, Bytes(good.begin(), good.end() - 1)}})})
    EXPECT_EQ(parse_rest_block(body).error().code, Errc::bad_input) << body;
}

}  // namespace
}  // namespace bmsg::api
