// Opening a database costs milliseconds, so the lock is kept over calls that come in a row, but no
// longer than kHeldMax where another waits for it, and never while a peer is slow to answer: then a
// thread lets it go.

#include "cli/short_service.h"

#include <algorithm>
#include <thread>

#include "lib/core/thread.h"
#include "lib/core/try.h"
#include "lib/node/blob_directory.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kHeldMax{500};
/// Where nobody is seen to wait. By then, too, cards that came with blocks are to be filed.
constexpr std::chrono::seconds kHeldAlone{20};
/// Whoever waits for the lock looks every 50 ms: this is a fair part of it.
constexpr std::chrono::milliseconds kFreeMin{25};
/// How long an answer is waited for with the lock in hand. To close the node and open it again
/// takes about as long.
constexpr std::chrono::milliseconds kWaitMax{20};

/// Then what we had sent there goes again, as soon as the node is opened anew.
bool has_left_branch(const node::BlockOutcome& outcome) {
  return outcome.reorg && outcome.reorg->depth > 0;
}

}  // namespace

Result<Done> ShortService::release_now() {
  if (!session_) return done;
  auto collected = session_->collect_cards();
  session_.reset();
  return collected;
}

Result<Done> ShortService::release() {
  const std::lock_guard lock(mutex_);
  auto late = std::exchange(late_, done);
  auto released = release_now();
  return late ? released : late;
}

Result<Done> ShortService::begin_wait() {
  const std::lock_guard lock(mutex_);
  BMSG_TRY(std::exchange(late_, done));
  const auto work = [this](const std::stop_token& stop) { let_go_late(stop); };
  if (threads_.empty() && !start_thread(threads_, work)) BMSG_TRY(release_now());
  ++waiting_;
  changed_.notify_all();
  return done;
}

void ShortService::end_wait() {
  const std::lock_guard lock(mutex_);
  --waiting_;
}

void ShortService::let_go_late(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return waiting_ > 0 && session_; })) {
    const auto idle = context_.clock.steady() - last_;
    if (idle < kWaitMax) {
      (void)changed_.wait_for(lock, stop, kWaitMax - idle, [] { return false; });
    } else if (auto released = release_now(); !released) {
      late_ = std::move(released);
    }
  }
}

Result<Done> ShortService::release_if_idle(std::chrono::milliseconds idle) {
  const std::lock_guard lock(mutex_);
  return context_.clock.steady() - last_ >= idle ? release_now() : done;
}

Result<node::Service*> ShortService::service() {
  const auto now = context_.clock.steady();
  const auto held = now - since_;
  if (session_ && held > kHeldMax && (held > kHeldAlone || session_->is_wanted())) {
    BMSG_TRY(release_now());
    std::this_thread::sleep_for(kFreeMin);
  }
  if (!session_) {
    BMSG_TRY_ASSIGN(session_, open_node(context_, store_));
    since_ = context_.clock.steady();
  }
  return &session_->service();
}

template <class Question>
auto ShortService::ask(Question question) -> decltype(question(std::declval<node::Service&>())) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(auto* node, service());
  auto answer = question(*node);
  last_ = context_.clock.steady();
  return answer;
}

Result<node::NodeInfo> ShortService::info() {
  BMSG_TRY_ASSIGN(auto info, ask([&](node::Service& node) { return node.info(); }));
  info.read_only = info.read_only || read_only_;
  if (blobs_ != nullptr) {
    info.blob_quota = blobs_->quota();
    BMSG_TRY_ASSIGN(info.blob_room, blobs_->room());
  }
  return info;
}

Result<std::string> ShortService::rules_text() {
  return ask([&](node::Service& node) { return node.rules_text(); });
}
Result<std::string> ShortService::rules_in_force() {
  return ask([&](node::Service& node) { return node.rules_in_force(); });
}
Result<std::optional<Block>> ShortService::proposal(const BlockHash& hash) {
  return ask([&](node::Service& node) { return node.proposal(hash); });
}
Result<std::vector<node::ProposalNote>> ShortService::proposals() {
  return ask([&](node::Service& node) { return node.proposals(); });
}

Result<std::vector<SealedHeader>> ShortService::headers(Height from, std::uint32_t count) {
  return ask([&](node::Service& node) { return node.headers(from, count); });
}

Result<std::optional<node::ChainPast>> ShortService::past(Height up_to) {
  return ask([&](node::Service& node) { return node.past(up_to); });
}

