// Owners of OpenSSL's objects, and a guard for its error queue. Only for this folder's .cc files.

#pragma once

#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>

namespace bmsg::crypto {

template <auto kFree>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

/// An object of OpenSSL that is freed with `kFree`.
template <class T, auto kFree>
using Handle = std::unique_ptr<T, FreeWith<kFree>>;

using KeyHandle = Handle<EVP_PKEY, EVP_PKEY_free>;
using KeyContextHandle = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContextHandle = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using CipherContextHandle = Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

/// Takes back what failed calls leave in the thread's error queue: a connection served by the same
/// thread reads that queue, and would believe that it failed.
class QuietErrors {
 public:
  QuietErrors() { marked_ = ERR_set_mark() == 1; }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
  ~QuietErrors() {
    if (marked_) {
      ERR_pop_to_mark();
    } else {
      ERR_clear_error();  // The queue was empty, which leaves nothing to mark.
    }
  }

 private:
  bool marked_;
};

}  // namespace bmsg::crypto
