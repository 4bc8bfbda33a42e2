// A mirror asked over real HTTP: which files are fetched, how often, and what bad ones come to.

#include "lib/api/mirror_transport.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "lib/api/aligned_ranges.h"
#include "lib/api/wire_json.h"
#include "lib/chain/block_hash.h"
#include "lib/node/sync_session.h"
#include "tests/api/running_node.h"

namespace bmsg::api {
namespace {

constexpr std::uint32_t kEnd = 2048;  // One whole range of headers, and three of blocks after it.

/// A web server of a few files below /some/dir, which notes what it is asked.
class FileServer {
 public:
  FileServer() {
    server_ = net::HttpServer::start(
                  {{.address = {net::Scheme::http, "127.0.0.1", 0, {}}}},
                  [this](const net::HttpRequest& request, const net::Respond& respond) {
                    respond(answer(request));
                  },
                  {}, clock_)
                  .value();
  }
  std::string url() const {
    return net::to_string(server_->bound_addresses().front()) + "/some/dir";
  }
  std::unique_ptr<HttpTransport> transport() const {
    return HttpTransport::open(url(), {}).value();
  }
  std::map<std::string, int> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

  std::map<std::string, Bytes> files;
  int status = 0;  // In place of the file.

 private:
  net::HttpResponse answer(const net::HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    const std::string below = "/some/dir/bmsg/1/";
    const bool is_get = request.method == net::Method::get && request.path.starts_with(below);
    const std::string path = is_get ? request.path.substr(below.size()) : "!" + request.path;
    ++asked_[path];
    if (status != 0) return {status, "", {{"location", "http://127.0.0.1:1/"}}, {}};
    const auto file = files.find(path);
    if (file == files.end()) return {404, "text/html", {}, to_bytes("<html>no</html>")};
    return {200, "text/plain", {}, file->second};
  }

  SystemClock clock_;
  std::mutex mutex_;
  std::map<std::string, int> asked_;
  std::unique_ptr<net::HttpServer> server_;
};

class Mirrors : public testing::Test {
 protected:
  Mirrors() : near(builder) {
    blocks = builder.blocks(builder.genesis(), kEnd - 2);
    const Message message = builder.public_message("mirrored", near.clock.now());
    blocks.push_back(builder.block(blocks.back().header, {message}, near.clock.now()));
    blocks.insert(blocks.begin(), Block{builder.genesis(), {}, {}});
    for (std::uint32_t first = 0; first < kEnd; first += kAlignedBlocks)
      web.files[blocks_path({first}, kAlignedBlocks)] =
          pack_blocks(range(first, kAlignedBlocks), Cut::never);
    web.files["headers/0/2000"] = pack_headers(headers(0, 2000));
    web.files["genesis"] = to_bytes(builder.rules_text());
    claim(kEnd - 1);
  }

  /// Writes the info of a tree that ends there.
  void claim(std::uint32_t height) {
    const RunningNode far(builder);
    far.accept({blocks.begin() + 1, blocks.begin() + height + 1});
    node::NodeInfo info = far.node->info().value();
    info.now = UnixSeconds{1};
    web.files["info"] = to_bytes(print_info(info));
  }
  std::vector<Block> range(std::uint32_t from, std::uint32_t count) const {
    return {blocks.begin() + from, blocks.begin() + from + count};
  }
  std::vector<SealedHeader> headers(std::uint32_t from, std::uint32_t count) const {
    std::vector<SealedHeader> found;
    for (const Block& block : range(from, count)) found.push_back({block.header, block.seal});
    return found;
  }
  Result<node::SyncReport> sync(const node::SyncOptions& options = {}) {
    const auto mirror = web.transport();
    return node::sync_with(*near.node, *mirror, near.chain, near.clock, options);
  }

