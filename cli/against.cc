#include "cli/against.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/join.h"
#include "cli/peering.h"
#include "cli/proof_check.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/api/comparison_json.h"
#include "lib/api/peer_places.h"
#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/node/chain_state.h"

namespace bmsg::cli {
namespace {

Error changed() {
  return Error{Errc::try_again, "one of the chains changed while they were compared; ask again"};
}

/// Finds the last block that both chains have: down from the lower tip, in steps that double, then
/// up again to where they part.
class CommonBlock {
 public:
  CommonBlock(const node::ChainReader& ours, node::Transport& theirs, Height lower)
      : ours_(ours), theirs_(theirs), lower_(lower.value) {}

  Result<Height> find() {
    std::uint32_t from = 1;
    for (std::uint32_t back = 15; lower_ > 0; back = 2 * back + 1) {
      from = lower_ > back ? lower_ - back : 1;
      BMSG_TRY_ASSIGN(const bool follows, fetch(from));
      if (follows) break;
      if (from == 1)
        return Error{Errc::protocol, theirs_.name() + ": its headers do not follow genesis"};
    }
    if (lower_ == 0) return Height{0};
    for (;;) {
      BMSG_TRY_ASSIGN(const std::uint32_t same, count_same(from));
      from += same;
      if (same < headers_.size() || from > lower_) return Height{from - 1};
      BMSG_TRY_ASSIGN(const bool follows, fetch(from));
      if (!follows) return changed();  // The last that it gave was ours.
    }
  }

 private:
  /// Whether what it gives from there on follows our block before.
  Result<bool> fetch(std::uint32_t from) {
    BMSG_TRY_ASSIGN(headers_, theirs_.headers(Height{from}, theirs_.headers_at_once(Height{from})));
    if (headers_.empty()) return changed();
    for (std::size_t i = 1; i < headers_.size(); ++i) {
      if (headers_[i].header.previous != chain::hash_of(headers_[i - 1].header))
        return Error{Errc::protocol, theirs_.name() + ": its headers do not continue each other"};
    }
    BMSG_TRY_ASSIGN(const auto before, ours_.hash_at(Height{from - 1}));
    return before && headers_.front().header.previous == *before;
  }

  Result<std::uint32_t> count_same(std::uint32_t from) const {
    std::uint32_t same = 0;
    for (const SealedHeader& sealed : headers_) {
      if (from + same > lower_) break;
      BMSG_TRY_ASSIGN(const auto hash, ours_.hash_at(Height{from + same}));
      if (!hash || *hash != chain::hash_of(sealed.header)) break;
      ++same;
    }
    return same;
  }

  const node::ChainReader& ours_;
  node::Transport& theirs_;
  const std::uint32_t lower_;  // Height of the lower tip.
  std::vector<SealedHeader> headers_;
};

Relation relation_of(Height common, Height ours, Height theirs) {
  if (common < ours && common < theirs) return Relation::apart;
  if (common < theirs) return Relation::behind;
  return common < ours ? Relation::ahead : Relation::same;
}

/// Whether our first block after the common one stands whatever comes.
Result<bool> is_settled_after(Context& context, const StoreDir& store,
                              const node::ChainReader& chain, const chain::ChainRules& rules,
                              Height common) {
  BMSG_TRY_ASSIGN(const auto policy, reorg_policy(context, store));
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  BMSG_TRY_ASSIGN(const auto first, chain.headers(Height{common.value + 1}, 1));
  if (first.empty()) return changed();
  return node::is_settled(first.front().sealed.header, tip, rules.rules.mode, policy);
}

/// The peer as the store knows it, or as a stranger.
Result<node::Peer> peer_at(const node::ChainReader& chain, const std::string& url) {
  BMSG_TRY_ASSIGN(const auto all, chain.peers());
  const auto known = std::ranges::find(all, url, &node::Peer::url);
  if (known != all.end()) return *known;
  node::Peer stranger;
  stranger.url = url;
  return stranger;
}

/// Our chain has the block that was named.
Result<Comparison> reached(const node::ChainReader& chain, const std::string& named,
                           Height height) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  return Comparison{.with = named,
                    .relation = relation_of(height, tip.height, height),
                    .common = height,
                    .ours = tip.height,
                    .theirs = height,
                    .is_settled = false};
}

Error too_short(const node::ChainReader& chain, const std::string& named, Height height) {
  const auto tip = chain.tip();
  if (!tip) return tip.error();
  return Error{Errc::try_again,
               fmt::format("{} is about block {}, and the chain here ends at {}", shown_line(named),
                           height.value, tip.value().height.value),
               "'bmsg sync', then try again"};
}

/// What somebody has written down of a chain: a checkpoint note, or a receipt that holds.
struct Paper {
  std::optional<ReadNote> note;
  std::optional<chain::Receipt> receipt;
};

Result<Paper> read_paper(const Context& context, const std::string& file) {
  BMSG_TRY_ASSIGN(const Bytes bytes, read_proof(context, file));
  Paper paper;
  if (chain::looks_like_note(as_text(bytes))) {
    BMSG_TRY_ASSIGN(paper.note, parse_note(bytes));
    return paper;
  }
  BMSG_TRY_ASSIGN(paper.receipt, chain::parse_receipt(as_text(bytes)));
  BMSG_TRY(chain::check_receipt(*paper.receipt));
  return paper;
}

std::string blocks(std::uint32_t count) {
  return fmt::format("{} {}", count, count == 1 ? "block" : "blocks");
}

}  // namespace

