#include <algorithm>

#include "lib/net/address.h"
#include "lib/net/beast_parsers.h"
#include "lib/net/http_client.h"
#include "lib/net/http_syntax.h"
#include "lib/net/http_target.h"
#include "lib/net/socks.h"
#include "tests/fuzz/target.h"

namespace bmsg::fuzz {
namespace {

constexpr std::size_t kHeadBytes = 16u << 10;
constexpr std::size_t kBodyBytes = 64u << 10;

bool peer_address(ByteView bytes) {
  return same_again(bytes, net::parse_address,
                    [](const net::Address& address) { return net::to_string(address); });
}

bool proxy_address(ByteView bytes) { return static_cast<bool>(net::parse_proxy(text_of(bytes))); }

bool http_target(ByteView bytes) {
  const auto target = net::parse_target(text_of(bytes));
  if (!target) return false;
  check(target->path.starts_with('/'), "a path begins with a slash");
  check(target->path.find("/../") == std::string::npos && !target->path.ends_with("/.."),
        "no path leads up");
  check(target->query.size() <= net::kQueryPartsMax, "questions are bounded");
  return true;
}

/// What we take for a head, Beast takes for the same.
bool http_request(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  const auto end = net::scan_head(text, kHeadBytes);
  if (!std::holds_alternative<std::size_t>(end)) return false;
  const std::size_t size = std::get<std::size_t>(end);
  if (size == 0) return false;
  check(size <= text.size(), "a head ends within what came");
  const auto head = net::parse_request_head(text.substr(0, size));
  const auto* taken = std::get_if<net::RequestHead>(&head);
  if (!taken) {
    check(std::get<net::Refusal>(head).status >= 400, "a refusal has a status of one");
    return false;
  }
  check(taken->fields.size() <= net::kRequestFieldsMax, "fields are bounded");
  (void)net::beast_agrees(text.substr(0, size), *taken);
  (void)net::judge_handshake(*taken);
  return true;
}

/// nullopt: refused.
std::optional<net::HttpResponse> read_response(ByteView bytes, std::size_t step) {
  net::ResponseParser parser(net::Method::get, kBodyBytes);
  Bytes waiting;
  std::size_t at = 0;
  while (!parser.is_done() && at < bytes.size()) {
    const std::size_t more = std::min(step, bytes.size() - at);
    waiting.insert(waiting.end(), bytes.begin() + at, bytes.begin() + at + more);
    at += more;
    const auto taken = parser.take(waiting);
    if (!taken) return std::nullopt;
    check(taken.value() <= waiting.size(), "no more is taken than there is");
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(taken.value()));
  }
  if (!parser.is_done() && !parser.take_end()) return std::nullopt;
  return parser.take_response();
}

/// An answer in pieces is the answer.
bool http_response(ByteView bytes) {
  const auto whole = read_response(bytes, bytes.size() + 1);
  const auto pieces = read_response(bytes, 11);
  if (!whole || !pieces) return false;
  check(whole->status == pieces->status && whole->body == pieces->body, "in pieces as whole");
  check(whole->body.size() <= kBodyBytes, "a body is bounded");
  return true;
}

bool socks_answer(ByteView bytes) {
  if (bytes.size() < 5) return false;
  (void)net::socks_is_accepted(bytes.first(2));
  const auto size = net::socks_answer_bytes(bytes.first(5));
  if (!size) return false;
  check(*size >= 5 && *size <= 512, "an answer of a proxy is short");
  return net::socks_refusal(bytes).empty();
}

constexpr Target kTargets[] = {
    {"peer_address", peer_address},   {"proxy_address", proxy_address},
    {"http_target", http_target},     {"http_request", http_request},
    {"http_response", http_response}, {"socks_answer", socks_answer},
};

}  // namespace

std::span<const Target> net_targets() { return kTargets; }

}  // namespace bmsg::fuzz
