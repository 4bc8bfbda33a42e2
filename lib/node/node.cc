#include "lib/node/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "lib/chain/block_hash.h"
#include "lib/chain/schedule.h"
#include "lib/core/big_endian.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/node/blob_directory.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kOutboxBatch = 256;
constexpr std::size_t kBlocksBytesMax = 64u << 20;

/// The number of a cursor EPOCH.SEQ of this epoch.
std::optional<std::uint64_t> sequence_of(std::string_view cursor, std::string_view epoch) {
  const bool ours = cursor.starts_with(epoch) && cursor.substr(epoch.size()).starts_with('.');
  if (!ours) return std::nullopt;
  const std::string_view digits = cursor.substr(epoch.size() + 1);
  const char* end = digits.data() + digits.size();
  std::uint64_t sequence = 0;
  const auto parsed = std::from_chars(digits.data(), end, sequence);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return sequence;
}

std::string reason_of(const MessageOutcome& outcome) {
  if (!outcome.violation) return "refused";
  return fmt::format("{}: {}", chain::name_of(outcome.violation->rule), outcome.violation->detail);
}

/// A light node offers what it sends, and nothing that tells what it had read.
bool is_offered(const PooledMessage& pooled, const Store& store) {
  return !store.is_light() || pooled.origin == Origin::own;
}

}  // namespace

Result<std::unique_ptr<Node>> Node::make(NodeParts parts) {
  std::array<std::uint8_t, 8> epoch{};
  BMSG_TRY(parts.entropy.fill(epoch));
  std::unique_ptr<Node> node(new Node(std::move(parts), to_hex(epoch)));
  BMSG_TRY(node->renew_rules());
  return node;
}

Node::Node(NodeParts parts, std::string epoch)
    : parts_(std::move(parts)),
      state_(parts_.store, parts_.chain, parts_.clock, parts_.reorg),
      in_force_(parts_.chain),
      pool_(parts_.store, in_force_, parts_.clock, parts_.pool),
      epoch_(std::move(epoch)),
      embargo_(parts_.clock, parts_.entropy) {
  if (parts_.keeps_all_bodies) state_.keep_all_bodies();
  state_.remember_dropped(parts_.dropped);
}

Result<Done> Node::note_returned(const std::vector<MessageId>& ids) {
  if (ids.empty()) return done;
  // What came back to a light node's pool says which bodies it had.
  if (!parts_.store.is_light()) {
    for (const MessageId& id : ids) note(id);
  }
  return pool_.trim();
}

Result<NodeInfo> Node::info() {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto tip, parts_.store.tip());
  BMSG_TRY_ASSIGN(const auto totals, pool_.totals());
  NodeInfo info{.chain = parts_.chain.id,
                .name = parts_.chain.rules.name,
                .mode = parts_.chain.rules.mode,
                .tip = tip,
                .now = parts_.clock.now(),
                .pool_messages = totals.messages,
                .pool_bytes = totals.bytes,
                .node = parts_.key,
                .agent = parts_.agent,
                .read_only = parts_.read_only,
                .light = parts_.store.is_light()};
  if (parts_.blobs != nullptr) {
    info.blob_quota = parts_.blobs->quota();
    BMSG_TRY_ASSIGN(info.blob_room, parts_.blobs->room());
  }
  return info;
}

Result<std::string> Node::rules_text() { return parts_.store.rules_text(); }

Result<std::vector<SealedHeader>> Node::headers(Height from, std::uint32_t count) {
  BMSG_TRY_ASSIGN(auto stored, parts_.store.headers(from, std::min(count, kHeadersPerRequest)));
  std::vector<SealedHeader> headers;
  for (StoredHeader& one : stored) headers.push_back(std::move(one.sealed));
  return headers;
}

Result<std::optional<ChainPast>> Node::past(Height up_to) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto stored, parts_.store.headers(up_to, 1));
  if (stored.empty()) return std::optional<ChainPast>();
  const StoredHeader& last = stored.front();
  BMSG_TRY_ASSIGN(auto tree, state_.peaks_after(last));
  BMSG_TRY_ASSIGN(const auto* rules, state_.rules_after(last));
  return std::optional(
      ChainPast{last.sealed.header, last.hash, last.total_work, std::move(tree), *rules});
}

Result<std::vector<Block>> Node::blocks(Height from, std::uint32_t count, Bodies bodies) {
  BMSG_TRY_ASSIGN(const auto stored,
                  parts_.store.headers(from, std::min(count, kBlocksPerRequest)));
  std::vector<Block> blocks;
  std::size_t bytes = 0;
  for (const StoredHeader& one : stored) {
    if (bytes > kBlocksBytesMax) break;
    BMSG_TRY_ASSIGN(auto block, parts_.store.block(one.hash, bodies));
    if (!block) break;  // A reorg came in between: what was read so far is one chain.
    bytes += one.bytes;
    blocks.push_back(std::move(*block));
  }
  return blocks;
}

