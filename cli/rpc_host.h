// The store and its node, as the shh_* methods see them.

#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "cli/command.h"
#include "cli/rpc_keys.h"
#include "lib/api/whisper_host.h"

namespace bmsg::cli {

/// A post is a file of the outbox, as every message of ours is; one more thread has the node take
/// it, or puts it into the pool where none runs.
/// Threads: any; keys() as WhisperHost says.
class RpcHost final : public api::WhisperHost {
 public:
  RpcHost(const Context& like, StoreDir store, api::KeyExport exports);
  ~RpcHost() override;

  /// Reads the rules and begins to carry. `carried` is called when posts have come into the pool.
  Result<Done> start(std::function<void()> carried);
  void stop();
  /// The rules may have changed with a block.
  Result<Done> refresh_rules(Context& context);
  /// Belongs to whoever holds the gateway's keys.
  RpcKeys& store_keys() { return keys_; }

  api::WhisperKeys* keys() override { return keys_.keys(); }
  chain::ChainRules chain() const override;
  const Clock& clock() const override { return context_->clock; }
  Entropy& entropy() override { return context_->entropy; }
  Result<Done> post(const Message& message) override;
  std::size_t peers() const override;
  bool is_listening() const override;
  api::PoolSize pool() const override;
  api::KeyExport key_export() const override { return exports_; }
  unsigned threads() const override;

 private:
  void carry_on();
  Result<Done> carry();

  StoreDir store_;
  api::KeyExport exports_;
  RpcKeys keys_;
  mutable std::mutex mutex_;          // Of the two that follow.
  std::unique_ptr<Context> context_;  // Of callers.
  chain::ChainRules rules_;

  std::unique_ptr<Context> carrying_;  // Of the thread.
  std::function<void()> carried_;
  std::mutex waiting_mutex_;
  std::condition_variable woken_;
  bool waits_ = false;
  bool stopping_ = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace bmsg::cli
