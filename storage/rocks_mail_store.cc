#include "storage/rocks_mail_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lib/core/check.h"
#include "lib/core/try.h"
#include "storage/database.h"
#include "storage/format.h"
#include "storage/mail_schema.h"
#include "storage/schema.h"

namespace bmsg::storage {
namespace {

namespace fs = std::filesystem;
using mail::Flags;
using mail::MailEntry;
using Next = View::Next;

Result<std::uint64_t> read_number(const Records& records, std::string_view name,
                                  std::uint64_t otherwise) {
  BMSG_TRY_ASSIGN(const auto value, records.get(key(MailKind::meta, name)));
  return value ? decode_number(*value) : otherwise;
}

Result<std::optional<MailEntry>> read_entry(const Records& records, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto value, records.get(key(MailKind::entry, id.view())));
  if (!value) return std::optional<MailEntry>();
  BMSG_TRY_ASSIGN(auto entry, decode_entry(id, *value));
  return std::optional(std::move(entry));
}

Result<Flags> read_flags(const Records& records, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto value, records.get(key(MailKind::flags, id.view())));
  return value ? decode_flags(*value) : Flags();
}

/// The id at the end of a key.
Result<MessageId> id_in(ByteView key) {
  if (key.size() < MessageId::kSize) return malformed("mail key");
  return MessageId::from(key.last(MessageId::kSize));
}

/// Under which a flag's count is kept: it is asked for far more often than the list.
std::string count_name(const std::string& flag) { return "count:" + flag; }

Result<std::vector<MessageId>> ids_with_flag(const View& view, const std::string& flag) {
  std::vector<MessageId> ids;
  const auto visit = [&](ByteView at, ByteView) -> Result<Next> {
    BMSG_TRY_ASSIGN(const MessageId id, id_in(at));
    ids.push_back(id);
    return Next::go_on;
  };
  BMSG_TRY(view.scan(flagged_key(flag), visit));
  return ids;
}

/// A MailChange as a batch of records.
class MailWriter {
 public:
  MailWriter(Batch& batch, std::uint64_t next_order, std::uint64_t count)
      : batch_(batch), next_order_(next_order), count_(count) {}

  Result<Done> put(MailEntry entry) {
    BMSG_TRY_ASSIGN(const auto old, read_entry(batch_, entry.id));
    if (old) batch_.erase(order_key(*old));
    if (!old) ++count_;
    if (entry.order == 0) entry.order = old ? old->order : next_order_;
    next_order_ = std::max(next_order_, entry.order + 1);
    batch_.put(key(MailKind::entry, entry.id.view()), encode(entry));
    batch_.put(order_key(entry), {});
    return done;
  }

  Result<Done> set_flags(const MessageId& id, const Flags& flags) {
    BMSG_TRY_ASSIGN(const Flags old, read_flags(batch_, id));
    for (const std::string& flag : old) {
      batch_.erase(flagged_key(flag, id));
      --changes_[flag];
    }
    for (const std::string& flag : flags) {
      batch_.put(flagged_key(flag, id), {});
      ++changes_[flag];
    }
    const Bytes at = key(MailKind::flags, id.view());
    if (flags.empty()) {
      batch_.erase(at);
    } else {
      batch_.put(at, encode(flags));
    }
    return done;
  }

  Result<Done> remove(const MessageId& id) {
    BMSG_TRY_ASSIGN(const auto old, read_entry(batch_, id));
    if (!old) return done;
    batch_.erase(order_key(*old));
    batch_.erase(key(MailKind::entry, id.view()));
    --count_;
    return set_flags(id, {});
  }

  void set_value(const std::string& name, const std::optional<Bytes>& value) {
    const Bytes at = key(MailKind::value, name);
    if (value) {
      batch_.put(at, *value);
    } else {
      batch_.erase(at);
    }
  }

  Result<Done> finish() {
    for (const auto& [flag, change] : changes_) {
      BMSG_TRY_ASSIGN(const std::uint64_t old, read_number(batch_, count_name(flag), 0));
      batch_.put(key(MailKind::meta, count_name(flag)),
                 encode_number(old + static_cast<std::uint64_t>(change)));
    }
    batch_.put(key(MailKind::meta, "next"), encode_number(next_order_));
    batch_.put(key(MailKind::meta, "count"), encode_number(count_));
    return done;
  }

 private:
  Batch& batch_;
  std::uint64_t next_order_;
  std::uint64_t count_;
  std::map<std::string, std::int64_t> changes_;  // Of the counts of flags.
};

Result<std::optional<std::uint32_t>> read_mail_format(const Database& database) {
  auto format =
      read_format(database.view(), key(MailKind::meta, "format"), {kMailFormat, kMailFormat});
  if (format) return format;
  return in_context(fmt::format("cannot use '{}'", database.directory().string()), format.error());
}

/// Refuses a database of another format while nothing was changed yet.
Result<Done> look_at(const fs::path& directory, const OpenOptions& options) {
  const auto database = Database::open(directory, Access::read, options);
  if (!database && database.error().code == Errc::not_found) return done;
  if (!database) return database.error();
  BMSG_TRY(read_mail_format(*database.value()));
  return done;
}

}  // namespace

RocksMailStore::RocksMailStore(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}

RocksMailStore::~RocksMailStore() = default;

Result<std::unique_ptr<RocksMailStore>> RocksMailStore::open(const fs::path& directory,
                                                             const OpenOptions& options) {
  BMSG_TRY(look_at(directory, options));
  BMSG_TRY_ASSIGN(auto database, Database::open(directory, Access::create, options));
  BMSG_TRY_ASSIGN(const auto format, read_mail_format(*database));
  if (!format) {
    Batch batch = database->batch();
    put_format(batch, key(MailKind::meta, "format"), kMailFormat);
    BMSG_TRY(database->commit(std::move(batch)));
  }
  return std::unique_ptr<RocksMailStore>(new RocksMailStore(std::move(database)));
}

