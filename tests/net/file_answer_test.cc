// Answers whose bytes lie in a file: the same on the wire as from memory, however they travel.

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <array>

#include "lib/core/nameless_file.h"
#include "tests/net/echo_server.h"
#include "tests/net/http_asking.h"
#include "tests/net/raw_client.h"
#include "tests/net/tls_node.h"
#include "tests/support/temp_dir.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFileBytes = 12'000'003;  // More than sockets hold.
constexpr std::uint64_t kOffset = 4099;

Bytes odd_bytes(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(i * 7 + (i >> 8) * 13 + (i >> 16));
  return bytes;
}

/// /file?bytes=N gives the first N bytes from a file, /memory?bytes=N the same from memory.
class FileAnswers : public testing::Test {
 protected:
  explicit FileAnswers(const ServerOptions& options = {.tick = 10ms}) {
    auto made = nameless_file(dir_.path());
    check(bool(made), "no file");
    file_ = std::make_shared<const Descriptor>(std::move(made).value());
    check(bool(write_at(*file_, content_, kOffset)), "not written");
    Listener unix{.address = {Scheme::unix_socket, {}, 0, (dir_.path() / "node.sock").string()}};
    auto started = HttpServer::start(
        {on_loopback(), unix, tls_on_loopback(node_)},
        [this](HttpRequest request, Respond respond) { answer(request, respond); }, options,
        clock_);
    check(bool(started), "the server does not start");
    server_ = std::move(started).value();
  }

  HttpServer& server() { return *server_; }
  Address address(std::size_t i) const { return server_->bound_addresses()[i]; }
  Bytes first(std::size_t size) const { return to_bytes(ByteView(content_).first(size)); }

  const Bytes content_ = odd_bytes(kFileBytes);
  std::shared_ptr<const Descriptor> file_;

 private:
  void answer(const HttpRequest& request, const Respond& respond) {
    const std::size_t size = std::stoul(request.query.at("bytes"));
    HttpResponse response{200, "application/octet-stream", {{"etag", "\"a\""}}, {}};
    if (request.path == "/file")
      response.file = FilePart{file_, kOffset, size};
    else
      response.body = first(size);
    respond(std::move(response));
  }

  const TempDir dir_;
  const Node node_{1};
  SystemClock clock_;
  std::unique_ptr<HttpServer> server_;  // Last: its thread uses the members above.
};

TEST_F(FileAnswers, AreTheSameOverEveryKindOfConnection) {
  const RequestLimits limits{.deadline = 30s, .response_bytes_max = kFileBytes};
  for (std::size_t kind = 0; kind < 3; ++kind) {
    HttpClient client(address(kind));
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096},
                                   std::size_t{65'536}, std::size_t{65'537}, kFileBytes}) {
      const std::string query = "?bytes=" + std::to_string(size);
      const auto answer = client.request(get("/file" + query), limits);
      ASSERT_TRUE(answer) << kind << " " << size << ": " << answer.error().message;
      const auto other = client.request(get("/memory" + query), limits);
      ASSERT_TRUE(other) << kind << " " << size << ": " << other.error().message;
      EXPECT_EQ(answer.value().fields, other.value().fields);
      EXPECT_TRUE(answer.value().body == first(size)) << kind << " " << size;
      EXPECT_TRUE(other.value().body == first(size)) << kind << " " << size;
    }
  }
}

TEST_F(FileAnswers, GoInOrderWithOthersOfOnePipeline) {
  RawClient client(address(0));
  std::string all;
  for (const char* path :
       {"/file?bytes=70000", "/memory?bytes=3", "/file?bytes=2", "/file?bytes=0"})
    all += std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
  all += "GET /file?bytes=5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  ASSERT_TRUE(client.send(all));
  ASSERT_TRUE(client.read_to_end(10s));
  std::string_view rest = client.received();
  for (const std::size_t size : std::to_array<std::size_t>({70'000, 3, 2, 0, 5})) {
    const auto end = rest.find("\r\n\r\n");
    ASSERT_NE(end, rest.npos) << size;
    const std::string length = "Content-Length: " + std::to_string(size) + "\r\n";
    EXPECT_NE(rest.substr(0, end).find(length), rest.npos) << size;
    rest.remove_prefix(end + 4);
    EXPECT_TRUE(rest.substr(0, size) == as_text(first(size))) << size;
    rest.remove_prefix(std::min(size, rest.size()));
  }
  EXPECT_TRUE(rest.empty());
}

TEST_F(FileAnswers, SendAHeadAloneToWhoAsksForThat) {
  RawClient client(address(0));
  ASSERT_TRUE(client.send("HEAD /file?bytes=9 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  ASSERT_TRUE(client.read_to_end(10s));
  EXPECT_NE(client.received().find("Content-Length: 9\r\n"), std::string::npos);
  EXPECT_TRUE(client.received().ends_with("\r\n\r\n"));
}

TEST_F(FileAnswers, EndWithTheConnectionIfTheFileIsShorter) {
  ASSERT_EQ(::ftruncate(file_->number(), static_cast<off_t>(kOffset + 10)), 0);
  for (const std::size_t kind : {std::size_t{0}, std::size_t{2}}) {
    HttpClient client(address(kind));
    const auto answer = client.request(get("/file?bytes=11"), kLimits);
    ASSERT_FALSE(answer) << kind;
    EXPECT_EQ(answer.error().code, Errc::unreachable) << answer.error().message;
    EXPECT_TRUE(client.request(get("/file?bytes=10"), kLimits)) << kind;
  }
}

TEST_F(FileAnswers, LetOthersBeAnsweredMeanwhile) {
  RawClient slow(address(0));
  ASSERT_TRUE(slow.send("GET /file?bytes=12000003 HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(slow.read_until("\r\n\r\n", 10s));  // And no more: the rest waits in the server.
  HttpClient client(address(0));
  EXPECT_TRUE(client.request(get("/file?bytes=5"), kLimits));
}

class FileAnswersInTime : public FileAnswers {
 protected:
  FileAnswersInTime() : FileAnswers({.write_deadline = 300ms, .tick = 10ms}) {}
};

TEST_F(FileAnswersInTime, AreNotSentToWhoReadsNothing) {
  RawClient client(address(0));
  ASSERT_TRUE(client.send("GET /file?bytes=12000003 HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(client.read_until("\r\n\r\n", 10s));  // And no more.
  EXPECT_TRUE(eventually([&] { return server().connections() == 0; }));
}

}  // namespace
}  // namespace bmsg::net
