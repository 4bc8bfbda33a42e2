#include "lib/mail/send_key.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "lib/chain/block_hash.h"
#include "lib/core/byte_reader.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/held.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kMagic = "bmK1";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMessagesMax = 4096;
constexpr std::size_t kSweptBytesMax = 64;
constexpr std::size_t kRecordBytesMax = kMagic.size() + 1 + 8 + 8 + 1 + Digest::kSize + 4 +
                                        kMessagesMax * (MessageId::kSize + 4) + Digest::kSize;

Error damaged() { return Error{Errc::corrupt, "the record of a send key is damaged"}; }

std::vector<MessageId> ids_of(const KeyRecord& record) {
  std::vector<MessageId> ids;
  for (const KeyRecord::Queued& one : record.messages) ids.push_back(one.id);
  return ids;
}

KeyRecord record_of(const SendKey& key, UnixSeconds now) {
  return {.since = now,
          .until = {now.value + key.seconds},
          .held = false,
          .content = key.content,
          .messages = {}};
}

std::filesystem::path record_path(const Outbox& outbox, const Digest& name) {
  return outbox.directory() / "keys" / to_hex(name.view());
}

Result<Done> check_same(const SendKey& key, const KeyRecord& record) {
  if (!key.content || !record.content || key.content == record.content) return done;
  return Error{Errc::bad_input, "this key was used for another message or other recipients"};
}

/// Which of these lie in no place of the outbox.
Result<std::set<MessageId>> lost_of(const Outbox& outbox, const std::vector<MessageId>& ids) {
  std::set<MessageId> lost(ids.begin(), ids.end());
  // Most often all are new; of these a node may have taken some already.
  for (const auto place : {std::optional(OutboxPlace::fresh), std::optional<OutboxPlace>()}) {
    if (lost.empty()) break;
    BMSG_TRY_ASSIGN(const auto entries, outbox.entries(place));
    for (const OutboxEntry& entry : entries) lost.erase(entry.id);
  }
  return lost;
}

/// The same for letters that wait; one that has been sent meanwhile is not lost.
Result<std::set<MessageId>> lost_held(const Outbox& outbox, const std::vector<MessageId>& ids) {
  std::set<MessageId> lost(ids.begin(), ids.end());
  BMSG_TRY_ASSIGN(const auto held, held_names(outbox));
  for (const HeldName& one : held) lost.erase(one.id);
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto sent, released_as(outbox, id));
    if (!sent.empty()) lost.erase(id);
  }
  return lost;
}

}  // namespace

Bytes encode(const KeyRecord& record) {
  Bytes bytes = to_bytes(kMagic);
  bytes.push_back(kVersion);
  append_be(bytes, record.since.value);
  append_be(bytes, record.until.value);
  bytes.push_back(record.held ? 1 : 0);
  append(bytes, record.content.value_or(Digest()).view());
  append_be(bytes, static_cast<std::uint32_t>(record.messages.size()));
  for (const KeyRecord::Queued& one : record.messages) {
    append(bytes, one.id.view());
    append_be(bytes, one.bytes);
  }
  append(bytes, crypto::sha512(bytes).view());
  return bytes;
}

Result<KeyRecord> decode_key_record(ByteView bytes) {
  ByteReader reader(bytes);
  if (as_text(reader.take(kMagic.size())) != kMagic) return damaged();
  const auto version = reader.integer<std::uint8_t>();
  if (version > kVersion) return Error{Errc::bad_config, "send key of a newer bmsg"};
  KeyRecord record;
  record.since.value = reader.integer<std::uint64_t>();
  record.until.value = reader.integer<std::uint64_t>();
  const auto held = reader.integer<std::uint8_t>();
  record.held = held == 1;
  const auto content = reader.fixed<Digest>();
  if (content != Digest()) record.content = content;
  const auto count = reader.integer<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !reader.ran_short(); ++i) {
    const auto id = reader.fixed<MessageId>();
    record.messages.push_back({id, reader.integer<std::uint32_t>()});
  }
  const ByteView hashed = bytes.first(bytes.size() - reader.size_left());
  const auto hash = reader.fixed<Digest>();
  if (version != kVersion || held > 1 || !reader.finished() || count == 0) return damaged();
  if (crypto::sha512(hashed) != hash) return damaged();
  return record;
}

