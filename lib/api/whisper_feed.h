// What is new in a chain and its pool since the last look, for a gateway that has to miss nothing.

#pragma once

#include <functional>

#include "lib/core/message.h"
#include "lib/node/store.h"

namespace bmsg::api {

/// A place in a chain and in its pool. Blocks come first, upwards from where the last look ended or
/// its branch was left, then the pool in the order of arrival.
/// Threads: one at a time.
/// Errors:  as node::ChainReader.
class WhisperFeed {
 public:
  /// Takes a message; false: not now, and the next look begins with it.
  using Take = std::function<bool(const Message&)>;
  using Skip = std::function<void(const MessageHead&)>;

  /// Goes to where the chain is now. What was there already is skipped, as far down as branches
  /// may be left that had it.
  Result<Done> begin(const node::ChainReader& chain, const Skip& skip);
  /// All that is new. Messages of blocks may come that came before, from the pool or a branch that
  /// was left.
  Result<Done> look(const node::ChainReader& chain, const Take& take);

 private:
  Result<Height> shared_height(const node::ChainReader& chain) const;
  Result<bool> look_at_blocks(const node::ChainReader& chain, const Take& take);
  Result<Done> look_at_pool(const node::ChainReader& chain, const Take& take);

  BlockHash place_;  // The last block that was gone through.
  Height height_;
  std::uint64_t arrival_ = 0;  // Of the pool, what is below was looked at.
};

}  // namespace bmsg::api
