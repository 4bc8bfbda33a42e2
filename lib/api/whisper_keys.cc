#include "lib/api/whisper_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/agree.h"
#include "lib/crypto/kdf.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sha256.h"

namespace bmsg::api {
namespace {

using crypto::Curve;
using crypto::SecretBytes;

constexpr unsigned kPasswordRounds = 65356;  // Whisper's number, not 65536.
constexpr std::size_t kHmacBlockBytes = 64;

Result<Done> check_secret(WhisperKeyKind kind, const SecretBytes& secret) {
  const bool is_pair = kind == WhisperKeyKind::pair;
  if (secret.size() != kWhisperKeyBytes) {
    return Error{Errc::bad_input, is_pair ? "invalid length, need 256 bits"
                                          : fmt::format("wrong key size: {}", secret.size())};
  }
  if (is_pair && !crypto::public_key_of(Curve::secp256k1, secret))
    return Error{Errc::bad_input, "invalid private key, zero or not below the curve's order"};
  return done;
}

}  // namespace

Result<std::string> WhisperKeys::make(WhisperKeyKind kind) {
  BMSG_TRY_ASSIGN(SecretBytes secret, crypto::random_secret(entropy_, kWhisperKeyBytes));
  return add(kind, std::move(secret));
}

Result<std::string> WhisperKeys::add(WhisperKeyKind kind, SecretBytes secret) {
  BMSG_TRY(check_secret(kind, secret));
  if (keys_.size() >= kWhisperKeysMax) {
    return Error{Errc::no_resource,
                 fmt::format("there are {} keys already: delete some", kWhisperKeysMax)};
  }
  Bytes id(kWhisperKeyBytes);
  BMSG_TRY(entropy_.fill(id));
  keys_.push_back({.id = to_hex(id), .kind = kind, .secret = std::move(secret)});
  if (const auto saved = saver_.save(keys_); !saved) {
    keys_.pop_back();
    return saved.error();
  }
  return keys_.back().id;
}

Result<bool> WhisperKeys::remove(WhisperKeyKind kind, std::string_view id) {
  const auto found = std::ranges::find_if(
      keys_, [&](const WhisperKey& key) { return key.kind == kind && key.id == id; });
  if (found == keys_.end()) return false;
  WhisperKey removed = std::move(*found);
  const auto place = keys_.erase(found);
  if (const auto saved = saver_.save(keys_); !saved) {
    keys_.insert(place, std::move(removed));
    return saved.error();
  }
  return true;
}

const SecretBytes* WhisperKeys::find(WhisperKeyKind kind, std::string_view id) const {
  const auto found = std::ranges::find_if(
      keys_, [&](const WhisperKey& key) { return key.kind == kind && key.id == id; });
  return found == keys_.end() ? nullptr : &found->secret;
}

SecretBytes whisper_password_key(std::string_view password) {
  // HMAC hashes a key that is longer than a block: once here, and not in each round.
  SecretBytes key = password.size() > kHmacBlockBytes
                        ? SecretBytes::from(crypto::sha256(as_bytes(password)))
                        : SecretBytes::from(as_bytes(password));
  const Bytes first_block{0, 0, 0, 1};
  SecretBytes round = crypto::hmac(crypto::Hash::sha256, key.view(), first_block);
  SecretBytes made = round.clone();
  for (unsigned i = 1; i < kPasswordRounds; ++i) {
    round = crypto::hmac(crypto::Hash::sha256, key.view(), round.view());
    for (std::size_t at = 0; at < made.size(); ++at) made.writable()[at] ^= round.view()[at];
  }
  return made;
}

bool is_whisper_public_key(ByteView bytes) {
  // Agreement finds the point; any private key will do.
  Bytes one(kWhisperKeyBytes);
  one.back() = 1;
  return crypto::agree(Curve::secp256k1, SecretBytes::from(one), bytes).has_value();
}

Bytes whisper_public_key(const SecretBytes& private_key) {
  auto made = crypto::public_key_of(Curve::secp256k1, private_key);
  check(made.has_value(), "a key pair that is none");
  return std::move(*made);
}

}  // namespace bmsg::api
