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

/// `size` fresh secret bytes.
Result<SecretBytes> random_secret(Entropy& entropy, std::size_t size);

}  // namespace bmsg::crypto