Digest key_name(std::string_view key) { return crypto::sha512(as_bytes(key)); }

Result<std::optional<KeyRecord>> read_key_record(const Outbox& outbox, const Digest& name) {
  const auto path = record_path(outbox, name);
  BMSG_TRY_ASSIGN(const auto bytes, outbox.disk().read(path, kRecordBytesMax));
  if (!bytes) return std::optional<KeyRecord>();
  auto record = decode_key_record(*bytes);
  if (!record) return in_context(path.string(), record.error());
  return std::optional(std::move(record).value());
}

Result<Done> check_key(const Outbox& outbox, const SendKey& key) {
  BMSG_TRY_ASSIGN(const auto record, read_key_record(outbox, key.name));
  return record ? check_same(key, *record) : Result<Done>(done);
}

std::filesystem::path SendKeys::path_of(const Digest& name) const {
  return record_path(outbox_, name);
}

Result<FileLock> SendKeys::lock(const SendKey& key, std::chrono::milliseconds patience,
                                const Clock& clock) const {
  BMSG_TRY(outbox_.disk().make_directory(outbox_.directory() / "keys"));
  const std::string shard = to_hex(key.name.view()).substr(0, 1);
  return FileLock::take(outbox_.directory() / "keys" / ("lock." + shard), "send", patience, clock);
}

Result<std::optional<KeyRecord>> SendKeys::find(const SendKey& key, UnixSeconds now) {
  BMSG_TRY_ASSIGN(auto record, read_key_record(outbox_, key.name));
  if (!record) return record;
  // Moved on first: who gives up a key must not give up its messages.
  BMSG_TRY(settle(*record));
  if (now.value < record->since.value + key.seconds) {
    BMSG_TRY(check_same(key, *record));
    return record;
  }
  BMSG_TRY(outbox_.disk().remove(path_of(key.name)));
  return std::optional<KeyRecord>();
}

Result<Done> SendKeys::settle(const KeyRecord& record) {
  // The process that made it may have died before its name was durable.
  BMSG_TRY(outbox_.disk().sync_directory(outbox_.directory() / "keys"));
  if (!record.held) return outbox_.finish(ids_of(record));
  return outbox_.finish_held(record.messages.front().id);
}

Result<bool> SendKeys::claim(const SendKey& key, const KeyRecord& record) {
  BMSG_TRY(outbox_.prepare());
  // Named as a message is, so that a leftover is swept as one.
  const std::string name = outbox_name(record.since, MessageId::from(key.name.view()));
  const auto made = outbox_.directory() / "tmp" / fmt::format("{}.{}", name, ::getpid());
  BMSG_TRY(outbox_.disk().remove(made));
  BMSG_TRY(outbox_.disk().create(made, encode(record)));
  const auto linked = outbox_.disk().link(made, path_of(key.name));
  (void)outbox_.disk().remove(made);  // It is decided already; a leftover is swept.
  if (!linked && linked.error().code == Errc::exists) return false;
  if (!linked) return linked.error();
  return true;
}

Result<KeyRecord> SendKeys::queue(const SendKey& key, const std::vector<OutboxFile>& files,
                                  UnixSeconds now) {
  KeyRecord record = record_of(key, now);
  for (const OutboxFile& file : files) {
    record.messages.push_back({chain::id_of(file.message.head),
                               static_cast<std::uint32_t>(file.message.head.encoded_bytes())});
  }
  check(!files.empty() && files.size() <= kMessagesMax, "a send of no or too many messages");
  BMSG_TRY(outbox_.stage(files));
  const auto ours = claim(key, record);
  if (ours && ours.value()) return settle_ours(key, std::move(record));
  BMSG_TRY(outbox_.unstage(files));
  if (!ours) return ours.error();
  return settle_theirs(key);
}

