// RemoteService: a node that another process runs, asked over its unix socket.

#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "lib/core/result.h"
#include "lib/net/http_client.h"
#include "lib/node/service.h"

namespace bmsg::api {

/// Threads: one at a time.
/// Errors:  Errc::locked if the node does not answer in time (it may be stopped); Errc::bad_config
///          if it is of another version; else what it answered.
/// Source:  bmsg-protocol(7), "Local socket".
class RemoteService final : public node::Service {
 public:
  /// Null if there is no socket or nobody listens.
  static Result<std::unique_ptr<RemoteService>> connect(const std::filesystem::path& socket,
                                                        std::chrono::milliseconds patience);

  Result<node::NodeInfo> info() override;
  Result<std::string> rules_text() override;
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override;
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override;
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override;
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override;
  Result<node::Feed> feed(const std::string& cursor) override;
  Result<node::BlockOutcome> submit_block(const Block& block) override;
  Result<std::vector<node::MessageOutcome>> submit_messages(const std::vector<Message>& messages,
                                                            node::Origin origin) override;
  Result<std::vector<node::MessageOutcome>> take_messages(const std::vector<Message>& messages,
                                                          const std::string& giver) override;
  Result<Rebuilt> submit_compact(const chain::CompactBlock& compact) override;
  Result<node::BlockTemplate> block_template(const node::TemplateWish& wish) override;
  Result<std::string> rules_in_force() override;
  Result<std::optional<Block>> proposal(const BlockHash& hash) override;
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

 private:
  Result<std::optional<Block>> one_block(const std::string& target);
  RemoteService(net::Address address, std::chrono::milliseconds patience);
  Result<Bytes> ask(const std::string& verb, Bytes body);
  Result<Bytes> ask(const std::string& verb, Bytes body, std::chrono::milliseconds patience);

  net::HttpClient client_;
  std::chrono::milliseconds patience_;
};

/// Tells a running node to take in its outbox; does not wait for an answer and does not mind if
/// nobody is there.
void poke(const std::filesystem::path& socket);

}  // namespace bmsg::api
