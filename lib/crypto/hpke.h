// HPKE base mode (RFC 9180), with KEM, KDF and AEAD as parameters so that every published vector
// runs through the code that seals mail.
//
// One thing goes beyond the RFC's interface: one ephemeral key may encapsulate to several
// recipients of one message (encap_with). The KEM context holds each recipient's key, all slots
// carry the same content key, and the ephemeral key is never used for a second message.

#pragma once

#include <optional>

#include "lib/core/bytes.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/agree.h"
#include "lib/crypto/kdf.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

/// Identifiers of RFC 9180, section 7.
enum class KemId : std::uint16_t { x25519_hkdf_sha256 = 0x0020, secp256k1_hkdf_sha256 = 0x0016 };
enum class KdfId : std::uint16_t { hkdf_sha256 = 1, hkdf_sha512 = 3 };
enum class AeadId : std::uint16_t { aes_128_gcm = 1, aes_256_gcm = 2 };

struct HpkeSuite {
  KemId kem = KemId::x25519_hkdf_sha256;
  KdfId kdf = KdfId::hkdf_sha512;
  AeadId aead = AeadId::aes_256_gcm;
};

/// Source: RFC 9180, 7.1.3.
SecretBytes derive_private_key(KemId kem, ByteView ikm);

/// The shared secret for `recipient`, given our ephemeral private key; nullopt for a bad key.
/// Source: RFC 9180, 4.1, Encap with the key pair given.
std::optional<SecretBytes> encap_with(KemId kem, const SecretBytes& ephemeral, ByteView recipient);
/// The same for x25519_hkdf_sha256, with the ephemeral key prepared once for many recipients.
std::optional<SecretBytes> encap_with(const Agreement& ephemeral, ByteView recipient);

/// The shared secret at the recipient's side; nullopt for a bad `enc`.
/// Source: RFC 9180, 4.1, Decap.
std::optional<SecretBytes> decap(KemId kem, const SecretBytes& private_key, ByteView enc);
std::optional<SecretBytes> decap(const Agreement& key, ByteView enc);  // x25519_hkdf_sha256

/// Key and nonce of a base-mode context.
struct HpkeContext {
  SecretBytes key;
  AeadNonce base_nonce;
};

/// The key schedule of one suite and info, for many shared secrets: half of its hashes depend on
/// those two alone and are made once.
/// Threads: any.
/// Source: RFC 9180, 5.1, KeySchedule with mode_base.
class KeySchedule {
 public:
  KeySchedule(const HpkeSuite& suite, ByteView info);

  HpkeContext context(const SecretBytes& shared_secret) const;
  /// What bmsg has no use for and published vectors name.
  SecretBytes exporter_secret(const SecretBytes& shared_secret) const;

 private:
  HpkeSuite suite_;
  Bytes context_;  // Mode, H(psk_id), H(info).
};

/// For one shared secret.
HpkeContext key_schedule(const HpkeSuite& suite, const SecretBytes& shared_secret, ByteView info);

}  // namespace bmsg::crypto