Result<std::vector<Block>> ShortService::blocks(Height from, std::uint32_t count, Bodies bodies) {
  return ask([&](node::Service& node) { return node.blocks(from, count, bodies); });
}

Result<std::optional<Block>> ShortService::block(const BlockHash& hash, Bodies bodies) {
  return ask([&](node::Service& node) { return node.block(hash, bodies); });
}

Result<std::vector<Message>> ShortService::messages(const std::vector<ShortId>& ids) {
  return ask([&](node::Service& node) { return node.messages(ids); });
}

Result<node::Feed> ShortService::feed(const std::string& cursor) {
  return ask([&](node::Service& node) { return node.feed(cursor); });
}

Result<node::BlockOutcome> ShortService::submit_block(const Block& block) {
  BMSG_TRY_ASSIGN(auto outcome, ask([&](node::Service& node) { return node.submit_block(block); }));
  if (has_left_branch(outcome)) BMSG_TRY(release());
  return outcome;
}

Result<std::vector<node::BlockOutcome>> ShortService::submit_blocks(
    const std::vector<Block>& blocks) {
  BMSG_TRY_ASSIGN(auto outcomes,
                  ask([&](node::Service& node) { return node.submit_blocks(blocks); }));
  if (std::ranges::any_of(outcomes, has_left_branch)) BMSG_TRY(release());
  return outcomes;
}

Result<std::vector<node::MessageOutcome>> ShortService::submit_messages(
    const std::vector<Message>& messages, node::Origin origin) {
  return ask([&](node::Service& node) { return node.submit_messages(messages, origin); });
}

Result<std::vector<node::MessageOutcome>> ShortService::take_messages(
    const std::vector<Message>& messages, const std::string& giver) {
  return ask([&](node::Service& node) { return node.take_messages(messages, giver); });
}

Result<node::Feed> ShortService::pool_since(std::uint64_t arrival) {
  return ask([&](node::Service& node) { return node.pool_since(arrival); });
}

Result<node::Service::Rebuilt> ShortService::submit_compact(const chain::CompactBlock& compact) {
  return ask([&](node::Service& node) { return node.submit_compact(compact); });
}

Result<node::BlockTemplate> ShortService::block_template(const node::TemplateWish& wish) {
  return ask([&](node::Service& node) { return node.block_template(wish); });
}

Result<node::OutboxTaken> ShortService::take_outbox() {
  return ask([&](node::Service& node) { return node.take_outbox(); });
}

Result<node::Reorg> ShortService::follow(const BlockHash& hash) {
  return ask([&](node::Service& node) { return node.follow(hash); });
}

Result<std::vector<node::WantedBody>> ShortService::wanted_bodies() {
  return ask([&](node::Service& node) { return node.wanted_bodies(); });
}

Result<Done> ShortService::want_bodies(const std::vector<MessageId>& ids) {
  return ask([&](node::Service& node) { return node.want_bodies(ids); });
}

Result<Done> ShortService::want_topic(const Topic& topic) {
  return ask([&](node::Service& node) { return node.want_topic(topic); });
}

Result<std::uint64_t> ShortService::keep_bodies(const std::vector<Message>& messages) {
  return ask([&](node::Service& node) { return node.keep_bodies(messages); });
}

Result<std::vector<MessageId>> ShortService::forget(const std::vector<MessageId>& ids,
                                                    node::DropRule rule) {
  return ask([&](node::Service& node) { return node.forget(ids, rule); });
}

Result<Done> ShortService::give_back_room() {
  return ask([&](node::Service& node) { return node.give_back_room(); });
}

Result<std::vector<node::Peer>> ShortService::peers() {
  return ask([&](node::Service& node) { return node.peers(); });
}

Result<Done> ShortService::put_peer(const node::Peer& peer) {
  return ask([&](node::Service& node) { return node.put_peer(peer); });
}

Result<Done> ShortService::remove_peer(const std::string& url) {
  return ask([&](node::Service& node) { return node.remove_peer(url); });
}

Result<std::vector<node::PeerRecord>> ShortService::peer_records() {
  return ask([&](node::Service& node) { return node.peer_records(); });
}

Result<std::size_t> ShortService::learn_peers(const std::vector<node::PeerRecord>& records,
                                              const node::Told& told) {
  return ask([&](node::Service& node) { return node.learn_peers(records, told); });
}

}  // namespace bmsg::cli