Result<std::optional<Block>> Node::block(const BlockHash& hash, Bodies bodies) {
  return parts_.store.block(hash, bodies);
}

Result<std::optional<Message>> Node::find_message(const ShortId& id) const {
  BMSG_TRY_ASSIGN(const auto ids, parts_.store.ids_with_prefix(id.view(), 2));
  if (ids.size() != 1)
    return std::optional<Message>();  // None, or two: whoever asks gets the block.
  BMSG_TRY_ASSIGN(auto pooled, parts_.store.pooled(ids.front()));
  if (pooled && is_offered(*pooled, parts_.store)) return std::optional(std::move(pooled->message));
  // Nobody is told which bodies of its blocks a light node has: most are its owner's.
  if (parts_.store.is_light()) return std::optional<Message>();
  BMSG_TRY_ASSIGN(const auto places, parts_.store.places_of(ids.front()));
  if (places.empty()) return std::optional<Message>();
  return parts_.store.message_at(places.front());
}

Result<std::vector<Message>> Node::messages(const std::vector<ShortId>& ids) {
  std::vector<Message> found;
  for (const ShortId& id : ids) {
    BMSG_TRY_ASSIGN(auto message, find_message(id));
    if (message && message->body) found.push_back(std::move(*message));
  }
  return found;
}

/// Whoever runs out of time or bytes has then got the best.
Result<Done> Node::fill(Feed& feed, std::vector<MessageId> ids) {
  std::erase(ids, MessageId());  // Where a proposal came.
  BMSG_TRY_ASSIGN(feed.proposals, proposals());
  BMSG_TRY(pool_.sort_by_rank(ids));
  feed.messages.reserve(ids.size());
  for (const MessageId& id : ids) feed.messages.push_back(prefix_of<ShortId>(id));
  return done;
}

Result<Feed> Node::feed(const std::string& cursor) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto tip, parts_.store.tip());
  const std::uint64_t end = first_arrival_ + arrivals_.size();
  Feed feed{
      .tip = tip, .proposals = {}, .messages = {}, .cursor = fmt::format("{}.{}", epoch_, end)};
  const auto since = sequence_of(cursor, epoch_);
  if (since && *since >= first_arrival_ && *since <= end) {
    const auto from = arrivals_.begin() + static_cast<std::ptrdiff_t>(*since - first_arrival_);
    std::vector<MessageId> ids(from, arrivals_.end());
    for (const MessageId& id : embargo_.kept()) {
      BMSG_TRY_ASSIGN(const auto pooled, parts_.store.pooled(id));
      if (pooled) ids.push_back(id);
    }
    BMSG_TRY(fill(feed, std::move(ids)));
    return feed;
  }
  BMSG_TRY_ASSIGN(const auto pool, parts_.store.pool(0));
  std::vector<MessageId> ids;
  for (const PooledMessage& one : pool) {
    if (is_offered(one, parts_.store)) ids.push_back(one.id);
  }
  // The order does not tell when each came: some were kept back.
  BMSG_TRY(fill(feed, std::move(ids)));
  return feed;
}

Result<Feed> Node::pool_since(std::uint64_t arrival) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto tip, parts_.store.tip());
  BMSG_TRY_ASSIGN(const auto pool, parts_.store.pool(arrival));
  Feed feed{.tip = tip, .proposals = {}, .messages = {}, .cursor = {}};
  std::vector<MessageId> ids;
  for (const PooledMessage& one : pool) {
    arrival = std::max(arrival, one.arrival + 1);
    if (is_offered(one, parts_.store)) ids.push_back(one.id);
  }
  BMSG_TRY(fill(feed, std::move(ids)));
  feed.cursor = fmt::format("{}", arrival);
  return feed;
}

Result<Reorg> Node::follow(const BlockHash& hash) {
  auto reorg = [&]() -> Result<Reorg> {
    const std::lock_guard lock(mutex_);
    BMSG_TRY_ASSIGN(auto followed, state_.follow(hash));
    ++rewrites_;
    BMSG_TRY(follow_rules());
    BMSG_TRY(note_returned(followed.returned));
    return followed;
  }();
  if (reorg) changed();
  return reorg;
}

Result<std::vector<MessageOutcome>> Node::submit_messages(const std::vector<Message>& messages,
                                                          Origin origin) {
  return submit(messages, origin, 0);
}

