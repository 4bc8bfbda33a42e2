#include "cli/web_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/api/web_form.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

using Desk = WebDesk&;
using Question = const WebQuestion&;

Result<std::string> config(Desk desk, Question) {
  return desk.run({.words = {"config", "list"}, .parts = {}});
}

/// What names a program that commands run later is no matter for a page.
bool names_program(std::string_view key) {
  constexpr std::array kPrograms = {"core.editor", "core.pager"};
  return std::ranges::find(kPrograms, key) != kPrograms.end();
}

/// Without a value: back to what holds otherwise.
Result<std::string> set_config(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto form, api::WebForm::parse(question.body, {"key", "value"}));
  BMSG_TRY_ASSIGN(const auto key, form.filled("key"));
  if (names_program(key))
    return Error{Errc::bad_input, fmt::format("the page sets no program: '{}'", key),
                 fmt::format("bmsg config set --user {} PROGRAM", key)};
  if (!form.has("value"))
    return desk.change({.words = {"config", "unset", "--", key}, .parts = {}});
  return desk.change({.words = {"config", "set", "--", key, form.text("value")}, .parts = {}});
}

Result<std::string> versions(Desk desk, Question) {
  return desk.run({.words = {"version"}, .parts = {}});
}

Result<std::string> schedule(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto kind, question.at("kind"));
  if (kind != "cron" && kind != "systemd")
    return Error{Errc::bad_input, "regular work is 'cron' or 'systemd'"};
  return desk.run({.words = {"schedule", "--" + kind}, .parts = {}});
}

Result<std::string> peers(Desk desk, Question) {
  return desk.run({.words = {"peers", "list"}, .parts = {}});
}

constexpr std::array kCalls = {
    WebCall{"/api/config", WebEffect::looks, config},
    WebCall{"/api/config/set", WebEffect::changes, set_config},
    WebCall{"/api/versions", WebEffect::looks, versions},
    WebCall{"/api/schedule", WebEffect::looks, schedule},
    WebCall{"/api/peers", WebEffect::looks, peers},
};

}  // namespace

std::span<const WebCall> settings_calls() { return kCalls; }

}  // namespace bmsg::cli
