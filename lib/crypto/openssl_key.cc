#include "lib/crypto/openssl_key.h"

#include <openssl/objects.h>

#include "lib/core/check.h"

namespace bmsg::crypto {

KeyHandle private_key_from(int type, ByteView raw, OSSL_LIB_CTX* context) {
  if (raw.size() != kRawKeyBytes) return nullptr;
  KeyHandle key(
      EVP_PKEY_new_raw_private_key_ex(context, OBJ_nid2sn(type), nullptr, raw.data(), raw.size()));
  check(key != nullptr, "OpenSSL makes no key of 32 bytes");
  return key;
}

KeyHandle public_key_from(int type, ByteView raw) {
  if (raw.size() != kRawKeyBytes) return nullptr;
  KeyHandle key(
      EVP_PKEY_new_raw_public_key_ex(library(), OBJ_nid2sn(type), nullptr, raw.data(), raw.size()));
  check(key != nullptr, "OpenSSL makes no public key of 32 bytes");
  return key;
}

Bytes raw_public_key(const EVP_PKEY* key) {
  Bytes raw(kRawKeyBytes);
  std::size_t size = raw.size();
  const bool read = EVP_PKEY_get_raw_public_key(key, raw.data(), &size) == 1;
  check(read && size == kRawKeyBytes, "OpenSSL gives no raw public key");
  return raw;
}

}  // namespace bmsg::crypto