  ChainBuilder builder;
  RunningNode near;
  FileServer web;
  std::vector<Block> blocks;  // Genesis first.
};

TEST_F(Mirrors, AreAskedForAlignedRangesAlone) {
  const auto mirror = web.transport();
  EXPECT_EQ(mirror->rules_text().value(), builder.rules_text());
  EXPECT_EQ(mirror->headers({3}, 5).value(), headers(3, 5));
  EXPECT_EQ(mirror->headers({1999}, 2000).value(), headers(1999, 1));
  EXPECT_EQ(mirror->headers({2005}, 2000).value(), headers(2005, 11));
  EXPECT_EQ(mirror->headers({kEnd - 1}, 2000).value(), headers(kEnd - 1, 1));
  EXPECT_EQ(mirror->headers({kEnd}, 2000).value().size(), 0);
  EXPECT_EQ(mirror->blocks({17}, 15, Bodies::without).value(), range(17, 15));
  EXPECT_EQ(mirror->blocks({20}, 2, Bodies::with).value(), range(20, 2));
  EXPECT_EQ(mirror->blocks({kEnd}, 16, Bodies::with).value().size(), 0);
  const std::map<std::string, int> want{{"genesis", 1},        {"info", 1},
                                        {"headers/0/2000", 1}, {"blocks/2000/16", 1},
                                        {"blocks/16/16", 1},   {"blocks/2032/16", 1}};
  EXPECT_EQ(web.asked(), want);
}

TEST_F(Mirrors, SayHowManyHeadersOneFileHas) {
  const auto mirror = web.transport();
  ASSERT_TRUE(mirror->info());
  EXPECT_EQ(mirror->headers_at_once({0}), 2000);
  EXPECT_EQ(mirror->headers_at_once({1}), 1999);
  EXPECT_EQ(mirror->headers_at_once({1999}), 1);
  EXPECT_EQ(mirror->headers_at_once({2000}), 16);
  EXPECT_EQ(mirror->headers_at_once({2005}), 11);
  claim(1998);  // The range is not whole by one.
  ASSERT_TRUE(mirror->info());
  EXPECT_EQ(mirror->headers_at_once({1}), 15);
  claim(1999);
  ASSERT_TRUE(mirror->info());
  EXPECT_EQ(mirror->headers_at_once({1}), 1999);
}

TEST_F(Mirrors, GiveAllTheyHaveAndEachFileOnce) {
  const auto report = sync();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report.value().pulled_blocks, kEnd - 1);
  EXPECT_EQ(report.value().clock_ahead, 0);  // Files have no clock.
  EXPECT_EQ(near.tip().hash, chain::hash_of(blocks.back().header));
  for (const auto& [path, times] : web.asked()) EXPECT_EQ(times, 1) << path;
  EXPECT_EQ(web.asked().size(), 2 + kEnd / kAlignedBlocks);
}

TEST_F(Mirrors, GetNothing) {
  near.accept(builder.blocks(builder.genesis(), kEnd + 5));
  ASSERT_TRUE(near.node->submit_messages({builder.public_message("ours", near.clock.now())},
                                         node::Origin::own));
  for (const auto direction :
       {node::SyncOptions::Direction::both, node::SyncOptions::Direction::push}) {
    const auto report = sync({.direction = direction});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report.value().pushed_blocks + report.value().pushed_messages, 0);
  }
  EXPECT_EQ(web.asked(), (std::map<std::string, int>{{"info", 2}}));
  const auto mirror = web.transport();
  EXPECT_EQ(mirror->put({}).error().code, Errc::bad_usage);
  EXPECT_FALSE(mirror->block(chain::hash_of(blocks[5].header), Bodies::with).value());
  EXPECT_TRUE(mirror->messages({ShortId::filled(1)}).value().empty());
  EXPECT_EQ(mirror->have({ShortId::filled(1)}).value(), std::vector<bool>{false});
  EXPECT_TRUE(mirror->feed("").value().messages.empty());
  EXPECT_EQ(mirror->peer_key(), std::nullopt);
}

TEST_F(Mirrors, AreRefusedWithTheNameOfWhatIsMissing) {
  const std::string info = to_string(web.files["info"]);
  for (const char* path : {"headers/0/2000", "blocks/0/16", "blocks/1984/16", "blocks/2032/16"}) {
    const Bytes whole = web.files[path];
    web.files.erase(path);
    auto error = sync().error();
    EXPECT_EQ(error.code, Errc::protocol) << path;
    EXPECT_NE(error.message.find(std::string("404 to /bmsg/1/") + path), std::string::npos)
        << error.message;
    // The frames that are there are whole: one is missing at the end.
    web.files[path] = std::string_view(path).starts_with("h")
                          ? pack_headers(headers(0, 1999))
                          : pack_blocks(range(0, 15), Cut::never);
    error = sync().error();
    EXPECT_EQ(error.code, Errc::protocol) << path;
    EXPECT_NE(error.message.find("holds less"), std::string::npos) << error.message;
    web.files[path] = whole;
  }
  EXPECT_TRUE(sync());
}

TEST_F(Mirrors, MayNotSendUsElsewhereOrTooMuch) {
  for (const int status : {301, 302, 307, 308}) {
    web.status = status;
    EXPECT_EQ(sync().error().code, Errc::protocol) << status;
  }
  web.status = 0;
  constexpr std::size_t kFileBytesMax = 4 + 2000 * (5 + 256 + 1 + 64 * 65);
  web.files["headers/0/2000"] = Bytes(kFileBytesMax + 1);
  const auto mirror = web.transport();
  const auto headers = mirror->headers({1}, 1999);
  EXPECT_EQ(headers.error().code, Errc::protocol);
  EXPECT_LT(mirror->bytes_in(), kFileBytesMax);
}

// A node behind a path is asked like a mirror; its newest range is not whole.
TEST_F(Mirrors, MayEndWithinARange) {
  claim(39);
  web.files["blocks/32/16"] = pack_blocks(range(32, 8), Cut::never);
  const auto report = sync();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(near.tip().height, Height{39});
  EXPECT_EQ(web.asked().size(), 4);
}

}  // namespace
}  // namespace bmsg::api
