#include "lib/api/format.h"

#include <fmt/format.h>

#include "lib/api/json_guard.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

/// A block's place is named as if it were the message's own.
const Json* find_field(const Json& object, const std::string& name) {
  if (const auto at = object.find(name); at != object.end()) return &*at;
  const auto block = object.find("block");
  if (name != "height" || block == object.end()) return nullptr;
  if (!block->is_object()) return &*block;
  return &*block->find("height");
}

std::string text_of(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return print_json(value);
  std::string all;
  for (const Json& one : value) all += (all.empty() ? "" : ",") + text_of(one);
  return all;
}

/// One word to any POSIX shell, whatever is in it.
std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\0') continue;  // No word of a shell can hold it.
    word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return word + "'";
}

std::string names_of(const Json& sample) {
  std::string all;
  for (const auto& [name, value] : sample.items()) all += " {" + name + "}";
  return all;
}

}  // namespace

Result<Format::Piece> Format::parse_field(std::string_view text) {
  const auto colon = text.find(':');
  Piece piece;
  piece.field = text.substr(0, colon);
  if (colon == std::string_view::npos) return piece;
  const std::string_view how = text.substr(colon + 1);
  if (how != "sh" && how != "json")
    return Error{Errc::bad_usage, fmt::format("--format: '{}' is neither sh nor json", how)};
  piece.quoting = how == "sh" ? Quoting::shell : Quoting::json;
  return piece;
}

Result<Format> Format::parse(std::string_view text, const std::string& sample) {
  BMSG_TRY_ASSIGN(const auto known, parse_json(sample));
  Format format;
  std::string before;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool doubled = at + 1 < text.size() && text[at + 1] == c;
    if ((c != '{' && c != '}') || doubled) {
      before += c;
      at += c == '{' || c == '}' ? 1 : 0;
      continue;
    }
    const auto end = text.find('}', at);
    if (c == '}' || end == std::string_view::npos)
      return Error{Errc::bad_usage, fmt::format("--format: '{}' alone; two are one brace", c)};
    BMSG_TRY_ASSIGN(auto piece, parse_field(text.substr(at + 1, end - at - 1)));
    if (find_field(known, piece.field) == nullptr) {
      return Error{Errc::bad_usage, fmt::format("--format: no field '{}'; there are{}", piece.field,
                                                names_of(known))};
    }
    piece.text = std::exchange(before, {});
    format.pieces_.push_back(std::move(piece));
    at = end;
  }
  format.pieces_.push_back({.text = before, .field = {}});
  return format;
}

std::string Format::render(const std::string& object,
                           const std::function<std::string(std::string_view)>& plain) const {
  const auto parsed = parse_json(object);
  check(bool(parsed), "what we print is JSON");
  std::string text;
  for (const Piece& piece : pieces_) {
    text += piece.text;
    const Json* found = piece.field.empty() ? nullptr : find_field(parsed.value(), piece.field);
    if (found == nullptr) continue;
    const std::string value = text_of(*found);
    text += piece.quoting == Quoting::json    ? print_json(*found)
            : piece.quoting == Quoting::shell ? shell_word(value)
                                              : plain(value);
  }
  return text;
}

}  // namespace bmsg::api
