// Keys of Whisper's clients in the keyring of a store.

#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cli/command.h"
#include "lib/api/whisper_keys.h"

namespace bmsg::cli {

/// Reads them, and writes the keyring again with each that is made or deleted. Other commands may
/// change the rest of it meanwhile.
/// Threads: one at a time.
class RpcKeys final : public api::WhisperKeySaver {
 public:
  RpcKeys(const Context& like, StoreDir store);
  ~RpcKeys() override;

  /// Reads them, with a passphrase if the keyring has one.
  /// Errors: as unlock_keyring(); Errc::corrupt.
  Result<Done> open(const std::optional<crypto::SecretBytes>& passphrase);
  /// Wipes them and the passphrase.
  void close();
  /// nullptr while they are closed.
  api::WhisperKeys* keys() { return keys_.get(); }

  Result<Done> save(const std::vector<api::WhisperKey>& keys) override;

 private:
  std::unique_ptr<Context> context_;
  StoreDir store_;
  std::vector<api::WhisperKey> saved_;
  std::unique_ptr<api::WhisperKeys> keys_;
};

}  // namespace bmsg::cli
