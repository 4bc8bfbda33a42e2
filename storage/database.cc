#include "storage/database.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/try.h"
#include "storage/rocks_status.h"
#include "storage/slices.h"

namespace bmsg::storage {
namespace {

constexpr std::size_t kSpareBytesMax = 2u << 20;

/// The first key after all that begin with `prefix`; empty if there is none.
Bytes end_of(ByteView prefix) {
  Bytes end = to_bytes(prefix);
  while (!end.empty() && end.back() == 0xff) end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

void seek(rocksdb::Iterator& iterator, ByteView prefix, ByteView from, View::Direction direction) {
  if (direction == View::Direction::up) return iterator.Seek(slice(from.empty() ? prefix : from));
  const Bytes end = from.empty() ? end_of(prefix) : to_bytes(from);
  if (end.empty()) return iterator.SeekToLast();
  iterator.SeekForPrev(slice(end));
  if (iterator.Valid() && iterator.key() == slice(end)) iterator.Prev();
}

}  // namespace

View::View(rocksdb::DB* db, const rocksdb::Snapshot* snapshot) : db_(db), snapshot_(snapshot) {}

View::~View() {
  if (snapshot_ != nullptr) db_->ReleaseSnapshot(snapshot_);
}

Result<std::optional<Bytes>> View::get(ByteView key) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  rocksdb::PinnableSlice value;
  const auto status = db_->Get(options, db_->DefaultColumnFamily(), slice(key), &value);
  return answer_of(status, value);
}

Result<bool> View::holds_any(const std::vector<Bytes>& keys) const {
  constexpr std::size_t kAtOnce = 128;
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  std::vector<rocksdb::Slice> sorted;
  for (const Bytes& key : keys) sorted.push_back(slice(key));
  // Neighbours are looked for in the same parts of the same tables.
  std::ranges::sort(sorted, [](const auto& a, const auto& b) { return a.compare(b) < 0; });
  std::vector<rocksdb::PinnableSlice> values(std::min(sorted.size(), kAtOnce));
  std::vector<rocksdb::Status> statuses(values.size());
  for (std::size_t at = 0; at < sorted.size(); at += kAtOnce) {
    const std::size_t count = std::min(sorted.size() - at, kAtOnce);
    db_->MultiGet(options, db_->DefaultColumnFamily(), count, &sorted[at], values.data(),
                  statuses.data(), true);
    for (std::size_t i = 0; i < count; ++i) {
      if (statuses[i].ok()) return true;
      if (!statuses[i].IsNotFound()) return error_of(statuses[i], "cannot read the database");
    }
  }
  return false;
}

Result<Done> View::scan(ByteView prefix, ByteView from, Direction direction,
                        const Visit& visit) const {
  const Bytes end = end_of(prefix);
  const rocksdb::Slice first = slice(prefix);
  const rocksdb::Slice last = slice(end);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  // Where nothing is left, the iterator would go on to whatever follows, past all that was erased
  // there; of the pool that is each message that a block ever took.
  options.iterate_lower_bound = &first;
  if (!end.empty()) options.iterate_upper_bound = &last;
  const std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(options));
  seek(*iterator, prefix, from, direction);
  while (iterator->Valid() && iterator->key().starts_with(slice(prefix))) {
    auto next = visit(Shown(iterator->key()).view(), Shown(iterator->value()).view());
    if (!next) return next.error();
    if (next.value() == Next::stop) return done;
    direction == Direction::up ? iterator->Next() : iterator->Prev();
  }
  if (!iterator->status().ok()) return error_of(iterator->status(), "cannot read the database");
  return done;
}

View Database::view() const {
  // Nothing is written to a database that is open for reading, and RocksDB has no snapshots there.
  return View(db_.get(), access_ == Access::read ? nullptr : db_->GetSnapshot());
}

Batch Database::batch(std::size_t bytes) {
  check(access_ != Access::read, "a change to a database that is open for reading");
  auto changes = std::exchange(spare_, nullptr);
  if (!changes) changes = std::make_unique<rocksdb::WriteBatch>(bytes);
  changes->Clear();
  return Batch(db_.get(), std::move(changes));
}

Result<Done> Database::commit(Batch batch) {
  // Once for the log, once for the file that the log becomes, together with what is in it already.
  const std::uint64_t before = unwritten_bytes();
  BMSG_TRY(make_room(2 * batch.bytes() + before - std::min(before, kFreeBytesMin)));
  rocksdb::WriteOptions durable;
  durable.sync = true;  // A block that a power cut takes back would fork us from our peers.
  const auto status = db_->Write(durable, batch.changes_.get());
  if (!status.ok()) {
    return error_of(status, fmt::format("cannot write to '{}'", directory_.string()));
  }
  logged_ += batch.bytes();
  move_log_on(batch.bytes());
  if (batch.bytes() <= kSpareBytesMax) spare_ = std::move(batch.changes_);
  return done;
}

std::uint64_t Database::unwritten_bytes() const {
  std::uint64_t bytes = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &bytes);
  return bytes;
}

