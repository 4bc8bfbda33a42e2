// Heads as text: what is read, and everything that is refused.

#include "lib/net/http_syntax.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/net/bad_requests.h"

namespace bmsg::net {
namespace {

const std::string kGood =
    "POST /bmsg/1/put?since=1.5&wait=60 HTTP/1.1\r\n"
    "Host: [::1]:5512\r\n"
    "Content-Length: 12\r\n"
    "X-Long:  a b\t\r\n"
    "\r\n";

/// What a server makes of `bytes`: the head, or why not. Nothing if more must come.
std::variant<RequestHead, Refusal, std::monostate> judge(std::string_view bytes) {
  const auto scanned = scan_head(bytes, 8192);
  if (const auto* refusal = std::get_if<Refusal>(&scanned)) return *refusal;
  const auto size = std::get<std::size_t>(scanned);
  if (size == 0) return std::monostate();
  auto parsed = parse_request_head(bytes.substr(0, size));
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) return *refusal;
  return std::get<RequestHead>(std::move(parsed));
}

TEST(HttpSyntax, ReadsAHeadThatKeepsEveryRule) {
  const auto judged = judge(kGood);
  ASSERT_TRUE(std::holds_alternative<RequestHead>(judged));
  const auto& head = std::get<RequestHead>(judged);
  EXPECT_EQ(head.method, Method::post);
  EXPECT_EQ(head.target.path, "/bmsg/1/put");
  EXPECT_EQ(head.target.query.at("since"), "1.5");
  EXPECT_EQ(head.target.query.at("wait"), "60");
  EXPECT_EQ(find_field(head.fields, "host"), "[::1]:5512");
  EXPECT_EQ(find_field(head.fields, "x-long"), "a b");
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_TRUE(head.keep_alive);
}

TEST(HttpSyntax, RefusesEveryBadRequestOrFindsItsBodyTooLong) {
  for (const BadRequest& bad : kBadRequests) {
    SCOPED_TRACE(bad.name);
    const auto judged = judge(bad.bytes);
    if (const auto* head = std::get_if<RequestHead>(&judged)) {
      EXPECT_EQ(head->content_length, 2147483648u);
      continue;
    }
    ASSERT_TRUE(std::holds_alternative<Refusal>(judged));
    const int status = std::get<Refusal>(judged).status;
    EXPECT_TRUE(status == 400 || status == 431 || status == 501) << status;
  }
}

/// Cookies of other programs on this host come along, whatever is in them.
TEST(HttpSyntax, TakesOtherBytesThanAsciiInCookiesAndNowhereElse) {
  const auto with = [](const std::string& line) {
    return judge("GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n");
  };
  for (const char* value : {"name=\xe4", "name=\x80", "n=\xff; bmsg-8787=aa"}) {
    const auto judged = with(std::string("Cookie: ") + value);
    ASSERT_TRUE(std::holds_alternative<RequestHead>(judged)) << value;
    EXPECT_EQ(find_field(std::get<RequestHead>(judged).fields, "cookie"), value);
  }
  for (const char* line : {"X: \xe4", "Origin: http://\xe4", "Cookie: a\x7f", "C\xe4okie: a",
                           "Cookie\xe4: a", "Cookie: a\x1b"}) {
    const auto judged = with(line);
    ASSERT_TRUE(std::holds_alternative<Refusal>(judged)) << line;
    EXPECT_EQ(std::get<Refusal>(judged).status, 400) << line;
  }
  EXPECT_TRUE(std::holds_alternative<Refusal>(judge("GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n")));
  EXPECT_TRUE(std::holds_alternative<Refusal>(judge("GET / HTTP/1.1\r\nHost: \xe4\r\n\r\n")));
}

TEST(HttpSyntax, KnowsAtLeastSixtyBadRequests) { EXPECT_GE(kBadRequests.size(), 60u); }

TEST(HttpSyntax, WaitsForTheRestOfEveryTruncationOfAGoodHead) {
  for (std::size_t size = 0; size < kGood.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<std::monostate>(judge(kGood.substr(0, size)))) << size;
  }
}

TEST(HttpSyntax, FindsTheEndOfAHeadBeforeItsBody) {
  EXPECT_EQ(std::get<std::size_t>(scan_head(kGood + "\r\n\r\n\n\0", 8192)), kGood.size());
}

TEST(HttpSyntax, TakesAHeadOfTheLimitAndNotOneByteMore) {
  EXPECT_EQ(std::get<std::size_t>(scan_head(kGood, kGood.size())), kGood.size());
  EXPECT_EQ(std::get<Refusal>(scan_head(kGood, kGood.size() - 1)).status, 431);
}

