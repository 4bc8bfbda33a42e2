#include <rocksdb/db.h>

#include <algorithm>

#include "lib/core/try.h"
#include "storage/database.h"
#include "storage/rocks_status.h"
#include "storage/slices.h"

namespace bmsg::storage {

Cursor::Cursor(const View& view) {
  rocksdb::ReadOptions options;
  options.snapshot = view.snapshot_;
  options.fill_cache = false;
  iterator_.reset(view.db_->NewIterator(options));
}

Cursor::~Cursor() = default;

Result<Done> Cursor::scan(ByteView prefix, const View::Visit& visit) {
  rocksdb::Iterator& at = *iterator_;
  // Behind all of the last prefix, and at the first of this one?
  const bool follows = !last_.empty() && at.Valid() && at.key().starts_with(slice(prefix)) &&
                       std::ranges::lexicographical_compare(last_, prefix);
  last_.clear();
  if (!follows) at.Seek(slice(prefix));
  for (; at.Valid() && at.key().starts_with(slice(prefix)); at.Next()) {
    BMSG_TRY_ASSIGN(const auto next, visit(Shown(at.key()).view(), Shown(at.value()).view()));
    if (next == View::Next::stop) return done;
  }
  if (!at.status().ok()) return error_of(at.status(), "cannot read the database");
  last_ = to_bytes(prefix);
  return done;
}

}  // namespace bmsg::storage
