#include "lib/node/verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/chain/block_rules.h"
#include "lib/chain/charter.h"
#include "lib/chain/genesis.h"
#include "lib/chain/header_rules.h"
#include "lib/chain/merkle.h"
#include "lib/chain/message_rules.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/node/tree_rows.h"
#include "lib/node/whole_check.h"

namespace bmsg::node {
namespace {

constexpr std::uint32_t kBatch = 1024;

std::string short_hex(ByteView bytes) {
  const std::string hex = to_hex(bytes);
  return hex.size() <= 24 ? hex : hex.substr(0, 16) + "…" + hex.substr(hex.size() - 8);
}

std::vector<BlockHash> hashes_of(const std::vector<StoredHeader>& stored) {
  std::vector<Header> headers;
  headers.reserve(stored.size());
  for (const StoredHeader& one : stored) headers.push_back(one.sealed.header);
  return chain::hashes_of(headers);
}

/// One walk from genesis to the tip.
class Walk {
 public:
  Walk(const ChainReader& store, const chain::ChainRules& chain, const VerifyWish& wish)
      : store_(store), chain_(chain), rules_(chain), wish_(wish) {}

  /// Reads in order, if the wish says so and the store lets it.
  void begin_in_order();
  Result<VerifyReport> run();
  /// Whether all was seen that there is to see.
  bool is_conclusive() const { return report_.stopped || !ordered_ || ordered_->index_is_whole(); }

 private:
  void fault(std::string kind, Height height, const BlockHash& hash, std::string detail);
  Result<Done> check_genesis(const StoredHeader& stored);
  Result<Done> follow_charter();
  Result<Done> check_header(const StoredHeader& stored, const BlockHash& found);
  Result<Done> check_tree(const StoredHeader& stored, const std::vector<Digest>& completed,
                          std::uint64_t leaf);
  Result<Done> check_absent(const StoredHeader& stored, const AbsentBody& absent);
  Result<Done> check_messages(const StoredHeader& stored);
  Result<Done> check_messages_in_order(const StoredHeader& stored);
  Result<bool> check_places(const StoredHeader& stored, const std::vector<MessageId>& ids);
  Result<Done> check_tip();
  Result<Done> check_pool();
  Result<std::vector<StoredHeader>> next_batch();
  Result<bool> skip_damaged();
  std::vector<bool> choose(const std::vector<StoredHeader>& batch);
  Result<Done> check_block(const StoredHeader& stored, const BlockHash& found, bool is_deep);
  void check_orphaned(const StoredHeader& stored);
  template <class T>
  Result<std::optional<T>> read(Result<T> result, Height height, const BlockHash& hash);

