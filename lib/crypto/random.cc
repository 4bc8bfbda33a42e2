#include "lib/crypto/random.h"

#include <cerrno>

#include <openssl/crypto.h>
#include <sys/random.h>

#include "lib/core/check.h"
#include "lib/core/try.h"

namespace bmsg::crypto {

Result<Done> SystemEntropy::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const auto filled = ::getrandom(out.data(), out.size(), 0);
    if (filled < 0 && errno == EINTR) continue;
    if (filled <= 0) return Error{Errc::no_resource, "the system gives no random bytes"};
    out = out.subspan(static_cast<std::size_t>(filled));
  }
  return done;
}

void begin_without_settings() {
  // Texts of errors fill a tenth of a megabyte, and those of TLS come with TLS; ciphers by their
  // old names are for encrypted key files.
  constexpr std::uint64_t kWithout = OPENSSL_INIT_NO_LOAD_CONFIG |
                                     OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
                                     OPENSSL_INIT_NO_ADD_ALL_CIPHERS;
  const int begun = OPENSSL_init_crypto(kWithout, nullptr);
  check(begun == 1, "OpenSSL does not begin");
}

Result<SecretBytes> random_secret(Entropy& entropy, std::size_t size) {
  SecretBytes secret(size);
  BMSG_TRY(entropy.fill(secret.writable()));
  return secret;
}

}  // namespace bmsg::crypto
