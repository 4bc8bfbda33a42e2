#include "lib/mail/sent_to.h"

#include <algorithm>
#include <bit>

#include "lib/core/byte_reader.h"
#include "lib/core/try.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/kdf.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kFrontBytes = crypto::AeadNonce::kSize + crypto::kAeadTagBytes;

/// Whether a record of this size has a number of places that a writer makes.
bool is_fitting(std::size_t bytes) {
  if (bytes <= kFrontBytes || (bytes - kFrontBytes) % IdentityKey::kSize != 0) return false;
  const std::size_t places = (bytes - kFrontBytes) / IdentityKey::kSize;
  return places <= kSentToMax && std::has_single_bit(places);
}

}  // namespace

crypto::SecretBytes sent_to_key(const crypto::SecretBytes& identity_seed) {
  return crypto::hkdf(crypto::Hash::sha512, {}, identity_seed.view(), as_bytes("bmsg1 sent to"),
                      crypto::kAeadKeyBytes);
}

Result<Bytes> seal_sent_to(const crypto::SecretBytes& key, const std::vector<Addressee>& to,
                           Entropy& entropy) {
  const std::size_t count = std::min(to.size(), kSentToMax);
  Bytes plain;
  for (std::size_t i = 0; i < count; ++i) append(plain, to[i].address.view());
  plain.resize(std::bit_ceil(std::max<std::size_t>(count, 1)) * IdentityKey::kSize);
  Bytes record(crypto::AeadNonce::kSize);
  BMSG_TRY(entropy.fill(record));
  append(record, crypto::aead_seal(key, crypto::AeadNonce::from(record), {}, plain));
  return record;
}

std::vector<IdentityKey> open_sent_to(const crypto::SecretBytes& key, ByteView record) {
  std::vector<IdentityKey> to;
  if (!is_fitting(record.size())) return to;
  ByteReader in(record);
  const auto nonce = in.fixed<crypto::AeadNonce>();
  const auto plain = crypto::aead_open(key, nonce, {}, in.rest());
  if (!plain) return to;
  ByteReader places(plain->view());
  while (places.size_left() > 0) {
    const auto address = places.fixed<IdentityKey>();
    if (!address.is_zero() && std::ranges::find(to, address) == to.end()) to.push_back(address);
  }
  return to;
}

}  // namespace bmsg::mail
