// The keys that Whisper's clients make: named by random ids, kept for them, and found again.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/core/entropy.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::api {

/// pair: a private key of secp256k1. symmetric: the secret of a room.
enum class WhisperKeyKind { pair, symmetric };

/// One key as the keyring keeps it.
struct WhisperKey {
  std::string id;  // 64 hex digits, which tell nothing of the key.
  WhisperKeyKind kind = WhisperKeyKind::symmetric;
  crypto::SecretBytes secret;  // 32 bytes.
};

inline constexpr std::size_t kWhisperKeyBytes = 32;
inline constexpr std::size_t kWhisperKeysMax = 1000;  // A client cannot fill the keyring.
inline constexpr std::size_t kSecp256k1PublicBytes = 65;

/// Where keys outlive the process.
class WhisperKeySaver {
 public:
  virtual ~WhisperKeySaver() = default;

  /// All of them, durably, instead of what was saved before.
  virtual Result<Done> save(const std::vector<WhisperKey>& keys) = 0;
};

/// The keys of one identity. What a caller is told of is saved; after an error all is as before.
/// Threads: one at a time.
class WhisperKeys {
 public:
  /// `saver` and `entropy` must outlive it.
  WhisperKeys(std::vector<WhisperKey> keys, WhisperKeySaver& saver, Entropy& entropy)
      : keys_(std::move(keys)), saver_(saver), entropy_(entropy) {}

  /// A fresh key; its id. Errors: Errc::no_resource where there are too many; as the saver.
  Result<std::string> make(WhisperKeyKind kind);
  /// A key that was made elsewhere. Errors: Errc::bad_input for one of another length, and for a
  /// pair that is none.
  Result<std::string> add(WhisperKeyKind kind, crypto::SecretBytes secret);
  /// false: there was none.
  Result<bool> remove(WhisperKeyKind kind, std::string_view id);
  /// nullptr if there is none of this kind. Valid until keys are changed.
  const crypto::SecretBytes* find(WhisperKeyKind kind, std::string_view id) const;

 private:
  std::vector<WhisperKey> keys_;
  WhisperKeySaver& saver_;
  Entropy& entropy_;
};

/// PBKDF2 with HMAC-SHA-256, no salt and 65,356 rounds, as Whisper did: a weak password is soon
/// guessed, and the same password is the same key for everybody.
/// Source: RFC 8018, 5.2.
crypto::SecretBytes whisper_password_key(std::string_view password);

/// Whether these are a point of secp256k1: 65 bytes, the first 04.
bool is_whisper_public_key(ByteView bytes);
/// Of a key pair.
Bytes whisper_public_key(const crypto::SecretBytes& private_key);

}  // namespace bmsg::api
