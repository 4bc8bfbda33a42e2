// RocksMailStore: a participant's private index in one RocksDB directory.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/mail/mail_store.h"
#include "storage/rocks_options.h"

namespace bmsg::storage {

class Database;

/// What is mine, how far it was searched for, flags and small values.
///
/// Shape:   one keyspace; the first byte of a key names the record (mail_schema.h).
/// Threads: reads from any thread; apply() from one thread at a time.
/// Errors:  Errc::io if the disk fails or is (nearly) full; Errc::corrupt if a record does not
///          decode or contradicts another.
class RocksMailStore final : public mail::MailStore {
 public:
  /// Opens the index for writing, and makes an empty one if there is none. The caller holds the
  /// mail lock.
  static Result<std::unique_ptr<RocksMailStore>> open(const std::filesystem::path& directory,
                                                      const OpenOptions& options);

  /// Opens the index as it is now, beside a writer or without one. There is none: an empty index.
  /// Changing it is a bug.
  static Result<std::unique_ptr<RocksMailStore>> open_read_only(
      const std::filesystem::path& directory, const OpenOptions& options);

  ~RocksMailStore() override;

  Result<std::optional<mail::MailEntry>> entry(const MessageId& id) const override;
  Result<std::vector<mail::MailEntry>> newest(std::optional<Place> before,
                                              std::size_t max) const override;
  Result<std::uint64_t> count() const override;
  Result<mail::Flags> flags(const MessageId& id) const override;
  Result<std::vector<MessageId>> with_flag(const std::string& flag) const override;
  /// How many with_flag() would list.
  Result<std::uint64_t> flag_count(const std::string& flag) const;
  Result<std::vector<MessageId>> ids_with_prefix(ByteView prefix, std::size_t max) const override;
  Result<std::optional<mail::ScanPosition>> position() const override;
  Result<std::optional<Bytes>> value(const std::string& name) const override;
  Result<std::map<std::string, Bytes>> values(const std::string& prefix) const override;

  Result<Done> apply(const mail::MailChange& change) override;

  /// Reads every byte of the database and compares it with its checksum.
  Result<Done> verify_checksums() const;
  /// Rewrites the database without what was deleted.
  Result<Done> compact();

 private:
  explicit RocksMailStore(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;  // Null: read-only and never made.
};

}  // namespace bmsg::storage
