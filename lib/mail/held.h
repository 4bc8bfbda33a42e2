// Letters that wait for a card: their text lies under the mailbox key until they can be sealed.

#pragma once

#include <optional>
#include <vector>

#include "lib/core/entropy.h"
#include "lib/mail/outbox.h"
#include "lib/mail/send.h"

namespace bmsg::mail {

/// A letter and who sends it.
struct HeldLetter {
  MessageId id;  // Random: a name until the message has one of its own.
  UnixSeconds since;
  IdentityKey sender;
  Letter letter;
};

/// Whether a file of outbox/held is as it was written; what is sealed in it is not looked at.
bool is_whole_held(ByteView bytes);

/// The file of a letter before it lies in outbox/held.
struct SealedHeld {
  MessageId id;  // Random: two letters never share one, whatever they are sent under.
  Bytes file;
};

/// outbox/held: one file for each letter, named as in the rest of the outbox.
///
/// Shape:   "bmL1", version 1 (1), seal_note() of the letter, H of all before 64.
/// Threads: one at a time.
/// Errors:  as Disk; Errc::corrupt for a file that was changed.
class HeldLetters {
 public:
  /// `outbox` and `mailbox_key` must outlive it.
  HeldLetters(Outbox& outbox, const crypto::SecretBytes& mailbox_key)
      : outbox_(outbox), mailbox_key_(mailbox_key) {}

  /// Durable when it returns.
  Result<MessageId> hold(const Letter& letter, const IdentityKey& sender, UnixSeconds since,
                         Entropy& entropy);
  /// What hold() would write: for a letter under a key (SendKeys::keep_held).
  Result<SealedHeld> seal(const Letter& letter, const IdentityKey& sender, Entropy& entropy) const;
  /// Oldest first. Those whose files are damaged, or of another keyring, are left out, and named in
  /// `damaged`.
  Result<std::vector<HeldLetter>> all(std::vector<MessageId>* damaged = nullptr) const;

  struct Released {
    MessageId held;
    std::vector<Sent> sent;
  };
  /// A letter that stays although it does not wait for a card alone.
  struct Stuck {
    MessageId held;
    Error why;
  };
  /// Sends each letter whose cards are there now, once: under a key made of its id, which also
  /// remembers what became of it. The others stay; those that no card will help are named in
  /// `stuck`, if given: damaged ones, and whose recipient is revoked or who break a rule.
  Result<std::vector<Released>> release(const SendContext& context, std::stop_token stop,
                                        std::vector<Stuck>* stuck = nullptr);

 private:
  Result<std::optional<Released>> release(const HeldLetter& held, const SendContext& as_sender,
                                          std::stop_token stop);

  Outbox& outbox_;
  const crypto::SecretBytes& mailbox_key_;
};

/// A letter that waits, judged by its file's name alone.
struct HeldName {
  MessageId id;
  UnixSeconds since;
};

/// Letters that wait for a card, oldest first; needs no key. Errors: as Disk.
Result<std::vector<HeldName>> held_names(const Outbox& outbox);

/// Takes one back; needs no key. What is being sent at the time is waited for.
/// Errors: Errc::not_found, also if it has been sent; Errc::locked.
Result<Done> cancel_held(Outbox& outbox, const MessageId& id, std::chrono::milliseconds patience,
                         const Clock& clock);
/// Takes its file away, without asking what has become of it. Errors: Errc::not_found.
Result<Done> remove_held(const Outbox& outbox, const MessageId& id);

/// Which messages a held letter became; empty if it waits, or was never here or long ago.
/// Errors: as SendKeys.
Result<std::vector<MessageId>> released_as(const Outbox& outbox, const MessageId& held);

}  // namespace bmsg::mail
