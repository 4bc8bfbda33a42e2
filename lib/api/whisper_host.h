// WhisperHost: what the shh_* methods need of the store and the node behind them.

#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/api/whisper_keys.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/entropy.h"
#include "lib/core/message.h"

namespace bmsg::api {

/// Whether private keys may be asked for.
enum class KeyExport { refused, allowed };

/// What waits for a block.
struct PoolSize {
  std::uint64_t bytes = 0;
  std::size_t messages = 0;
};

/// Threads: any; keys() and what it points to belong to whoever holds the gateway's keys.
class WhisperHost {
 public:
  virtual ~WhisperHost() = default;

  /// The keys of the store's identity; nullptr while the keyring is locked.
  virtual WhisperKeys* keys() = 0;
  /// The rules in force.
  virtual chain::ChainRules chain() const = 0;
  virtual const Clock& clock() const = 0;
  virtual Entropy& entropy() = 0;
  /// Puts a sealed and stamped message on its way. Durable when it returns.
  virtual Result<Done> post(const Message& message) = 0;
  virtual std::size_t peers() const = 0;
  virtual bool is_listening() const = 0;
  virtual PoolSize pool() const = 0;
  virtual KeyExport key_export() const { return KeyExport::refused; }
  /// Over how many cores a stamp is searched.
  virtual unsigned threads() const { return 1; }
};

}  // namespace bmsg::api
