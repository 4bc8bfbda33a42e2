#include "cli/salvage.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/progress.h"
#include "cli/session.h"
#include "lib/chain/block_hash.h"
#include "lib/core/try.h"
#include "lib/node/node.h"
#include "lib/node/verifier.h"
#include "storage/rocks_mail_store.h"
#include "storage/rocks_store.h"
#include "storage/witness.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStrayBytesMax = kPoolBytesMax;
constexpr int kArrivalsPerSecondBits = 16;  // More than any store takes in, on an average.

/// Damage is an answer here; whatever else went wrong is an error.
template <class T>
Result<bool> note(const Result<T>& outcome, std::vector<std::string>& damage) {
  if (outcome) return true;
  const Errc code = outcome.error().code;
  if (code != Errc::corrupt && code != Errc::not_found) return outcome.error();
  damage.push_back(outcome.error().message);
  return false;
}

Result<std::vector<std::string>> chain_damage(Context& context, const StoreDir& store,
                                              const chain::ChainRules& rules) {
  std::vector<std::string> damage;
  auto chain = storage::RocksStore::open_read_only(store.chain(), chain_options(context, store));
  BMSG_TRY_ASSIGN(const bool opened, note(chain, damage));
  if (!opened) return damage;
  node::VerifyWish wish;
  wish.depth = node::Depth::full;
  BMSG_TRY_ASSIGN(wish.in_order, in_order(context, *chain.value()));
  std::optional<Progress> shown(std::in_place, context);
  wish.on_progress = [&](std::uint64_t blocks, std::uint64_t of) {
    shown->count_blocks("verify", blocks, of);
  };
  const auto report = node::verify(*chain.value(), rules, wish);
  shown.reset();
  BMSG_TRY_ASSIGN(const bool verified, note(report, damage));
  for (std::size_t i = 0; verified && i < report.value().faults.size(); ++i) {
    const node::Fault& fault = report.value().faults[i];
    damage.push_back(
        fmt::format("height {}: {}: {}", fault.height.value, fault.kind, fault.detail));
  }
  BMSG_TRY(note(chain.value()->verify_checksums(), damage));
  return damage;
}

/// Reads an old chain that may fail anywhere: what cannot be read is not there.
class Remains {
 public:
  Remains(Context& context, const StoreDir& store) {
    auto opened = storage::RocksStore::open_read_only(store.chain(), {.disk = context.disk});
    if (opened) chain_ = std::move(opened).value();
    const auto witness = storage::read_witness(context.disk, store.witness());
    if (witness && witness.value()) top_ = witness.value()->height;
    if (!chain_) return;
    if (const auto tip = chain_->tip()) top_ = std::max(top_, tip.value().height);
  }

  Height top() const { return top_; }
  std::optional<Block> block(Height height) const {
    if (!chain_) return std::nullopt;
    const auto hash = chain_->hash_at(height);
    if (!hash || !hash.value()) return std::nullopt;
    auto block = chain_->block(*hash.value(), Bodies::with);
    return block ? std::move(block).value() : std::nullopt;
  }
  std::vector<node::PooledMessage> pool() const {
    return all_of([](const auto& chain) { return chain.pool(0); });
  }
  std::vector<node::Peer> peers() const {
    return all_of([](const auto& chain) { return chain.peers(); });
  }
  std::vector<node::Checkpoint> checkpoints() const {
    return all_of([](const auto& chain) { return chain.checkpoints(); });
  }
  std::vector<node::DroppedBody> dropped() const {
    return all_of([](const auto& chain) { return chain.dropped(); });
  }
  std::vector<MessageId> wanted() const {
    return all_of([](const auto& chain) { return chain.wanted(); });
  }
  /// Above every number that the old chain can have given out.
  std::uint64_t next_arrival(UnixSeconds now) const {
    if (chain_) {
      if (const auto next = chain_->next_arrival()) return next.value();
    }
    return now.value << kArrivalsPerSecondBits;
  }

 private:
  template <class Read>
  auto all_of(Read read) const -> decltype(read(std::declval<storage::RocksStore&>()).value()) {
    if (!chain_) return {};
    auto found = read(*chain_);
    if (!found) return {};
    return std::move(found).value();
  }

  std::unique_ptr<storage::RocksStore> chain_;
  Height top_;
};

/// Blocks into the new node one after the other, messages of the rest into its pool.
class Mover {
 public:
  Mover(const Remains& remains, node::Node& node, bool is_light)
      : remains_(remains), node_(node), is_light_(is_light) {}

  Result<Salvaged> move(Context& context) {
    std::optional<Progress> shown(std::in_place, context);
    moved_.top = remains_.top();
    bool connects = true;
    for (std::uint32_t height = 1; height <= moved_.top.value; ++height) {
      shown->count_blocks("rebuild", height, moved_.top.value);
      const auto block = remains_.block(Height{height});
      if (connects) {
        BMSG_TRY_ASSIGN(connects, connect(block));
      }
      if (!connects && block) keep_messages(*block);
    }
    shown.reset();
    std::vector<Message> own;  // A light node tells nobody of others.
    for (node::PooledMessage& pooled : remains_.pool()) {
      if (is_light_ && pooled.origin == node::Origin::own) {
        own.push_back(std::move(pooled.message));
      } else {
        keep(std::move(pooled.message));
      }
    }
    BMSG_TRY(pool(own, node::Origin::own));
    BMSG_TRY(pool(strays_, node::Origin::reorg));
    if (is_light_) moved_.strays = std::move(strays_);
    return std::move(moved_);
  }

