#include "lib/mail/epoch.h"

#include <algorithm>

#include "lib/core/try.h"
#include "lib/mail/card.h"

namespace bmsg::mail {
namespace {

/// The header of a block of the best chain, if it is that deep.
Result<std::optional<node::StoredHeader>> deep_header(const node::ChainReader& chain,
                                                      const BlockHash& block, std::uint32_t depth) {
  BMSG_TRY_ASSIGN(auto header, chain.header(block));
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  if (!header || header->branch != node::Branch::main) return std::optional<node::StoredHeader>();
  const std::uint64_t above = std::uint64_t{header->sealed.header.height.value} + depth;
  if (above > std::uint64_t{tip.height.value} + 1) return std::optional<node::StoredHeader>();
  return header;
}

/// The time of the last block that was scanned, on the best chain; nullopt if there is none.
Result<std::optional<UnixSeconds>> scanned_time(const node::ChainReader& chain,
                                                const ScannedUpTo& scanned) {
  if (scanned.position == nullptr || scanned.position->keys != scanned.keys)
    return std::optional<UnixSeconds>();
  BMSG_TRY_ASSIGN(const auto header, chain.header(scanned.position->hash));
  if (!header || header->branch != node::Branch::main) return std::optional<UnixSeconds>();
  return std::optional(header->sealed.header.time);
}

}  // namespace

std::uint32_t card_seconds(const chain::ChainRules& chain) {
  return std::min(kCardSeconds, chain.rules.maxttl);
}

const CardKey* newest_key(const Identity& identity, const ChainId& chain) {
  const CardKey* newest = nullptr;
  for (const CardKey& key : identity.cards) {
    if (key.chain == chain && (newest == nullptr || key.seq >= newest->seq)) newest = &key;
  }
  return newest;
}

CardKey* newest_key(Identity& identity, const ChainId& chain) {
  return const_cast<CardKey*>(newest_key(std::as_const(identity), chain));
}

bool is_of_the_future(const CardKey& key, const chain::ChainRules& chain, UnixSeconds now) {
  return key.until.value > now.value + card_seconds(chain) + kCardAheadSecondsMax;
}

bool is_next_due(const Identity& identity, const chain::ChainRules& chain, UnixSeconds now) {
  const CardKey* newest = newest_key(identity, chain.id);
  if (newest == nullptr) return false;
  const std::uint64_t life = card_seconds(chain);
  const std::uint64_t left =
      life - std::min(life, std::max<std::uint64_t>(1, std::min(identity.epoch, life / 2)));
  return now.value + left >= newest->until.value || is_of_the_future(*newest, chain, now);
}

Result<std::optional<node::StoredHeader>> find_burial(const node::ChainReader& chain,
                                                      const MessageId& id, std::uint32_t depth) {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  const auto place = std::ranges::find(places, node::Branch::main, &node::MessagePlace::branch);
  if (place == places.end()) return std::optional<node::StoredHeader>();
  return deep_header(chain, place->block, depth);
}

Result<bool> note_burials(Identity& identity, const ChainId& chain_id,
                          const std::optional<MessageId>& card, const node::ChainReader& chain,
                          std::uint32_t depth) {
  bool changed = false;
  for (CardKey& key : identity.cards) {
    if (key.chain != chain_id || !key.block) continue;
    BMSG_TRY_ASSIGN(const auto header, deep_header(chain, *key.block, depth));
    if (header) continue;
    key.block.reset();
    key.buried = {};
    changed = true;
  }
  CardKey* newest = newest_key(identity, chain_id);
  if (newest == nullptr || newest->block || !card) return changed;
  BMSG_TRY_ASSIGN(const auto header, find_burial(chain, *card, depth));
  if (!header) return changed;
  newest->block = header->hash;
  newest->buried = header->sealed.header.time;
  return true;
}

Result<std::size_t> delete_old_keys(Identity& identity, const ChainId& chain_id,
                                    const node::ChainReader& chain, const ScannedUpTo& scanned,
                                    UnixSeconds now) {
  BMSG_TRY_ASSIGN(const auto searched, scanned_time(chain, scanned));
  if (!searched) return std::size_t{0};
  std::uint64_t keep_from = 0;  // The number of the last card that is settled.
  for (const CardKey& key : identity.cards) {
    if (key.chain != chain_id || !key.block) continue;
    const std::uint64_t over = key.buried.value + identity.grace;
    if (now.value > over && searched->value > over) keep_from = std::max(keep_from, key.seq);
  }
  return std::erase_if(identity.cards, [&](const CardKey& key) {
    return key.chain == chain_id && key.seq < keep_from;
  });
}

}  // namespace bmsg::mail
