#include "cli/identity_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/prompt.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/chain/block_hash.h"
#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"

namespace bmsg::cli {
namespace {

/// Where the card of an identity stands by now.
Result<std::string> card_state(Context& context, const StoreDir& store, const mail::Card& card) {
  if (!card.usable_at(context.clock.now())) return std::string("expired");
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  const MessageId id = chain::id_of(card.message.head);
  BMSG_TRY_ASSIGN(const auto places, chain->places_of(id));
  const bool on_main =
      std::ranges::any_of(places, [](const auto& at) { return at.branch == node::Branch::main; });
  if (on_main) return std::string("buried");
  BMSG_TRY_ASSIGN(const auto pooled, chain->pooled(id));
  return std::string(pooled ? "pooled" : "queued");
}

std::string duration_text(std::uint64_t seconds) {
  constexpr std::uint64_t kDay = 86400;
  constexpr std::uint64_t kHour = 3600;
  if (seconds % kDay == 0) return fmt::format("{} d", seconds / kDay);
  if (seconds % kHour == 0) return fmt::format("{} h", seconds / kHour);
  return fmt::format("{} s", seconds);
}

}  // namespace

bool is_encrypted(const OpenKeyring& open) {
  return open.cost.log2_n != mail::kNoPassphraseCost.log2_n;
}

Result<api::IdentityView> identity_view(Context& context, const StoreDir& store,
                                        const OpenKeyring& open, const mail::Identity& identity,
                                        const ChainId& chain) {
  api::IdentityView view;
  view.name = identity.name;
  view.address = identity.address();
  view.fingerprint = fingerprint_of(identity.address());
  view.encrypted = is_encrypted(open);
  view.device = identity.device;
  const mail::CardDirectory cards(context.disk, store.cards(), chain);
  BMSG_TRY_ASSIGN(const auto known, cards.cards_of(view.address));
  for (const mail::Card& card : known.cards) {
    if (card.usable_at(context.clock.now())) view.devices.push_back(card.device);
  }
  view.epoch = identity.epoch;
  view.grace = identity.grace;
  view.inbox_bits = identity.inbox_bits;
  view.revoked = known.revoked;
  for (const IdentityKey& one : known.successors) view.successors.push_back(to_address(one));
  if (const auto card = own_card(context, store, identity, chain)) {
    view.card_seq = card.value().seq;
    view.card_expires = card.value().expires();
    BMSG_TRY_ASSIGN(view.card_state, card_state(context, store, card.value()));
  }
  return view;
}

std::string identity_text(const api::IdentityView& view) {
  std::string text = fmt::format("name        {}\naddress     {}\nfingerprint {}\nkeys        {}\n",
                                 shown_line(view.name), to_address(view.address), view.fingerprint,
                                 view.encrypted ? "behind a passphrase" : "without a passphrase");
  text += fmt::format("device      {}", view.device);
  if (view.devices.size() > 1) text += fmt::format(" of {}", fmt::join(view.devices, ", "));
  text += "\n";
  text += fmt::format("epoch       {}, and {} of grace\n", duration_text(view.epoch),
                      duration_text(view.grace));
  if (view.inbox_bits > 0)
    text += fmt::format("inbox       {} bits of a topic, for all to see\n", view.inbox_bits);
  for (const std::string& one : view.successors)
    text += fmt::format("successor   {}, proposed\n", one);
  if (view.revoked) return text + "card        none: the identity is revoked\n";
  if (!view.card_seq) return text + "card        none on this chain yet\n";
  return text + fmt::format("card        number {}, {}, until {}\n", *view.card_seq,
                            view.card_state, to_rfc3339(view.card_expires));
}

}  // namespace bmsg::cli
