// What a block that was left had, and what the pool has given up, goes again.

#include <algorithm>
#include <unordered_set>

#include "lib/chain/block_digests.h"
#include "lib/core/try.h"
#include "lib/mail/outbox.h"

namespace bmsg::mail {
namespace {

using Ids = std::unordered_set<MessageId, FixedBytesHash>;

constexpr std::size_t kHeadsAtFirst = 4;    // That are read for each id before one was found.
constexpr std::size_t kHeadsForEach = 16;   // Read in turn in the time of one id that is sought.
constexpr std::size_t kHeadsForABlock = 4;  // As long as these it takes to find the block itself.

/// Takes out of `ids` what the newest blocks hold, as long as to read them costs less than to seek
/// each id that is left.
Result<Done> leave_out_mined(const node::ChainReader& chain, Ids& ids) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  std::size_t credit = kHeadsAtFirst * ids.size();
  for (BlockHash hash = tip.hash; !ids.empty();) {
    BMSG_TRY_ASSIGN(const auto header, chain.header(hash));
    const bool is_first = !header || header->sealed.header.height.value == 0;
    const std::size_t cost = header ? header->sealed.header.count + kHeadsForABlock : 0;
    if (is_first || cost > credit) return done;
    credit -= cost;
    BMSG_TRY_ASSIGN(const auto block, chain.block(hash, Bodies::without));
    if (!block) return done;
    for (const MessageId& id : chain::ids_of(*block)) credit += kHeadsForEach * ids.erase(id);
    hash = header->sealed.header.previous;
  }
  return done;
}

Result<bool> is_mined(const node::ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  return std::ranges::any_of(places,
                             [](const auto& place) { return place.branch == node::Branch::main; });
}

}  // namespace

Result<std::size_t> Outbox::return_lost(const node::ChainReader& chain, UnixSeconds now) {
  std::size_t returned = 0;
  std::unordered_set<std::string> unpacked;
  // Else what is moved on from beside a pack that is half unpacked would come out of it again.
  BMSG_TRY(finish_unpacking(OutboxPlace::taken));
  BMSG_TRY_ASSIGN(const auto taken, entries(OutboxPlace::taken));
  Ids sought;
  for (const OutboxEntry& entry : taken) sought.insert(entry.id);
  (void)leave_out_mined(chain, sought);  // What damage it met is told where it matters.
  for (const OutboxEntry& entry : taken) {
    if (!sought.contains(entry.id)) continue;
    BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(entry.id));
    // A light node offers what came back from a block only once it is taken from here again.
    if (pooled && (!chain.is_light() || pooled->origin == node::Origin::own)) continue;
    BMSG_TRY_ASSIGN(const bool mined, is_mined(chain, entry.id));
    if (mined) continue;
    BMSG_TRY_ASSIGN(const auto file, read(entry));
    if (!file || now.value >= file->message.head.expiry()) continue;
    if (!entry.pack.empty() && unpacked.insert(entry.pack).second) {
      BMSG_TRY(unpack(OutboxPlace::taken, entry.pack));
    }
    BMSG_TRY(move(place_path(OutboxPlace::taken) / entry.name,
                  place_path(OutboxPlace::fresh) / entry.name));
    ++returned;
  }
  return returned;
}

}  // namespace bmsg::mail
