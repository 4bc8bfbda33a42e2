// What sealing and opening share: labels, sizes and derived keys. Not for use outside them.

#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "lib/core/codec.h"
#include "lib/core/message.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/hpke.h"

namespace bmsg::mail::scheme {

inline constexpr std::size_t kPrefixBytes = 32;  // Of the head, before its key section.
inline constexpr std::size_t kContentKeyBytes = 32;
inline constexpr std::size_t kCommitmentBytes = 32;
/// What a sealed body has beyond its padded records.
inline constexpr std::size_t kBodyOverheadBytes = kCommitmentBytes + crypto::kAeadTagBytes;

inline crypto::HpkeSuite hpke_suite(Suite suite) {
  return {.kem = suite == Suite::sealed ? crypto::KemId::x25519_hkdf_sha256
                                        : crypto::KemId::secp256k1_hkdf_sha256};
}

inline std::size_t enc_bytes(Suite suite) { return suite == Suite::sealed ? 32 : 65; }

/// The info of a slot: for this chain, and for whoever offers the key.
inline Bytes slot_info(const ChainId& chain, const std::optional<IdentityKey>& owner) {
  Bytes info = to_bytes("bmsg1 seal");
  append(info, chain.view());
  if (owner) append(info, owner->view());
  return info;
}

inline Bytes prefix_of_head(const MessageHead& head) {
  Bytes bytes = encode(head);
  bytes.resize(kPrefixBytes);
  return bytes;
}

/// Key and commitment of a body.
struct BodyKeys {
  crypto::SecretBytes key;
  Bytes commitment;
};

inline BodyKeys body_keys(const crypto::SecretBytes& content_key, const Digest& head_hash) {
  const crypto::SecretBytes made =
      crypto::hkdf(crypto::Hash::sha512, head_hash.view(), content_key.view(),
                   as_bytes("bmsg1 body"), crypto::kAeadKeyBytes + kCommitmentBytes);
  return {crypto::SecretBytes::from(made.view().first(crypto::kAeadKeyBytes)),
          to_bytes(made.view().subspan(crypto::kAeadKeyBytes))};
}

}  // namespace bmsg::mail::scheme