 private:
  Result<bool> connect(const std::optional<Block>& block) {
    if (!block) return false;
    BMSG_TRY_ASSIGN(const auto outcome, node_.submit_block(*block));
    if (outcome.is_proposal) return false;
    if (outcome.verdict == node::Verdict::held)  // That is no damage: nothing would be left of it.
      return Error{Errc::try_again,
                   fmt::format("block {} is dated in the future", block->header.height.value),
                   "set the clock of this machine, then repair"};
    if (outcome.verdict != node::Verdict::accepted) return false;
    moved_.kept = block->header.height;
    return true;
  }
  Result<Done> pool(const std::vector<Message>& messages, node::Origin origin) {
    BMSG_TRY_ASSIGN(const auto outcomes, node_.submit_messages(messages, origin));
    for (const node::MessageOutcome& outcome : outcomes)
      moved_.pooled += outcome.verdict == node::Verdict::accepted ? 1 : 0;
    return done;
  }
  void keep_messages(const Block& block) {
    for (const Message& message : block.messages) {
      if (is_light_ && !message.body) continue;  // Nothing was here that could be lost.
      moved_.seen.insert(chain::id_of(message.head));
      keep(message);
    }
  }
  void keep(Message message) {
    if (!message.body || bytes_ + message.head.encoded_bytes() > kStrayBytesMax) return;
    bytes_ += message.head.encoded_bytes();
    strays_.push_back(std::move(message));
  }

  const Remains& remains_;
  node::Node& node_;
  const bool is_light_;
  Salvaged moved_;
  std::vector<Message> strays_;
  std::size_t bytes_ = 0;
};

/// The same is asked for as before, beside what is ours, too: others with it would tell which that
/// is. Some of it is in blocks that are still to come.
Result<Done> carry_wanted(const Remains& remains, storage::RocksStore& chain) {
  node::ChainChange change;
  for (const MessageId& id : remains.wanted()) {
    BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
    bool here = false;
    if (!places.empty()) {
      BMSG_TRY_ASSIGN(const auto message, chain.message_at(places.front()));
      here = message && message->body;
    }
    if (!here) change.want.push_back(id);
  }
  return change.want.empty() ? Result<Done>(done) : chain.apply(change);
}

}  // namespace

Result<std::vector<std::string>> find_index_damage(Context& context, const StoreDir& store) {
  std::vector<std::string> damage;
  auto mail = storage::RocksMailStore::open_read_only(store.mail(), {.disk = context.disk});
  BMSG_TRY_ASSIGN(const bool opened, note(mail, damage));
  if (!opened) return damage;
  BMSG_TRY(note(mail.value()->newest(std::nullopt, SIZE_MAX), damage));
  BMSG_TRY(note(mail.value()->verify_checksums(), damage));
  return damage;
}

Result<Damage> find_damage(Context& context, const StoreDir& store,
                           const chain::ChainRules& rules) {
  Damage damage;
  BMSG_TRY_ASSIGN(damage.chain, chain_damage(context, store, rules));
  BMSG_TRY_ASSIGN(damage.mail, find_index_damage(context, store));
  return damage;
}

Result<Salvaged> salvage(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                         const fs::path& into, const fs::path& witness) {
  const Remains remains(context, store);
  BMSG_TRY_ASSIGN(const auto text, context.disk.read(store.genesis(), kRulesTextBytesMax));
  check(text.has_value(), "rules without their text");
  const storage::OpenOptions options{.disk = context.disk, .witness = witness};
  std::error_code unread;
  const bool is_light = fs::exists(store.light(), unread);
  const node::Keeps keeps = is_light ? node::Keeps::heads : node::Keeps::all;
  BMSG_TRY_ASSIGN(auto chain, storage::RocksStore::create(into, as_text(*text), options, keeps));
  node::NodeParts parts{.store = *chain,
                        .chain = rules,
                        .clock = context.clock,
                        .entropy = context.entropy,
                        .agent = agent_name(),
                        .keeps_all_bodies = true,
                        .dropped = remains.dropped()};
  BMSG_TRY_ASSIGN(const auto node, node::Node::make(std::move(parts)));
  for (const node::Peer& peer : remains.peers()) BMSG_TRY(chain->put_peer(peer));
  // What arrives from here on is new to whoever read the old one.
  BMSG_TRY(chain->begin_arrivals_at(remains.next_arrival(context.clock.now())));
  BMSG_TRY_ASSIGN(auto moved, Mover(remains, *node, is_light).move(context));
  if (is_light) BMSG_TRY(carry_wanted(remains, *chain));
  BMSG_TRY(chain->set_checkpoints(remains.checkpoints()));
  return moved;
}

}  // namespace bmsg::cli
