#include "lib/net/http_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace bmsg::net {
namespace {

enum class Part { path, query };

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

/// What may stand there unencoded: pchar, and in a query also '/' and '?'.
bool is_raw(char c, Part part) {
  if (is_unreserved(c) || std::string_view("!$&'()*+,;=:@").find(c) != std::string_view::npos) {
    return true;
  }
  return c == '/' || (part == Part::query && c == '?');
}

/// How many bytes the UTF-8 character at the front of `text` has; 0 if it is not one, or a longer
/// spelling than needed, or half of a surrogate pair, or beyond U+10FFFF.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool is_overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool is_outside = (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf4 && byte(1) > 0x8f);
  return is_overlong || is_outside ? 0 : length;
}

/// UTF-8 without control characters, those of U+0080 to U+009F among them.
bool is_clean_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = character_bytes(text);
    const auto lead = static_cast<std::uint8_t>(text[0]);
    if (length == 0 || lead < 0x20 || lead == 0x7f) return false;
    if (lead == 0xc2 && static_cast<std::uint8_t>(text[1]) < 0xa0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::optional<char> decode_escape(std::string_view text) {
  if (text.size() < 3) return std::nullopt;
  const auto high = hex_digit(text[1]);
  const auto low = hex_digit(text[2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high << 4 | *low);
}

std::optional<std::string> decode(std::string_view text, Part part) {
  std::string made;
  while (!text.empty()) {
    const bool is_escape = text[0] == '%';
    if (!is_escape && !is_raw(text[0], part)) return std::nullopt;
    const auto c = is_escape ? decode_escape(text) : std::optional(text[0]);
    if (!c) return std::nullopt;
    // An encoded '/' would be a separator for some readers and a letter for others.
    if (part == Part::path && (*c == '\\' || (is_escape && *c == '/'))) return std::nullopt;
    made += !is_escape && part == Part::query && *c == '+' ? ' ' : *c;
    text.remove_prefix(is_escape ? 3 : 1);
  }
  if (!is_clean_text(made)) return std::nullopt;
  return made;
}

bool has_odd_segment(const std::string& path) {
  const std::string closed = path + "/";
  return path.find("//") != std::string::npos || closed.find("/../") != std::string::npos ||
         closed.find("/./") != std::string::npos;
}

bool parse_query(std::string_view text, Target& target) {
  std::size_t parts = 0;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto part = text.substr(0, end);
    const auto equals = part.find('=');
    auto name = decode(part.substr(0, equals), Part::query);
    auto value = decode(equals == part.npos ? "" : part.substr(equals + 1), Part::query);
    if (!name || name->empty() || !value || ++parts > kQueryPartsMax) return false;
    if (!target.query.emplace(std::move(*name), std::move(*value)).second) return false;
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return true;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  if (!text.starts_with('/')) return std::nullopt;
  const auto question = text.find('?');
  auto path = decode(text.substr(0, question), Part::path);
  if (!path || has_odd_segment(*path)) return std::nullopt;
  Target target{.path = std::move(*path), .query = {}};
  if (question != text.npos && !parse_query(text.substr(question + 1), target)) return std::nullopt;
  return target;
}

std::string percent_encode(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (is_unreserved(c)) {
      made += c;
    } else {
      made += fmt::format("%{:02X}", static_cast<std::uint8_t>(c));
    }
  }
  return made;
}

}  // namespace bmsg::net
