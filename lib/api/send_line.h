// One line of `send --stdin`: a message to send, as JSON.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/core/result.h"

namespace bmsg::api {

/// What a line asks for. Empty text: absent.
/// Source: bmsg-json(5), "Input of send".
struct SendLine {
  std::vector<std::string> to;
  std::string body;
  std::string subject;
  bool open = false;  // "public".
  std::string topic;
  std::string reply_to;
  std::string expires;
  std::string key;
  bool ask_ack = false;
  std::vector<std::string> attachments;  // Paths.
};

inline constexpr std::size_t kSendLineBytesMax = 16u << 20;

/// Errors: Errc::bad_input for what is no such object, or a topic of what is not public; an unknown
/// member is refused, since a
///         misspelled one would be lost in silence.
Result<SendLine> parse_send_line(std::string_view line);

}  // namespace bmsg::api