TEST(HttpSyntax, ReadsEveryMethodItKnows) {
  const std::pair<const char*, Method> methods[] = {
      {"GET", Method::get}, {"HEAD", Method::head},  {"POST", Method::post},
      {"PUT", Method::put}, {"DELETE", Method::del}, {"OPTIONS", Method::options}};
  for (const auto& [name, method] : methods) {
    const auto judged = judge(std::string(name) + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(std::holds_alternative<RequestHead>(judged)) << name;
    EXPECT_EQ(std::get<RequestHead>(judged).method, method) << name;
  }
}

TEST(HttpSyntax, KeepsTheConnectionOnlyForVersionOnePointOneWithoutClose) {
  const auto keeps = [](const std::string& text) {
    return std::get<RequestHead>(judge(text)).keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(HttpSyntax, IgnoresUpgradeAndExpect) {
  const auto judged = judge(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
      "Expect: 100-continue\r\n\r\n");
  ASSERT_TRUE(std::holds_alternative<RequestHead>(judged));
  EXPECT_EQ(std::get<RequestHead>(judged).content_length, 0u);
}

TEST(HttpSyntax, NeverReadsAHeadWithTwoMeaningsAfterRandomChanges) {
  const char* const given = std::getenv("BMSG_SEED");
  const unsigned long seed = given ? std::strtoul(given, nullptr, 10) : 1;
  SCOPED_TRACE("BMSG_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  static constexpr std::string_view kOdd("\r\n\0 \t:,;%/.\\0159Aa\x7f\xff+-", 23);
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = kGood;
    for (std::uint64_t change = random() % 3 + 1; change > 0; --change) {
      bytes[random() % bytes.size()] = kOdd[random() % kOdd.size()];
    }
    const auto judged = judge(bytes);
    const auto* head = std::get_if<RequestHead>(&judged);
    if (!head) continue;
    ++good;
    EXPECT_FALSE(find_field(head->fields, "transfer-encoding"));
    EXPECT_TRUE(find_field(head->fields, "host"));
    EXPECT_TRUE(head->target.path.starts_with('/'));
    EXPECT_EQ(head->target.path.find_first_of(std::string_view("\0\r\n\\\x7f", 5)),
              std::string::npos);
  }
  EXPECT_GT(good, 100);  // Some changes do no harm: the test has seen both kinds.
}

TEST(HttpSyntax, WritesAResponseHeadWithItsLengthAndEnd) {
  HttpResponse response = text_response(200, "abc");
  response.fields.push_back({"ETag", "\"1\""});
  EXPECT_EQ(write_response_head(response, After::keep_alive),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n"
            "ETag: \"1\"\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(write_response_head(HttpResponse{304, {}, {}, {}}, After::close),
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
}

TEST(HttpSyntax, WritesNoHeadThatAFieldWouldSplit) {
  HttpResponse response = text_response(200, "");
  response.fields.push_back({"X", "a\r\nSet-Cookie: b"});
  EXPECT_EQ(write_response_head(response, After::close), std::nullopt);
  response.fields = {{"X y", "a"}};
  EXPECT_EQ(write_response_head(response, After::close), std::nullopt);
  response.fields = {};
  response.content_type = "a\nb";
  EXPECT_EQ(write_response_head(response, After::close), std::nullopt);
}

TEST(HttpSyntax, WritesRequestsThatItCanRead) {
  OutgoingRequest request{.method = Method::put,
                          .target = "/a%20b?c=d",
                          .body = {1, 2, 3},
                          .content_type = "application/x-bmsg-pack",
                          .fields = {{"X", "y"}}};
  const auto bytes = write_request(request, "a:1");
  ASSERT_TRUE(bytes);
  const auto judged = judge(as_text(*bytes));
  ASSERT_TRUE(std::holds_alternative<RequestHead>(judged));
  const auto& head = std::get<RequestHead>(judged);
  EXPECT_EQ(head.method, Method::put);
  EXPECT_EQ(head.target.path, "/a b");
  EXPECT_EQ(head.content_length, 3u);
  EXPECT_EQ(find_field(head.fields, "x"), "y");
  EXPECT_TRUE(as_text(*bytes).ends_with("\r\n\r\n\x01\x02\x03"));
}

TEST(HttpSyntax, WritesNoRequestThatATargetWouldSplit) {
  for (const char* target : {"", "a", "/a b", "/a\r\nX: y", "/a#b", "/\x7f", "/\xc3\xa4"}) {
    EXPECT_EQ(
        write_request(
            {.method = Method::get, .target = target, .body = {}, .content_type = {}, .fields = {}},
            "a"),
        std::nullopt)
        << target;
  }
}

}  // namespace
}  // namespace bmsg::net
