#include "lib/mail/message_line.h"

#include <fmt/format.h>

#include "lib/core/base64.h"
#include "lib/core/codec.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

}  // namespace

std::string to_message_line(std::string_view start, const Message& message) {
  return std::string(start) + to_base64url(encode(message));
}

bool begins_message_line(std::string_view start, std::string_view text) {
  return trim(text).starts_with(trim(start));
}

Result<Message> read_message_line(std::string_view start, std::string_view text) {
  text = trim(text);
  if (!text.starts_with(start))
    return Error{Errc::bad_input, fmt::format("does not begin with '{}'", start)};
  const auto bytes = from_base64url(text.substr(start.size()));
  if (!bytes) return Error{Errc::bad_input, "not base64url"};
  return decode_message(*bytes);
}

}  // namespace bmsg::mail
