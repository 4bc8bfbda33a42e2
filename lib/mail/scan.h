// Scanning: finds what is ours among new blocks, the pool and the outbox. Computes only; the
// caller takes the mail lock and applies.

#pragma once

#include <cstdint>

#include "lib/core/entropy.h"
#include "lib/mail/chain_walk.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/mail_store.h"
#include "lib/mail/outbox.h"

namespace bmsg::mail {

/// How much one scan takes, and how deep is buried (outbox.h, burial_depth).
struct ScanOptions {
  WalkLimits limits;
  std::uint32_t burial_depth = 6;
  unsigned threads = 1;  // That open messages, where there are many. What is found is the same.
  std::size_t own_max = 2000;  // Messages of the outbox; the chain is looked at when none is left.
};

/// What one scan found.
struct ScanResult {
  std::optional<ScanPosition> from;  // Where the index stood.
  MailChange change;                 // Entries in reading order, flags, and the new position.
  bool more = false;                 // The tip was not reached: apply, then scan again.
  std::size_t messages = 0;          // New ones that are ours.
  std::optional<Bytes> rooms_from;   // Which rooms the index had been looked through for.
  unsigned threads = 1;              // That took part.
  std::vector<OutboxEntry> done;     // Own messages that are buried: to be removed from the
                                     // outbox once the change is applied.
};

/// One batch. Incoming messages are flagged "unread"; what the index has already is not put
/// again. Own messages are entered as soon as they are in the outbox. In a light store what is ours
/// and has no body yet is noted (absent.h), and entered when it has one.
/// Errors: as ChainReader and MailReader.
Result<ScanResult> scan(const node::ChainReader& chain, const MailReader& mail,
                        const MailKeys& keys, const Outbox& outbox, Entropy& entropy,
                        const ScanOptions& options = {});

/// The flag of a grant of a room that nobody has judged yet (room.h).
inline constexpr std::string_view kGrantedFlag = "granted";

/// True if there is nothing to apply.
bool changes_nothing(const ScanResult& result);

/// Applies under the mail lock, which the caller holds. false: somebody else has scanned since,
/// and nothing was changed; scan again.
Result<bool> apply_scan(MailStore& mail, Outbox& outbox, const ScanResult& result);

}  // namespace bmsg::mail
