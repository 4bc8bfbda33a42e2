// Answers that are given again: as they were made, and not a moment too long.

#include "lib/api/kept_answers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "lib/api/peer_answers.h"
#include "lib/api/peer_routes.h"
#include "lib/chain/block_hash.h"
#include "tests/api/asked_node.h"
#include "tests/support/full_disk.h"
#include "tests/support/temp_dir.h"

namespace bmsg::api {
namespace {

using Query = std::map<std::string, std::string, std::less<>>;
using Where = KeptName::Where;

net::HttpRequest request_for(const std::string& path, const Query& query = {}) {
  net::HttpRequest request;
  request.path = "/bmsg/1/" + path;
  request.query = query;
  return request;
}

net::HttpResponse lasting(std::string_view body) {
  return {200, "text/x", {{"cache-control", "immutable"}, {"etag", "\"t\""}}, to_bytes(body)};
}

std::string read(const net::FilePart& part) {
  std::string bytes(part.size, '\0');
  const auto at = static_cast<off_t>(part.offset);
  const ssize_t got = ::pread(part.file->number(), bytes.data(), bytes.size(), at);
  return got == static_cast<ssize_t>(part.size) ? bytes : "cannot be read";
}

TEST(KeptName, IsOfThePathsThatAreAskedOften) {
  EXPECT_EQ(kept_name(request_for("info")), (KeptName{Where::fresh, "info"}));
  EXPECT_EQ(kept_name(request_for("feed", {{"since", "a.1"}})),
            (KeptName{Where::fresh, "feed?a.1"}));
  EXPECT_EQ(kept_name(request_for("blocks/16/16")), (KeptName{Where::lasting, "blocks/16/16"}));
  EXPECT_EQ(kept_name(request_for("genesis")), (KeptName{Where::lasting, "genesis"}));
  const auto light = kept_name(request_for("blocks/16/16", {{"light", "1"}}));
  EXPECT_EQ(light, (KeptName{Where::lasting, "blocks/16/16?1"}));
  EXPECT_TRUE(kept_name(request_for("headers/0/2000")));
}

TEST(KeptName, IsNotOfOthers) {
  const std::vector<net::HttpRequest> others{
      request_for("peers"),
      request_for("obj/0011223344556677"),
      request_for("info", {{"since", "a"}}),
      request_for("info", {{"", "a"}}),
      request_for("feed", {{"wait", "5"}}),
      request_for("feed", {{"since", "a"}, {"wait", "5"}}),
      request_for("feed", {{"since", std::string(65, 'a')}}),
      request_for("blocks/16/16", {{"light", "0"}}),
      request_for("blocks/16/16", {{"light", "1"}, {"x", "1"}}),
      request_for("headers/0/2000", {{"light", "1"}}),
  };
  for (const auto& request : others) EXPECT_FALSE(kept_name(request)) << request.path;
  auto posted = request_for("info");
  posted.method = net::Method::post;
  EXPECT_FALSE(kept_name(posted));
  auto elsewhere = request_for("info");
  elsewhere.path = "/info";
  EXPECT_FALSE(kept_name(elsewhere));
}

class Kept : public testing::Test {
 protected:
  /// Asked for twice, so that it is kept if it can be.
  void keep(const std::string& name, std::string_view body) {
    for (int i = 0; i < 2; ++i) kept.keep(name, lasting(body), edition);
  }
  std::string found(const std::string& name) {
    const auto response = kept.find(name);
    return response && response->file ? read(*response->file) : "";
  }

