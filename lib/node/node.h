// Node: the parts put together behind one lock. The only Service that has state.

#pragma once

#include <atomic>
#include <condition_variable>
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
#include "lib/node/embargo.h"
#include "lib/node/mempool.h"
#include "lib/node/outbox_source.h"
#include "lib/node/peer_table.h"
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
  bool read_only = false;                 // As it says to peers; who serves it keeps to it.
  bool keeps_all_bodies = false;          // In a light store too: for building one anew.
  std::vector<DroppedBody> dropped = {};  // Of the store that this one takes the place of.
  ReorgPolicy reorg = {};
  PoolLimits pool = {};
  /// Without: no chunks of files.
  BlobDirectory* blobs = nullptr;
  JudgePlace judge_place = {};  // Without: nothing is learned of others.
  std::function<std::optional<PeerRecord>(UnixSeconds now)> own_record = {};
  JudgeKey admits = {};  // Without: whoever is a peer may be called.
};

/// Threads: any.
class Node final : public Service {
 public:
  static Result<std::unique_ptr<Node>> make(NodeParts parts);

  /// Called after each change of chain or pool, by the thread that made it, without the lock. What
  /// was called until now runs no more when this returns; it must not call this itself.
  void on_change(std::function<void()> call);
  /// The same after something of ours came that is kept back for now. Nobody else may notice.
  void on_kept_back(std::function<void()> call);

  /// Which of our messages are kept back, and from whom. Without a confidant: none.
  Embargo& embargo() { return embargo_; }

  /// Another number since something changed that no reorganisation reaches: bodies were dropped, a
  /// branch followed that policy had stopped, signatures added to a block. When forget() and its
  /// like return, it has changed.
  std::uint64_t rewrites() const { return rewrites_; }
  /// Puts what has been kept back long enough into the feed.
  Result<Done> release_due();
  /// Whether a message waits in the pool that only the confidant may see.
  Result<bool> is_kept_back(const MessageId& id);

  Result<NodeInfo> info() override;
  Result<std::string> rules_text() override;
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override;
  Result<std::optional<ChainPast>> past(Height up_to) override;
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override;
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override;
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override;
  Result<Feed> feed(const std::string& cursor) override;
  Result<BlockOutcome> submit_block(const Block& block) override;
  Result<std::vector<BlockOutcome>> submit_blocks(const std::vector<Block>& blocks) override;
  Result<std::string> rules_in_force() override;
  Result<std::vector<ProposalNote>> proposals() override;
  Result<std::optional<Block>> proposal(const BlockHash& hash) override;
  Result<std::vector<MessageOutcome>> submit_messages(const std::vector<Message>& messages,
                                                      Origin origin) override;
  Result<std::vector<MessageOutcome>> take_messages(const std::vector<Message>& messages,
                                                    const std::string& giver) override;
  Result<Rebuilt> submit_compact(const chain::CompactBlock& compact) override {
    return submit_compact(compact, Pool::all);
  }
  enum class Pool : std::uint8_t { all, told };  // Or without what is kept back.
  Result<Rebuilt> submit_compact(const chain::CompactBlock& compact, Pool pool);
  Result<BlockTemplate> block_template(const TemplateWish& wish) override;
  Result<Feed> pool_since(std::uint64_t arrival) override;
  Result<OutboxTaken> take_outbox() override;
  Result<Reorg> follow(const BlockHash& hash) override;
  Result<std::vector<WantedBody>> wanted_bodies() override;
  Result<Done> want_bodies(const std::vector<MessageId>& ids) override;
  Result<Done> want_topic(const Topic& topic) override;
  Result<std::uint64_t> keep_bodies(const std::vector<Message>& messages) override;
  Result<std::vector<MessageId>> forget(const std::vector<MessageId>& ids, DropRule rule) override;
  Result<Done> give_back_room() override { return parts_.store.give_back_room(); }
  Result<std::vector<Peer>> peers() override;
  Result<Done> put_peer(const Peer& peer) override;
  Result<Done> remove_peer(const std::string& url) override;
  Result<std::vector<PeerRecord>> peer_records() override;
  Result<std::size_t> learn_peers(const std::vector<PeerRecord>& records,
                                  const Told& told) override;
  BlobDirectory* blobs() override { return parts_.blobs; }

