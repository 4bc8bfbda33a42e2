#include "cli/own_cards.h"

#include <algorithm>

#include "cli/session.h"
#include "lib/core/try.h"
#include "lib/mail/pairing.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{500};  // As for the index: others come by again.

/// Whether the newest card of this chain could still be sealed to.
bool holds(const mail::Identity& identity, const ChainId& chain, UnixSeconds now) {
  const auto key = std::find_if(identity.cards.rbegin(), identity.cards.rend(),
                                [&](const auto& one) { return one.chain == chain; });
  return key != identity.cards.rend() && now < key->until;
}

/// What has to be done about an identity; an expired card that nobody saw is no loss.
Result<mail::OwnCard> judge(const Context& context, const mail::CardDirectory& cards,
                            const mail::Identity& identity, const ChainId& chain) {
  BMSG_TRY_ASSIGN(const auto found, mail::judge_own_card(cards, identity, chain));
  const bool is_late = !holds(identity, chain, context.clock.now());
  return found == mail::OwnCard::unseen && is_late ? mail::OwnCard::fine : found;
}

Result<Done> mend(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                  const mail::CardDirectory& cards, OpenKeyring& open, mail::Identity& identity) {
  BMSG_TRY_ASSIGN(const auto found, judge(context, cards, identity, rules.id));
  if (found == mail::OwnCard::fine) return done;
  if (found == mail::OwnCard::yield) {
    BMSG_TRY_ASSIGN(const auto known, cards.cards_of(identity.address()));
    BMSG_TRY_ASSIGN(identity.device, mail::draw_device(known, context.entropy));
  }
  if (found != mail::OwnCard::unseen) {
    BMSG_TRY(add_card_key(context, identity, rules));
    BMSG_TRY(save_keyring(context, store, open));
  }
  BMSG_TRY(queue_card(context, store, open, identity, rules));
  return done;
}

}  // namespace

Result<Done> collect_cards(Context& context, const StoreDir& store, mail::CardDirectory& cards) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  return cards.collect_all(*chain);
}

Result<Done> mend_own_cards(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                            OpenKeyring& open) {
  mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  bool is_well = true;
  for (const mail::Identity& identity : open.keyring.identities) {
    BMSG_TRY_ASSIGN(const auto found, judge(context, cards, identity, rules.id));
    is_well = is_well && found == mail::OwnCard::fine;
  }
  if (is_well) return done;
  const auto lock = FileLock::take(store.mail_lock(), context.command, kPatience, context.clock);
  if (!lock && lock.error().code == Errc::locked) return done;
  if (!lock) return lock.error();
  BMSG_TRY(collect_cards(context, store, cards));
  BMSG_TRY_ASSIGN(open, reopen_keyring(context, store, open.passphrase.clone()));
  for (mail::Identity& identity : open.keyring.identities)
    BMSG_TRY(mend(context, store, rules, cards, open, identity));
  poke_node(store);
  return done;
}

}  // namespace bmsg::cli
