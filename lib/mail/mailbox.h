// The mailbox: what is mine, listed and opened.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/mail/mail_keys.h"
#include "lib/mail/mail_store.h"
#include "lib/mail/outbox.h"
#include "lib/mail/phrases.h"
#include "lib/mail/summary.h"
#include "lib/node/store.h"

namespace bmsg::mail {

/// A message of the index: what is remembered of it and where it stands now.
struct MailItem {
  MessageId id = {};
  std::uint64_t order = 0;
  Summary summary = {};
  Flags flags = {};
  std::optional<node::MessagePlace> block = {};  // On the best chain.
  std::uint32_t confirmations = 0;               // 1: in the tip; 0: in no block.
  bool pooled = false;
  bool gap = false;           // The sender's message before this one is not here.
  bool out_of_order = false;  // It stands in a later block than this one.
  bool late = false;          // Its block came kLateSeconds after its own time, or more.

  UnixSeconds time() const { return {summary.time}; }
  std::uint64_t expires() const { return std::uint64_t{summary.time} + summary.ttl; }
  /// The message that began its thread: what it names, else itself.
  ThreadId thread() const;
};

/// Blocks come when somebody makes them: what waits for a day was held back, or dated back.
inline constexpr std::uint64_t kLateSeconds = 86400;

/// The flag of a grant from somebody who is no contact: a person has to accept it (room.h).
inline constexpr std::string_view kInvitationFlag = "invitation";

/// What lists show unless asked for more: text, and what is ours and cannot be read.
bool is_text(const Summary& summary);

/// Which messages to list. Everything that is set must hold.
struct ListFilter {
  std::optional<Direction> direction = {};
  std::optional<std::string> flag = {};          // Only with this one: "unread".
  std::optional<std::string> without_flag = {};  // "archived".
  std::optional<Bytes> sender = {};
  std::optional<UnixSeconds> since = {};  // From here on.
  std::optional<UnixSeconds> until = {};  // Before this.
  std::optional<ThreadId> thread = {};
  std::optional<Phrases> phrases = {};  // Only where all occur in subject or text.
  bool text_only = true;                // Only what is_text(); else every kind.
  /// Any other wish: true keeps the message. May be empty.
  std::function<bool(const MessageId&, const Summary&)> wanted = {};
};

/// A message with all that it says.
struct MailText {
  MailItem item = {};
  std::optional<Message> message = {};  // Absent if its body is nowhere any more.
  Opened opened = {};                   // Fault::body then.
};

/// Lists newest first and decrypts no more than it must.
/// Threads: one at a time. What is passed must outlive it.
/// Errors:  Errc::io, Errc::corrupt.
class Mailbox {
 public:
  Mailbox(const node::ChainReader& chain, const MailReader& mail, const MailKeys& keys,
          const Outbox& outbox)
      : chain_(chain), mail_(mail), keys_(keys), outbox_(outbox) {}

  Result<std::vector<MailItem>> list(const ListFilter& filter, std::size_t max) const;
  /// nullopt if it is none of ours.
  Result<std::optional<MailItem>> item(const MessageId& id) const;
  /// The body comes from the pool, a block or the outbox.
  Result<std::optional<MailText>> read(const MessageId& id) const;
  /// Ids of ours that begin with these bytes, up to `max`.
  Result<std::vector<MessageId>> ids_with_prefix(ByteView prefix, std::size_t max) const {
    return mail_.ids_with_prefix(prefix, max);
  }

 private:
  /// Without its place.
  Result<std::optional<MailItem>> matching(const MailEntry& entry, const ListFilter& filter) const;
  Result<std::vector<MailItem>> list_flagged(const ListFilter& filter, std::size_t max) const;
  Result<bool> says(const MessageId& id, const Summary& summary, const Phrases& phrases) const;
  Result<std::optional<Message>> find_message(const MessageId& id) const;

  const node::ChainReader& chain_;
  const MailReader& mail_;
  const MailKeys& keys_;
  const Outbox& outbox_;
};

}  // namespace bmsg::mail
