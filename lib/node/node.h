// Node: the parts put together behind one lock. The only Service that has state.

#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/entropy.h"
#include "lib/node/chain_state.h"
#include "lib/node/mempool.h"
#include "lib/node/outbox_source.h"
#include "lib/node/service.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// What a node is made of. Borrowed things must outlive it.
struct NodeParts {
  Store& store;
  chain::ChainRules chain;
  const Clock& clock;
  Entropy& entropy;
  OutboxSource* outbox = nullptr;   // Without: nothing to take in.
  std::optional<NodeKey> key = {};  // What it says it is.
  std::string agent;
  bool read_only = false;  // As it says to peers; who serves it keeps to it.
  ReorgPolicy reorg = {};
  PoolLimits pool = {};
};

/// Threads: any.
class Node final : public Service {
 public:
  static Result<std::unique_ptr<Node>> make(NodeParts parts);

  /// Called after each change of chain or pool, by the thread that made it, without the lock.
  void on_change(std::function<void()> call);

  Result<NodeInfo> info() override;
  Result<std::string> rules_text() override;
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override;
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override;
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override;
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override;
  Result<Feed> feed(const std::string& cursor) override;
  Result<BlockOutcome> submit_block(const Block& block) override;
  Result<std::vector<MessageOutcome>> submit_messages(const std::vector<Message>& messages,
                                                      Origin origin) override;
  Result<Rebuilt> submit_compact(const chain::CompactBlock& compact) override;
  Result<BlockTemplate> block_template(const TemplateWish& wish) override;
  Result<OutboxTaken> take_outbox() override;
  Result<Reorg> follow(const BlockHash& hash) override;
  Result<std::vector<Peer>> peers() override;
  Result<Done> put_peer(const Peer& peer) override;
  Result<Done> remove_peer(const std::string& url) override;

  const chain::ChainRules& chain() const { return parts_.chain; }

 private:
  Node(NodeParts parts, std::string epoch);
  void note(const MessageId& id);
  void changed();
  Result<std::vector<MessageOutcome>> submit_locked(const std::vector<Message>& messages,
                                                    Origin origin);
  Result<BlockOutcome> submit_block_locked(const Block& block);
  Result<Done> note_returned(const std::vector<MessageId>& ids);
  Result<Done> take_batch(const std::vector<OutboxSource::Queued>& queued, OutboxTaken& taken,
                          std::set<std::string>& waiting);
  Result<Done> take_outbox_locked(OutboxTaken& taken);
  Result<bool> wants_descendants(const Tip& tip, std::uint32_t bury) const;
  Result<std::optional<Message>> find_message(const ShortId& id) const;

  NodeParts parts_;
  std::mutex mutex_;
  ChainState state_;
  Mempool pool_;
  std::string epoch_;                // Of the feed; another start of the node is another one.
  std::deque<ShortId> arrivals_;     // The newest of the feed.
  std::uint64_t first_arrival_ = 0;  // The number of arrivals_.front().
  std::function<void()> on_change_;
};

}  // namespace bmsg::node
