// Request smuggling needs two readers who disagree about where a request ends. So every head is
// read whole, byte by byte, before anything believes it, and what has two readings is refused.
// Beast alone would let "Transfer-Encoding: gzip" with a Content-Length through.

#include "lib/net/http_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "lib/core/base64.h"
#include "lib/net/beast_parsers.h"
#include "lib/net/http_target.h"

namespace bmsg::net {
namespace {

constexpr std::size_t kHandshakeKeyBytes = 16;

struct MethodName {
  Method method;
  std::string_view name;
};
constexpr std::array<MethodName, 6> kMethods{{{Method::get, "GET"},
                                              {Method::head, "HEAD"},
                                              {Method::post, "POST"},
                                              {Method::put, "PUT"},
                                              {Method::del, "DELETE"},
                                              {Method::options, "OPTIONS"}}};

/// Fields of which a second one would leave open which counts.
constexpr std::array<std::string_view, 9> kSingleFields{
    "host",   "content-length", "content-type",     "authorization", "origin",
    "cookie", "connection",     "content-encoding", "expect"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_token_char(char c) {
  return is_letter(c) || is_digit(c) ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}
bool is_value_char(char c) { return c == '\t' || (c >= 0x20 && c <= 0x7e); }
/// RFC 9110, 5.5: a value may have other bytes, which say nothing. All programs on one host share
/// their cookies, so those of others have them; nothing else that comes here has.
bool is_opaque_char(char c) { return (static_cast<unsigned char>(c) & 0x80U) != 0; }
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return made;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<Method> parse_method(std::string_view text) {
  const auto found = std::ranges::find(kMethods, text, &MethodName::name);
  return found == kMethods.end() ? std::nullopt : std::optional(found->method);
}

/// Digits only and few enough not to overflow: "+5", "-1", "0x5" and "5, 5" all mean trouble.
std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty() || text.size() > 18 || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::uint64_t length = 0;
  std::from_chars(text.data(), text.data() + text.size(), length);
  return length;
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 260 && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) ||
           std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
}

std::optional<Field> parse_field(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return std::nullopt;
  return Field{lower(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))};
}

/// Cuts the first line, which ends with CR LF, off `text`.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find("\r\n");
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end + 2));
  return line;
}

/// "Connection: a, close" and the like: whether `word` is one of the listed.
bool lists(std::string_view value, std::string_view word) {
  const std::string text = lower(value);
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    if (trim(rest.substr(0, comma)) == word) return true;
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return false;
}

std::optional<Refusal> parse_request_line(std::string_view line, RequestHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Refusal{400};
  const auto version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Refusal{400};
  if (!is_token(line.substr(0, first))) return Refusal{400};
  auto target = parse_target(line.substr(first + 1, last - first - 1));
  if (!target) return Refusal{400};
  const auto method = parse_method(line.substr(0, first));
  if (!method) return Refusal{501};
  head.method = *method;
  head.target = std::move(*target);
  head.keep_alive = version == "HTTP/1.1";
  return std::nullopt;
}

std::optional<Refusal> parse_fields(std::string_view lines, RequestHead& head) {
  while (!lines.empty()) {
    const auto line = take_line(lines);
    if (line.empty()) break;
    auto field = parse_field(line);
    if (field && field->name != "cookie" && std::ranges::any_of(field->value, is_opaque_char))
      return Refusal{400};
    if (!field || head.fields.size() == kRequestFieldsMax) return Refusal{field ? 431 : 400};
    const bool is_single = std::ranges::find(kSingleFields, field->name) != kSingleFields.end();
    if (is_single && find_field(head.fields, field->name)) return Refusal{400};
    head.fields.push_back(std::move(*field));
  }
  return std::nullopt;
}

std::optional<Refusal> judge_fields(RequestHead& head) {
  if (find_field(head.fields, "transfer-encoding")) return Refusal{400};
  const auto host = find_field(head.fields, "host");
  if (!host || !is_host(*host)) return Refusal{400};
  if (const auto text = find_field(head.fields, "content-length")) {
    const auto length = parse_length(*text);
    if (!length) return Refusal{400};
    head.content_length = *length;
  }
  const auto connection = find_field(head.fields, "connection");
  if (connection && lists(*connection, "close")) head.keep_alive = false;
  return std::nullopt;
}

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Unnamed";
  }
}

bool can_be_sent(const Field& field) {
  return is_token(field.name) && std::ranges::all_of(field.value, is_value_char);
}

void append_fields(std::string& head, const Fields& fields) {
  for (const Field& field : fields) head += fmt::format("{}: {}\r\n", field.name, field.value);
}

}  // namespace

