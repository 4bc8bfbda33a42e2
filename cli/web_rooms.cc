// The calls of the page about rooms and the outbox: the commands that do the same, run within.

#include <array>

#include "cli/room_grants.h"
#include "cli/run_inner.h"
#include "cli/web_mail.h"
#include "lib/api/web_input.h"
#include "lib/api/web_mail_input.h"
#include "lib/core/hex.h"
#include "lib/core/ids.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

using Desk = WebDesk&;
using Question = const WebQuestion&;

Result<std::string> run_words(Desk desk, std::vector<std::string> words) {
  BMSG_TRY(desk.check_open());
  BMSG_TRY_ASSIGN(const auto end, run_inner(desk.context(), {.words = std::move(words)}));
  return lines_of(end);
}

/// Rooms, and a remark for each invitation.
Result<std::string> rooms(Desk desk, Question) { return run_words(desk, {"room", "list"}); }

Result<std::string> change_room(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto wish, api::parse_web_room(question.body));
  constexpr std::array kVerbs = {"create", "invite", "remove", "rotate", "leave"};
  if (std::ranges::find(kVerbs, wish.verb) == kVerbs.end())
    return Error{Errc::bad_input, "'verb' is none of create, invite, remove, rotate and leave"};
  std::vector<std::string> words{"room", wish.verb};
  if (wish.verb == "leave") words.emplace_back("--yes");  // The page has asked.
  if (wish.verb == "invite" && !wish.history.empty()) words.push_back("--history=" + wish.history);
  if (wish.verb == "create") {
    for (const std::string& member : wish.members) words.push_back("--member=" + member);
  }
  words.insert(words.end(), {"--", wish.name});
  if (wish.verb == "invite" || wish.verb == "remove")
    words.insert(words.end(), wish.members.begin(), wish.members.end());
  return run_words(desk, std::move(words));
}

/// A verb of a message of ours, named by all digits of its id.
Result<std::string> with_id(Desk desk, Question question, std::vector<std::string> words) {
  BMSG_TRY_ASSIGN(const auto id, api::parse_web_text(question.body, "id"));
  if (!fixed_from_hex<MessageId>(id))
    return Error{Errc::bad_input, "a message is named by all 128 digits of its id"};
  words.push_back(id);
  return run_words(desk, std::move(words));
}

Result<std::string> cancel(Desk desk, Question question) {
  return with_id(desk, question, {"outbox", "cancel"});
}
Result<std::string> retry(Desk desk, Question question) {
  return with_id(desk, question, {"outbox", "retry"});
}
Result<std::string> resend(Desk desk, Question question) {
  return with_id(desk, question, {"resend"});
}

constexpr std::array kCalls = {
    WebCall{"/api/rooms", WebEffect::looks, rooms},
    WebCall{"/api/room", WebEffect::changes, change_room},
    WebCall{"/api/outbox/cancel", WebEffect::changes, cancel},
    WebCall{"/api/outbox/retry", WebEffect::changes, retry},
    WebCall{"/api/resend", WebEffect::changes, resend},
};

}  // namespace

std::span<const WebCall> room_calls() { return kCalls; }

}  // namespace bmsg::cli