Result<KeyRecord> SendKeys::keep_held(const SendKey& key, const MessageId& held, ByteView file,
                                      UnixSeconds now) {
  KeyRecord record = record_of(key, now);
  record.held = true;
  record.messages.push_back({held, 0});
  const std::string name = outbox_name(now, held);
  BMSG_TRY(outbox_.stage_held(name, file));
  const auto ours = claim(key, record);
  if (ours && ours.value()) return settle_ours(key, std::move(record));
  BMSG_TRY(outbox_.unstage_held(name));
  if (!ours) return ours.error();
  return settle_theirs(key);
}

/// A process that was stopped for long between its files and their key may have lost them to a
/// sweep.
Result<KeyRecord> SendKeys::settle_ours(const SendKey& key, KeyRecord record) {
  BMSG_TRY(settle(record));
  BMSG_TRY_ASSIGN(const auto lost, record.held ? lost_held(outbox_, ids_of(record))
                                               : lost_of(outbox_, ids_of(record)));
  if (lost.empty()) return record;
  BMSG_TRY(outbox_.disk().remove(path_of(key.name)));
  // All or nothing, as far as it goes.
  for (const MessageId& id : ids_of(record)) {
    if (!lost.contains(id)) (void)outbox_.cancel(id);
  }
  return Error{Errc::try_again,
               "what was to be sent was swept away: this process was stopped for too long",
               "send it again"};
}

Result<KeyRecord> SendKeys::settle_theirs(const SendKey& key) {
  BMSG_TRY_ASSIGN(auto theirs, read_key_record(outbox_, key.name));
  if (!theirs) return Error{Errc::try_again, "another process just gave up this key"};
  BMSG_TRY(settle(*theirs));
  BMSG_TRY(check_same(key, *theirs));
  return std::move(*theirs);
}

Result<Done> SendKeys::sweep(UnixSeconds now) {
  // Before the records: whose messages come to lie there later is at work itself.
  BMSG_TRY_ASSIGN(const auto staged, outbox_.staged());
  BMSG_TRY_ASSIGN(const auto names, outbox_.disk().list(outbox_.directory() / "keys"));
  for (const std::string& name : names) {
    const auto digest = fixed_from_hex<Digest>(name);
    if (!digest) continue;  // A lock.
    const auto record = read_key_record(outbox_, *digest);
    const bool is_damaged = !record && (record.error().code == Errc::corrupt ||
                                        record.error().code == Errc::bad_config);
    if (!record && !is_damaged) return record.error();
    // A damaged one is told to whoever uses its key.
    if (is_damaged || !record.value()) continue;
    const auto ids = ids_of(*record.value());
    const bool is_begun =
        std::ranges::any_of(ids, [&](const MessageId& id) { return staged.contains(id); });
    if (is_begun) {
      // A key that a power cut takes would let its message go a second time: it is durable first.
      BMSG_TRY(settle(*record.value()));
    }
    if (now.value >= record.value()->until.value) BMSG_TRY(outbox_.disk().remove(path_of(*digest)));
  }
  return outbox_.sweep(now);
}

Result<Done> SendKeys::sweep_daily(UnixSeconds now) {
  constexpr std::uint64_t kDay = 24 * 3600;
  const auto marker = outbox_.directory() / "tmp" / "swept";
  BMSG_TRY_ASSIGN(const auto kept, outbox_.disk().read(marker, kSweptBytesMax));
  const std::string text = kept ? to_string(*kept) : std::string();
  std::uint64_t last = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), last);
  const bool is_known = read.ec == std::errc() && last <= now.value;  // Clocks go back, too.
  if (is_known && now.value - last < kDay) return done;
  BMSG_TRY(outbox_.prepare());
  BMSG_TRY(sweep(now));
  return outbox_.disk().replace(marker, as_bytes(fmt::format("{}\n", now.value)));
}

}  // namespace bmsg::mail
