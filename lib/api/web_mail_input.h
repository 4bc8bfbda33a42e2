// What the page sends of mail: letters, pieces of files, flags, rooms.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/send_line.h"
#include "lib/core/bytes.h"
#include "lib/core/result.h"

namespace bmsg::api {

// Each function refuses what is no such object, and members that it does not know.
// Errors: Errc::bad_input, without a word of the text.
// Source: bmsg-web(1), "Mail".

/// A line of `send --stdin`, signed or not, with files that were brought here piece by piece.
struct WebLetter {
  SendLine line;
  bool sign = true;
  std::vector<std::string> files;  // Their tickets.
};
Result<WebLetter> parse_web_letter(std::string_view body);

/// Flags to change, of these messages.
struct WebMark {
  std::vector<std::string> ids;
  std::vector<std::string> changes;  // "+archived".
};
Result<WebMark> parse_web_mark(std::string_view body);

/// What is to happen to a room. Empty text: absent.
struct WebRoom {
  std::string verb;
  std::string name;
  std::vector<std::string> members;
  std::string history;
};
Result<WebRoom> parse_web_room(std::string_view body);

/// A file that is to come.
struct WebFile {
  std::string name;
  std::uint64_t size = 0;
};
Result<WebFile> parse_web_file(std::string_view body);

/// Some of its bytes.
struct WebPiece {
  std::string file;  // Its ticket.
  std::uint64_t at = 0;
  Bytes data;
};
Result<WebPiece> parse_web_piece(std::string_view body);

/// One file of a message.
struct WebFileChoice {
  std::string id;
  std::uint64_t number = 0;
};
Result<WebFileChoice> parse_web_file_choice(std::string_view body);

/// A file on its way: the object `file`. An empty name: null.
struct WebFileView {
  std::string ticket;
  std::string name;
  std::uint64_t size = 0;  // Of all of it; in the answer to a piece, of what is here.
};
std::string web_file_json(const WebFileView& view);

/// The phrases that somebody typed: words, and what stands between quotation marks.
std::vector<std::string> search_phrases(std::string_view typed);

/// The value of Content-Disposition that has a file saved under this name, which must be a safe
/// one: for those who read RFC 6266, and for others as far as ASCII goes.
std::string saved_as(std::string_view name);

}  // namespace bmsg::api
