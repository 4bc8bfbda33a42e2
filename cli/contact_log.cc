#include "cli/contact_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "cli/progress.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/card.h"
#include "lib/mail/chain_walk.h"
#include "lib/mail/revocation.h"

namespace bmsg::cli {
namespace {

/// Collects what is about one identity.
class History {
 public:
  History(const node::ChainReader& chain, const ChainId& id, const IdentityKey& address)
      : chain_(chain), id_(id), address_(address) {}

  Result<Done> visit(const MessageId& id, const Message& message) {
    auto view = event_in(message);
    if (!view || !seen_.insert(id).second) return done;
    view->id = id;
    view->time = UnixSeconds{message.head.time};
    BMSG_TRY_ASSIGN(const auto places, chain_.places_of(id));
    for (const node::MessagePlace& place : places) {
      if (place.branch == node::Branch::main) view->height = place.height;
    }
    events_.push_back(std::move(*view));
    return done;
  }

  /// In the order of the chain; the first card of a number is a new device.
  std::vector<api::KeyEventView> take() {
    // A block has an order of its own, by id: within it cards come first, by number.
    const auto place = [](const api::KeyEventView& one) {
      const std::uint64_t height = one.height ? std::uint64_t{one.height->value} : UINT64_MAX;
      return std::tuple(height, !one.seq, one.device.value_or(0), one.seq.value_or(0));
    };
    std::ranges::stable_sort(events_, {}, place);
    std::set<std::uint8_t> known;
    for (api::KeyEventView& one : events_) {
      if (one.event == "card" && known.insert(*one.device).second) one.event = "device";
    }
    return std::move(events_);
  }

 private:
  std::optional<api::KeyEventView> event_in(const Message& message) const {
    api::KeyEventView view;
    if (const auto bytes = mail::statement_in(message, id_)) {
      const auto statement = mail::read_statement(*bytes);
      if (statement->old_key != address_) return std::nullopt;
      view.event = statement->new_key ? "succession" : "revocation";
      if (statement->new_key) view.successor = to_address(*statement->new_key);
      if (statement->scope == mail::kWholeIdentity) return view;
      view.event = "retired";
      view.device = statement->scope;
      return view;
    }
    if (!mail::looks_like_card(message)) return std::nullopt;
    const auto card = mail::read_card(message, id_);
    if (!card || card.value().identity != address_) return std::nullopt;
    view.event = "card";
    view.device = card.value().device;
    view.seq = card.value().seq;
    view.expires = card.value().expires();
    return view;
  }

  const node::ChainReader& chain_;
  const ChainId& id_;
  const IdentityKey& address_;
  std::set<MessageId> seen_;
  std::vector<api::KeyEventView> events_;
};

}  // namespace

Result<std::vector<api::KeyEventView>> key_history(Context& context, const StoreDir& store,
                                                   const chain::ChainRules& rules,
                                                   const IdentityKey& address) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  History history(*chain, rules.id, address);
  Progress shown(context);
  std::optional<mail::WalkPlace> place;
  for (;;) {
    BMSG_TRY_ASSIGN(const auto walked,
                    mail::walk(*chain, place, {}, [&](const MessageId& id, const Message& message) {
                      return history.visit(id, message);
                    }));
    if (!walked.more) return history.take();
    place = walked.place;
    shown.count_blocks("log", place->height.value, tip.height.value);
  }
}

std::string key_event_line(const api::KeyEventView& view) {
  const std::string height = view.height ? std::to_string(view.height->value) : std::string("-");
  std::string what = view.event;
  if (view.event == "device") what = fmt::format("device {}, new", *view.device);
  if (view.event == "card") what = fmt::format("device {}", *view.device);
  if (view.event == "retired") what = fmt::format("device {} retired", *view.device);
  if (view.seq) what += fmt::format(", card {} until {}", *view.seq, to_rfc3339(view.expires));
  if (view.successor) what += fmt::format(" to {}, proposed", *view.successor);
  return fmt::format("{}\t{}\t{}", height, to_rfc3339(view.time), what);
}

}  // namespace bmsg::cli
