// Error: why work failed that the outside world can make fail.

#pragma once

#include <string>

namespace bmsg {

/// One value for each thing that a caller does differently. Exit codes are mapped in cli/report.cc.
enum class Errc {
  bad_usage,     // The words of a command are wrong.
  bad_input,     // What was given does not parse or breaks a rule.
  corrupt,       // Stored bytes are not what was written.
  not_found,     // No such file, message, block or store.
  no_recipient,  // Unknown name, or no usable card.
  no_host,       // A name that does not resolve, an unknown peer.
  unreachable,   // Nobody answers; an address is taken.
  exists,        // What is to be made is there already.
  io,            // The disk: failed or full.
  locked,        // Somebody else holds it; try again.
  try_again,     // Time ran out with nothing lost, or a peer asks for patience.
  protocol,      // A peer broke the protocol.
  denied,        // Wrong passphrase, foreign owner, pinned key differs.
  bad_config,    // Configuration, another chain at a peer, a newer format.
  no_resource,   // The system gives no memory, descriptor or randomness.
};

/// Text is for people: the thing, then the cause. Never a secret, never decrypted text.
struct Error {
  Errc code;
  std::string message;
  std::string hint = {};  // The next step, where the code alone does not say it.
};

/// The same error with `context` in front: "cannot read block 7: hash does not match".
inline Error in_context(const std::string& context, Error error) {
  error.message = context + ": " + error.message;
  return error;
}

}  // namespace bmsg
