// Version of the cryptographic library.

#pragma once

#include <string>

namespace bmsg::crypto {

/// "3.0.15": of the OpenSSL that is running, which may be newer than the one it was built with.
std::string openssl_version();

}  // namespace bmsg::crypto