  const ChainReader& store_;
  const chain::ChainRules& chain_;
  chain::ChainRules rules_;  // In force for the next block.
  const VerifyWish& wish_;
  VerifyReport report_;
  std::optional<StoredHeader> parent_;  // The block below, if it can be read.
  BlockHash previous_;                  // Its hash in any case.
  chain::MerklePeaks past_;
  std::uint32_t next_ = 0;
  std::optional<WholeCheck> ordered_;  // Where messages are read in order.
  std::optional<TreeRows> rows_;       // The same of the tree.
};

void Walk::fault(std::string kind, Height height, const BlockHash& hash, std::string detail) {
  if (report_.faults.size() < kFaultsMax)
    report_.faults.push_back({std::move(kind), height, hash, std::move(detail)});
}

/// A damaged record is a fault; anything else that fails ends the walk.
template <class T>
Result<std::optional<T>> Walk::read(Result<T> result, Height height, const BlockHash& hash) {
  if (result) return std::optional<T>(std::move(result).value());
  if (result.error().code != Errc::corrupt) return result.error();
  fault("record", height, hash, result.error().message);
  return std::optional<T>();
}

Result<Done> Walk::check_genesis(const StoredHeader& stored) {
  const BlockHash wanted = chain::hash_of(chain::genesis_header(chain_));
  if (stored.hash != wanted) {
    fault("genesis", Height{0}, stored.hash,
          fmt::format("found {}, the rules text gives {}", short_hex(stored.hash.view()),
                      short_hex(wanted.view())));
  }
  if (!stored.total_work.is_zero())
    fault("work", Height{0}, stored.hash, "genesis counts for work");
  return done;
}

/// `found` is the hash of the header as it is stored.
Result<Done> Walk::check_header(const StoredHeader& stored, const BlockHash& found) {
  const Header& header = stored.sealed.header;
  if (found != stored.hash) {
    fault("hash", Height{next_}, stored.hash,
          fmt::format("header hashes to {}, stored under {}", short_hex(found.view()),
                      short_hex(stored.hash.view())));
  }
  if (!parent_) {
    check_orphaned(stored);
    return done;
  }
  if (header.rules != rules_.tag) BMSG_TRY(follow_charter());
  const chain::HeaderContext context{
      rules_, parent_->sealed.header, parent_->hash, past_.root(), {}, found};
  if (const auto violation = chain::find_violation(stored.sealed, context)) {
    fault(std::string(chain::name_of(violation->rule)), Height{next_}, stored.hash,
          violation->detail);
    return done;
  }
  if (chain::sum(parent_->total_work, chain::work_of(rules_, header)) != stored.total_work) {
    fault("work", Height{next_}, stored.hash, "its total work is not its parent's and its own");
  }
  return done;
}

/// The rules that the parent brings, if it does; else the header breaks a rule.
Result<Done> Walk::follow_charter() {
  BMSG_TRY_ASSIGN(const auto block, read(store_.block(parent_->hash, Bodies::without),
                                         parent_->sealed.header.height, parent_->hash));
  if (!block || !*block) return done;
  auto rules = chain::rules_after(**block, rules_);
  if (rules) rules_ = std::move(rules).value();
  return done;
}

/// What can be said of a header above one that is damaged.
void Walk::check_orphaned(const StoredHeader& stored) {
  const Header& header = stored.sealed.header;
  if (header.previous != previous_)
    fault("prev", Height{next_}, stored.hash, "it does not stand on the block below");
  if (header.past != past_.root())
    fault("past", Height{next_}, stored.hash, "its past is not that of the blocks below");
}

Result<Done> Walk::check_tree(const StoredHeader& stored, const std::vector<Digest>& completed,
                              std::uint64_t leaf) {
  for (std::uint8_t level = 0; level < completed.size(); ++level) {
    if (rows_ && rows_->has(level, leaf >> level, completed[level])) continue;
    BMSG_TRY_ASSIGN(const auto node,
                    read(store_.tree_node(level, leaf >> level), Height{next_}, stored.hash));
    if (node && *node != completed[level]) {
      fault("tree", Height{next_}, stored.hash,
            fmt::format("node of level {} over its blocks is another", level));
    }
  }
  return done;
}

Result<bool> Walk::check_places(const StoredHeader& stored, const std::vector<MessageId>& ids) {
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    BMSG_TRY_ASSIGN(const auto places, read(store_.places_of(ids[i]), Height{next_}, stored.hash));
    const bool there =
        places && std::ranges::any_of(*places, [&](const MessagePlace& place) {
          return place.block == stored.hash && place.index == i && place.branch == Branch::main;
        });
    if (there) continue;
    fault("index", Height{next_}, stored.hash,
          fmt::format("message {} is not found by its id", short_hex(ids[i].view())));
    return false;
  }
  return true;
}

/// A block was taken without a body only once that had expired; later it goes by forgetting alone.
Result<Done> Walk::check_absent(const StoredHeader& stored, const AbsentBody& absent) {
  ++report_.dropped_bodies;
  const bool may_be_absent =
      !wish_.now || store_.is_light() || UnixSeconds{absent.expiry} <= *wish_.now;
  if (may_be_absent) return done;
  BMSG_TRY_ASSIGN(const auto listed, read(store_.dropped(absent.id), Height{next_}, stored.hash));
  if (listed && !*listed) {
    fault("body", Height{next_}, stored.hash,
          fmt::format("message {} has no body, and nobody forgot it", short_hex(absent.id.view())));
  }
  return done;
}

Result<Done> Walk::check_messages(const StoredHeader& stored) {
  const Height height{next_};
  BMSG_TRY_ASSIGN(const auto found,
                  read(store_.block(stored.hash, Bodies::with), height, stored.hash));
  if (!found) return done;
  if (!*found) {
    fault("record", height, stored.hash, "the block's messages are missing");
    return done;
  }
  const Block& block = **found;
  std::vector<MessageId> ids;
  for (const Message& message : block.messages) {
    ids.push_back(chain::id_of(message.head));
    if (!message.body) BMSG_TRY(check_absent(stored, {ids.back(), message.head.expiry()}));
  }
  // A message of an ancestor would have another place of its own, which check_places finds.
  std::optional<Error> failed;
  const auto violation = chain::find_violation(block, ids, rules_, [&](const MessageId& id) {
    const auto places = read(store_.places_of(id), height, stored.hash);
    if (!places) failed = places.error();
    if (!places || !places.value()) return false;
    return std::ranges::any_of(*places.value(), [&](const MessagePlace& place) {
      return place.branch == Branch::main && place.height < height;
    });
  });
  if (failed) return *failed;
  if (violation) {
    std::string detail = violation->detail;
    for (std::size_t i = 0; i < block.messages.size() && violation->rule == chain::Rule::body;
         ++i) {
      const auto& message = block.messages[i];
      const bool bad = message.body && chain::body_hash_of(*message.body) != message.head.body_hash;
      if (!bad) continue;
      detail = fmt::format("message {}: {}", short_hex(ids[i].view()), detail);
      break;
    }
    fault(std::string(chain::name_of(violation->rule)), height, stored.hash, detail);
    return done;
  }
  BMSG_TRY(check_places(stored, ids));
  // From the next block on, whatever that says.
  auto next = chain::rules_after(block, rules_);
  if (next) rules_ = std::move(next).value();
  return done;
}

/// Looks again, and closer, where something may be wrong.
Result<Done> Walk::check_messages_in_order(const StoredHeader& stored) {
  const BlockFinding finding = ordered_->take();
  if (finding.is_clean && finding.rules == rules_.tag) {
    for (const AbsentBody& absent : finding.absent) BMSG_TRY(check_absent(stored, absent));
    return done;
  }
  BMSG_TRY(check_messages(stored));
  ordered_->use(rules_);
  return done;
}

Result<std::vector<StoredHeader>> Walk::next_batch() {
  auto found = store_.headers(Height{next_}, kBatch);
  if (found || found.error().code != Errc::corrupt) return found;
  // One of them does not decode: one at a time up to it.
  std::vector<StoredHeader> batch;
  for (std::uint32_t i = 0; i < kBatch; ++i) {
    auto one = store_.headers(Height{next_ + i}, 1);
    if (!one && one.error().code != Errc::corrupt) return one.error();
    if (!one || one.value().empty()) break;
    batch.push_back(std::move(one.value().front()));
  }
  return batch;
}

/// Goes on behind a header that does not decode; false at the end of the chain. What its children
/// commit to is its hash, which stands in the index by height too.
Result<bool> Walk::skip_damaged() {
  auto one = store_.headers(Height{next_}, 1);
  if (one) return false;
  if (one.error().code != Errc::corrupt) return one.error();
  BMSG_TRY_ASSIGN(const auto hash, read(store_.hash_at(Height{next_}), Height{next_}, BlockHash()));
  const bool known = hash && *hash;
  const BlockHash found = known ? **hash : BlockHash();
  fault("record", Height{next_}, found, one.error().message);
  if (!known) return false;                         // Nothing above can be checked against it.
  (void)past_.add(chain::leaf_hash(found.view()));  // Its nodes are checked with those above.
  previous_ = found;
  parent_.reset();
  ++next_;
  return true;
}

Result<Done> Walk::check_tip() {
  BMSG_TRY_ASSIGN(const auto tip, read(store_.tip(), Height{next_}, BlockHash()));
  if (!tip) return done;
  report_.tip = *tip;
  const bool same = previous_ == tip->hash && (!parent_ || parent_->total_work == tip->work);
  if (!same && !report_.stopped) {
    fault("tip", tip->height, tip->hash,
          fmt::format("the chain ends at height {}, the tip record says {}",
                      next_ == 0 ? 0 : next_ - 1, tip->height.value));
  }
  return done;
}

Result<Done> Walk::check_pool() {
  BMSG_TRY_ASSIGN(const auto pool, read(store_.pool(0), report_.tip.height, BlockHash()));
  if (!pool) return done;
  for (const PooledMessage& one : *pool) {
    const bool same = chain::id_of(one.message.head) == one.id;
    const bool whole =
        one.message.body && chain::body_hash_of(*one.message.body) == one.message.head.body_hash;
    const std::string name = short_hex(one.id.view());
    if (!same || !whole)
      fault("pool", report_.tip.height, BlockHash(),
            fmt::format("message {} of the pool was changed", name));
    BMSG_TRY_ASSIGN(const auto places,
                    read(store_.places_of(one.id), report_.tip.height, BlockHash()));
    if (places && std::ranges::count(*places, Branch::main, &MessagePlace::branch) > 0)
      fault("pool", report_.tip.height, BlockHash(),
            fmt::format("message {} waits, though it is on the chain", name));
  }
  return done;
}

/// Which of them are read with their messages.
std::vector<bool> Walk::choose(const std::vector<StoredHeader>& batch) {
  std::vector<bool> deep(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Height height{next_ + static_cast<std::uint32_t>(i)};
    deep[i] = wish_.depth == Depth::full && height.value > 0 && height >= wish_.from &&
              (!wish_.reads || wish_.reads(height));
  }
  if (!ordered_) return deep;
  rows_->expect(past_.size(), batch.size());
  ordered_->use(rules_);
  const std::span<const StoredHeader> all = batch;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::size_t begin = i;
    while (i < batch.size() && deep[i]) ++i;
    if (i > begin) ordered_->add(all.subspan(begin, i - begin));
  }
  return deep;
}

