// The self-signed certificate of a node key, as bytes; lib/net gets bytes and gives back the raw
// key it saw.

#pragma once

#include <optional>
#include <string>

#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

/// A certificate and its private key, PEM. The pin is the raw key: names and dates mean nothing.
struct NodeCertificate {
  std::string certificate_pem;
  SecretBytes private_key_pem;
};

/// Source: RFC 8410 (Ed25519 in X.509).
Result<NodeCertificate> make_certificate(const SecretBytes& node_seed);

/// The raw Ed25519 key in a DER certificate; nullopt if it is of another kind.
std::optional<NodeKey> key_in_certificate(ByteView certificate_der);

}  // namespace bmsg::crypto
