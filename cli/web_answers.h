// Answers of `bmsg web`, whoever asked.

#pragma once

#include <optional>
#include <string_view>

#include "lib/api/web_door.h"
#include "lib/core/error.h"
#include "lib/net/http_message.h"

namespace bmsg::cli {

/// With the fields that every answer has.
net::HttpResponse finished(net::HttpResponse response);

/// JSON Lines.
net::HttpResponse lines_answer(std::string_view lines);

/// The object `error`; without `status` the one that fits the error.
net::HttpResponse error_answer(const Error& error, std::optional<int> status = {});

/// What the door has to say.
net::HttpResponse refusal_answer(const api::WebRefusal& refused);

}  // namespace bmsg::cli
