#include "lib/crypto/version.h"

#include <openssl/crypto.h>

namespace bmsg::crypto {

std::string openssl_version() { return ::OpenSSL_version(OPENSSL_VERSION_STRING); }

}  // namespace bmsg::crypto
