// How a database of ours is opened: what the caller says, and what RocksDB is told.

#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "lib/core/disk.h"

namespace rocksdb {
class Env;
struct Options;
}  // namespace rocksdb

namespace bmsg::storage {

/// What is outside a database: the disk it lies on and the file that witnesses its tip.
struct OpenOptions {
  Disk& disk;  // For the witness and for free space; outlives the database.
  /// The witness of a chain's tip (witness.h). Without one, nothing notices a rolled-back store.
  std::optional<std::filesystem::path> witness = {};
  /// The file with the chain's rules text, which must be what the database was made with. Without
  /// one, nothing notices that parts of two stores were mixed up.
  std::optional<std::filesystem::path> genesis = {};
  /// Each witness is written while the caller goes on, and has to be there before the next change
  /// and when the store is closed.
  bool witness_beside = false;
  /// Where RocksDB's own files lie. Null: the file system of this machine. Not owned.
  rocksdb::Env* env = nullptr;
};

enum class Access { create, write, read };

/// Free space that stays after whatever we write: RocksDB ends the program when the disk is full,
/// so it must never find that out by itself.
inline constexpr std::uint64_t kFreeBytesMin = 4u << 20;

/// So many tables that were written one after the other are merged with what lies below.
inline constexpr int kTablesMerged = 8;
/// What waits for a table at most, once in memory and once in the log. Large, since each table of
/// these is merged with others; whoever writes little at a time moves it on at kLogBytesMax, so
/// that opening beside it has no long log to read.
inline constexpr std::size_t kWriteBufferBytes = 16u << 20;
inline constexpr std::uint64_t kLogBytesMax = 4u << 20;

/// An Env over `base` (null: this machine's) that writes no OPTIONS files, which cost a write
/// command two syncs and nobody reads, and starts no threads for reading.
std::unique_ptr<rocksdb::Env> quiet_env(Access access, rocksdb::Env* base);

/// RocksDB's options, tuned for programs that live for milliseconds.
std::unique_ptr<rocksdb::Options> engine_options(Access access, rocksdb::Env* env);

}  // namespace bmsg::storage
