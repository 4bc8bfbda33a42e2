#include "lib/crypto/ecdsa.h"

#include <secp256k1.h>

#include "lib/core/check.h"
#include "lib/crypto/sha512.h"

namespace bmsg::crypto {
namespace {

const secp256k1_context* curve() {
  static const secp256k1_context* const context =
      secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
  return context;
}

}  // namespace

Bytes ecdsa_hash(ByteView message) {
  return to_bytes(sha512(message).view().first(kEcdsaHashBytes));
}

Signature ecdsa_sign(const SecretBytes& key, ByteView hash) {
  check(hash.size() == kEcdsaHashBytes && key.size() == kEcdsaHashBytes, "no hash, or no key");
  secp256k1_ecdsa_signature made;
  const bool is_signed = secp256k1_ecdsa_sign(curve(), &made, hash.data(), key.view().data(),
                                              secp256k1_nonce_function_rfc6979, nullptr) == 1;
  check(is_signed, "a private key that is none of secp256k1");
  Signature signature;
  (void)secp256k1_ecdsa_signature_serialize_compact(curve(), signature.data(), &made);
  return signature;
}

bool ecdsa_verify(ByteView public_key, ByteView hash, const Signature& signature) {
  // The parser also takes hybrid points, which begin with 06 or 07.
  const bool has_shape = public_key.size() == kEcdsaPublicBytes && public_key[0] == 4 &&
                         hash.size() == kEcdsaHashBytes;
  if (!has_shape) return false;
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_parse(curve(), &point, public_key.data(), public_key.size()) != 1)
    return false;
  secp256k1_ecdsa_signature given;
  if (secp256k1_ecdsa_signature_parse_compact(curve(), &given, signature.data()) != 1) return false;
  return secp256k1_ecdsa_verify(curve(), &given, hash.data(), &point) == 1;  // A low s only.
}

}  // namespace bmsg::crypto
