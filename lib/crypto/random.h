// Bytes that nobody can guess.

#pragma once

#include "lib/core/entropy.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

/// The system's generator (getrandom). A child after fork draws its own.
/// Threads: any.
class SystemEntropy final : public Entropy {
 public:
  Result<Done> fill(std::span<std::uint8_t> out) override;
};

/// Keeps OpenSSL from reading the machine's openssl.cnf, which costs time and could change what it
/// computes. Once, before anything else of lib/crypto.
void begin_without_settings();

/// `size` fresh secret bytes.
Result<SecretBytes> random_secret(Entropy& entropy, std::size_t size);

}  // namespace bmsg::crypto
