#include "cli/watched_store.h"

#include <sys/stat.h>

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

std::vector<WatchedStore::Mark> WatchedStore::marks() const {
  std::vector<Mark> found;
  const auto look = [&found](const std::filesystem::path& file) {
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0) return;  // One that went is a change too.
    found.push_back({static_cast<std::int64_t>(facts.st_ino), facts.st_size, facts.st_mtim.tv_sec,
                     facts.st_mtim.tv_nsec});
  };
  look(store_.witness());  // Written anew after each block.
  look(store_.policies());
  if (part_ == WatchedPart::blocks) return found;
  // The pool has no such file, but nothing comes into it without making a file there longer.
  const auto names = context_.disk.list(store_.chain());
  if (!names) return found;
  for (const std::string& name : names.value()) look(store_.chain() / name);
  return found;
}

}  // namespace bmsg::cli
