#define OPENSSL_SUPPRESS_DEPRECATED  // The calls that need no provider.

#include "lib/crypto/sha512.h"

#include <cstring>

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace bmsg::crypto {
namespace {

SHA512_CTX* context(unsigned char* state) { return reinterpret_cast<SHA512_CTX*>(state); }

}  // namespace

Digest sha512(ByteView bytes) { return Sha512().update(bytes).finish(); }

Digest sha512(std::initializer_list<ByteView> parts) {
  Sha512 hash;
  for (const ByteView part : parts) hash.update(part);
  return hash.finish();
}

Sha512::Sha512() {
  static_assert(sizeof(SHA512_CTX) <= sizeof(state_) && alignof(SHA512_CTX) <= 8);
  SHA512_Init(context(state_));
}

Sha512::Sha512(const Sha512& other) { std::memcpy(state_, other.state_, sizeof(state_)); }

Sha512& Sha512::operator=(const Sha512& other) {
  if (this != &other) std::memcpy(state_, other.state_, sizeof(state_));
  return *this;
}

// Secrets are hashed too, and the state holds what came last.
Sha512::~Sha512() { OPENSSL_cleanse(state_, sizeof(state_)); }

Sha512& Sha512::update(ByteView bytes) {
  SHA512_Update(context(state_), bytes.data(), bytes.size());
  return *this;
}

Digest Sha512::finish() {
  Digest digest;
  SHA512_Final(digest.data(), context(state_));
  return digest;
}

}  // namespace bmsg::crypto
