#include "lib/crypto/aead.h"

#include <limits>

#include "lib/core/check.h"
#include "lib/crypto/library.h"
#include "lib/crypto/openssl_handle.h"

namespace bmsg::crypto {
namespace {

enum class Direction : int { open = 0, seal = 1 };

/// The cipher for a key of this size, fetched once: that takes longer than sealing a message.
const EVP_CIPHER* cipher_for(std::size_t key_bytes) {
  static EVP_CIPHER* const aes_256 = EVP_CIPHER_fetch(library(), "AES-256-GCM", nullptr);
  static EVP_CIPHER* const aes_128 = EVP_CIPHER_fetch(library(), "AES-128-GCM", nullptr);
  check(key_bytes == kAeadKeyBytes || key_bytes == 16, "AES key of another length");
  EVP_CIPHER* const cipher = key_bytes == kAeadKeyBytes ? aes_256 : aes_128;
  check(cipher != nullptr, "OpenSSL has no AES-GCM");
  return cipher;
}

int int_size(ByteView bytes) {
  check(bytes.size() <= std::numeric_limits<int>::max() - kAeadTagBytes, "text too long for AEAD");
  return static_cast<int>(bytes.size());
}

/// A context that knows the key.
CipherContextHandle context_of(Direction direction, const SecretBytes& key) {
  CipherContextHandle context(EVP_CIPHER_CTX_new());
  check(context != nullptr, "no memory for a cipher");
  const bool begun = EVP_CipherInit_ex2(context.get(), cipher_for(key.size()), key.view().data(),
                                        nullptr, static_cast<int>(direction), nullptr) == 1;
  check(begun, "OpenSSL refuses the key");
  return context;
}

/// Begins a text under the key that the context knows.
void begin(EVP_CIPHER_CTX* context, Direction direction, const AeadNonce& nonce, ByteView aad) {
  const bool begun = EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(),
                                        static_cast<int>(direction), nullptr) == 1;
  check(begun, "OpenSSL refuses the nonce");
  int written = 0;
  const bool told =
      aad.empty() || EVP_CipherUpdate(context, nullptr, &written, aad.data(), int_size(aad)) == 1;
  check(told, "OpenSSL refuses associated data");
}

}  // namespace

Bytes aead_seal(const SecretBytes& key, const AeadNonce& nonce, ByteView aad, ByteView plain) {
  const CipherContextHandle context = context_of(Direction::seal, key);
  begin(context.get(), Direction::seal, nonce, aad);
  Bytes sealed(plain.size() + kAeadTagBytes);
  int written = 0;
  bool fine = plain.empty() || EVP_CipherUpdate(context.get(), sealed.data(), &written,
                                                plain.data(), int_size(plain)) == 1;
  std::uint8_t* const tag = sealed.data() + plain.size();
  fine = fine && EVP_CipherFinal_ex(context.get(), tag, &written) == 1;
  fine = fine && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes, tag) == 1;
  check(fine, "OpenSSL seals nothing");
  return sealed;
}

AeadOpener::AeadOpener(const SecretBytes& key)
    : context_(context_of(Direction::open, key).release()) {}

AeadOpener::~AeadOpener() { EVP_CIPHER_CTX_free(static_cast<EVP_CIPHER_CTX*>(context_)); }

std::optional<SecretBytes> AeadOpener::open(const AeadNonce& nonce, ByteView aad, ByteView sealed) {
  if (sealed.size() < kAeadTagBytes) return std::nullopt;
  const QuietErrors quiet;
  auto* const context = static_cast<EVP_CIPHER_CTX*>(context_);
  begin(context, Direction::open, nonce, aad);
  const ByteView text = sealed.first(sealed.size() - kAeadTagBytes);
  Bytes tag = to_bytes(sealed.last(kAeadTagBytes));  // The call below takes no const.
  SecretBytes plain(text.size());
  int written = 0;
  bool fine = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTagBytes, tag.data()) == 1;
  fine = fine && (text.empty() || EVP_CipherUpdate(context, plain.writable().data(), &written,
                                                   text.data(), int_size(text)) == 1);
  std::uint8_t nothing[kAeadTagBytes];
  fine = fine && EVP_CipherFinal_ex(context, nothing, &written) == 1;
  if (!fine) return std::nullopt;
  return plain;
}

std::optional<SecretBytes> aead_open(const SecretBytes& key, const AeadNonce& nonce, ByteView aad,
                                     ByteView sealed) {
  return AeadOpener(key).open(nonce, aad, sealed);
}

}  // namespace bmsg::crypto
