// NodeFixture: a chain in memory, its state and its pool, and what tests ask of them.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/node/memory_store.h"
#include "lib/node/mempool.h"
#include "lib/node/node.h"
#include "tests/support/chain_builder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_entropy.h"

namespace bmsg {

inline BlockHash hash_of(const Block& block) { return chain::hash_of(block.header); }
inline MessageId id_of(const Message& message) { return chain::id_of(message.head); }

inline constexpr std::uint64_t kReachMax = 1'000'000;

/// Where the tests of one mode are run in the other, branches reach as far.
inline node::ReorgPolicy same_in_both(node::ReorgPolicy policy) {
  if (!runs_endorsed()) return policy;
  const auto blocks = static_cast<std::uint32_t>(std::min(policy.seconds_max / 600, kReachMax));
  policy.endorsed_depth_max = std::max(policy.depth_max, blocks);
  return policy;
}

/// The clock stands 9,000 intervals after genesis.
struct NodeFixture {
  explicit NodeFixture(const std::string& text = easy_rules_text(), node::ReorgPolicy policy = {},
                       node::PoolLimits limits = {})
      : builder(text),
        store(text),
        state(store, builder.chain(), clock, same_in_both(policy)),
        pool(store, builder.chain(), clock, limits) {}

  node::BlockOutcome accept(const Block& block) {
    pool.forget_index();
    return state.accept(block).value();
  }
  void accept_all(const std::vector<Block>& blocks) {
    for (const Block& block : blocks)
      ASSERT_EQ(accept(block).verdict, node::Verdict::accepted) << block.header.height.value;
  }
  BlockHash tip() const { return store.tip().value().hash; }

  /// A message of now whose stamp shows at least `achieved` hashes.
  Message message(const std::string& text, std::uint64_t achieved = 0) const {
    Message made = builder.public_message(text, clock.now());
    const MessageId id = id_of(made);
    while (chain::stamp_achieved(id, made.nonce) < achieved) ++made.nonce;
    return made;
  }
  node::MessageOutcome submit(const Message& message, node::Origin origin) {
    return pool.submit({message}, origin).value().front();
  }
  bool is_pooled(const Message& message) const {
    return store.pooled(id_of(message)).value().has_value();
  }
  /// What waits, and with which stamps.
  std::map<MessageId, std::uint64_t> pooled() const {
    std::map<MessageId, std::uint64_t> all;
    for (const auto& one : store.pool(0).value()) all[one.id] = one.message.nonce;
    return all;
  }
  std::unique_ptr<node::Node> node(node::OutboxSource* outbox = nullptr,
                                   node::PoolLimits limits = {}) {
    return node::Node::make({.store = store,
                             .chain = builder.chain(),
                             .clock = clock,
                             .entropy = entropy,
                             .outbox = outbox,
                             .key = {},
                             .agent = "test",
                             .reorg = same_in_both({}),
                             .pool = limits})
        .value();
  }

  ChainBuilder builder;
  node::MemoryStore store;
  FakeClock clock{kEasyGenesisTime + 9'000 * 600};
  FakeEntropy entropy;
  node::ChainState state;
  node::Mempool pool;
};

}  // namespace bmsg