/// Begins to, and does not wait. What fails loses nothing, and is told by the next commit.
void Database::move_log_on(std::uint64_t written) {
  constexpr std::uint64_t kManyBytes = 256u << 10;  // More is to come.
  if (written >= kManyBytes || logged_ <= kLogBytesMax) return;
  rocksdb::FlushOptions options;
  options.wait = false;
  if (db_->Flush(options).ok()) logged_ = 0;
}

Result<Done> Database::make_room(std::uint64_t bytes) const {
  BMSG_TRY_ASSIGN(const std::uint64_t free, disk_.free_bytes(directory_));
  if (free > kFreeBytesMin && free - kFreeBytesMin >= bytes) return done;
  return Error{Errc::io, fmt::format("disk full: '{}' needs {} bytes, has {}", directory_.string(),
                                     bytes + kFreeBytesMin, free)};
}

void Database::settle() {
  constexpr std::chrono::milliseconds kNap{1};
  constexpr int kNapsMax = 60'000;  // A disk that takes a minute is left alone.
  const auto property = [this](const std::string& name) {
    std::uint64_t value = 0;
    db_->GetIntProperty(name, &value);
    return value;
  };
  const auto is_due = [&] {
    std::string tables;
    return db_->GetProperty(rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &tables) &&
           std::strtoul(tables.c_str(), nullptr, 10) >= kTablesMerged;
  };
  const auto has_failed = [&] { return property(rocksdb::DB::Properties::kBackgroundErrors) > 0; };
  for (int naps = 0; naps < kNapsMax && is_due() && !has_failed(); ++naps)
    std::this_thread::sleep_for(kNap);
  merge_small_tables();
}

/// What many commands write that each write little becomes small tables, all of which every
/// command that follows has to open. What fails loses nothing.
void Database::merge_small_tables() {
  constexpr std::size_t kSmallOnes = 4;
  constexpr std::uint64_t kSmallBytes = 1u << 20;  // All of them.
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::vector<std::string> names;
  std::uint64_t bytes = 0;
  for (const auto& file : files) {
    if (file.level > 0) continue;
    names.push_back(file.name);
    bytes += file.size;
  }
  if (names.size() < kSmallOnes || bytes > kSmallBytes || !make_room(bytes)) return;
  rocksdb::CompactionOptions options;
  options.compression = rocksdb::kNoCompression;
  (void)db_->CompactFiles(options, names, 0);
}

Result<Done> Database::verify_checksums() const {
  const auto status = db_->VerifyChecksum(rocksdb::ReadOptions());
  if (!status.ok()) return error_of(status, fmt::format("'{}'", directory_.string()));
  return done;
}

Result<Done> Database::compact() {
  check(access_ != Access::read, "compacted a database that is open for reading");
  std::uint64_t size = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &size);
  BMSG_TRY(make_room(size));
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  const auto status = db_->CompactRange(options, nullptr, nullptr);
  if (!status.ok())
    return error_of(status, fmt::format("cannot compact '{}'", directory_.string()));
  return done;
}

/// What a compaction of keys from `from` up to `to`, or to the end, takes at most beside the files
/// that it replaces. Those of level 0 are rewritten at once; deeper ones some at a time, each time
/// as many as one step may take and one file more.
std::uint64_t Database::compaction_bytes(ByteView from, ByteView to) const {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::uint64_t all = 0;
  std::uint64_t new_ones = 0;
  std::uint64_t largest = 0;
  for (const auto& file : files) {
    const bool before = slice(from).compare(file.largestkey) > 0;
    const bool after = !to.empty() && slice(to).compare(file.smallestkey) <= 0;
    if (before || after) continue;
    all += file.size;
    largest = std::max<std::uint64_t>(largest, file.size);
    if (file.level == 0) new_ones += file.size;
  }
  return std::min(all, new_ones + db_->GetOptions().max_compaction_bytes + largest);
}

Result<Done> Database::compact(ByteView prefix) {
  check(access_ != Access::read, "compacted a database that is open for reading");
  const Bytes end = end_of(prefix);
  // What lies in the log and not yet in a file becomes one first.
  const std::uint64_t unwritten = unwritten_bytes();
  BMSG_TRY(make_room(std::min(unwritten, 2 * logged_) + compaction_bytes(prefix, end)));
  const rocksdb::Slice from = slice(prefix);
  const rocksdb::Slice to = slice(end);
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.exclusive_manual_compaction = false;
  const auto status = db_->CompactRange(options, &from, end.empty() ? nullptr : &to);
  if (status.ok()) return done;
  return error_of(status, fmt::format("cannot compact '{}'", directory_.string()));
}

Result<Done> Database::flush() {
  check(access_ != Access::read, "flushed a database that is open for reading");
  BMSG_TRY(make_room(std::max<std::uint64_t>(2 * kFreeBytesMin, unwritten_bytes())));
  const auto status = db_->Flush(rocksdb::FlushOptions());
  if (!status.ok()) return error_of(status, fmt::format("cannot flush '{}'", directory_.string()));
  logged_ = 0;
  return done;
}

}  // namespace bmsg::storage
