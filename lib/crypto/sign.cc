#include "lib/crypto/sign.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/core/check.h"
#include "lib/crypto/library.h"
#include "lib/crypto/openssl_key.h"

namespace bmsg::crypto {
namespace {

using Y = std::array<std::uint8_t, 32>;  // Little-endian, as a key spells it, without sign bit.

constexpr Y kOrder8{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
                    0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
                    0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05};
constexpr Y kOrder8Negated{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
                           0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
                           0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a};

/// True for 0 and 1: the points of order 4, and the neutral one.
bool is_below_two(const Y& y) {
  return y[0] <= 1 && std::all_of(y.begin() + 1, y.end(), [](auto byte) { return byte == 0; });
}

/// True for p − 1, the point of order 2, and for all that is not reduced; p = 2^255 − 19.
bool is_above_p_less_two(const Y& y) {
  return y[0] >= 0xec && y[31] == 0x7f &&
         std::all_of(y.begin() + 1, y.end() - 1, [](auto byte) { return byte == 0xff; });
}

KeyHandle private_key(const SecretBytes& seed) {
  KeyHandle key = private_key_from(EVP_PKEY_ED25519, seed.view());
  check(key != nullptr, "seed of another length");
  return key;
}

DigestContextHandle digest_context() {
  DigestContextHandle context(EVP_MD_CTX_new());
  check(context != nullptr, "no memory for a signature");
  return context;
}

Signature sign_with(EVP_PKEY* key, ByteView message) {
  const DigestContextHandle context = digest_context();
  Signature signature;
  std::size_t size = Signature::kSize;
  const bool made =
      EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, library(), nullptr, key, nullptr) ==
          1 &&
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1;
  check(made && size == Signature::kSize, "OpenSSL signs nothing");
  return signature;
}

}  // namespace

IdentityKey public_key_of(const SecretBytes& seed) {
  return IdentityKey::from(raw_public_key(private_key(seed).get()));
}

Signature sign(const SecretBytes& seed, ByteView message) {
  return sign_with(private_key(seed).get(), message);
}

Signer::Signer(const SecretBytes& seed) {
  KeyHandle key = private_key(seed);
  public_key_ = IdentityKey::from(raw_public_key(key.get()));
  key_ = key.release();
}

Signer::Signer(Signer&& other) noexcept
    : key_(std::exchange(other.key_, nullptr)), public_key_(other.public_key_) {}

Signer& Signer::operator=(Signer&& other) noexcept {
  std::swap(key_, other.key_);
  std::swap(public_key_, other.public_key_);
  return *this;
}

Signer::~Signer() { EVP_PKEY_free(static_cast<EVP_PKEY*>(key_)); }

Signature Signer::sign(ByteView message) const {
  check(key_ != nullptr, "a signer that was moved away");
  return sign_with(static_cast<EVP_PKEY*>(key_), message);
}

bool verify(const IdentityKey& key, ByteView message, const Signature& signature) {
  if (is_weak(key)) return false;
  const QuietErrors quiet;
  const KeyHandle handle = public_key_from(EVP_PKEY_ED25519, key.view());
  const DigestContextHandle context = digest_context();
  const bool begun = EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, library(), nullptr,
                                             handle.get(), nullptr) == 1;
  check(begun, "OpenSSL has no Ed25519");
  return EVP_DigestVerify(context.get(), signature.data(), Signature::kSize, message.data(),
                          message.size()) == 1;
}

bool is_weak(const IdentityKey& key) {
  Y y = key.array();
  y[31] &= 0x7f;
  return is_below_two(y) || is_above_p_less_two(y) || y == kOrder8 || y == kOrder8Negated;
}

}  // namespace bmsg::crypto
