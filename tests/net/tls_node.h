// A node's key and what it shows over TLS, for tests.

#pragma once

#include <memory>

#include "lib/core/check.h"
#include "lib/crypto/certificate.h"
#include "lib/crypto/sign.h"
#include "lib/net/http_server.h"

namespace bmsg::net {

/// A node: its key and what it shows.
struct Node {
  explicit Node(std::uint8_t seed_byte) {
    const auto seed = crypto::SecretBytes::from(Bytes(32, seed_byte));
    key = relabel<NodeKey>(crypto::public_key_of(seed));
    const auto made = crypto::make_certificate(seed);
    check(bool(made), "no certificate");
    identity = TlsIdentity::load(made.value().certificate_pem, made.value().private_key_pem.view())
                   .value();
  }

  NodeKey key;
  std::shared_ptr<TlsIdentity> identity;
};

inline Listener tls_on_loopback(const Node& node) {
  return Listener{.address = {Scheme::https, "127.0.0.1", 0, {}}, .identity = node.identity};
}

}  // namespace bmsg::net