Result<Comparison> compare_with(Context& context, const StoreDir& store, const std::string& named) {
  if (is_node_url(named)) return compare_with_peer(context, store, named);
  if (const auto block = parse_pin(named)) return compare_with_block(context, store, named, *block);
  return compare_with_paper(context, store, named);
}

Result<Comparison> compare_with_block(Context& context, const StoreDir& store,
                                      const std::string& named, const node::Checkpoint& block) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto hash, chain->hash_at(block.height));
  if (!hash) return too_short(*chain, named, block.height);
  if (*hash == block.hash) return reached(*chain, named, block.height);
  return Error{Errc::bad_input, fmt::format("block {} of the best chain here is another: {}",
                                            block.height.value, block_name(block.height, *hash))};
}

Result<Comparison> compare_with_paper(Context& context, const StoreDir& store,
                                      const std::string& file) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  const auto read = read_paper(context, file);
  if (!read) return in_context(shown_line(file), read.error());
  const Paper& paper = read.value();
  if (paper.note) {
    const Height last{paper.note->note.size - 1};
    const auto checked = check_note(*chain, rules.id, paper.note->note);
    if (!checked) return in_context(shown_line(file), checked.error());
    return reached(*chain, file, last);
  }
  const auto standing = standing_in(*chain, rules, *paper.receipt);
  if (!standing) return in_context(shown_line(file), standing.error());
  const Height height = paper.receipt->sealed.header.height;
  if (!standing.value().is_known) return too_short(*chain, file, height);
  return reached(*chain, file, height);
}

Result<Comparison> compare_with_peer(Context& context, const StoreDir& store,
                                     const std::string& url) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto peer, peer_at(*chain, url));
  BMSG_TRY_ASSIGN(const auto reach, transport_options(context, store));
  BMSG_TRY_ASSIGN(const auto transport, api::HttpTransport::open(url, api::reach_of(peer, reach)));
  BMSG_TRY_ASSIGN(const auto text, transport->rules_text());
  const auto theirs = chain::parse_chain_rules(text);
  if (!theirs)
    return Error{Errc::protocol, fmt::format("{} gives no rules text: {}", shown_line(url),
                                             theirs.error().message)};
  if (theirs.value().id != rules.id)
    return Error{Errc::bad_config,
                 fmt::format("{} is on another chain: its genesis is not ours", shown_line(url))};
  BMSG_TRY_ASSIGN(const auto info, transport->info());
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  Comparison found{.with = url,
                   .relation = Relation::same,
                   .common = {},
                   .ours = tip.height,
                   .theirs = info.tip.height,
                   .is_settled = false};
  BMSG_TRY_ASSIGN(found.common,
                  CommonBlock(*chain, *transport, std::min(found.ours, found.theirs)).find());
  found.relation = relation_of(found.common, found.ours, found.theirs);
  if (found.relation != Relation::apart) return found;
  BMSG_TRY_ASSIGN(found.is_settled, is_settled_after(context, store, *chain, rules, found.common));
  return found;
}

std::string words_for(const Comparison& comparison) {
  const std::uint32_t common = comparison.common.value;
  const std::uint32_t mine = comparison.ours.value - common;
  const std::uint32_t more = comparison.theirs.value - common;
  const std::string with = shown_line(comparison.with);
  switch (comparison.relation) {
    case Relation::same:
      return fmt::format("same as {}: both end at {}", with, common);
    case Relation::behind:
      return fmt::format("behind {}: it goes on after {} with {}", with, common, blocks(more));
    case Relation::ahead:
      return fmt::format("ahead of {}: it ends at {}, and ours has {} more", with, common,
                         blocks(mine));
    case Relation::apart:
      return fmt::format("apart from {}: another branch from height {} on, {} there and {} here{}",
                         with, common + 1, blocks(more), blocks(mine),
                         comparison.is_settled ? ", deeper than a branch is followed" : "");
  }
  return {};
}

std::string json_of(const Comparison& comparison) {
  constexpr std::array<const char*, 4> kNames = {"same", "behind", "ahead", "apart"};
  return api::comparison_json({.with = comparison.with,
                               .relation = kNames[static_cast<std::size_t>(comparison.relation)],
                               .common = comparison.common,
                               .height = comparison.ours,
                               .their_height = comparison.theirs,
                               .settled = comparison.is_settled});
}

}  // namespace bmsg::cli
