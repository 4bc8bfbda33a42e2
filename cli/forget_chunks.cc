#include "cli/forget_chunks.h"

#include <algorithm>

#include "cli/session.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

/// Whether there is any chunk that would not go by itself today.
Result<bool> holds_chunks(const StoreBlobs& blobs, UnixSeconds now) {
  for (const auto shelf : {node::Shelf::own, node::Shelf::kept, node::Shelf::fetched}) {
    BMSG_TRY_ASSIGN(const auto all, blobs.directory().list(shelf));
    if (std::ranges::any_of(all, [&](const auto& blob) { return blob.expiry > now.value; }))
      return true;
  }
  return false;
}

/// Chunks go when their message does, by themselves.
std::vector<MessageId> unexpired(const ForgetPlan& plan) {
  std::vector<MessageId> ids;
  for (const node::Forgettable& one : plan.messages) {
    if (!one.expired) ids.push_back(one.id);
  }
  return ids;
}

/// Whether one of them is ours, or may be, as far as is known without the key.
Result<bool> may_be_ours(Context& context, const StoreDir& store,
                         const std::vector<MessageId>& ids) {
  BMSG_TRY_ASSIGN(const auto index, open_index(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto searched, searched_to(*chain, *index));
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto entry, index->entry(id));
    if (entry) return true;
    BMSG_TRY_ASSIGN(const auto places, chain->places_of(id));
    if (std::ranges::any_of(
            places, [&](const auto& at) { return at.height > searched.value_or(Height{0}); }))
      return true;
  }
  return false;
}

}  // namespace

Result<ChunkPlan> plan_chunks(Context& context, const StoreDir& store, const StoreBlobs& blobs,
                              const ForgetPlan& plan, std::unique_ptr<Mailroom>& room) {
  ChunkPlan found;
  const auto ids = unexpired(plan);
  if (ids.empty()) return found;
  BMSG_TRY_ASSIGN(const bool holds, holds_chunks(blobs, context.clock.now()));
  if (!holds) return found;
  if (!room) {
    BMSG_TRY_ASSIGN(const bool needs_key, may_be_ours(context, store, ids));
    if (!needs_key) return found;
    auto opened = Mailroom::open(context, store);
    if (!opened && opened.error().code == Errc::denied) {
      found.unknown = opened.error();
      return found;
    }
    if (!opened) return opened.error();
    room = std::move(opened).value();
  }
  BMSG_TRY_ASSIGN(found.chunks,
                  mail::going_chunks(room->box(), room->keys(), blobs.directory(), ids));
  return found;
}

}  // namespace bmsg::cli
