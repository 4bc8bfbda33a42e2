// Epochs: forward secrecy without a dialogue. Each device makes a fresh prekey every epoch and
// deletes the ones before it, so that who takes its keys reads the last weeks and no more.
//
// A prekey may go when nobody can still seal to it: the card after it lies deep in the chain
// (position there is irrelevant for senders, depth only says that all have seen it), a time of
// grace is over by our clock, and blocks that are later than that have been scanned, so that what
// was sealed to it in time has been opened. What was opened is under the mailbox key by then.

#pragma once

#include <optional>

#include "lib/chain/rules_text.h"
#include "lib/mail/keyring.h"
#include "lib/mail/mail_store.h"
#include "lib/node/store.h"

namespace bmsg::mail {

inline constexpr std::uint64_t kEpochSecondsMin = 3600;
inline constexpr std::uint64_t kEpochSecondsMax = 14 * 86400;  // Half of a card's life.
inline constexpr std::uint64_t kGraceSecondsMin = 3600;
inline constexpr std::uint64_t kGraceSecondsMax = 90 * 86400;

/// How long a card of this chain holds.
std::uint32_t card_seconds(const chain::ChainRules& chain);

/// The newest prekey of this chain; nullptr without one.
const CardKey* newest_key(const Identity& identity, const ChainId& chain);
CardKey* newest_key(Identity& identity, const ChainId& chain);

/// By so much the clock may have been ahead of today's when a card was made. One that is dated
/// further ahead is of no use to anybody for longer than that.
inline constexpr std::uint64_t kCardAheadSecondsMax = 3600;

/// Whether its card was dated further ahead than that: by a clock that has been set back since.
bool is_of_the_future(const CardKey& key, const chain::ChainRules& chain, UnixSeconds now);

/// Whether the newest prekey of this chain is as old as the epoch, or as half of its card's life,
/// or is of the future. False without one: no card was ever meant for this chain.
bool is_next_due(const Identity& identity, const chain::ChainRules& chain, UnixSeconds now);

/// Where a message lies on the best chain, if `depth` blocks are there from its own to the tip.
Result<std::optional<node::StoredHeader>> find_burial(const node::ChainReader& chain,
                                                      const MessageId& id, std::uint32_t depth);

/// Notes in the newest prekey where its card is buried, and takes back notes of blocks that are
/// not, any more. `card` is the message of the newest prekey's card; nullopt if it is not known.
/// True if something has changed.
Result<bool> note_burials(Identity& identity, const ChainId& chain_id,
                          const std::optional<MessageId>& card, const node::ChainReader& chain,
                          std::uint32_t depth);

/// How far mail has been searched, durably.
struct ScannedUpTo {
  const ScanPosition* position = nullptr;  // None: not at all.
  Digest keys;                             // Of today's addresses (mail_keys.h).
};

/// Deletes the prekeys of this chain that nothing needs any more; how many. Notes that are wrong
/// by now must have been taken back.
Result<std::size_t> delete_old_keys(Identity& identity, const ChainId& chain_id,
                                    const node::ChainReader& chain, const ScannedUpTo& scanned,
                                    UnixSeconds now);

}  // namespace bmsg::mail
