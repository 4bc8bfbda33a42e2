#include "cli/watched_store.h"

#include "cli/session.h"
#include "lib/core/try.h"

namespace bmsg::cli {

Result<std::unique_ptr<WatchedStore>> WatchedStore::open(Context& context, const StoreDir& store,
                                                         WatchKeys keys, WatchedPart part) {
  std::unique_ptr<WatchedStore> watched(new WatchedStore(context, store, part));
  watched->marks_ = watched->marks();
  if (keys == WatchKeys::needed) {
    BMSG_TRY_ASSIGN(watched->room_, Mailroom::open(context, store));
    if (part == WatchedPart::pool) watched->room_->count_approvals_from(mail::CountFrom::pool);
  } else {
    BMSG_TRY(watched->refresh());
  }
  return watched;
}

Result<Done> WatchedStore::refresh() {
  marks_ = marks();  // Before looking: what comes in between is then seen as a change.
  if (room_) return room_->refresh();
  BMSG_TRY_ASSIGN(chain_, open_chain(context_, store_));
  BMSG_TRY_ASSIGN(index_, open_index(context_, store_));
  return done;
}

FileMarks WatchedStore::marks() const {
  FileMarks found;
  found.add(store_.witness());  // Written anew after each block.
  found.add(store_.policies());
  // The pool has no such file, but nothing comes into it without making a file there longer.
  if (part_ == WatchedPart::pool) found.add_all(context_.disk, store_.chain());
  return found;
}

}  // namespace bmsg::cli
