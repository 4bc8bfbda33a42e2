// From addresses to keys: which devices a message is sealed to, and in how many messages.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/mail/card_directory.h"
#include "lib/mail/seal.h"
#include "lib/mail/summary.h"

namespace bmsg::mail {

/// Whether expired cards will do where there is no other.
enum class Stale { refused, allowed };

/// Keys that one message is sealed to: at most 64, of one inbox.
struct Batch {
  std::vector<Recipient> recipients;
  std::vector<Addressee> to;  // Whose keys these are, without the sender's own devices.
  bool own_devices = false;   // Some of them are those of the sender's other devices.
  InboxPrefix inbox;
};

/// What a set of recipients comes to.
struct Addressing {
  std::vector<Batch> batches;
  std::vector<std::string> missing;    // Addresses without a usable card.
  std::vector<std::string> conflicts;  // Addresses with two cards of one number.
  std::vector<std::string> revoked;    // Addresses that were ended, each with what is proposed.
};

/// Why nothing may be sealed to them: Errc::no_recipient, naming all of the gravest kind. nullopt:
/// it may.
std::optional<Error> refusal(const Addressing& found);

/// Who sends; nullopt where a message is anonymous.
struct SenderDevice {
  IdentityKey address;
  std::uint8_t device = 0;
};

/// All devices of all recipients, and the sender's other devices. Different inboxes make several
/// batches.
Result<Addressing> address(const CardDirectory& cards, const std::vector<Addressee>& to,
                           const std::optional<SenderDevice>& sender, UnixSeconds now, Stale stale);

/// The same for a message without a sender.
Result<Addressing> address_anonymous(const CardDirectory& cards, const std::vector<Addressee>& to,
                                     UnixSeconds now, Stale stale);

/// A topic for this inbox: its bits, the rest random; zero for no bits.
Result<Topic> topic_for(const InboxPrefix& inbox, Entropy& entropy);

}  // namespace bmsg::mail