  /// From now on another judge of whom that nobody gave we may call.
  void set_admits(JudgeKey admits);
  /// Removes what strangers told of if it still is unproven there, with this key.
  Result<Done> forget_unproven(const Peer& peer);

  /// The peers to call: all but those learned ones that have no place now (outbound.h).
  Result<std::vector<Peer>> callable_peers();
  /// A learned one that never answered, to be called beside those.
  Result<std::optional<Peer>> feeler();

  const chain::ChainRules& chain() const { return parts_.chain; }

 private:
  Node(NodeParts parts, std::string epoch);
  /// What to tell once the lock is let go.
  struct News {
    bool any = false;
    bool kept_back = false;
  };

  /// Somebody to call, and how many do so now.
  struct Listener {
    std::function<void()> call;
    int running = 0;
  };
  using Listening = std::shared_ptr<Listener>;

  Result<Done> fill(Feed& feed, std::vector<MessageId> ids);
  void listen(Listening& place, std::function<void()> call);
  void call(const Listening& listener);
  void note(const MessageId& id);
  Result<Done> note_taken(const MessageId& id, Origin origin, bool was_pooled);
  void tell(const News& news);
  void changed() { tell({.any = true, .kept_back = false}); }
  Result<std::vector<MessageOutcome>> submit(const std::vector<Message>& messages, Origin origin,
                                             std::uint64_t giver);
  Result<std::vector<MessageOutcome>> submit_locked(const std::vector<Message>& messages,
                                                    Origin origin, std::uint64_t giver = 0);
  Result<std::vector<BlockOutcome>> submit_blocks_locked(std::span<const Block> blocks);
  Result<std::optional<BlockOutcome>> add_signatures(const SealedHeader& sealed);
  Result<BlockOutcome> note_accepted(BlockOutcome outcome, const std::vector<Message>& messages);
  Result<bool> renew_rules();
  Result<Done> follow_rules();
  Result<Done> note_returned(const std::vector<MessageId>& ids);
  Result<Done> note_blocked(const std::vector<Message>& messages);
  Result<Done> take_batch(const std::vector<OutboxSource::Queued>& queued, OutboxTaken& taken,
                          std::set<std::string>& waiting);
  Result<Done> take_outbox_locked(OutboxTaken& taken);
  Result<bool> wants_descendants(const Tip& tip, std::uint32_t bury) const;
  Result<std::optional<Message>> find_message(const ShortId& id) const;
  Result<std::optional<BlockOutcome>> judge_compact(const chain::CompactBlock& compact,
                                                    std::uint64_t& bytes_max);
  Result<std::vector<ShortId>> fill_block(const std::vector<chain::CompactBlock::Entry>& entries,
                                          Pool pool, std::uint64_t bytes_max, Block& block);

  NodeParts parts_;
  std::mutex mutex_;
  ChainState state_;
  chain::ChainRules in_force_;  // For the next block: what the pool goes by.
  Mempool pool_;
  std::string epoch_;                // Of the feed; another start of the node is another one.
  std::deque<MessageId> arrivals_;   // The newest of the feed.
  std::uint64_t first_arrival_ = 0;  // The number of arrivals_.front().
  Listening on_change_;
  Listening on_kept_back_;
  std::condition_variable called_;  // One of these came back.
  Embargo embargo_;
  std::atomic<std::uint64_t> rewrites_ = 0;
  std::optional<std::uint64_t> outbound_seed_;  // Drawn at the first need.
  News news_;
};

}  // namespace bmsg::node
