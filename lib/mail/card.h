// Cards: who can be written to, and with which key. A card is a signed public message.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/seal.h"

namespace bmsg::mail {

inline constexpr std::uint32_t kCardSeconds = 28 * 86400;  // How long a card holds by default.

/// What an owner puts in a card.
struct CardDraft {
  std::string name = {};  // A claim; may be empty.
  std::uint8_t device = 0;
  std::uint64_t seq = 1;  // Of this device's cards, counting up.
  Prekey prekey = {};
  InboxPrefix inbox = {};
  std::uint32_t time = 0;
  std::uint32_t ttl = kCardSeconds;
};

/// A card whose signature is good for the chain it was checked against.
struct Card {
  IdentityKey identity;
  std::uint8_t device = 0;
  std::uint64_t seq = 0;
  std::string name;  // Untrusted text.
  Prekey prekey;
  InboxPrefix inbox;
  Message message;  // As it was signed. The nonce may be no stamp.

  UnixSeconds expires() const { return {message.head.expiry()}; }
  /// Whether it may be sealed to: it has not expired.
  bool usable_at(UnixSeconds now) const { return now < expires(); }
};

/// A card without its stamp.
Result<Sealed> make_card(const chain::ChainRules& chain, const CardDraft& draft,
                         const crypto::SecretBytes& identity_seed);

/// Whether a message is a public card, judged by its outside and its kind only.
bool looks_like_card(const Message& message);

/// Reads and checks a public card.
/// Errors: Errc::bad_input, naming the rule: another chain, a bad signature, a missing record.
Result<Card> read_card(const Message& message, const ChainId& chain);

/// Whether a file of cards/ is a card of this chain.
bool is_whole_card(ByteView bytes, const ChainId& chain);

/// Checks what a sealed message of kind card says; `message` is what it came in.
Result<Card> read_card(const Content& content, const Message& message);

/// "bmsg-card " and base64url of the message, one line without its end.
std::string to_text(const Card& card);
/// Surrounding white space is allowed.
Result<Card> card_from_text(std::string_view text, const ChainId& chain);

/// Which of two cards of one device counts.
enum class CardOrder { same, older, newer, conflict };
/// What `candidate` is to `known`. conflict: the same number with another key, which only a thief
/// or a broken restore makes.
CardOrder compare(const Card& candidate, const Card& known);

/// The newest card of each device, and whether two of one number differ.
struct NewestCards {
  std::vector<Card> cards;  // One for each device, by device number.
  bool conflict = false;
  // What CardDirectory knows beside cards; their cards are left out.
  bool revoked = false;                 // The whole identity.
  std::vector<std::uint8_t> retired;    // Devices: their numbers stay dead.
  std::vector<IdentityKey> successors;  // Proposed, never adopted.
};
NewestCards newest(std::vector<Card> cards);

}  // namespace bmsg::mail
