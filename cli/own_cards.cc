#include "cli/own_cards.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/session.h"
#include "cli/text.h"
#include "lib/chain/block_hash.h"
#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "lib/mail/epoch.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/pairing.h"
#include "storage/witness.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{500};  // As for the index: others come by again.
/// Two copies of one store would outbid each other for ever: so many fresh cards within an hour.
constexpr std::ptrdiff_t kCardsPerHour = 3;

/// What has to be done about an identity.
struct Judged {
  mail::OwnCard card = mail::OwnCard::fine;
  bool next_due = false;
  bool ended = false;  // The identity, or this device of it: it makes no more cards.

  bool is_well() const {
    return !next_due && (card == mail::OwnCard::fine || card == mail::OwnCard::rival);
  }
};

/// Whether the newest card of this chain could still be sealed to.
bool holds(const mail::Identity& identity, const ChainId& chain, UnixSeconds now) {
  const mail::CardKey* key = mail::newest_key(identity, chain);
  return key != nullptr && now < key->until;
}

/// An expired card that nobody saw is no loss.
Result<Judged> judge(const Context& context, const mail::CardDirectory& cards,
                     const mail::Identity& identity, const chain::ChainRules& rules) {
  Judged judged;
  BMSG_TRY_ASSIGN(const auto ended, cards.revocations_of(identity.address()));
  judged.ended =
      std::ranges::any_of(ended, [&](const auto& one) { return one.covers(identity.device); });
  if (judged.ended) return judged;
  const UnixSeconds now = context.clock.now();
  BMSG_TRY_ASSIGN(judged.card, mail::judge_own_card(cards, identity, rules.id));
  judged.next_due = mail::is_next_due(identity, rules, now);
  const bool is_late = !holds(identity, rules.id, now);
  if (judged.card == mail::OwnCard::unseen && is_late) judged.card = mail::OwnCard::fine;
  return judged;
}

void tell_rival(const Context& context, const mail::Identity& identity) {
  context.out.warn(fmt::format(
      "two different cards of one number of device {} of '{}': a copy of this store made the "
      "other, or a thief of the key; 'bmsg id revoke' is the answer to a thief",
      identity.device, shown_line(identity.name)));
}

/// The highest number that was seen of this device.
Result<std::uint64_t> highest_seen(const mail::CardDirectory& cards,
                                   const mail::Identity& identity) {
  BMSG_TRY_ASSIGN(const auto kept, cards.kept(identity.address(), identity.device));
  std::uint64_t highest = 0;
  for (const mail::Card& card : kept) highest = std::max(highest, card.seq);
  return highest;
}

bool makes_too_many(const mail::Identity& identity, const chain::ChainRules& rules,
                    UnixSeconds now) {
  constexpr std::uint64_t kHour = 3600;
  const auto is_young = [&](const mail::CardKey& key) {
    return key.chain == rules.id && !mail::is_of_the_future(key, rules, now) &&
           key.until.value + kHour > now.value + mail::card_seconds(rules);
  };
  return std::ranges::count_if(identity.cards, is_young) >= kCardsPerHour;
}

/// The message of the newest prekey's card, if it is kept.
Result<std::optional<mail::Card>> newest_card(const mail::CardDirectory& cards,
                                              const mail::Identity& identity,
                                              const ChainId& chain) {
  const mail::CardKey* key = mail::newest_key(identity, chain);
  if (key == nullptr) return std::optional<mail::Card>();
  BMSG_TRY_ASSIGN(auto kept, cards.kept(identity.address(), identity.device));
  for (mail::Card& card : kept) {
    if (card.prekey == mail::public_half(*key)) return std::optional(std::move(card));
  }
  return std::optional<mail::Card>();
}

/// The card of the newest prekey, while it waits for its burial.
Result<std::optional<mail::Card>> waiting_card(const mail::CardDirectory& cards,
                                               const mail::Identity& identity,
                                               const ChainId& chain) {
  const mail::CardKey* newest = mail::newest_key(identity, chain);
  if (newest == nullptr || newest->block) return std::optional<mail::Card>();
  return newest_card(cards, identity, chain);
}

Result<bool> note(const std::optional<mail::Card>& waiting, mail::Identity& identity,
                  const chain::ChainRules& rules, const node::ChainReader& chain) {
  const auto id = waiting ? std::optional(chain::id_of(waiting->message.head)) : std::nullopt;
  return mail::note_burials(identity, rules.id, id, chain, mail::burial_depth(rules.rules.mode));
}