std::variant<std::size_t, Refusal> scan_head(std::string_view bytes, std::size_t bytes_max) {
  const std::size_t seen = std::min(bytes.size(), bytes_max);
  for (std::size_t i = 0; i < seen; ++i) {
    const bool after_cr = i > 0 && bytes[i - 1] == '\r';
    if (after_cr != (bytes[i] == '\n')) return Refusal{400};
    if (bytes[i] == '\r' && i == 0) return Refusal{400};
    if (!is_value_char(bytes[i]) && !is_opaque_char(bytes[i]) && bytes[i] != '\r' &&
        bytes[i] != '\n')
      return Refusal{400};
    if (bytes[i] == '\n' && i >= 3 && bytes[i - 2] == '\n') return i + 1;
  }
  if (bytes.size() >= bytes_max) return Refusal{431};
  return std::size_t{0};
}

std::variant<RequestHead, Refusal> parse_request_head(std::string_view head) {
  RequestHead made;
  std::string_view rest = head;
  if (const auto refusal = parse_request_line(take_line(rest), made)) return *refusal;
  if (const auto refusal = parse_fields(rest, made)) return *refusal;
  if (const auto refusal = judge_fields(made)) return *refusal;
  if (!beast_agrees(head, made)) return Refusal{400};
  return made;
}

std::optional<std::string> write_response_head(const HttpResponse& response, After after) {
  if (!std::ranges::all_of(response.fields, can_be_sent)) return std::nullopt;
  if (!std::ranges::all_of(response.content_type, is_value_char)) return std::nullopt;
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
  if (!response.content_type.empty()) head += "Content-Type: " + response.content_type + "\r\n";
  // RFC 9110, 8.6: these two never have one.
  if (response.status != 204 && response.status != 304) {
    head += fmt::format("Content-Length: {}\r\n", body_bytes_of(response));
  }
  append_fields(head, response.fields);
  head += after == After::close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n";
  return head;
}

std::variant<std::string, Refusal> judge_handshake(const RequestHead& head) {
  const auto asks = [](const Field& field) {
    return field.name == "upgrade" && lists(field.value, "websocket");
  };
  if (std::ranges::none_of(head.fields, asks)) return Refusal{426};
  const auto is_single = [&](std::string_view name) {
    return std::ranges::count(head.fields, name, &Field::name) == 1;
  };
  const bool is_plain = head.method == Method::get && head.content_length == 0 && head.keep_alive;
  if (!is_plain || !is_single("connection") || !is_single("sec-websocket-version") ||
      !is_single("sec-websocket-key") || !lists(*find_field(head.fields, "connection"), "upgrade"))
    return Refusal{400};
  if (find_field(head.fields, "sec-websocket-version") != "13") return Refusal{426};
  const auto text = *find_field(head.fields, "sec-websocket-key");
  const auto key = from_base64(text);
  if (!key || key->size() != kHandshakeKeyBytes) return Refusal{400};
  return std::string(text);
}

std::optional<std::string> write_stream_head(const HttpResponse& answer) {
  if (!std::ranges::all_of(answer.fields, can_be_sent)) return std::nullopt;
  std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
  const auto is_cached = [](const Field& field) { return lower(field.name) == "cache-control"; };
  if (std::ranges::none_of(answer.fields, is_cached)) head += "Cache-Control: no-store\r\n";
  append_fields(head, answer.fields);
  return head + "Connection: close\r\n\r\n";
}

std::optional<std::string> write_switch_head(const HttpResponse& answer, std::string_view accept) {
  if (!std::ranges::all_of(answer.fields, can_be_sent)) return std::nullopt;
  std::string head = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\n",
      accept);
  append_fields(head, answer.fields);
  return head + "\r\n";
}

std::optional<Bytes> write_request(const OutgoingRequest& request, std::string_view host) {
  const auto is_target_char = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (!request.target.starts_with('/') || !std::ranges::all_of(request.target, is_target_char)) {
    return std::nullopt;
  }
  if (!std::ranges::all_of(request.fields, can_be_sent) || !is_host(host)) return std::nullopt;
  if (!std::ranges::all_of(request.content_type, is_value_char)) return std::nullopt;
  const auto method = std::ranges::find(kMethods, request.method, &MethodName::method);
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: identity\r\n",
                                 method->name, request.target, host);
  if (!request.content_type.empty()) head += "Content-Type: " + request.content_type + "\r\n";
  if (!request.body.empty() || request.method == Method::post || request.method == Method::put) {
    head += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  append_fields(head, request.fields);
  head += "\r\n";
  Bytes bytes = to_bytes(head);
  append(bytes, request.body);
  return bytes;
}

}  // namespace bmsg::net
