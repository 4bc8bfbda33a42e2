// Opening a database costs milliseconds, so the lock is kept over calls that come in a row, but no
// longer than kHeldMax, and never while a peer is slow to answer: sync calls release() before that.

#include "cli/short_service.h"

#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kHeldMax{500};

}  // namespace

Result<Done> ShortService::release() {
  if (!session_) return done;
  auto collected = session_->collect_cards();
  session_.reset();
  return collected;
}

Result<node::Service*> ShortService::service() {
  const auto now = context_.clock.steady();
  if (session_ && now - since_ > kHeldMax) BMSG_TRY(release());
  if (!session_) {
    BMSG_TRY_ASSIGN(session_, open_node(context_, store_));
    since_ = context_.clock.steady();
  }
  return &session_->service();
}

Result<node::NodeInfo> ShortService::info() {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->info();
}

Result<std::string> ShortService::rules_text() {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->rules_text();
}

Result<std::vector<SealedHeader>> ShortService::headers(Height from, std::uint32_t count) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->headers(from, count);
}

Result<std::vector<Block>> ShortService::blocks(Height from, std::uint32_t count, Bodies bodies) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->blocks(from, count, bodies);
}

Result<std::optional<Block>> ShortService::block(const BlockHash& hash, Bodies bodies) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->block(hash, bodies);
}

Result<std::vector<Message>> ShortService::messages(const std::vector<ShortId>& ids) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->messages(ids);
}

Result<node::Feed> ShortService::feed(const std::string& cursor) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->feed(cursor);
}

Result<node::BlockOutcome> ShortService::submit_block(const Block& block) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->submit_block(block);
}

Result<std::vector<node::MessageOutcome>> ShortService::submit_messages(
    const std::vector<Message>& messages, node::Origin origin) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->submit_messages(messages, origin);
}

Result<node::Service::Rebuilt> ShortService::submit_compact(const chain::CompactBlock& compact) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->submit_compact(compact);
}

Result<node::BlockTemplate> ShortService::block_template(const node::TemplateWish& wish) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->block_template(wish);
}

Result<node::OutboxTaken> ShortService::take_outbox() {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->take_outbox();
}

Result<std::vector<node::Peer>> ShortService::peers() {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->peers();
}

Result<Done> ShortService::put_peer(const node::Peer& peer) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->put_peer(peer);
}

Result<Done> ShortService::remove_peer(const std::string& url) {
  BMSG_TRY_ASSIGN(auto* node, service());
  return node->remove_peer(url);
}

}  // namespace bmsg::cli
