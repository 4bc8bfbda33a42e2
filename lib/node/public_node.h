// PublicNode: a node as a peer may see it. What is kept back (embargo.h) is not there.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/node/node.h"

namespace bmsg::node {

/// Threads: any.
/// Errors:  as Node.
class PublicNode final : public Service {
 public:
  /// `node` must outlive it. `peer` is the url of whom we call; without: whoever calls us.
  explicit PublicNode(Node& node, std::optional<std::string> peer = {})
      : node_(node), peer_(std::move(peer)) {}

  Result<NodeInfo> info() override;
  Result<std::string> rules_text() override { return node_.rules_text(); }
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override {
    return node_.headers(from, count);
  }
  Result<std::optional<ChainPast>> past(Height up_to) override { return node_.past(up_to); }
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override {
    return node_.blocks(from, count, bodies);
  }
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override {
    return node_.block(hash, bodies);
  }
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override;
  Result<Feed> feed(const std::string& cursor) override;
  Result<std::string> rules_in_force() override { return node_.rules_in_force(); }
  Result<std::vector<ProposalNote>> proposals() override { return node_.proposals(); }
  Result<std::optional<Block>> proposal(const BlockHash& hash) override {
    return node_.proposal(hash);
  }
  Result<BlockOutcome> submit_block(const Block& block) override {
    return node_.submit_block(block);
  }
  Result<std::vector<BlockOutcome>> submit_blocks(const std::vector<Block>& blocks) override {
    return node_.submit_blocks(blocks);
  }
  Result<std::vector<MessageOutcome>> submit_messages(const std::vector<Message>& messages,
                                                      Origin origin) override {
    return node_.submit_messages(messages, origin);
  }
  Result<std::vector<MessageOutcome>> take_messages(const std::vector<Message>& messages,
                                                    const std::string& giver) override {
    return node_.take_messages(messages, giver);
  }
  /// Who holds what is kept back is asked for it.
  Result<Rebuilt> submit_compact(const chain::CompactBlock& compact) override {
    return node_.submit_compact(compact, sees_all() ? Node::Pool::all : Node::Pool::told);
  }
  Result<BlockTemplate> block_template(const TemplateWish& wish) override {
    return node_.block_template(wish);
  }
  Result<OutboxTaken> take_outbox() override { return node_.take_outbox(); }
  Result<Reorg> follow(const BlockHash& hash) override { return node_.follow(hash); }
  Result<std::vector<WantedBody>> wanted_bodies() override { return node_.wanted_bodies(); }
  Result<Done> want_bodies(const std::vector<MessageId>& ids) override {
    return node_.want_bodies(ids);
  }
  Result<Done> want_topic(const Topic& topic) override { return node_.want_topic(topic); }
  Result<std::uint64_t> keep_bodies(const std::vector<Message>& messages) override {
    return node_.keep_bodies(messages);
  }
  Result<std::vector<MessageId>> forget(const std::vector<MessageId>& ids, DropRule rule) override {
    return node_.forget(ids, rule);
  }
  Result<Done> give_back_room() override { return node_.give_back_room(); }
  Result<std::vector<Peer>> peers() override { return node_.peers(); }
  Result<Done> put_peer(const Peer& peer) override { return node_.put_peer(peer); }
  Result<Done> remove_peer(const std::string& url) override { return node_.remove_peer(url); }
  Result<std::vector<PeerRecord>> peer_records() override { return node_.peer_records(); }
  Result<std::size_t> learn_peers(const std::vector<PeerRecord>& records,
                                  const Told& told) override {
    return node_.learn_peers(records, told);
  }
  BlobDirectory* blobs() override { return node_.blobs(); }

 private:
  bool sees_all() const { return peer_ && node_.embargo().is_confidant(*peer_); }

  Node& node_;
  const std::optional<std::string> peer_;
};

}  // namespace bmsg::node
