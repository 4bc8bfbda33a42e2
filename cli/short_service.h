// ShortService: a node that is opened for each call, so that its lock is free in between.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "cli/session.h"

namespace bmsg::cli {

/// What sync works on from a command: reading goes to the chain beside any writer, changes take the
/// lock for as long as they last.
/// Threads: any, one after the other.
class ShortService final : public node::Service {
 public:
  /// Both must outlive it.
  ShortService(Context& context, const StoreDir& store) : context_(context), store_(store) {}

  /// info() says that this node takes nothing; who serves it keeps to that.
  void call_read_only() { read_only_ = true; }
  /// Chunks of files are given from there and kept there. It must outlive this.
  void offer(node::BlobDirectory& blobs) { blobs_ = &blobs; }

  Result<node::NodeInfo> info() override;
  Result<std::string> rules_text() override;
  Result<std::string> rules_in_force() override;
  Result<std::vector<node::ProposalNote>> proposals() override;
  Result<std::optional<Block>> proposal(const BlockHash& hash) override;
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override;
  Result<std::optional<node::ChainPast>> past(Height up_to) override;
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override;
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override;
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override;
  Result<node::Feed> feed(const std::string& cursor) override;
  Result<node::BlockOutcome> submit_block(const Block& block) override;
  Result<std::vector<node::BlockOutcome>> submit_blocks(const std::vector<Block>& blocks) override;
  Result<std::vector<node::MessageOutcome>> submit_messages(const std::vector<Message>& messages,
                                                            node::Origin origin) override;
  Result<std::vector<node::MessageOutcome>> take_messages(const std::vector<Message>& messages,
                                                          const std::string& giver) override;
  Result<Rebuilt> submit_compact(const chain::CompactBlock& compact) override;
  Result<node::BlockTemplate> block_template(const node::TemplateWish& wish) override;
  Result<node::Feed> pool_since(std::uint64_t arrival) override;
  Result<node::OutboxTaken> take_outbox() override;
  Result<node::Reorg> follow(const BlockHash& hash) override;
  Result<std::vector<node::WantedBody>> wanted_bodies() override;
  Result<Done> want_bodies(const std::vector<MessageId>& ids) override;
  Result<Done> want_topic(const Topic& topic) override;
  Result<std::uint64_t> keep_bodies(const std::vector<Message>& messages) override;
  Result<std::vector<MessageId>> forget(const std::vector<MessageId>& ids,
                                        node::DropRule rule) override;
  Result<Done> give_back_room() override;
  Result<std::vector<node::Peer>> peers() override;
  Result<Done> put_peer(const node::Peer& peer) override;
  Result<Done> remove_peer(const std::string& url) override;
  Result<std::vector<node::PeerRecord>> peer_records() override;
  Result<std::size_t> learn_peers(const std::vector<node::PeerRecord>& records,
                                  const node::Told& told) override;

  node::BlobDirectory* blobs() override { return blobs_; }

  /// Lets go of the lock.
  Result<Done> release();
  /// From now on somebody waits for others, who may be slow: a node that nobody has asked for some
  /// milliseconds is let go. Each is followed by end_wait().
  Result<Done> begin_wait();
  void end_wait();
  /// The same, if nobody has asked for anything for so long.
  Result<Done> release_if_idle(std::chrono::milliseconds idle);

 private:
  template <class Question>
  auto ask(Question question) -> decltype(question(std::declval<node::Service&>()));
  Result<node::Service*> service();
  Result<Done> release_now();
  void let_go_late(const std::stop_token& stop);

  Context& context_;
  const StoreDir& store_;
  std::unique_ptr<NodeSession> session_;
  bool read_only_ = false;
  node::BlobDirectory* blobs_ = nullptr;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point since_;  // The session was opened.
  std::chrono::steady_clock::time_point last_;   // Somebody asked.
  std::size_t waiting_ = 0;                      // For others.
  std::condition_variable_any changed_;
  Result<Done> late_ = done;           // What became of a node that was let go meanwhile.
  std::vector<std::jthread> threads_;  // One, once it is needed. Ends before what it uses does.
};

}  // namespace bmsg::cli
