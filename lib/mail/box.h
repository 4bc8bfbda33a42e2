// Boxes: the public half of a room, as its keeper hands it out. Whoever has it can post and not
// read. A box is a signed public message that goes as one line, as a card does.

#pragma once

#include <string>
#include <string_view>

#include "lib/mail/keyring.h"
#include "lib/mail/seal.h"

namespace bmsg::mail {

/// A box whose signature is good for the chain it was checked against.
struct Box {
  Bytes room;          // The room's id.
  std::string name;    // Untrusted text; may be empty.
  IdentityKey keeper;  // Who signed it.
  Bytes key;           // 32 bytes X25519.
  Message message;     // As it was signed. The nonce is no stamp.

  UnixSeconds expires() const { return {message.head.expiry()}; }
};

/// The box of a room's newest epoch. Units: seconds.
Result<Sealed> make_box(const chain::ChainRules& chain, const Room& room, std::uint32_t time,
                        const crypto::SecretBytes& keeper_seed);

/// Errors: Errc::bad_input, naming the rule.
Result<Box> read_box(const Message& message, const ChainId& chain);

/// Whether a text is meant to be a box, good or not.
bool looks_like_box(std::string_view text);
/// "bmsg-box " and base64url of the message, one line without its end.
std::string to_text(const Box& box);
/// Surrounding white space is allowed.
Result<Box> box_from_text(std::string_view text, const ChainId& chain);

}  // namespace bmsg::mail