Result<Done> take_other_number(Context& context, const mail::CardDirectory& cards,
                               mail::Identity& identity) {
  BMSG_TRY_ASSIGN(const auto known, cards.cards_of(identity.address()));
  BMSG_TRY_ASSIGN(identity.device, mail::draw_device(known, context.entropy));
  return done;
}

/// A fresh prekey, numbered above all cards that were seen.
Result<Done> add_next_key(Context& context, const chain::ChainRules& rules,
                          const node::ChainReader& chain, const mail::CardDirectory& cards,
                          mail::Identity& identity) {
  // Before the directory forgets the card that the next one replaces.
  BMSG_TRY_ASSIGN(const auto waiting, waiting_card(cards, identity, rules.id));
  BMSG_TRY(note(waiting, identity, rules, chain));
  const mail::CardKey* newest = mail::newest_key(identity, rules.id);
  const std::uint64_t ours = newest == nullptr ? 0 : newest->seq;
  BMSG_TRY_ASSIGN(const auto seen, highest_seen(cards, identity));
  return add_card_key(context, identity, rules, std::max(seen, ours) - ours);
}

Result<Done> mend(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                  const node::ChainReader& chain, const mail::CardDirectory& cards,
                  OpenKeyring& open, mail::Identity& identity) {
  BMSG_TRY_ASSIGN(const auto judged, judge(context, cards, identity, rules));
  if (judged.is_well()) return done;
  const bool outbids = judged.card == mail::OwnCard::outbid || judged.card == mail::OwnCard::yield;
  if (outbids && makes_too_many(identity, rules, context.clock.now())) return done;
  if (judged.card == mail::OwnCard::yield) {
    BMSG_TRY(take_other_number(context, cards, identity));
  }
  if (judged.card != mail::OwnCard::unseen || judged.next_due) {
    BMSG_TRY(add_next_key(context, rules, chain, cards, identity));
    BMSG_TRY(save_keyring(context, store, open));
  }
  BMSG_TRY(queue_card(context, store, open, identity, rules));
  return done;
}

/// Mail of ours that a light store waits for may be sealed to any of our prekeys.
Result<bool> waits_for_bodies(const node::ChainReader& chain, const mail::MailReader& index,
                              UnixSeconds now) {
  BMSG_TRY_ASSIGN(const auto absent, mail::absent_in(index));
  for (const MessageId& id : absent) {
    BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
    if (places.empty()) continue;
    BMSG_TRY_ASSIGN(const auto message, chain.message_at(places.front()));
    // Others drop what has expired: it will not come any more.
    if (message && now.value < message->head.expiry()) return true;
  }
  return false;
}

using WaitingCards = std::vector<std::optional<mail::Card>>;  // For each identity in turn.

Result<WaitingCards> waiting_cards(const mail::CardDirectory& cards, const mail::Keyring& keyring,
                                   const ChainId& chain) {
  WaitingCards all;
  for (const mail::Identity& identity : keyring.identities) {
    BMSG_TRY_ASSIGN(auto card, waiting_card(cards, identity, chain));
    all.push_back(std::move(card));
  }
  return all;
}

/// True if the keyring has changed.
Result<bool> settle_keys(Context& context, const chain::ChainRules& rules,
                         const node::ChainReader& chain, const mail::MailReader& index,
                         const WaitingCards& waiting, mail::Keyring& keyring) {
  BMSG_TRY_ASSIGN(const auto position, index.position());
  const mail::ScannedUpTo scanned{.position = position ? &*position : nullptr,
                                  .keys = mail::digest_of_addresses(keyring)};
  BMSG_TRY_ASSIGN(const bool waits, waits_for_bodies(chain, index, context.clock.now()));
  bool changed = false;
  for (std::size_t i = 0; i < keyring.identities.size(); ++i) {
    mail::Identity& identity = keyring.identities[i];
    BMSG_TRY_ASSIGN(const bool noted, note(waiting[i], identity, rules, chain));
    changed = changed || noted;
    if (waits) continue;
    BMSG_TRY_ASSIGN(const auto deleted,
                    mail::delete_old_keys(identity, rules.id, chain, scanned, context.clock.now()));
    changed = changed || deleted > 0;
  }
  return changed;
}

