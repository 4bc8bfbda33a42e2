// The questions that the page asks, each a row: its path, whether it changes anything, its answer.

#pragma once

#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "cli/web_desk.h"

namespace bmsg::cli {

/// What came with a question.
struct WebQuestion {
  std::map<std::string, std::string, std::less<>> query;
  std::string body;      // JSON, of a change.
  std::stop_token stop;  // When the page ends.

  /// A member of the query. Errors: Errc::bad_input if it is not there.
  Result<std::string> at(std::string_view name) const;
};

enum class WebEffect { looks, changes };

/// One row. It is answered where the desk is, one after the other; the answer is JSON Lines.
struct WebCall {
  std::string_view path;  // "/api/inbox".
  WebEffect effect = WebEffect::looks;
  Result<std::string> (*answer)(WebDesk& desk, const WebQuestion& question) = nullptr;
};

/// The row of a path; nullptr if there is none.
const WebCall* find_call(std::string_view path);

}  // namespace bmsg::cli
