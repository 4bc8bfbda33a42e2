#include "cli/acknowledge.h"

#include "cli/compose.h"
#include "cli/own_cards.h"
#include "cli/session.h"
#include "lib/core/try.h"
#include "lib/mail/ack.h"

namespace bmsg::cli {

Result<Done> acknowledge_message(Context& context, const StoreDir& store, const Mailroom& room,
                                 const mail::MailItem& item, AckWish wish) {
  const bool asked = wish == AckWish::always;
  if (!asked && !mail::acknowledges(item.summary, room.contacts())) return done;
  look_for_cards(context, store, room.rules().id);
  mail::CardDirectory cards(context.disk, store.cards(), room.rules().id);
  mail::Outbox outbox(context.disk, store.outbox());
  // Used where the message names none of ours.
  const auto chosen = writing_identity(context, store, room.rules(), room.keyring());
  const mail::Identity* identity = chosen ? chosen.value() : nullptr;
  const auto sending =
      sending_with(context, room.rules(), cards, outbox, &room.keyring(), identity);
  const auto sent =
      mail::acknowledge(item.id, item.summary, room.index(), sending, std::stop_token());
  if (!sent && !asked && sent.error().code == Errc::no_recipient) return done;
  if (!sent) return sent.error();
  if (!sent.value().empty()) poke_node(store);
  return done;
}

}  // namespace bmsg::cli
