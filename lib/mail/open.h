// From message to plaintext: whose it is, whether it is whole, who signed it.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/core/message.h"
#include "lib/crypto/agree.h"
#include "lib/crypto/hpke.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/records.h"

namespace bmsg::mail {

/// The layer at which a message that is ours (or public) is refused. In the order of checking.
enum class Fault : std::uint8_t {
  suite,       // Not one that this function opens.
  body,        // Absent, or not the one that the head names.
  commitment,  // The content key is not the one the body was made with.
  tag,         // The body was changed.
  padding,
  records,
  newer,  // Needs a newer bmsg.
};
std::string_view name_of(Fault fault);

/// good: signed by the key in `sender`. absent: anonymous. bad: made by somebody else, or by a key
/// under which anybody can sign.
enum class SignatureState : std::uint8_t { absent, good, bad };
std::string_view name_of(SignatureState state);

/// A message that we could read, or that is for us and cannot be read.
struct Opened {
  std::optional<Fault> fault;  // If set, nothing of the content is given.
  std::string detail;          // For logs: which rule; never text of the message.
  Content content;
  SignatureState signature = SignatureState::absent;
  crypto::SecretBytes content_key;  // Empty for a public message.
};

/// Whose identity signed it; nobody where the signature is bad, whoever the content names.
std::optional<IdentityKey> signer_of(const Opened& opened);

/// A prekey as `owner` offers it on one chain, for trying it on many messages: what no message
/// changes is computed once.
/// Threads: one at a time.
class SlotKey {
 public:
  SlotKey(crypto::Agreement prekey, const ChainId& chain, const IdentityKey& owner);

  /// The content key, if one of the message's slots was made for this prekey; nullopt if it is not
  /// ours. Needs no body.
  /// Source: bmsg-format(5), "Sealed body".
  std::optional<crypto::SecretBytes> find_content_key(const MessageHead& head) const;

 private:
  crypto::Agreement prekey_;
  crypto::KeySchedule schedule_;
};

/// The same for one message.
std::optional<crypto::SecretBytes> find_content_key(const MessageHead& head, const ChainId& chain,
                                                    const crypto::Agreement& prekey,
                                                    const IdentityKey& owner);

/// For the gateway's keys, which no identity owns.
std::optional<crypto::SecretBytes> find_content_key(const MessageHead& head, const ChainId& chain,
                                                    const crypto::SecretBytes& secp256k1_key);

/// The plaintext under a content key: commitment, tag, padding, records, signature.
Opened open_with_content_key(const Message& message, const ChainId& chain,
                             const crypto::SecretBytes& content_key);

/// Only the text, and no word on who wrote it, which spares the signature: for searching.
/// `content_key` is not looked at for a public message. nullopt if it cannot be read.
std::optional<Bytes> text_alone(const Message& message, const ChainId& chain,
                                const crypto::SecretBytes& content_key);

/// Both steps; nullopt if it is not ours.
std::optional<Opened> open(const Message& message, const ChainId& chain,
                           const crypto::Agreement& prekey, const IdentityKey& owner);

/// A public message (suite 0).
Opened open_public(const Message& message, const ChainId& chain);

/// H of the encoded head before the body hash: what signature and content key are bound to.
Digest head_hash(const MessageHead& head);

}  // namespace bmsg::mail