Result<Done> Walk::check_block(const StoredHeader& stored, const BlockHash& found, bool is_deep) {
  if (next_ == 0) {
    BMSG_TRY(check_genesis(stored));
  } else {
    BMSG_TRY(check_header(stored, found));
  }
  const std::uint64_t leaf = past_.size();
  BMSG_TRY(check_tree(stored, past_.add(chain::leaf_hash(stored.hash.view())), leaf));
  if (is_deep) BMSG_TRY(ordered_ ? check_messages_in_order(stored) : check_messages(stored));
  ++report_.blocks;
  report_.messages += stored.sealed.header.count;
  parent_ = stored;
  previous_ = stored.hash;
  ++next_;
  return done;
}

void Walk::begin_in_order() {
  ordered_.emplace(*wish_.in_order, wish_.from.value <= 1 && !wish_.reads);
  if (!ordered_->read_index(wish_.stop)) ordered_.reset();
  rows_.emplace(*wish_.in_order->store);
}

Result<VerifyReport> Walk::run() {
  BMSG_TRY_ASSIGN(const auto tip, read(store_.tip(), Height{0}, BlockHash()));
  const std::uint64_t total = tip ? std::uint64_t{tip->height.value} + 1 : 0;
  while (!report_.stopped) {
    BMSG_TRY_ASSIGN(const auto batch, next_batch());
    const std::vector<BlockHash> hashes = hashes_of(batch);
    const std::vector<bool> deep = choose(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      report_.stopped = wish_.stop.stop_requested();
      if (report_.stopped) break;
      BMSG_TRY(check_block(batch[i], hashes[i], deep[i]));
    }
    if (wish_.on_progress) wish_.on_progress(report_.blocks, total);
    if (!batch.empty()) continue;
    BMSG_TRY_ASSIGN(const bool skipped, skip_damaged());
    if (!skipped) break;
  }
  BMSG_TRY(check_tip());
  if (wish_.depth == Depth::full) BMSG_TRY(check_pool());
  return report_;
}

}  // namespace

Result<VerifyReport> verify(const ChainReader& store, const chain::ChainRules& chain,
                            const VerifyWish& wish) {
  if (wish.depth == Depth::full && wish.in_order) {
    Walk walk(store, chain, wish);
    walk.begin_in_order();
    auto report = walk.run();
    if (!report || walk.is_conclusive()) return report;
  }
  return Walk(store, chain, wish).run();
}

}  // namespace bmsg::node
