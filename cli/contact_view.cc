#include "cli/contact_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/keyring_file.h"
#include "cli/own_cards.h"
#include "cli/prompt.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"

namespace bmsg::cli {
namespace {

std::string word_of(mail::ContactKind kind) {
  switch (kind) {
    case mail::ContactKind::person:
      return "person";
    case mail::ContactKind::group:
      return "group";
    case mail::ContactKind::room:
      return "room";
  }
  return {};
}

std::string word_of(mail::Trust trust) {
  switch (trust) {
    case mail::Trust::known:
      return "known";
    case mail::Trust::verified:
      return "verified";
    case mail::Trust::blocked:
      return "blocked";
  }
  return {};
}

std::string word_of(mail::AckPolicy ack) {
  switch (ack) {
    case mail::AckPolicy::never:
      return "never";
    case mail::AckPolicy::asked:
      return "asked";
    case mail::AckPolicy::read:
      return "read";
  }
  return {};
}

std::string card_word(const mail::NewestCards& newest, UnixSeconds now) {
  if (newest.revoked) return "revoked";
  if (newest.conflict) return "conflict";
  if (newest.cards.empty()) return "none";
  for (const mail::Card& card : newest.cards) {
    if (card.usable_at(now)) return "ok";
  }
  return "expired";
}

}  // namespace

Result<api::ContactView> contact_view_of(Context& context, const StoreDir& store,
                                         const chain::ChainRules& rules,
                                         const mail::Contact& contact) {
  api::ContactView view;
  view.name = contact.name;
  view.kind = word_of(contact.kind);
  view.trust = word_of(contact.trust);
  view.ack = word_of(contact.ack);
  view.added = contact.added;
  if (!contact.note.empty()) view.note = contact.note;
  if (contact.kind == mail::ContactKind::group) view.members = contact.members;
  view.card = "none";
  if (!contact.address) return view;
  view.address = to_address(*contact.address);
  view.fingerprint = fingerprint_of(*contact.address);
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY_ASSIGN(const auto newest, cards.cards_of(*contact.address));
  view.card = card_word(newest, context.clock.now());
  view.devices = newest.cards.size();
  for (const mail::Card& card : newest.cards)
    view.inbox_bits = std::max(view.inbox_bits.value_or(0), card.inbox.bits);
  for (const IdentityKey& one : newest.successors) view.successors.push_back(to_address(one));
  return view;
}

Result<api::ContactView> contact_view(Context& context, const StoreDir& store,
                                      const chain::ChainRules& rules, const std::string& name) {
  BMSG_TRY_ASSIGN(const auto book, read_contacts(context, store));
  const mail::Contact* contact = book.find(name);
  if (contact == nullptr) return mail::no_contact(name);
  look_for_cards(context, store, rules.id);
  return contact_view_of(context, store, rules, *contact);
}

std::string contact_line(const api::ContactView& view) {
  return fmt::format("{}\t{}\t{}\t{}", shown_line(view.name), view.trust, view.card,
                     view.address.value_or("-"));
}

std::string contact_text(const api::ContactView& view) {
  std::string text =
      fmt::format("name        {}\nkind        {}\ntrust       {}\ncard        {}, {} devices\n",
                  shown_line(view.name), view.kind, view.trust, view.card, view.devices);
  if (view.address)
    text += fmt::format("address     {}\nfingerprint {}\n", *view.address, view.fingerprint);
  if (view.inbox_bits.value_or(0) > 0)
    text += fmt::format("inbox       {} bits of a topic, for all to see\n", *view.inbox_bits);
  text += fmt::format("ack         {}\nadded       {}\n", view.ack, to_rfc3339(view.added));
  for (const std::string& member : view.members.value_or(std::vector<std::string>()))
    text += fmt::format("member      {}\n", shown_line(member));
  // All of them, and none preferred: a thief may have signed one.
  for (const std::string& one : view.successors) {
    const auto address = from_address(one);
    text += fmt::format("successor   {}, proposed: compare {}\n", one,
                        address ? fingerprint_of(*address) : "its words");
  }
  if (view.note) text += fmt::format("note        {}\n", shown_line(*view.note));
  return text;
}

}  // namespace bmsg::cli
