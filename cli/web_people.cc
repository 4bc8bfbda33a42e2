#include "cli/web_people.h"

#include <fmt/format.h>

#include <array>

#include "cli/contact_view.h"
#include "cli/identity_view.h"
#include "cli/keyring_file.h"
#include "cli/qr.h"
#include "lib/api/web_form.h"
#include "lib/api/web_json.h"
#include "lib/core/address.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

using Desk = WebDesk&;
using Question = const WebQuestion&;

Result<std::string> code(Desk desk, Question) {
  BMSG_TRY_ASSIGN(const Mailroom* room, desk.room());
  BMSG_TRY_ASSIGN(const auto* mine, chosen_identity(desk.context(), desk.store(), room->keyring()));
  api::CodeView view;
  view.text = to_address(mine->address());
  view.modules = qr_modules(view.text);
  const auto card = own_card(desk.context(), desk.store(), *mine, room->rules().id);
  if (!card && card.error().code != Errc::not_found) return card.error();
  if (card) view.card = mail::to_text(card.value());
  return api::code_json(view) + "\n";
}

/// As `id`.
Result<std::string> me(Desk desk, Question) {
  BMSG_TRY_ASSIGN(const Mailroom* room, desk.room());
  BMSG_TRY_ASSIGN(const auto* mine, chosen_identity(desk.context(), desk.store(), room->keyring()));
  BMSG_TRY_ASSIGN(const auto view, identity_view(desk.context(), desk.store(), room->open_keyring(),
                                                 *mine, room->rules().id));
  return api::identity_json(view) + "\n";
}

Result<std::string> log(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto name, question.at("name"));
  BMSG_TRY(desk.check_open());  // It tells whom one knows.
  return desk.run({.words = {"contact", "log", "--", name}, .parts = {}});
}

/// The words of `contact` for what somebody pressed. What was pasted is its standard input, so that
/// no name of a file is taken from the page.
Result<InnerCommand> command_of(const api::WebForm& form) {
  BMSG_TRY_ASSIGN(const auto verb, form.filled("verb"));
  BMSG_TRY_ASSIGN(const auto name, form.filled("name"));
  InnerCommand command;
  command.words = {"contact", verb};
  if (verb == "add" || verb == "move") {
    BMSG_TRY_ASSIGN(command.parts.input, form.filled("address"));
    command.words.insert(command.words.end(), {"--", name, "-"});
  } else if (verb == "rename") {
    BMSG_TRY_ASSIGN(const auto new_name, form.filled("new"));
    command.words.insert(command.words.end(), {"--", name, new_name});
  } else if (verb == "verify") {
    // What the person saw and compared must still be what is there.
    BMSG_TRY_ASSIGN(const auto words, form.filled("words"));
    command.words.insert(command.words.end(), {"--fingerprint=" + words, "--", name});
  } else if (verb == "unverify") {
    command.words = {"contact", "verify", "--undo", "--", name};
  } else if (verb == "rm" || verb == "block" || verb == "unblock") {
    command.words.insert(command.words.end(), {"--", name});
  } else if (verb == "set") {
    BMSG_TRY_ASSIGN(const auto ack, form.filled("ack"));
    command.words.insert(command.words.end(), {"--", name, "ack=" + ack});
  } else {
    return Error{Errc::bad_input, "the page does nothing of this name to contacts"};
  }
  return command;
}

Result<std::string> change(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto form, api::WebForm::parse(question.body, {"verb", "name", "address",
                                                                       "new", "words", "ack"}));
  BMSG_TRY_ASSIGN(auto command, command_of(form));
  BMSG_TRY(desk.check_open());
  auto changed = desk.run(std::move(command));
  // No question of keys or passphrases: the words are not theirs.
  if (!changed && changed.error().code == Errc::denied)
    return Error{Errc::bad_input, changed.error().message, changed.error().hint};
  return changed;
}

constexpr std::array kCalls = {
    WebCall{"/api/me", WebEffect::looks, me},
    WebCall{"/api/code", WebEffect::looks, code},
    WebCall{"/api/contact/log", WebEffect::looks, log},
    WebCall{"/api/contact", WebEffect::changes, change},
};

}  // namespace

std::span<const WebCall> people_calls() { return kCalls; }

}  // namespace bmsg::cli
