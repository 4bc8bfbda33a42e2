// A public message as one line of text, to paste, mail or scan: cards and boxes.

#pragma once

#include <string>
#include <string_view>

#include "lib/core/message.h"
#include "lib/core/result.h"

namespace bmsg::mail {

/// Shape: `start`, which ends with a space, and base64url of the encoded message.
std::string to_message_line(std::string_view start, const Message& message);

/// Whether a text, but for blanks around it, begins so.
bool begins_message_line(std::string_view start, std::string_view text);

/// Errors: Errc::bad_input; its message does not say what the line should have been.
Result<Message> read_message_line(std::string_view start, std::string_view text);

}  // namespace bmsg::mail
