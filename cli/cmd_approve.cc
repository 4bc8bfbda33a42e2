// bmsg approve: stand for what a message says, where it was posted.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/hooks.h"
#include "cli/listing.h"
#include "cli/mailroom.h"
#include "cli/message_view.h"
#include "cli/own_cards.h"
#include "cli/room_post.h"
#include "cli/send_options.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/api/hook_json.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/approval.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kShortDigits = 16;

struct Options {
  std::string ref;
  std::string note;
};

/// Whom an approval would be signed by, and whose would count.
Result<const mail::Identity*> signer_of(Context& context, const StoreDir& store,
                                        const Mailroom& room) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  if (settings.text("send.sign") == "false")
    return Error{Errc::denied, "an approval is signed, and send.sign is false here",
                 "'bmsg -c send.sign=true approve REF' signs this one"};
  if (room.keyring().identities.empty())
    return Error{Errc::denied, "an approval is signed, and this store has no identity",
                 "'bmsg id new NAME' makes one"};
  BMSG_TRY_ASSIGN(const auto* identity, chosen_identity(context, store, room.keyring()));
  const mail::CardDirectory cards(context.disk, store.cards(), room.rules().id);
  BMSG_TRY_ASSIGN(const auto known, cards.revocations_of(identity->address()));
  const bool revoked = std::ranges::any_of(
      known, [&](const mail::Revocation& one) { return one.covers(identity->device); });
  if (revoked)
    return Error{Errc::denied, "your key is revoked: what it signs now counts for nobody",
                 "'bmsg --identity NAME approve REF' signs as somebody else of yours"};
  return identity;
}

Result<mail::MailText> text_to_approve(const Mailroom& room, const MessageId& id) {
  BMSG_TRY_ASSIGN(auto text, room.box().read(id));
  if (!text)
    return Error{Errc::denied, fmt::format("message {} is not for you", to_hex(id.view())),
                 "'bmsg inbox' lists what is"};
  if (text->opened.fault)
    return Error{Errc::not_found,
                 fmt::format("the text of message {} is not here: what cannot be read cannot be "
                             "approved",
                             to_hex(id.view()))};
  return std::move(*text);
}

/// Errors: Errc::exists if this person stands for it already, from whatever device.
Result<Done> check_not_approved(const Context& context, const StoreDir& store, const Mailroom& room,
                                const mail::MailText& text, const IdentityKey& self) {
  const mail::Summary& summary = text.item.summary;
  if (summary.signature == mail::SignatureState::good && summary.identity() == self)
    return Error{Errc::exists, "you have written and signed that message: that counts already",
                 "'bmsg outbox show REF' says whether a block has it"};
  BMSG_TRY_ASSIGN(const auto earlier,
                  mail::approvals_by(room.index(), room.keys().mailbox_key, text.item.id, self));
  const mail::Outbox outbox(context.disk, store.outbox());
  const Digest content = mail::content_hash(text.opened.content);
  for (const MessageId& id : earlier) {
    BMSG_TRY_ASSIGN(const auto item, room.box().item(id));
    if (!item || !mail::approves(item->summary, text.item, content)) continue;
    BMSG_TRY_ASSIGN(const auto queued, outbox.find(id));
    const bool on_its_way = queued && queued->place != mail::OutboxPlace::failed;
    if (item->block || item->pooled || on_its_way)
      return Error{Errc::exists,
                   fmt::format("you have approved that message by {}", to_hex(id.view())),
                   fmt::format("'bmsg outbox show {}' says whether a block has it",
                               to_hex(id.view()).substr(0, kShortDigits))};
  }
  return done;
}

Result<mail::Letter> letter_for(const Options& options, const Mailroom& room,
                                const mail::MailText& text) {
  if (!is_utf8(options.note)) return Error{Errc::bad_usage, "the note is not UTF-8 text"};
  BMSG_TRY_ASSIGN(auto letter, mail::approval_letter(text, options.note));
  const mail::Summary& summary = text.item.summary;
  if (!summary.room.empty()) {
    BMSG_TRY_ASSIGN(letter.room, room_marked(room.contacts(), room.keyring(), summary.room));
  }
  // As long as what it is about: whoever gets that one later gets this too.
  const auto& rules = room.rules().rules;
  letter.ttl = std::min(std::max(summary.ttl, 6 * rules.interval), rules.maxttl);
  return letter;
}

/// What is signed here, for a person: where standard error is a terminal, or with -v.
void show(const Context& context, const Mailroom& room, const mail::MailText& text) {
  const Noise noise = context.out.noise();
  const bool looked_at = noise == Noise::normal && ::isatty(STDERR_FILENO) == 1;
  if (noise == Noise::verbose || looked_at) context.out.tell(message_text(room, text));
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
  BMSG_TRY_ASSIGN(const auto* identity, signer_of(context, store, *room));
  BMSG_TRY_ASSIGN(const auto ref, listed_ref(context, store, options.ref));
  BMSG_TRY_ASSIGN(const auto id, room->find(ref));
  BMSG_TRY_ASSIGN(const auto text, text_to_approve(*room, id));
  BMSG_TRY_ASSIGN(const auto letter, letter_for(options, *room, text));
  BMSG_TRY(check_not_approved(context, store, *room, text, identity->address()));
  show(context, *room, text);
  BMSG_TRY(ask_hook(context, store, Hook::pre_send, api::letter_json(letter, identity->address())));
  look_for_cards(context, store, room->rules().id);
  const mail::CardDirectory cards(context.disk, store.cards(), room->rules().id);
  mail::Outbox outbox(context.disk, store.outbox());
  const auto sending =
      sending_with(context, room->rules(), cards, outbox, &room->keyring(), identity);
  Queued queued;
  BMSG_TRY_ASSIGN(queued.sent, mail::send(letter, sending, std::stop_token()));
  print_queued(context, queued);
  BMSG_TRY(context.out.flush());
  poke_node(store);
  return ExitCode::ok;
}

}  // namespace

void add_approve(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command approve = add_command(app, context, "approve", "Sign what a message says", options, run);
  approve.add_option("ref", options->ref, "Which").required().type_name("REF");
  approve.add_option("-m", options->note, "A remark for those who read it")
      .type_name("NOTE")
      .may_be_empty();
}

}  // namespace bmsg::cli
