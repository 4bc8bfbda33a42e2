#include "lib/crypto/library.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "lib/core/check.h"

// The start of the default provider, which the library keeps to itself where it is shared.
extern "C" {
[[gnu::weak]] OSSL_provider_init_fn ossl_default_provider_init;
}

namespace bmsg::crypto {
namespace {

constexpr std::array<std::string_view, 2> kDigests{"SHA2-256", "SHA2-512"};
constexpr std::array<std::string_view, 2> kCiphers{"AES-256-GCM", "AES-128-GCM"};
constexpr std::array<std::string_view, 1> kMacs{"HMAC"};
constexpr std::array<std::string_view, 2> kKdfs{"SCRYPT", "PBKDF2"};
constexpr std::array<std::string_view, 2> kKeys{"X25519", "ED25519"};
constexpr std::array<std::string_view, 1> kExchanges{"X25519"};
constexpr std::array<std::string_view, 1> kSignatures{"ED25519"};

/// What is offered of one kind; the last element ends the list, as OpenSSL wants it.
struct Offered {
  int operation;
  std::span<const std::string_view> names;
  std::vector<OSSL_ALGORITHM> algorithms;
};

/// All of it is written once, before the provider answers for the first time.
struct Few {
  std::array<Offered, 7> offered{{{OSSL_OP_DIGEST, kDigests, {}},
                                  {OSSL_OP_CIPHER, kCiphers, {}},
                                  {OSSL_OP_MAC, kMacs, {}},
                                  {OSSL_OP_KDF, kKdfs, {}},
                                  {OSSL_OP_KEYMGMT, kKeys, {}},
                                  {OSSL_OP_KEYEXCH, kExchanges, {}},
                                  {OSSL_OP_SIGNATURE, kSignatures, {}}}};
  std::vector<OSSL_DISPATCH> functions;
};

Few& few() {
  static Few all;
  return all;
}

bool is_one_of(const char* names, std::span<const std::string_view> wanted) {
  const std::string_view all = names;
  return std::ranges::find(wanted, all.substr(0, all.find(':'))) != wanted.end();
}

const OSSL_ALGORITHM* query(void* /*provider*/, int operation, int* no_cache) {
  *no_cache = 0;
  for (const Offered& one : few().offered) {
    if (one.operation == operation) return one.algorithms.data();
  }
  return nullptr;
}

using Query = OSSL_FUNC_provider_query_operation_fn*;

void choose(Query query_all, void* provider) {
  for (Offered& one : few().offered) {
    int no_cache = 0;
    const OSSL_ALGORITHM* at = query_all(provider, one.operation, &no_cache);
    for (; at != nullptr && at->algorithm_names != nullptr; ++at) {
      if (is_one_of(at->algorithm_names, one.names)) one.algorithms.push_back(*at);
    }
    check(one.algorithms.size() == one.names.size(), "OpenSSL lacks an algorithm");
    one.algorithms.push_back({});
  }
}

/// The default provider with another answer to what it offers.
int begin(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out,
          void** provider) {
  const OSSL_DISPATCH* all = nullptr;
  if (ossl_default_provider_init(handle, in, &all, provider) != 1) return 0;
  Few& made = few();
  Query query_all = nullptr;
  for (; all->function_id != 0; ++all) {
    const bool is_query = all->function_id == OSSL_FUNC_PROVIDER_QUERY_OPERATION;
    if (is_query) query_all = reinterpret_cast<Query>(all->function);
    made.functions.push_back(
        is_query ? OSSL_DISPATCH{all->function_id, reinterpret_cast<void (*)()>(query)} : *all);
  }
  made.functions.push_back({});
  check(query_all != nullptr, "OpenSSL's default provider offers nothing");
  choose(query_all, *provider);
  *out = made.functions.data();
  return 1;
}

OSSL_LIB_CTX* make() {
  if (ossl_default_provider_init == nullptr) return nullptr;
  OSSL_LIB_CTX* made = OSSL_LIB_CTX_new();
  check(made != nullptr, "no memory for OpenSSL");
  const bool loaded = OSSL_PROVIDER_add_builtin(made, "bmsg", begin) == 1 &&
                      OSSL_PROVIDER_load(made, "bmsg") != nullptr;
  check(loaded, "OpenSSL does not take its own provider");
  return made;
}

}  // namespace

OSSL_LIB_CTX* library() {
  static OSSL_LIB_CTX* const only = make();
  return only;
}

}  // namespace bmsg::crypto
