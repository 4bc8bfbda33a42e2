// OpenSSL with no more algorithms than this folder uses. Only for this folder's .cc files.

#pragma once

#include <openssl/types.h>

namespace bmsg::crypto {

/// A context of OpenSSL whose one provider offers what this folder asks for, by the code of the
/// default provider. The first use of a cipher or a key makes an object for each algorithm of its
/// kind that there is, hundreds, which takes longer than all that a short command computes.
/// Null, which stands for OpenSSL's own context, where the library is linked dynamically.
/// Threads: any. TLS and certificates need the library's own: encoders are not offered here.
OSSL_LIB_CTX* library();

}  // namespace bmsg::crypto
