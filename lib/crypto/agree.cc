#include "lib/crypto/agree.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include <secp256k1.h>
#include <secp256k1_ecdh.h>

#include "lib/core/check.h"
#include "lib/crypto/openssl_key.h"

namespace bmsg::crypto {
namespace {

constexpr std::size_t kSharedBytes = 32;
constexpr std::size_t kSecp256k1PublicBytes = 65;

std::optional<SecretBytes> unless_zero(SecretBytes shared) {
  std::uint8_t seen = 0;
  for (const std::uint8_t byte : shared.view()) seen |= byte;
  if (seen == 0) return std::nullopt;
  return shared;
}

/// Ready to agree with anybody.
KeyContextHandle context_of(EVP_PKEY* own) {
  KeyContextHandle context(EVP_PKEY_CTX_new_from_pkey(library(), own, nullptr));
  check(context != nullptr, "no memory for an agreement");
  check(EVP_PKEY_derive_init(context.get()) == 1, "OpenSSL agrees on nothing with X25519");
  return context;
}

std::optional<SecretBytes> agree_x25519(EVP_PKEY_CTX* own, EVP_PKEY* other) {
  // Any 32 bytes are a public key: OpenSSL's own look at them would find nothing, and take longer.
  constexpr int kNotValidated = 0;
  if (EVP_PKEY_derive_set_peer_ex(own, other, kNotValidated) != 1) return std::nullopt;
  SecretBytes shared(kSharedBytes);
  std::size_t size = shared.size();
  if (EVP_PKEY_derive(own, shared.writable().data(), &size) != 1) return std::nullopt;
  check(size == kSharedBytes, "X25519 result of another length");
  return unless_zero(std::move(shared));
}

const secp256k1_context* secp256k1() {
  static const secp256k1_context* const context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
  return context;
}

std::optional<Bytes> public_key_of_secp256k1(const SecretBytes& private_key) {
  secp256k1_pubkey point;
  if (private_key.size() != kRawKeyBytes) return std::nullopt;
  if (secp256k1_ec_pubkey_create(secp256k1(), &point, private_key.view().data()) != 1) {
    return std::nullopt;
  }
  Bytes encoded(kSecp256k1PublicBytes);
  std::size_t size = encoded.size();
  const bool written = secp256k1_ec_pubkey_serialize(secp256k1(), encoded.data(), &size, &point,
                                                     SECP256K1_EC_UNCOMPRESSED) == 1;
  check(written && size == kSecp256k1PublicBytes, "libsecp256k1 writes no point");
  return encoded;
}

/// The library hashes what it agrees on; HPKE wants the x-coordinate as it is.
int copy_x(unsigned char* out, const unsigned char* x, const unsigned char* /*y*/, void* /*data*/) {
  std::copy_n(x, kSharedBytes, out);
  return 1;
}

std::optional<SecretBytes> agree_secp256k1(const SecretBytes& private_key, ByteView public_key) {
  if (private_key.size() != kRawKeyBytes) return std::nullopt;
  // The parser also takes hybrid points, which begin with 06 or 07.
  if (public_key.size() != kSecp256k1PublicBytes || public_key[0] != 4) return std::nullopt;
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_parse(secp256k1(), &point, public_key.data(), public_key.size()) != 1) {
    return std::nullopt;
  }
  SecretBytes shared(kSharedBytes);
  if (secp256k1_ecdh(secp256k1(), shared.writable().data(), &point, private_key.view().data(),
                     copy_x, nullptr) != 1) {
    return std::nullopt;
  }
  return unless_zero(std::move(shared));
}

}  // namespace

std::size_t public_key_bytes(Curve curve) {
  return curve == Curve::x25519 ? kRawKeyBytes : kSecp256k1PublicBytes;
}

std::optional<Bytes> public_key_of(Curve curve, const SecretBytes& private_key) {
  if (curve == Curve::secp256k1) return public_key_of_secp256k1(private_key);
  const KeyHandle key = private_key_from(EVP_PKEY_X25519, private_key.view());
  if (key == nullptr) return std::nullopt;
  return raw_public_key(key.get());
}

std::optional<SecretBytes> agree(Curve curve, const SecretBytes& private_key, ByteView public_key) {
  if (curve == Curve::secp256k1) return agree_secp256k1(private_key, public_key);
  const KeyHandle own = private_key_from(EVP_PKEY_X25519, private_key.view());
  const KeyHandle other = public_key_from(EVP_PKEY_X25519, public_key);
  if (own == nullptr || other == nullptr) return std::nullopt;
  const QuietErrors quiet;
  return agree_x25519(context_of(own.get()).get(), other.get());
}

/// Only read once it is there.
class Agreement::Key {
 public:
  explicit Key(const SecretBytes& secret) : secret_(secret.clone()) {
    check(secret.size() == kRawKeyBytes, "X25519 private key of another length");
  }

  EVP_PKEY* get() {
    begin();
    return key_.get();
  }
  const Prekey& public_key() {
    begin();
    return public_key_;
  }

 private:
  void begin() {
    std::call_once(begun_, [this] {
      key_ = private_key_from(EVP_PKEY_X25519, secret_.view());
      public_key_ = Prekey::from(raw_public_key(key_.get()));
    });
  }

  SecretBytes secret_;
  std::once_flag begun_;
  KeyHandle key_;
  Prekey public_key_;
};

struct Agreement::Prepared {
  explicit Prepared(Key& key)
      : context(context_of(key.get())),
        other(public_key_from(EVP_PKEY_X25519, key.public_key().view())) {}

  KeyContextHandle context;
  KeyHandle other;  // Takes each public key in turn: to make one takes a tenth of an agreement.
};

Agreement::Agreement(const SecretBytes& x25519_private_key)
    : key_(std::make_shared<Key>(x25519_private_key)) {}

Agreement::Agreement(std::shared_ptr<Key> key) : key_(std::move(key)) {}

Agreement::Agreement(Agreement&& other) noexcept = default;
Agreement& Agreement::operator=(Agreement&& other) noexcept = default;
Agreement::~Agreement() = default;

Agreement Agreement::clone() const {
  check(key_ != nullptr, "an agreement that was moved away");
  return Agreement(key_);
}

const Prekey& Agreement::public_key() const {
  check(key_ != nullptr, "an agreement that was moved away");
  return key_->public_key();
}

std::optional<SecretBytes> Agreement::with(ByteView public_key) const {
  check(key_ != nullptr, "an agreement that was moved away");
  if (!prepared_) prepared_ = std::make_unique<Prepared>(*key_);
  EVP_PKEY* const other = prepared_->other.get();
  const QuietErrors quiet;
  if (EVP_PKEY_set1_encoded_public_key(other, public_key.data(), public_key.size()) != 1) {
    return std::nullopt;  // Not of 32 bytes.
  }
  return agree_x25519(prepared_->context.get(), other);
}

}  // namespace bmsg::crypto
