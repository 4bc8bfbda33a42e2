// From plaintext to message: the one scheme that all mail goes through.
//
// A random content key encrypts the records once; each recipient gets that key in a slot of its
// own, made by HPKE with one ephemeral key for all. No address of sender or recipient stands in
// the clear. What the scheme binds: a slot opens only for the owner whose card offered the key,
// and the signature covers the head with every slot, so nobody can address a message again.
// Source: bmsg-format(5), "Sealed body".

#pragma once

#include <optional>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/entropy.h"
#include "lib/core/message.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/crypto/sign.h"
#include "lib/mail/records.h"

namespace bmsg::mail {

/// One key to seal to.
struct Recipient {
  Bytes key;                         // 32 bytes X25519, or 65 secp256k1.
  std::optional<IdentityKey> owner;  // Who signed the card it is from; none: a gateway's key.

  auto operator<=>(const Recipient&) const = default;
};

/// Whether random slots hide the number of recipients: up to 1, 2, 4, 8, 16, 32 or 64.
enum class Slots { padded, exact };

/// What stands in the clear beside the ciphertext.
/// Units: seconds.
struct HeadOptions {
  Suite suite = Suite::sealed;  // For seal(): sealed or sealed_secp256k1.
  Topic topic = {};
  std::uint32_t time = 0;  // Callers round down to a minute.
  std::uint32_t ttl = 0;
  Slots slots = Slots::padded;
};

/// A message without its stamp.
struct Sealed {
  MessageHead head = {};
  Bytes body = {};
  crypto::SecretBytes content_key = {};  // Reveals this message and no other. Empty if public.

  MessageId id() const;
  /// The whole message. Spends the body.
  Message with_nonce(std::uint64_t nonce) &&;
};

/// Who signs a message: an identity, a key pair of Whisper's clients, or nobody. Borrows the key.
class SigningKey {
 public:
  /// An identity by its seed; nobody without one.
  // NOLINTNEXTLINE(google-explicit-constructor)
  SigningKey(const crypto::SecretBytes* seed) : key_(seed) {}
  /// An identity, prepared.
  static SigningKey of_signer(const crypto::Signer& signer);
  /// A private key of secp256k1.
  static SigningKey of_pair(const crypto::SecretBytes& key);

  bool signs() const { return key_ != nullptr || signer_ != nullptr; }
  /// What stands in record 02.
  Bytes public_key() const;
  Signature sign(ByteView text) const;

 private:
  const crypto::SecretBytes* key_ = nullptr;
  const crypto::Signer* signer_ = nullptr;
  bool is_pair_ = false;
};

/// Seals `content` to 1 to 64 recipients (the same twice counts once). With a signer, `sender` is
/// set to its public key and the records are signed; without, `sender` must be empty.
/// Errors: Errc::bad_input if it does not fit the chain's limits or there are too many recipients;
///         Errc::no_recipient for a key that cannot be sealed to; Errc::no_resource.
Result<Sealed> seal(const chain::ChainRules& chain, Content content,
                    std::vector<Recipient> recipients, SigningKey signer,
                    const HeadOptions& options, Entropy& entropy);

/// A public message: the records in the clear.
Result<Sealed> post(const chain::ChainRules& chain, Content content, SigningKey signer,
                    const HeadOptions& options);

}  // namespace bmsg::mail