Result<std::unique_ptr<RocksMailStore>> RocksMailStore::open_read_only(const fs::path& directory,
                                                                       const OpenOptions& options) {
  auto database = Database::open(directory, Access::read, options);
  if (!database && database.error().code != Errc::not_found) return database.error();
  std::unique_ptr<Database> opened = database ? std::move(database).value() : nullptr;
  if (opened) BMSG_TRY(read_mail_format(*opened));
  return std::unique_ptr<RocksMailStore>(new RocksMailStore(std::move(opened)));
}

Result<std::optional<MailEntry>> RocksMailStore::entry(const MessageId& id) const {
  if (!database_) return std::optional<MailEntry>();
  return read_entry(database_->view(), id);
}

Result<std::vector<MailEntry>> RocksMailStore::newest(std::optional<Place> before,
                                                      std::size_t max) const {
  std::vector<MailEntry> found;
  if (!database_ || max == 0) return found;
  const View view = database_->view();
  const Bytes from = before ? order_key(*before) : Bytes();
  const auto visit = [&](ByteView at, ByteView) -> Result<Next> {
    BMSG_TRY_ASSIGN(const MessageId id, id_in(at));
    BMSG_TRY_ASSIGN(auto entry, read_entry(view, id));
    if (!entry || !std::ranges::equal(at, order_key(*entry))) return malformed("mail order");
    found.push_back(std::move(*entry));
    return found.size() < max ? Next::go_on : Next::stop;
  };
  BMSG_TRY(view.scan(key(MailKind::order), from, View::Direction::down, visit));
  return found;
}

Result<std::uint64_t> RocksMailStore::count() const {
  if (!database_) return std::uint64_t{0};
  return read_number(database_->view(), "count", 0);
}

Result<Flags> RocksMailStore::flags(const MessageId& id) const {
  if (!database_) return Flags();
  return read_flags(database_->view(), id);
}

Result<std::vector<MessageId>> RocksMailStore::with_flag(const std::string& flag) const {
  if (!database_ || flag.empty() || flag.size() > kFlagBytesMax) return std::vector<MessageId>();
  return ids_with_flag(database_->view(), flag);
}

Result<std::uint64_t> RocksMailStore::flag_count(const std::string& flag) const {
  if (!database_ || flag.empty() || flag.size() > kFlagBytesMax) return std::uint64_t{0};
  return read_number(database_->view(), count_name(flag), 0);
}

Result<std::vector<MessageId>> RocksMailStore::ids_with_prefix(ByteView prefix,
                                                               std::size_t max) const {
  std::vector<MessageId> ids;
  if (!database_ || max == 0) return ids;
  const auto visit = [&](ByteView at, ByteView) -> Result<Next> {
    BMSG_TRY_ASSIGN(const MessageId id, id_in(at));
    ids.push_back(id);
    return ids.size() < max ? Next::go_on : Next::stop;
  };
  BMSG_TRY(database_->view().scan(key(MailKind::entry, prefix), visit));
  return ids;
}

Result<std::optional<mail::ScanPosition>> RocksMailStore::position() const {
  if (!database_) return std::optional<mail::ScanPosition>();
  BMSG_TRY_ASSIGN(const auto value, database_->view().get(key(MailKind::meta, "position")));
  if (!value) return std::optional<mail::ScanPosition>();
  BMSG_TRY_ASSIGN(const auto position, decode_position(*value));
  return std::optional(position);
}

Result<std::optional<Bytes>> RocksMailStore::value(const std::string& name) const {
  if (!database_) return std::optional<Bytes>();
  return database_->view().get(key(MailKind::value, name));
}

Result<std::map<std::string, Bytes>> RocksMailStore::values(const std::string& prefix) const {
  std::map<std::string, Bytes> found;
  if (!database_) return found;
  const auto visit = [&](ByteView at, ByteView value) -> Result<Next> {
    found.emplace(to_string(at.subspan(key(MailKind::value).size())), to_bytes(value));
    return Next::go_on;
  };
  BMSG_TRY(database_->view().scan(key(MailKind::value, prefix), visit));
  return found;
}

Result<Done> RocksMailStore::apply(const mail::MailChange& change) {
  check(database_ != nullptr, "a change to an index that was never made");
  Batch batch = database_->batch();
  BMSG_TRY_ASSIGN(const auto next_order, read_number(batch, "next", 1));
  BMSG_TRY_ASSIGN(const auto count, read_number(batch, "count", 0));
  MailWriter writer(batch, next_order, count);
  for (const MailEntry& entry : change.put) BMSG_TRY(writer.put(entry));
  for (const auto& [id, flags] : change.flags) BMSG_TRY(writer.set_flags(id, flags));
  for (const MessageId& id : change.remove) BMSG_TRY(writer.remove(id));
  if (change.position) batch.put(key(MailKind::meta, "position"), encode(*change.position));
  for (const auto& [name, value] : change.values) writer.set_value(name, value);
  BMSG_TRY(writer.finish());
  return database_->commit(std::move(batch));
}

Result<Done> RocksMailStore::verify_checksums() const {
  return database_ ? database_->verify_checksums() : Result<Done>(done);
}

Result<Done> RocksMailStore::compact() {
  check(database_ != nullptr, "compacted an index that was never made");
  return database_->compact();
}

}  // namespace bmsg::storage
