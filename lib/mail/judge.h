// Whose a message is: all our keys tried on it, and what it says if one of them opens it.

#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "lib/mail/mail_keys.h"
#include "lib/mail/open.h"
#include "lib/mail/summary.h"

namespace bmsg::mail {

/// A message, and the rooms' keys that its topic leads to (room_scan.h).
struct Question {
  MessageId id;
  Message message;
  std::vector<const RoomKey*> rooms;
};

/// Neither: not ours, or nothing for a mailbox.
struct Verdict {
  std::optional<Summary> summary;  // Ours, be it that it cannot be read.
  bool is_absent = false;          // Ours by its head; its body is not here.
};

/// Whether there is anything to be tried on a message: false costs no agreement.
bool may_be_ours(const Message& message, const std::vector<const RoomKey*>& rooms,
                 const MailKeys& keys, bool is_light);

/// Tries keys on messages. A judge has copies of the keys, made when they are first needed, so
/// that each thread can have a judge of its own.
/// Threads: one at a time. `keys` must outlive it, and is only read, which many judges may do at
/// once.
class Judge {
 public:
  explicit Judge(const MailKeys& keys) : keys_(keys), live_(keys.live.size()) {}

  Verdict judge(const Question& question);

 private:
  bool opens(const Question& question);
  std::optional<Summary> public_text(const Message& message) const;
  std::optional<Summary> sealed(const Question& question);
  std::optional<Summary> in_room(const Question& question);
  std::optional<Opened> opened_with(const SlotKey& key, const Message& message) const;
  void add_reader(Summary& summary, const IdentityKey& owner) const;
  Summary directed(const Message& message, const Opened& opened,
                   const IdentityKey* opened_by) const;
  const SlotKey& slot_key(std::size_t live);
  const SlotKey& slot_key(const RoomKey* room);

  const MailKeys& keys_;
  std::vector<std::optional<SlotKey>> live_;  // As keys_.live.
  std::unordered_map<const RoomKey*, SlotKey> rooms_;
};

}  // namespace bmsg::mail
