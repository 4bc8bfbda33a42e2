#include "cli/web_call.h"

#include <fmt/format.h>

#include <array>

#include "cli/web_chain.h"
#include "cli/web_mail.h"
#include "cli/web_people.h"
#include "cli/web_settings.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

using Desk = WebDesk&;
using Question = const WebQuestion&;

Result<std::string> message(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto id, question.at("id"));
  return desk.message(id);
}

constexpr std::array kDeskCalls = {
    WebCall{"/api/identity", WebEffect::looks, [](Desk desk, Question) { return desk.identity(); }},
    WebCall{"/api/state", WebEffect::looks, [](Desk desk, Question) { return desk.state(); }},
    WebCall{"/api/inbox", WebEffect::looks, [](Desk desk, Question) { return desk.inbox(); }},
    WebCall{"/api/message", WebEffect::looks, message},
    WebCall{"/api/outbox", WebEffect::looks, [](Desk desk, Question) { return desk.outbox(); }},
    WebCall{"/api/contacts", WebEffect::looks, [](Desk desk, Question) { return desk.contacts(); }},
    WebCall{"/api/read", WebEffect::changes,
            [](Desk desk, Question question) { return desk.mark_read(question.body); }},
    WebCall{"/api/send", WebEffect::changes,
            [](Desk desk, Question question) { return desk.send(question.body, question.stop); }},
};

/// Every file that has rows, once.
const auto& all_calls() {
  static const std::array all = {std::span<const WebCall>(kDeskCalls),
                                 people_calls(),
                                 chain_calls(),
                                 settings_calls(),
                                 mail_calls(),
                                 room_calls()};
  return all;
}

}  // namespace

Result<std::string> WebQuestion::at(std::string_view name) const {
  const auto found = query.find(name);
  if (found == query.end())
    return Error{Errc::bad_input, fmt::format("the question lacks '{}'", name)};
  return found->second;
}

const WebCall* find_call(std::string_view path) {
  for (const auto& calls : all_calls()) {
    for (const WebCall& call : calls) {
      if (call.path == path) return &call;
    }
  }
  return nullptr;
}

}  // namespace bmsg::cli
