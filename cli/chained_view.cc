#include "cli/chained_view.h"

#include <algorithm>

#include "lib/core/try.h"
#include "lib/mail/open.h"
#include "lib/mail/outbox.h"

namespace bmsg::cli {
namespace {

/// What was written for everybody can be shown to everybody.
std::optional<api::ChainedView::Open> open_part(const Message& message, const ChainId& chain) {
  if (message.head.suite != Suite::open || !message.body) return std::nullopt;
  const auto opened = mail::open_public(message, chain);
  if (opened.fault) return std::nullopt;
  const mail::Content& content = opened.content;
  return api::ChainedView::Open{mail::signer_of(opened),
                                std::string(mail::name_of(opened.signature)), content.subject,
                                content.media_type, content.content};
}

api::ChainedView view_of(const ChainedTo& to, const MessageId& id, const Message& message) {
  api::ChainedView view;
  view.id = id;
  view.head = message.head;
  view.open = open_part(message, to.rules.id);
  return view;
}

bool is_expired(const ChainedTo& to, const MessageHead& head) {
  return head.expiry() < to.now.value;
}

}  // namespace

Result<api::ChainedView> chained_view(const ChainedTo& to, const MessageId& id,
                                      const Message& message, const node::MessagePlace& place) {
  api::ChainedView view = view_of(to, id, message);
  view.index = place.index;
  view.height = place.height;
  view.block = place.block;
  if (place.branch == node::Branch::main)
    view.confirmations = to.tip.value - place.height.value + 1;
  const bool is_deep = view.confirmations >= mail::burial_depth(to.rules.rules.mode);
  view.state = place.branch == node::Branch::side ? "pending" : is_deep ? "buried" : "confirmed";
  if (message.body) return view;
  BMSG_TRY_ASSIGN(const auto dropped, to.chain.dropped(id));
  const bool by_age = dropped && dropped->rule == node::DropRule::expired;
  if (dropped) view.dropped = dropped->when;
  if (dropped && !by_age)
    view.state = "forgotten";
  else
    view.state = by_age || is_expired(to, message.head) ? "expired" : "absent";
  return view;
}

api::ChainedView pooled_view(const ChainedTo& to, const node::PooledMessage& pooled) {
  api::ChainedView view = view_of(to, pooled.id, pooled.message);
  view.state = is_expired(to, pooled.message.head) ? "expired" : "pending";
  return view;
}

Result<std::optional<api::ChainedView>> find_chained(const ChainedTo& to, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto pooled, to.chain.pooled(id));
  if (pooled) return std::optional(pooled_view(to, *pooled));
  BMSG_TRY_ASSIGN(auto places, to.chain.places_of(id));
  std::ranges::stable_sort(places, {}, [](const node::MessagePlace& place) {
    return place.branch == node::Branch::main ? 0 : 1;
  });
  if (places.empty()) return std::optional<api::ChainedView>();
  BMSG_TRY_ASSIGN(const auto message, to.chain.message_at(places.front()));
  if (!message) return std::optional<api::ChainedView>();
  BMSG_TRY_ASSIGN(auto view, chained_view(to, id, *message, places.front()));
  return std::optional(std::move(view));
}

}  // namespace bmsg::cli
