// Numbers of own messages: the last one of each conversation, so that readers see a gap.

#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/core/file_lock.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/records.h"

namespace bmsg::mail {

/// Which conversation a message belongs to, for one sender device.
struct ConversationKey {
  IdentityKey sender = {};
  std::uint8_t device = 0;
  std::vector<IdentityKey> to = {};  // In any order; for a room its keeper and `scope`.
  Bytes scope = {};                  // A public topic or a room's id; empty for mail to persons.
};

/// The last number of one conversation, held under a lock of its own while a message is sealed.
/// A number is taken for good by used(); a process killed later leaves it unused.
///
/// Shape:   outbox/seq/NAME, with NAME an HMAC under the mailbox key, so that the directory does
///          not tell who writes to whom; "bmQ1", seq 8, prev 16, first 8 bytes of H of that. The
///          same again at 4,096 and 8,192: each is written over in turn, and of those that are
///          whole the one with the highest number counts, so that a crash leaves the others.
/// Threads: one at a time.
class Conversation {
 public:
  /// Errors: Errc::locked if another send holds it for longer than `patience`; Errc::io.
  static Result<Conversation> take(Disk& disk, const std::filesystem::path& seq_directory,
                                   const ConversationKey& key,
                                   const crypto::SecretBytes& mailbox_key,
                                   std::chrono::milliseconds patience, const Clock& clock);

  std::uint64_t next_seq() const { return last_seq_ + 1; }
  const std::optional<IdPrefix>& prev() const { return prev_; }
  /// Writes down, durably, that next_seq() belongs to `id`.
  Result<Done> used(const MessageId& id);

  /// The same in two steps: of several numbers that were noted only the last is written down.
  void note(const MessageId& id);
  Result<Done> keep();

 private:
  Conversation(Disk& disk, std::filesystem::path file, FileLock lock);
  Result<Done> load();
  Result<Done> write(std::uint64_t seq, const IdPrefix& prev);

  Disk& disk_;
  std::filesystem::path file_;
  FileLock lock_;
  std::uint64_t last_seq_ = 0;
  std::optional<std::uint64_t> slot_;  // Which of them that is; none: there is no file.
  bool has_more_slots_ = false;
  std::optional<IdPrefix> prev_;
  bool is_noted_ = false;
};

/// Whether a file of outbox/seq is one that take() reads: one of its slots is whole. The
/// others may be what a crash left.
bool is_whole_conversation(ByteView bytes);

/// Conversations that stay taken over several messages, so that what is noted in them is written
/// down once.
/// Threads: one at a time.
class OpenConversations {
 public:
  /// One that is open already, or that is taken now; valid until keep(). While others are open it
  /// does not wait: who holds this one may wait for one of ours.
  /// Errors: as Conversation::take().
  Result<Conversation*> take(Disk& disk, const std::filesystem::path& seq_directory,
                             const ConversationKey& key, const crypto::SecretBytes& mailbox_key,
                             std::chrono::milliseconds patience, const Clock& clock);
  /// Writes down, durably, what was noted, and lets go of all, also after an error: numbers that
  /// were taken then are unused.
  Result<Done> keep();
  bool empty() const { return open_.empty(); }

 private:
  std::map<std::filesystem::path, Conversation> open_;
};

}  // namespace bmsg::mail
