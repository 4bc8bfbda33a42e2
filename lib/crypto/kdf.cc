// HMAC stands on OpenSSL's low-level hashes: fetching a provider would cost each short process more
// than all its key derivations.

#define OPENSSL_SUPPRESS_DEPRECATED

#include "lib/crypto/kdf.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "lib/core/check.h"
#include "lib/crypto/library.h"
#include "lib/crypto/openssl_handle.h"

namespace bmsg::crypto {
namespace {

using Parts = std::initializer_list<ByteView>;

template <class Context, auto kInit, auto kUpdate, auto kFinal>
void hash_parts(Parts parts, std::uint8_t* out) {
  Context context;
  kInit(&context);
  for (const ByteView part : parts) kUpdate(&context, part.data(), part.size());
  kFinal(out, &context);
  OPENSSL_cleanse(&context, sizeof(context));
}

struct Algorithm {
  std::size_t block;
  std::size_t size;
  void (*hash)(Parts parts, std::uint8_t* out);
};

constexpr Algorithm kSha256{SHA256_CBLOCK, SHA256_DIGEST_LENGTH,
                            hash_parts<SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final>};
constexpr Algorithm kSha512{SHA512_CBLOCK, SHA512_DIGEST_LENGTH,
                            hash_parts<SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final>};

const Algorithm& algorithm_of(Hash hash) { return hash == Hash::sha256 ? kSha256 : kSha512; }

/// Bytes of a secret for as long as one call, on the stack: scanning makes eight hashes for each
/// key that it tries, and memory for them would take as long as some of them.
template <std::size_t kBytes>
struct Scratch {
  std::array<std::uint8_t, kBytes> bytes{};

  ~Scratch() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

/// HMAC of three parts, one after the other.
SecretBytes hmac_of(Hash hash, ByteView key, ByteView a, ByteView b, ByteView c) {
  const Algorithm& algorithm = algorithm_of(hash);
  Scratch<SHA512_CBLOCK> padded;  // The key, filled up to one block.
  const auto block = std::span(padded.bytes).first(algorithm.block);
  if (key.size() > algorithm.block) {
    algorithm.hash({key}, block.data());
  } else {
    std::ranges::copy(key, block.begin());
  }
  Scratch<SHA512_DIGEST_LENGTH> inner;
  for (std::uint8_t& byte : block) byte ^= 0x36;
  algorithm.hash({block, a, b, c}, inner.bytes.data());
  for (std::uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  SecretBytes outer(algorithm.size);
  algorithm.hash({block, ByteView(inner.bytes).first(algorithm.size)}, outer.writable().data());
  return outer;
}

bool is_accepted(const ScryptCost& cost) {
  const bool n = cost.log2_n == 1 || (cost.log2_n >= 10 && cost.log2_n <= 22);
  return n && cost.r == 8 && cost.p >= 1 && cost.p <= 4;
}

}  // namespace

SecretBytes hmac(Hash hash, ByteView key, ByteView message) {
  return hmac_of(hash, key, message, {}, {});
}

SecretBytes hkdf_extract(Hash hash, ByteView salt, ByteView ikm) { return hmac(hash, salt, ikm); }

SecretBytes hkdf_expand(Hash hash, ByteView prk, ByteView info, std::size_t size) {
  const std::size_t step = algorithm_of(hash).size;
  check(size <= 255 * step, "more asked of HKDF than 255 hashes");
  SecretBytes out(size);
  SecretBytes last;
  for (std::size_t at = 0; at < size; at += step) {
    const std::array<std::uint8_t, 1> counter{static_cast<std::uint8_t>(at / step + 1)};
    last = hmac_of(hash, prk, last.view(), info, counter);
    const ByteView taken = last.view().first(std::min(step, size - at));
    std::ranges::copy(taken, out.writable().subspan(at).begin());
  }
  return out;
}

SecretBytes hkdf(Hash hash, ByteView salt, ByteView ikm, ByteView info, std::size_t size) {
  return hkdf_expand(hash, hkdf_extract(hash, salt, ikm).view(), info, size);
}

Result<SecretBytes> scrypt(ByteView passphrase, ByteView salt, const ScryptCost& cost,
                           std::size_t size) {
  check(size > 0, "no bytes asked of scrypt");
  if (!is_accepted(cost)) return Error{Errc::bad_input, "scrypt cost outside the accepted range"};

  const std::uint64_t n = std::uint64_t{1} << cost.log2_n;
  // 128·r·(n + p + 2) and some; OpenSSL's own default is 32 MiB.
  const std::uint64_t memory_max = 256 * cost.r * (n + cost.p + 2);
  SecretBytes out(size);
  const QuietErrors quiet;
  const std::string_view text = as_text(passphrase);
  if (EVP_PBE_scrypt_ex(text.data(), text.size(), salt.data(), salt.size(), n, cost.r, cost.p,
                        memory_max, out.writable().data(), out.size(), library(), nullptr) != 1) {
    return Error{Errc::no_resource, "no memory to derive a key from the passphrase"};
  }
  return out;
}

}  // namespace bmsg::crypto
