// SwarmNode: one node of a swarm, and what must hold of it after each event.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/node/block_queue.h"
#include "lib/node/memory_store.h"
#include "lib/node/node.h"
#include "tests/support/chain_builder.h"
#include "tests/support/fake_entropy.h"

namespace bmsg {

/// Threads: one at a time.
class SwarmNode {
 public:
  struct Limits {
    std::size_t pool_bytes = 0;
    std::uint64_t side_bytes = 0;
  };
  /// What changed since the last look.
  struct Seen {
    std::uint32_t reorg = 0;      // Blocks taken off.
    std::uint64_t forgotten = 0;  // Side blocks dropped.
    std::string fault;            // What may never be; empty: nothing.
  };

  SwarmNode(const ChainBuilder& builder, const Clock& clock, std::uint64_t seed, Limits limits);

  /// The same chain as another has, pool and all, before anything happens.
  void begin_like(const SwarmNode& other);
  /// A new Node over what is stored.
  void start();
  node::Node& service() { return *service_; }
  node::MemoryStore& store() { return store_; }
  node::Tip tip() const { return store_.tip().value(); }

  /// From now on it must be in pool or best chain.
  void own(const MessageId& id) { own_.push_back(id); }
  /// How often a message stands in pool and best chain.
  std::size_t count(const MessageId& id) const;
  bool has_pooled(const MessageId& id) const { return store_.pooled(id).value().has_value(); }

  Seen look();

  FakeEntropy entropy;
  std::map<std::size_t, std::string> cursors;  // Of each peer, from the last session.
  std::weak_ptr<node::BlockQueue> queue;       // While any of its sessions is open.

 private:
  std::string find_fault(const node::Tip& tip) const;
  std::string find_overflow() const;

  const ChainBuilder& builder_;
  const Clock& clock_;
  Limits limits_;
  mutable node::MemoryStore store_;  // Its records are looked at.
  std::unique_ptr<node::Node> service_;
  std::vector<MessageId> own_;
  node::Tip tip_;
  std::vector<BlockHash> main_;  // The best chain as last seen.
  std::size_t blocks_ = 1;       // Stored, on any branch, as last seen.
};

}  // namespace bmsg