/// The same bytes again: the stamp, which is no part of what was signed, is found anew.
Result<Done> requeue(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                     const node::ChainReader& chain, const mail::CardDirectory& cards,
                     const std::optional<mail::Card>& card) {
  if (!card || !card->usable_at(context.clock.now())) return done;
  const MessageId id = chain::id_of(card->message.head);
  mail::Outbox outbox(context.disk, store.outbox());
  BMSG_TRY_ASSIGN(const auto waiting, outbox.find(id));
  BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(id));
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  const bool in_block =
      std::ranges::any_of(places, [](const auto& at) { return at.branch == node::Branch::main; });
  if (waiting || pooled || in_block) return done;
  mail::Sealed same{.head = card->message.head, .body = *card->message.body, .content_key = {}};
  BMSG_TRY(mail::send_public(std::move(same), sending_with(context, rules, cards, outbox),
                             std::stop_token()));
  return done;
}

Result<Done> post_again(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                        const mail::CardDirectory& cards, const mail::Identity& identity) {
  BMSG_TRY_ASSIGN(const auto known, cards.revocations_of(identity.address()));
  for (const mail::Revocation& one : known) {
    if (mail::is_due_again(one, rules, context.clock.now()))
      BMSG_TRY(queue_statement(context, store, rules, one.bytes));
  }
  return done;
}

/// Whether plain files tell that cards were filed up to the tip. The witness of a node that serves
/// is written beside its work: where one may be there only the chain tells.
bool are_filed(const Context& context, const StoreDir& store, const mail::CardDirectory& cards) {
  if (FileLock::holder(store.chain_lock()).find("(serve)") != std::string::npos) return false;
  const auto witness = storage::read_witness(context.disk, store.witness());
  const auto filed = cards.position();
  return witness && witness.value() && filed && filed.value() &&
         filed.value()->hash == witness.value()->hash;
}

}  // namespace

Result<Done> collect_cards(Context& context, const StoreDir& store, mail::CardDirectory& cards) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  return cards.collect_all(*chain);
}

void look_for_cards(Context& context, const StoreDir& store, const ChainId& chain) {
  mail::CardDirectory cards(context.disk, store.cards(), chain);
  if (are_filed(context, store, cards)) return;
  const auto looked = collect_cards(context, store, cards);
  if (!looked)
    context.out.warn("newer cards and revocations are not known: " + looked.error().message);
}

Result<Done> mend_own_cards(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                            OpenKeyring& open) {
  mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  bool is_well = true;
  for (const mail::Identity& identity : open.keyring.identities) {
    BMSG_TRY_ASSIGN(const auto judged, judge(context, cards, identity, rules));
    if (judged.card == mail::OwnCard::rival) tell_rival(context, identity);
    is_well = is_well && judged.is_well();
  }
  if (is_well) return done;
  const auto lock = FileLock::take(store.mail_lock(), context.command, kPatience, context.clock);
  if (!lock && lock.error().code == Errc::locked) return done;
  if (!lock) return lock.error();
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY(cards.collect_all(*chain));
  BMSG_TRY_ASSIGN(open, reopen_keyring(context, store, open.passphrase.clone()));
  for (mail::Identity& identity : open.keyring.identities)
    BMSG_TRY(mend(context, store, rules, *chain, cards, open, identity));
  poke_node(store);
  return done;
}

Result<Done> renew_own_card(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                            OpenKeyring& open, mail::Identity& identity) {
  mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY(cards.collect_all(*chain));
  BMSG_TRY_ASSIGN(const auto judged, judge(context, cards, identity, rules));
  if (judged.ended) {
    return Error{Errc::denied,
                 fmt::format("device {} of '{}' makes no more cards: it was retired, or the "
                             "identity is revoked",
                             identity.device, identity.name),
                 "'bmsg id new NAME' makes another identity"};
  }
  if (judged.card == mail::OwnCard::yield) {
    BMSG_TRY(take_other_number(context, cards, identity));
  }
  BMSG_TRY(add_next_key(context, rules, *chain, cards, identity));
  BMSG_TRY(save_keyring(context, store, open));
  BMSG_TRY(queue_card(context, store, open, identity, rules));
  poke_node(store);
  return done;
}