  const TempDir dir;
  FullDisk disk;
  FakeClock clock;
  std::uint64_t edition = 7;
  KeptAnswers kept{disk,
                   dir.path(),
                   clock,
                   [this] { return edition; },
                   {.file_bytes = 100, .file_answers = 3, .files = 2, .free_bytes = 1u << 30}};
};

TEST_F(Kept, IsWhatIsAskedForTwice) {
  kept.keep("a", lasting("some bytes"), edition);
  EXPECT_FALSE(kept.find("a"));
  kept.keep("a", lasting("some bytes"), edition);
  const auto response = kept.find("a");
  ASSERT_TRUE(response && response->file);
  EXPECT_EQ(read(*response->file), "some bytes");
  EXPECT_EQ(response->fields, lasting("").fields);
  EXPECT_EQ(response->content_type, "text/x");
  EXPECT_EQ(response->status, 200);
  EXPECT_TRUE(response->body.empty());
  EXPECT_FALSE(kept.find("b"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST_F(Kept, IsOnlyWhatNeverChanges) {
  auto changes = lasting("x");
  changes.fields.pop_back();
  auto refused = lasting("x");
  refused.status = 304;
  for (int i = 0; i < 3; ++i) {
    kept.keep("changes", changes, edition);
    kept.keep("refused", refused, edition);
    kept.keep("empty", lasting(""), edition);
  }
  EXPECT_EQ(kept.size(), 0u);
}

TEST_F(Kept, AreAsManyAndAsLongAsFilesTake) {
  keep("long", std::string(101, 'l'));
  EXPECT_EQ(kept.size(), 0u);
  keep("whole", std::string(100, 'w'));
  EXPECT_EQ(kept.size(), 1u);
  for (const char* name : {"a", "b", "c"}) keep(name, name);
  EXPECT_EQ(kept.size(), 4u);
  keep("d", "d");  // A third file.
  EXPECT_EQ(found("d"), "");
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(found(name), name);
}

TEST_F(Kept, MakeRoomWhenTheyHadTheirTime) {
  keep("whole", std::string(100, 'w'));
  const auto held = kept.find("whole");
  ASSERT_TRUE(held);
  clock.advance(1);
  for (const char* name : {"a", "b", "c"}) keep(name, name);
  clock.advance(598);
  keep("d", "d");
  EXPECT_EQ(found("d"), "");
  clock.advance(1);
  keep("d", "d");
  EXPECT_EQ(found("d"), "d");
  EXPECT_EQ(found("whole"), "");
  EXPECT_EQ(found("a"), "a");
  EXPECT_EQ(read(*held->file), std::string(100, 'w'));  // It is being sent, say.
}

TEST_F(Kept, LeavesTheDiskItsRoom) {
  disk.set_free_bytes((1u << 30) - 1);
  keep("a", "a");
  EXPECT_EQ(kept.size(), 0u);
  disk.set_free_bytes(1u << 30);
  keep("a", "a");
  EXPECT_EQ(kept.size(), 1u);
}

TEST_F(Kept, AreForgottenWhenTheyChangedAllTheSame) {
  keep("a", "old");
  ++edition;
  EXPECT_FALSE(kept.find("a"));
  EXPECT_EQ(kept.size(), 0u);
  kept.keep("a", lasting("old"), edition - 1);  // Made before and brought after.
  EXPECT_FALSE(kept.find("a"));
  keep("a", "new");
  EXPECT_EQ(found("a"), "new");
}

TEST(Fresh, IsGoneWithTheSecondAndWithAChange) {
  FreshAnswers fresh;
  const FreshAnswers::Moment moment{5, UnixSeconds{100}};
  EXPECT_FALSE(fresh.find("info", moment));
  fresh.keep("info", net::text_response(200, "old"), moment);
  ASSERT_TRUE(fresh.find("info", moment));
  EXPECT_EQ(as_text(fresh.find("info", moment)->body), "old");
  EXPECT_FALSE(fresh.find("feed", moment));
  EXPECT_FALSE(fresh.find("info", {6, UnixSeconds{100}}));
  EXPECT_FALSE(fresh.find("info", {5, UnixSeconds{101}}));
  fresh.keep("feed", net::text_response(200, "new"), {6, UnixSeconds{100}});
  EXPECT_FALSE(fresh.find("info", {6, UnixSeconds{100}}));
}

TEST(Fresh, IsLittle) {
  FreshAnswers fresh;
  const FreshAnswers::Moment moment{5, UnixSeconds{100}};
  fresh.keep("long", net::text_response(200, std::string(16'385, 'x')), moment);
  EXPECT_FALSE(fresh.find("long", moment));
  fresh.keep("busy", net::text_response(503, "x"), moment);
  EXPECT_FALSE(fresh.find("busy", moment));
  for (int i = 0; i < 65; ++i)
    fresh.keep(std::to_string(i), net::text_response(200, std::string(16'384, 'x')), moment);
  EXPECT_TRUE(fresh.find("63", moment));
  EXPECT_FALSE(fresh.find("64", moment));
}

/// Routes that keep, beside answers that are made anew each time.
class AnsweredAgain : public AskedNode {
 protected:
  static constexpr std::size_t kBlocks = 260;

  AnsweredAgain() : AskedNode(FakeClock(kEasyGenesisTime + 9'000 * 600)) {
    const auto message = builder.public_message("text", UnixSeconds{kEasyGenesisTime + 600});
    const Block first = builder.block(builder.genesis(), {message});
    EXPECT_TRUE(node->submit_block(first));
    for (const Block& block : builder.blocks(first.header, kBlocks))
      EXPECT_TRUE(node->submit_block(block));
    node->on_change([this] { routes.changed(); });
    routes.keep_answers(disk, dir.path(), [this] { return node->rewrites(); });
  }
  ~AnsweredAgain() override {
    node->on_change({});
    routes.stop();
  }

  net::HttpResponse ask(const net::HttpRequest& request) {
    // Shared with who answers: it may still be at it when the answer is here.
    const auto answer = std::make_shared<std::promise<net::HttpResponse>>();
    routes.handle(request,
                  [answer](net::HttpResponse given) { answer->set_value(std::move(given)); });
    net::HttpResponse given = answer->get_future().get();
    from_file += given.file ? 1 : 0;
    if (given.file) given.body = to_bytes(read(*std::exchange(given.file, {})));
    return given;
  }
  void expect_same(const net::HttpRequest& request) {
    const auto given = ask(request);
    const auto made = answer_peer(*node, request);
    EXPECT_EQ(given.status, made.status) << request.path;
    EXPECT_EQ(given.content_type, made.content_type) << request.path;
    EXPECT_EQ(given.fields, made.fields) << request.path;
    EXPECT_EQ(given.body, made.body) << request.path;
  }

  const TempDir dir;
  SystemDisk disk;
  int from_file = 0;
  PeerRoutes routes{*node, clock, [](auto, auto) {}};
};

TEST_F(AnsweredAgain, IsWhatWouldBeAnsweredAnew) {
  const std::string cursor = node->feed("").value().cursor;
  std::vector<net::HttpRequest> requests{
      request_for("genesis"),       request_for("info"),
      request_for("feed"),          request_for("feed", {{"since", cursor}}),
      request_for("blocks/0/16"),   request_for("blocks/0/16", {{"light", "1"}}),
      request_for("blocks/96/16"),  request_for("blocks/1/16"),
      request_for("blocks/96/0"),   request_for("blocks/096/16"),
      request_for("blocks/240/16"), request_for("headers/0/2000"),
      request_for("headers/0/16"),  request_for("peers"),
  };
  auto known = request_for("blocks/0/16");
  known.fields.push_back({"if-none-match", "*"});
  requests.push_back(known);
  auto posted = request_for("blocks/0/16");
  posted.method = net::Method::post;
  requests.push_back(posted);
  for (int i = 0; i < 4; ++i) {
    for (const auto& request : requests) expect_same(request);
  }
  EXPECT_GE(from_file, 2 * 4);  // Four that never change, from the third time on at the latest.
  clock.advance(1);
  for (const auto& request : requests) expect_same(request);
}

TEST_F(AnsweredAgain, FollowsEveryChange) {
  for (int i = 0; i < 3; ++i) {
    for (const char* path : {"info", "feed"}) expect_same(request_for(path));
    ASSERT_TRUE(node->submit_messages(
        {builder.public_message("text " + std::to_string(i), clock.now())}, node::Origin::own));
    for (const char* path : {"info", "feed"}) expect_same(request_for(path));
  }
}

TEST_F(AnsweredAgain, HasNoBodyThatIsForgotten) {
  const auto request = request_for("blocks/0/16");
  for (int i = 0; i < 4; ++i) expect_same(request);
  ASSERT_GT(from_file, 0);
  const auto before = ask(request).body;
  const auto block = node->blocks(Height{1}, 1, Bodies::with).value().front();
  ASSERT_FALSE(block.messages.empty());
  const MessageId id = chain::id_of(block.messages.front().head);
  ASSERT_EQ(node->forget({id}, node::DropRule::named).value().size(), 1u);
  from_file = 0;
  expect_same(request);
  EXPECT_EQ(from_file, 0);
  EXPECT_NE(ask(request).body, before);
  for (int i = 0; i < 3; ++i) expect_same(request);
  EXPECT_GT(from_file, 0);
}

}  // namespace
}  // namespace bmsg::api
