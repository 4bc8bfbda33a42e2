#include "lib/api/web_mail_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "lib/api/json_guard.h"
#include "lib/core/base64.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kListMax = 1000;

/// An object with no members but these.
Result<Json> object_with(std::string_view body, std::initializer_list<std::string_view> names) {
  BMSG_TRY_ASSIGN(auto json, parse_json(body));
  if (!json.is_object()) return Error{Errc::bad_input, "an object is asked for"};
  for (const auto& member : json.items()) {
    if (std::ranges::find(names, member.key()) == names.end())
      return Error{Errc::bad_input, "the object has a member that is not known"};
  }
  return json;
}

Result<std::string> text_of(const Json& json, const char* name) {
  BMSG_TRY_ASSIGN(auto text, text_member(json, name));
  if (!text) return Error{Errc::bad_input, fmt::format("'{}' is missing", name)};
  return std::move(*text);
}

Result<std::uint64_t> number_of(const Json& json, const char* name) {
  const auto at = json.find(name);
  if (at == json.end() || !at->is_number_unsigned())
    return Error{Errc::bad_input, fmt::format("'{}' is no number from 0 on", name)};
  return at->get<std::uint64_t>();
}

Result<std::vector<std::string>> texts_of(const Json& json, const char* name) {
  std::vector<std::string> texts;
  const auto at = json.find(name);
  if (at == json.end()) return texts;
  const Error refused{Errc::bad_input,
                      fmt::format("'{}' is no list of up to {} texts", name, kListMax)};
  if (!at->is_array() || at->size() > kListMax) return refused;
  for (const Json& one : *at) {
    if (!one.is_string()) return refused;
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

}  // namespace

Result<WebLetter> parse_web_letter(std::string_view body) {
  BMSG_TRY_ASSIGN(auto json, parse_json(body));
  if (!json.is_object()) return Error{Errc::bad_input, "an object is asked for"};
  if (json.contains("attachments"))
    return Error{Errc::bad_input, "the page sends no files of this machine by their paths"};
  WebLetter letter;
  BMSG_TRY_ASSIGN(letter.files, texts_of(json, "files"));
  if (const auto sign = json.find("sign"); sign != json.end()) {
    if (!sign->is_boolean()) return Error{Errc::bad_input, "'sign' is neither true nor false"};
    letter.sign = sign->get<bool>();
  }
  json.erase("files");
  json.erase("sign");
  BMSG_TRY_ASSIGN(letter.line, parse_send_line(print_json(json)));
  return letter;
}

Result<WebMark> parse_web_mark(std::string_view body) {
  BMSG_TRY_ASSIGN(const auto json, object_with(body, {"ids", "changes"}));
  WebMark mark;
  BMSG_TRY_ASSIGN(mark.ids, texts_of(json, "ids"));
  BMSG_TRY_ASSIGN(mark.changes, texts_of(json, "changes"));
  if (mark.ids.empty() || mark.changes.empty())
    return Error{Errc::bad_input, "'ids' and 'changes' name at least one each"};
  return mark;
}

Result<WebRoom> parse_web_room(std::string_view body) {
  BMSG_TRY_ASSIGN(const auto json, object_with(body, {"verb", "name", "members", "history"}));
  WebRoom room;
  BMSG_TRY_ASSIGN(room.verb, text_of(json, "verb"));
  BMSG_TRY_ASSIGN(room.name, text_of(json, "name"));
  BMSG_TRY_ASSIGN(room.members, texts_of(json, "members"));
  BMSG_TRY_ASSIGN(const auto history, text_member(json, "history"));
  room.history = history.value_or("");
  return room;
}

Result<WebFile> parse_web_file(std::string_view body) {
  BMSG_TRY_ASSIGN(const auto json, object_with(body, {"name", "size"}));
  WebFile file;
  BMSG_TRY_ASSIGN(file.name, text_of(json, "name"));
  BMSG_TRY_ASSIGN(file.size, number_of(json, "size"));
  return file;
}

Result<WebPiece> parse_web_piece(std::string_view body) {
  BMSG_TRY_ASSIGN(const auto json, object_with(body, {"file", "at", "data"}));
  WebPiece piece;
  BMSG_TRY_ASSIGN(piece.file, text_of(json, "file"));
  BMSG_TRY_ASSIGN(piece.at, number_of(json, "at"));
  BMSG_TRY_ASSIGN(const auto text, text_of(json, "data"));
  auto data = from_base64(text);
  if (!data) return Error{Errc::bad_input, "'data' is no base64"};
  piece.data = std::move(*data);
  return piece;
}

Result<WebFileChoice> parse_web_file_choice(std::string_view body) {
  BMSG_TRY_ASSIGN(const auto json, object_with(body, {"id", "number"}));
  WebFileChoice choice;
  BMSG_TRY_ASSIGN(choice.id, text_of(json, "id"));
  BMSG_TRY_ASSIGN(choice.number, number_of(json, "number"));
  return choice;
}

std::string web_file_json(const WebFileView& view) {
  Json json{
      {"v", 1}, {"type", "file"}, {"file", view.ticket}, {"name", nullptr}, {"size", view.size}};
  if (!view.name.empty()) json["name"] = view.name;
  return print_json(json);
}

std::vector<std::string> search_phrases(std::string_view typed) {
  std::vector<std::string> phrases;
  std::string one;
  bool quoted = false;
  const auto end = [&] {
    if (!one.empty()) phrases.push_back(one);
    one.clear();
  };
  for (const char c : typed) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (c == '"' || (space && !quoted)) end();
    if (c == '"') quoted = !quoted;
    if (c != '"' && (quoted || !space)) one.push_back(c);
  }
  end();
  std::erase_if(phrases, [](const std::string& phrase) {
    return std::ranges::all_of(phrase, [](unsigned char c) { return std::isspace(c) != 0; });
  });
  return phrases;
}

std::string saved_as(std::string_view name) {
  std::string plain;
  std::string coded;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool harmless =
        (std::isalnum(byte) != 0 && byte < 0x80) || c == '-' || c == '_' || c == '.';
    const bool quotable = byte >= ' ' && byte < 0x7f && c != '"' && c != '\\' && c != '%';
    plain.push_back(quotable ? c : '_');
    coded += harmless ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return fmt::format("attachment; filename=\"{}\"; filename*=UTF-8''{}", plain, coded);
}

}  // namespace bmsg::api
