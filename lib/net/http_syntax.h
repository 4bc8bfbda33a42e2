// HTTP/1.1 heads as text: stricter than RFC 9112, so that no two readers can disagree about where a
// request ends. No socket, no limit of time.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "lib/net/http_message.h"
#include "lib/net/http_target.h"

namespace bmsg::net {

inline constexpr std::size_t kRequestFieldsMax = 64;

/// Why a request is not answered: the status to refuse it with. The connection closes after it.
struct Refusal {
  int status = 400;

  bool operator==(const Refusal&) const = default;
};

/// How long the head at the start of `bytes` is, its empty line included; 0 if more must come.
/// Refuses as soon as it can: 400 for a byte that no head may have (control characters, bytes
/// above 126, LF without CR and CR without LF, an empty first line), 431 past `bytes_max`.
std::variant<std::size_t, Refusal> scan_head(std::string_view bytes, std::size_t bytes_max);

/// A request head that keeps every rule.
struct RequestHead {
  Method method = Method::get;
  Target target;
  Fields fields;  // Names in lower case.
  std::uint64_t content_length = 0;
  bool keep_alive = true;
};

/// Parses one head that scan_head() has found whole. A head that passes means the same to Beast's
/// parser, which is asked too.
/// Refused: any Transfer-Encoding; a Host or Content-Length that is missing, repeated or not plain;
///          folded lines; space around names; targets in any form but origin-form; other versions.
/// Errors: 400, or 501 for an unknown method.
/// Source: RFC 9112 sections 3 to 6.
std::variant<RequestHead, Refusal> parse_request_head(std::string_view head);

/// Whether the connection stays open after an answer.
enum class After { keep_alive, close };

/// The head of an answer, to be followed by the body unless the request was HEAD; nullopt if a
/// field holds what would end it early (a line break from a stranger's text, say).
std::optional<std::string> write_response_head(const HttpResponse& response, After after);

/// The key of a request that rightly asks to become a WebSocket.
/// Refused: 426 if it does not ask, or asks for another version than 13; 400 if it asks in any way
///          that is not proper.
/// Source: RFC 6455, 4.2.1.
std::variant<std::string, Refusal> judge_handshake(const RequestHead& head);

/// The head of an event stream with the fields of `answer`; nullopt as above.
std::optional<std::string> write_stream_head(const HttpResponse& answer);

/// The head by which a connection becomes a WebSocket; nullopt as above.
std::optional<std::string> write_switch_head(const HttpResponse& answer, std::string_view accept);

/// What a client sends.
struct OutgoingRequest {
  Method method = Method::get;
  std::string target;  // Path and query, percent-encoded: "/bmsg/1/info".
  Bytes body;
  std::string content_type;
  Fields fields;
};

/// The whole request as bytes; nullopt if target or fields hold a character that may not be there.
std::optional<Bytes> write_request(const OutgoingRequest& request, std::string_view host);

}  // namespace bmsg::net
