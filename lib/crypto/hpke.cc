#include "lib/crypto/hpke.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "lib/core/check.h"

namespace bmsg::crypto {
namespace {

constexpr std::string_view kVersion = "HPKE-v1";
constexpr std::size_t kSharedSecretBytes = 32;
constexpr std::uint8_t kModeBase = 0;

/// The parts one after the other. For secrets, so it wipes what it joined.
SecretBytes joined(std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  SecretBytes all(size);
  auto end = all.writable().begin();
  for (const ByteView part : parts) end = std::ranges::copy(part, end).out;
  return all;
}

/// The labelled steps of RFC 9180, section 4, for one suite.
struct Labelled {
  Hash hash;
  std::array<std::uint8_t, 10> id_bytes{};
  std::size_t id_size = 0;

  explicit Labelled(Hash with) : hash(with) {}

  void add(ByteView part) {
    std::ranges::copy(part, id_bytes.begin() + static_cast<std::ptrdiff_t>(id_size));
    id_size += part.size();
  }
  void add(std::uint16_t number) {
    const std::uint8_t part[] = {static_cast<std::uint8_t>(number >> 8),
                                 static_cast<std::uint8_t>(number)};
    add(ByteView(part));
  }
  ByteView suite_id() const { return ByteView(id_bytes).first(id_size); }

  SecretBytes extract(ByteView salt, std::string_view label, ByteView ikm) const {
    const SecretBytes text = joined({as_bytes(kVersion), suite_id(), as_bytes(label), ikm});
    return hkdf_extract(hash, salt, text.view());
  }
  SecretBytes expand(const SecretBytes& prk, std::string_view label, ByteView info,
                     std::size_t size) const {
    const std::uint8_t length[] = {static_cast<std::uint8_t>(size >> 8),
                                   static_cast<std::uint8_t>(size)};
    const SecretBytes text =
        joined({length, as_bytes(kVersion), suite_id(), as_bytes(label), info});
    return hkdf_expand(hash, prk.view(), text.view(), size);
  }
};

Labelled labelled(KemId kem) {
  Labelled made(Hash::sha256);
  made.add(as_bytes("KEM"));
  made.add(static_cast<std::uint16_t>(kem));
  return made;
}

Labelled labelled(const HpkeSuite& suite) {
  Labelled made(suite.kdf == KdfId::hkdf_sha256 ? Hash::sha256 : Hash::sha512);
  made.add(as_bytes("HPKE"));
  made.add(static_cast<std::uint16_t>(suite.kem));
  made.add(static_cast<std::uint16_t>(suite.kdf));
  made.add(static_cast<std::uint16_t>(suite.aead));
  return made;
}

Curve curve_of(KemId kem) {
  return kem == KemId::x25519_hkdf_sha256 ? Curve::x25519 : Curve::secp256k1;
}

SecretBytes shared_secret(KemId kem, const SecretBytes& agreed, ByteView enc, ByteView recipient) {
  const Labelled kdf = labelled(kem);
  const SecretBytes context = joined({enc, recipient});
  return kdf.expand(kdf.extract({}, "eae_prk", agreed.view()), "shared_secret", context.view(),
                    kSharedSecretBytes);
}

SecretBytes derive_secp256k1(const Labelled& kdf, const SecretBytes& prk) {
  for (unsigned counter = 0; counter <= 255; ++counter) {
    const std::uint8_t info[] = {static_cast<std::uint8_t>(counter)};
    SecretBytes candidate = kdf.expand(prk, "candidate", info, 32);
    if (public_key_of(Curve::secp256k1, candidate)) return candidate;
  }
  check(false, "256 candidates in a row above the order of the curve");
  return {};
}

}  // namespace

SecretBytes derive_private_key(KemId kem, ByteView ikm) {
  const Labelled kdf = labelled(kem);
  const SecretBytes prk = kdf.extract({}, "dkp_prk", ikm);
  if (kem == KemId::secp256k1_hkdf_sha256) return derive_secp256k1(kdf, prk);
  return kdf.expand(prk, "sk", {}, 32);
}

std::optional<SecretBytes> encap_with(KemId kem, const SecretBytes& ephemeral, ByteView recipient) {
  const auto enc = public_key_of(curve_of(kem), ephemeral);
  const auto agreed = agree(curve_of(kem), ephemeral, recipient);
  if (!enc || !agreed) return std::nullopt;
  return shared_secret(kem, *agreed, *enc, recipient);
}

std::optional<SecretBytes> encap_with(const Agreement& ephemeral, ByteView recipient) {
  const auto agreed = ephemeral.with(recipient);
  if (!agreed) return std::nullopt;
  return shared_secret(KemId::x25519_hkdf_sha256, *agreed, ephemeral.public_key().view(),
                       recipient);
}

std::optional<SecretBytes> decap(KemId kem, const SecretBytes& private_key, ByteView enc) {
  const auto recipient = public_key_of(curve_of(kem), private_key);
  const auto agreed = agree(curve_of(kem), private_key, enc);
  if (!recipient || !agreed) return std::nullopt;
  return shared_secret(kem, *agreed, enc, *recipient);
}

std::optional<SecretBytes> decap(const Agreement& key, ByteView enc) {
  const auto agreed = key.with(enc);
  if (!agreed) return std::nullopt;
  return shared_secret(KemId::x25519_hkdf_sha256, *agreed, enc, key.public_key().view());
}

KeySchedule::KeySchedule(const HpkeSuite& suite, ByteView info) : suite_(suite) {
  const Labelled kdf = labelled(suite);
  context_.push_back(kModeBase);
  append(context_, kdf.extract({}, "psk_id_hash", {}).view());
  append(context_, kdf.extract({}, "info_hash", info).view());
}

HpkeContext KeySchedule::context(const SecretBytes& shared_secret) const {
  const Labelled kdf = labelled(suite_);
  const SecretBytes secret = kdf.extract(shared_secret.view(), "secret", {});
  const std::size_t key_bytes = suite_.aead == AeadId::aes_128_gcm ? 16 : kAeadKeyBytes;
  return {.key = kdf.expand(secret, "key", context_, key_bytes),
          .base_nonce =
              AeadNonce::from(kdf.expand(secret, "base_nonce", context_, AeadNonce::kSize).view())};
}

SecretBytes KeySchedule::exporter_secret(const SecretBytes& shared_secret) const {
  const Labelled kdf = labelled(suite_);
  const SecretBytes secret = kdf.extract(shared_secret.view(), "secret", {});
  return kdf.expand(secret, "exp", context_, kdf.hash == Hash::sha256 ? 32 : 64);
}

HpkeContext key_schedule(const HpkeSuite& suite, const SecretBytes& shared_secret, ByteView info) {
  return KeySchedule(suite, info).context(shared_secret);
}

}  // namespace bmsg::crypto