Result<Done> settle_own_cards(Context& context, const StoreDir& store,
                              const chain::ChainRules& rules, const node::ChainReader& chain,
                              const mail::MailReader& index, OpenKeyring& open) {
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY_ASSIGN(auto waiting, waiting_cards(cards, open.keyring, rules.id));
  for (const auto& card : waiting) BMSG_TRY(requeue(context, store, rules, chain, cards, card));
  for (const mail::Identity& identity : open.keyring.identities) {
    BMSG_TRY(post_again(context, store, rules, cards, identity));
  }
  BMSG_TRY_ASSIGN(const bool changes,
                  settle_keys(context, rules, chain, index, waiting, open.keyring));
  if (!changes) return done;
  const auto lock = FileLock::take(store.mail_lock(), context.command, kPatience, context.clock);
  if (!lock && lock.error().code == Errc::locked) return done;
  if (!lock) return lock.error();
  // Another command may have made a card since.
  BMSG_TRY_ASSIGN(open, reopen_keyring(context, store, open.passphrase.clone()));
  BMSG_TRY_ASSIGN(waiting, waiting_cards(cards, open.keyring, rules.id));
  BMSG_TRY_ASSIGN(const bool changed,
                  settle_keys(context, rules, chain, index, waiting, open.keyring));
  return changed ? save_keyring(context, store, open) : Result<Done>(done);
}

void tell_if_ended(const Context& context, const StoreDir& store, const chain::ChainRules& rules,
                   const mail::Identity& identity) {
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  const auto known = cards.revocations_of(identity.address());
  if (!known) return context.out.warn("revocations are not known: " + known.error().message);
  if (mail::ends_identity(known.value())) {
    return context.out.warn(fmt::format("'{}' is revoked: readers mark what it signs from now on",
                                        shown_line(identity.name)));
  }
  const auto covers = [&](const auto& one) { return one.covers(identity.device); };
  if (std::ranges::any_of(known.value(), covers)) {
    context.out.warn(fmt::format("device {} of '{}' is retired: nothing is sealed to it any more",
                                 identity.device, shown_line(identity.name)));
  }
}

Result<const mail::Identity*> writing_identity(const Context& context, const StoreDir& store,
                                               const chain::ChainRules& rules,
                                               const mail::Keyring& keyring) {
  auto chosen = chosen_identity(context, store, keyring);
  if (chosen || chosen.error().code != Errc::bad_usage) return chosen;
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  const mail::Identity* living = nullptr;
  for (const mail::Identity& identity : keyring.identities) {
    BMSG_TRY_ASSIGN(const auto known, cards.revocations_of(identity.address()));
    if (mail::ends_identity(known)) continue;
    if (living != nullptr) return chosen;
    living = &identity;
  }
  return living != nullptr ? Result<const mail::Identity*>(living) : chosen;
}

Result<Done> judge_succession(Context& context, const StoreDir& store,
                              const chain::ChainRules& rules, const mail::Identity& ended,
                              const mail::Identity& next) {
  look_for_cards(context, store, rules.id);
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY_ASSIGN(const auto of_next, cards.revocations_of(next.address()));
  if (mail::ends_identity(of_next)) {
    return Error{Errc::denied,
                 fmt::format("'{}' is revoked itself: nobody can write to it", next.name),
                 "'bmsg id new NAME' makes another identity"};
  }
  BMSG_TRY_ASSIGN(const auto of_ended, cards.revocations_of(ended.address()));
  if (mail::ends_identity(of_ended)) {
    context.out.warn(
        fmt::format("'{}' is revoked already: a thief of its key can propose a "
                    "successor as well, so let contacts compare words with you",
                    shown_line(ended.name)));
  }
  return done;
}

Result<mail::Sent> queue_statement(Context& context, const StoreDir& store,
                                   const chain::ChainRules& rules, ByteView statement) {
  mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  mail::Outbox outbox(context.disk, store.outbox());
  BMSG_TRY_ASSIGN(auto made, mail::post_statement(rules, statement, context.clock.now()));
  const UnixSeconds expires{made.head.expiry()};
  BMSG_TRY_ASSIGN(auto sent,
                  mail::send_public(std::move(made), sending_with(context, rules, cards, outbox),
                                    std::stop_token()));
  BMSG_TRY(cards.put_statement(statement, mail::StatementPost{sent.id, expires}));
  return sent;
}

}  // namespace bmsg::cli
