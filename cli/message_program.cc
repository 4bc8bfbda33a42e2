#include "cli/message_program.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "cli/message_view.h"
#include "lib/core/hex.h"

namespace bmsg::cli {

ProgramCall message_call(const std::vector<std::string>& words, const StoreDir& store,
                         const Mailroom& room, const mail::MailText& text) {
  const api::MessageView view = message_view(room, text);
  ProgramCall call;
  call.words = words;
  call.input = api::message_json(view) + "\n";
  call.variables = {{"BMSG_ID", to_hex(view.id.view())},
                    {"BMSG_FROM", view.from.value_or("")},
                    {"BMSG_FROM_NAME", view.from_name.value_or("")},
                    {"BMSG_THREAD", view.thread},
                    {"BMSG_STORE", std::filesystem::absolute(store.root()).string()}};
  return call;
}

Verdict verdict_of(const ProgramResult& result) {
  constexpr std::array<int, 5> kPassing = {EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY};
  switch (result.end) {
    case ProgramEnd::killed:
    case ProgramEnd::out_of_time:
      return Verdict::again;
    case ProgramEnd::not_started:
      return std::ranges::find(kPassing, result.status) == kPassing.end() ? Verdict::impossible
                                                                          : Verdict::again;
    case ProgramEnd::exited:
      break;
  }
  if (result.status == static_cast<int>(ExitCode::try_again)) return Verdict::again;
  return result.status == 0 ? Verdict::handled : Verdict::failed;
}

}  // namespace bmsg::cli