Result<std::vector<MessageOutcome>> Node::take_messages(const std::vector<Message>& messages,
                                                        const std::string& giver) {
  const auto digest = crypto::sha512(as_bytes(giver));
  return submit(messages, Origin::peer,
                std::max<std::uint64_t>(load_be<std::uint64_t>(digest.data()), 1));
}

Result<std::vector<MessageOutcome>> Node::submit(const std::vector<Message>& messages,
                                                 Origin origin, std::uint64_t giver) {
  News news;
  auto outcomes = [&] {
    const std::lock_guard lock(mutex_);
    auto submitted = submit_locked(messages, origin, giver);
    news = std::exchange(news_, News());
    return submitted;
  }();
  tell(news);
  return outcomes;
}

Result<bool> Node::wants_descendants(const Tip& tip, std::uint32_t bury) const {
  const std::uint32_t from = tip.height.value >= bury ? tip.height.value - bury + 1 : 1;
  BMSG_TRY_ASSIGN(const auto young, parts_.store.headers(Height{from}, bury));
  return std::ranges::any_of(young,
                             [](const StoredHeader& one) { return one.sealed.header.count > 0; });
}

Result<BlockTemplate> Node::block_template(const TemplateWish& wish) {
  if (parts_.store.is_light()) {
    return Error{Errc::unreachable, "a light store has no bodies to make blocks of",
                 "mine in a store that keeps them: 'bmsg clone' without --light makes one"};
  }
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto tip, parts_.store.tip());
  BMSG_TRY_ASSIGN(const auto parent, parts_.store.header(tip.hash));
  if (!parent) return Error{Errc::corrupt, "the store lacks its tip"};
  BMSG_TRY_ASSIGN(const auto peaks, state_.peaks_after(*parent));
  BlockTemplate work;
  work.parent = parent->sealed.header;
  Header& header = work.block.header;
  header.height = Height{tip.height.value + 1};
  header.time = UnixSeconds{std::max(tip.time.value + 1, parts_.clock.now().value)};
  header.bits = chain::bits_needed(in_force_.rules, work.parent, header.time);
  header.rules = in_force_.tag;
  header.previous = tip.hash;
  header.past = peaks.root();
  BMSG_TRY_ASSIGN(work.block.messages, pool_.pick(header.time));
  header.count = static_cast<std::uint32_t>(work.block.messages.size());
  header.root = chain::message_root(work.block);
  work.has_work = header.count > 0;
  if (!work.has_work && wish.bury > 0) {
    BMSG_TRY_ASSIGN(work.has_work, wants_descendants(tip, wish.bury));
  }
  return work;
}

Result<Done> Node::take_batch(const std::vector<OutboxSource::Queued>& queued, OutboxTaken& taken,
                              std::set<std::string>& waiting) {
  std::vector<Message> messages;
  for (const auto& one : queued) messages.push_back(one.message);
  BMSG_TRY_ASSIGN(auto outcomes, submit_locked(messages, Origin::own));
  for (std::size_t i = 0; i < queued.size(); ++i) {
    MessageOutcome& outcome = outcomes[i];
    if (outcome.verdict == Verdict::held) {
      waiting.insert(queued[i].name);
    } else if (outcome.verdict == Verdict::refused) {
      BMSG_TRY(parts_.outbox->mark_failed(queued[i].name, reason_of(outcome)));
      taken.refused.push_back(std::move(outcome));
    } else {
      // In the pool or on the chain, durably: only now the file may move on.
      BMSG_TRY(parts_.outbox->mark_taken(queued[i].name));
      taken.taken.push_back(outcome.id);
      // Who has what was known before is to be asked.
      if (outcome.verdict == Verdict::known && !embargo_.keeps(outcome.id)) news_.any = true;
    }
  }
  return done;
}

Result<Done> Node::take_outbox_locked(OutboxTaken& taken) {
  std::set<std::string> waiting;  // Held for a later time; they must not stop those behind them.
  for (;;) {
    BMSG_TRY_ASSIGN(auto queued, parts_.outbox->new_messages(kOutboxBatch + waiting.size()));
    std::erase_if(queued, [&](const auto& one) { return waiting.contains(one.name); });
    if (queued.empty()) return done;
    BMSG_TRY(take_batch(queued, taken, waiting));
  }
}

Result<OutboxTaken> Node::take_outbox() {
  OutboxTaken taken;
  if (parts_.outbox == nullptr) return taken;
  News news;
  const auto result = [&] {
    const std::lock_guard lock(mutex_);
    auto done_so_far = take_outbox_locked(taken);
    news = std::exchange(news_, News());
    return done_so_far;
  }();
  tell(news);
  if (!result) return result.error();
  return taken;
}

}  // namespace bmsg::node
