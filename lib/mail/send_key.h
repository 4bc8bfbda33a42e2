// Keys of sends: a caller's word for one send, so that a repeat finds what the first one queued.

#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "lib/core/clock.h"
#include "lib/core/file_lock.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/outbox.h"

namespace bmsg::mail {

/// One key as a send uses it.
struct SendKey {
  Digest name;                            // Of its file.
  std::optional<Digest> content = {};     // What is sent, under the mailbox key; nullopt: not kept.
  std::uint64_t seconds = 90ull * 86400;  // For how long a repeat finds it.
};

/// What a key stands for.
///
/// Shape:  "bmK1", version 1 (1), since 8, until 8, held 1, content 64 (zeros: not kept), count 4,
///         then for each message id 64, bytes 4; H of all before 64.
/// Source: bmsg-store(5), "Locks".
struct KeyRecord {
  struct Queued {
    MessageId id;
    std::uint32_t bytes = 0;
    bool operator==(const Queued&) const = default;
  };
  UnixSeconds since;
  UnixSeconds until;              // May be forgotten then.
  bool held = false;              // The id is that of a letter which waits for a card.
  std::optional<Digest> content;  // As in SendKey.
  std::vector<Queued> messages;
  bool operator==(const KeyRecord&) const = default;
};

Bytes encode(const KeyRecord& record);
/// Errors: Errc::corrupt; Errc::bad_config for a newer version.
Result<KeyRecord> decode_key_record(ByteView bytes);

/// What stands under a name now; nullopt: nothing. Changes nothing. Errors: as SendKeys.
Result<std::optional<KeyRecord>> read_key_record(const Outbox& outbox, const Digest& name);

/// Whether a send may go on under this key; changes nothing.
/// Errors: as read_key_record(); Errc::bad_input if the key stands for something else.
Result<Done> check_key(const Outbox& outbox, const SendKey& key);

/// The name of a caller's key.
Digest key_name(std::string_view key);

/// outbox/keys: a record for each key. That its name appears is what decides that a send has
/// happened: the messages lie in tmp before it, and whoever finds it moves them on.
///
/// Threads: one at a time; other processes may work beside.
/// Errors:  as Disk; Errc::corrupt for a record that was changed.
class SendKeys {
 public:
  /// `outbox` must outlive it.
  explicit SendKeys(Outbox& outbox) : outbox_(outbox) {}

  /// Held while a message is sealed, so that a lost race leaves no hole in a conversation.
  /// Errors: Errc::locked.
  Result<FileLock> lock(const SendKey& key, std::chrono::milliseconds patience,
                        const Clock& clock) const;

  /// What an earlier send queued, made durable and moved to where nodes look; nullopt: none that is
  /// still remembered.
  /// Errors: Errc::bad_input if the key stands for something else.
  Result<std::optional<KeyRecord>> find(const SendKey& key, UnixSeconds now);

  /// Queues the files under a key that find() did not know. Somebody else was faster: theirs, and
  /// nothing of ours is queued.
  Result<KeyRecord> queue(const SendKey& key, const std::vector<OutboxFile>& files,
                          UnixSeconds now);
  /// The same for a letter that waits for a card: `file` is its file in outbox/held (held.h).
  Result<KeyRecord> keep_held(const SendKey& key, const MessageId& held, ByteView file,
                              UnixSeconds now);

  /// Forgets keys whose time is over and finishes sends whose process died.
  Result<Done> sweep(UnixSeconds now);
  /// The same if nobody has for a day: for commands that cron runs all the time.
  Result<Done> sweep_daily(UnixSeconds now);

 private:
  std::filesystem::path path_of(const Digest& name) const;
  Result<bool> claim(const SendKey& key, const KeyRecord& record);
  Result<Done> settle(const KeyRecord& record);
  Result<KeyRecord> settle_ours(const SendKey& key, KeyRecord record);
  Result<KeyRecord> settle_theirs(const SendKey& key);

  Outbox& outbox_;
};

}  // namespace bmsg::mail
