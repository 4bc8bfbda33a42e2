// Database: one RocksDB directory as keys and values. Nothing above this file sees RocksDB.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/result.h"
#include "storage/rocks_options.h"

namespace rocksdb {
class DB;
class Iterator;
class Snapshot;
class WriteBatch;
}  // namespace rocksdb

namespace bmsg::storage {

/// Something that answers for a key: a database as it was, or as it will be after a batch.
class Records {
 public:
  virtual ~Records() = default;
  virtual Result<std::optional<Bytes>> get(ByteView key) const = 0;
};

/// The database at one moment, whatever is written meanwhile.
/// Threads: one; cheap enough to make one for each question.
class View final : public Records {
 public:
  enum class Next { go_on, stop };
  enum class Direction { up, down };
  using Visit = std::function<Result<Next>(ByteView key, ByteView value)>;

  explicit View(rocksdb::DB* db, const rocksdb::Snapshot* snapshot);
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  ~View() override;

  Result<std::optional<Bytes>> get(ByteView key) const override;
  /// Whether there is something under one of the keys.
  Result<bool> holds_any(const std::vector<Bytes>& keys) const;

  /// Visits in order of keys those that begin with `prefix`: upwards from `from`, or downwards from
  /// the last one before it. An empty `from` means the first one or the last.
  Result<Done> scan(ByteView prefix, ByteView from, Direction direction, const Visit& visit) const;
  Result<Done> scan(ByteView prefix, const Visit& visit) const {
    return scan(prefix, {}, Direction::up, visit);
  }

 private:
  friend class Cursor;
  rocksdb::DB* db_;
  const rocksdb::Snapshot* snapshot_;  // Null where nothing is ever written.
};

/// Walks through much of a view, prefix after prefix: where the next begins where the last ended,
/// nothing is sought. What it reads pushes nothing out of the cache.
/// Threads: one. The view must live as long.
class Cursor {
 public:
  explicit Cursor(const View& view);
  ~Cursor();

  /// As View::scan(prefix, visit).
  Result<Done> scan(ByteView prefix, const View::Visit& visit);

 private:
  std::unique_ptr<rocksdb::Iterator> iterator_;
  Bytes last_;  // What was scanned last, to its end; empty if nothing was.
};

/// Changes that are written together. A get() sees them already.
class Batch final : public Records {
 public:
  /// `changes`: room for them, empty.
  Batch(rocksdb::DB* db, std::unique_ptr<rocksdb::WriteBatch> changes);
  Batch(Batch&&) noexcept;
  ~Batch() override;

  void put(ByteView key, ByteView value);
  /// The same of a key that the batch is not asked for: no get() sees this. Cheaper.
  void put_unread(ByteView key, ByteView value);
  void erase(ByteView key);
  Result<std::optional<Bytes>> get(ByteView key) const override;
  /// The same where the database is known to have nothing under the key.
  std::optional<Bytes> get_new(ByteView key) const;
  /// What the log will hold of it.
  std::size_t bytes() const;

 private:
  friend class Database;
  /// A key that was written, and where its newest value lies among the changes.
  struct Written {
    std::size_t key_at = 0;
    std::size_t key_bytes = 0;
    std::optional<std::size_t> value_at;  // Nullopt: it was erased.
    std::size_t value_bytes = 0;
  };
  ByteView bytes_at(std::size_t at, std::size_t size) const;
  std::size_t slot_of(ByteView key) const;
  const Written* find(ByteView key) const;
  void note(Written written);

  rocksdb::DB* db_;
  std::unique_ptr<rocksdb::WriteBatch> changes_;
  std::vector<Written> written_;
  std::vector<std::uint32_t> slots_;  // By the hash of the key: one more than an index; 0: free.
};

/// An open database.
/// Threads: any for reading; one at a time for writing.
/// Errors:  Errc::io, Errc::corrupt; Errc::locked if another program has it open for writing.
class Database {
 public:
  /// Access::write and read: Errc::not_found if there is no database. Access::read makes no file
  /// and changes none, and tries again if a writer moves files under it.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& directory,
                                                Access access, const OpenOptions& options);
  ~Database();

  View view() const;
  /// Made for about so many bytes.
  Batch batch(std::size_t bytes = 0);
  /// Writes and syncs: after a crash the batch is there whole or not at all.
  Result<Done> commit(Batch batch);

  Result<Done> verify_checksums() const;
  Result<Done> compact();
  /// Only what holds keys that begin with `prefix`. Beside a commit, too. Where the disk has no
  /// room for what is written before the old files go, it is refused and nothing has begun.
  Result<Done> compact(ByteView prefix);
  Result<Done> flush();
  /// Waits until tables that are due to be merged are: a command that ends before breaks it off,
  /// and each that follows would begin again. What fails loses nothing.
  void settle();

  Access access() const { return access_; }
  const std::filesystem::path& directory() const { return directory_; }

 private:
  Database(std::filesystem::path directory, Access access, const OpenOptions& options);
  Result<Done> open_engine();
  Result<Done> open_for_reading();
  Result<Done> make_room(std::uint64_t bytes) const;
  std::uint64_t unwritten_bytes() const;
  void move_log_on(std::uint64_t written);
  void merge_small_tables();
  std::uint64_t compaction_bytes(ByteView from, ByteView to) const;

  std::filesystem::path directory_;
  Access access_;
  Disk& disk_;
  std::unique_ptr<rocksdb::Env> env_;  // Must outlive db_.
  std::unique_ptr<rocksdb::DB> db_;
  std::uint64_t logged_ = 0;  // Bytes in the log that no flush has moved to a table.
  std::unique_ptr<rocksdb::WriteBatch> spare_;  // Of the last commit: its memory is used again.
};

}  // namespace bmsg::storage
