// Handing a room's secret on: grants sealed to the cards of members.

#pragma once

#include <stop_token>
#include <vector>

#include "lib/mail/room.h"
#include "lib/mail/send.h"

namespace bmsg::mail {

/// What came of an owed grant.
struct Granted {
  std::vector<Sent> sent;
  std::vector<IdentityKey> missing;  // Who has no card that could be sealed to.
};

/// An owed grant of a room to these. Shape: as OwedGrant.
Result<OwedGrant> owe(std::uint32_t epoch, std::vector<IdentityKey> to, Entropy& entropy);

/// Queues the grant to all who have a card, an expired one too, and to our other devices, in
/// messages of at most 64 keys. What was queued under the same mark before is not queued again.
/// The context's identity is the keeper.
/// Errors: as send_once().
Result<Granted> send_grant(const Room& room, const OwedGrant& owed, const SendContext& context,
                           std::stop_token stop);

}  // namespace bmsg::mail
