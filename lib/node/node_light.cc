// Node's answers about the bodies that a light store lacks.

#include <algorithm>
#include <tuple>

#include "lib/chain/block_hash.h"
#include "lib/core/try.h"
#include "lib/node/node.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kBlocksAtOnce = 256;
constexpr std::size_t kWantedMax = 65'536;  // Each sync asks for all of them.

/// A body that is wanted, and what it is worth.
struct Wanted {
  enum class Worth : std::uint8_t { none, unplaced, off_chain, expired, live };
  WantedBody body;
  Worth worth = Worth::live;
};

/// The longest that any rules of the chain have let a message live.
Result<std::uint64_t> longest_ttl(const Store& store, const chain::ChainRules& first) {
  std::uint64_t longest = first.rules.maxttl;
  BMSG_TRY_ASSIGN(const auto charters, store.charters());
  for (const StoredCharter& one : charters) {
    const auto rules = chain::parse_rules_text(one.rules_text);
    if (!rules) return Error{Errc::corrupt, "a stored charter holds no rules"};
    longest = std::max<std::uint64_t>(longest, rules.value().maxttl);
  }
  return longest;
}

Result<Wanted> look_up(const Store& store, const MessageId& id, UnixSeconds now) {
  using Worth = Wanted::Worth;
  Wanted wanted{.body = {.id = id, .height = {}, .expired = false}, .worth = Worth::unplaced};
  BMSG_TRY_ASSIGN(const auto places, store.places_of(id));
  if (places.empty()) return wanted;           // What a repair took over may be in a block to come.
  const MessagePlace& place = places.front();  // On the best chain, if any is.
  BMSG_TRY_ASSIGN(const auto message, store.message_at(place));
  if (!message) return wanted;
  wanted.body.height = place.height;
  wanted.body.expired = message->head.expiry() <= now.value;
  if (wanted.body.expired && message->head.suite == Suite::open) {
    wanted.worth = Worth::none;  // A card or a topic's: nobody's mail, and peers have dropped it.
  } else if (place.branch != Branch::main) {
    wanted.worth = Worth::off_chain;  // Its block may come back.
  } else {
    wanted.worth = wanted.body.expired ? Worth::expired : Worth::live;
  }
  return wanted;
}

/// What is worth least goes, and of that the oldest: which is ours cannot be told here.
std::vector<MessageId> take_surplus(std::vector<Wanted>& all) {
  std::ranges::sort(all, std::ranges::greater{}, [](const Wanted& one) {
    return std::tuple(one.worth, one.body.height, one.body.id);
  });
  const auto is_none = [](const Wanted& one) { return one.worth == Wanted::Worth::none; };
  const auto end = std::ranges::find_if(all, is_none) - all.begin();
  const auto stay = std::min(static_cast<std::size_t>(end), kWantedMax);
  std::vector<MessageId> surplus;
  for (std::size_t i = stay; i < all.size(); ++i) surplus.push_back(all[i].body.id);
  all.resize(stay);
  return surplus;
}

}  // namespace

Result<std::vector<WantedBody>> Node::wanted_bodies() {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto ids, parts_.store.wanted());
  std::vector<Wanted> all;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto one, look_up(parts_.store, id, parts_.clock.now()));
    all.push_back(one);
  }
  ChainChange change;
  change.unwant = take_surplus(all);
  if (!change.unwant.empty()) BMSG_TRY(parts_.store.apply(change));
  std::vector<WantedBody> wanted;
  for (const Wanted& one : all) {
    const bool on_chain = one.worth == Wanted::Worth::expired || one.worth == Wanted::Worth::live;
    if (on_chain) wanted.push_back(one.body);
  }
  std::ranges::sort(wanted, {}, &WantedBody::id);
  return wanted;
}

Result<Done> Node::want_bodies(const std::vector<MessageId>& ids) {
  {
    const std::lock_guard lock(mutex_);
    if (!parts_.store.is_light()) return done;
    BMSG_TRY(state_.want(ids));
  }
  changed();  // Somebody may be asked at once.
  return done;
}

Result<Done> Node::want_topic(const Topic& topic) {
  if (!parts_.store.is_light()) return done;
  const std::uint64_t now = parts_.clock.now().value;
  std::vector<MessageId> ids;
  // What lies in a block has not expired by its time, and lives no longer than the rules allow.
  BMSG_TRY_ASSIGN(const std::uint64_t longest, longest_ttl(parts_.store, parts_.chain));
  const std::uint64_t oldest = now - std::min(now, longest);
  BMSG_TRY_ASSIGN(const auto tip, parts_.store.tip());
  for (std::uint64_t top = tip.height.value; top > 0;) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(top, kBlocksAtOnce));
    const Height from{static_cast<std::uint32_t>(top - count + 1)};
    BMSG_TRY_ASSIGN(const auto headers, parts_.store.headers(from, count));
    if (headers.empty() || headers.back().sealed.header.time.value < oldest) break;
    for (const StoredHeader& header : headers) {
      BMSG_TRY_ASSIGN(const auto block, parts_.store.block(header.hash, Bodies::without));
      if (!block) continue;  // A reorganisation came in between.
      for (const Message& message : block->messages) {
        const bool of_topic = message.head.suite == Suite::open && message.head.topic == topic;
        if (of_topic && message.head.expiry() > now) ids.push_back(chain::id_of(message.head));
      }
    }
    top = from.value - 1;
  }
  const std::lock_guard lock(mutex_);
  return state_.want(ids);  // Those that have their bodies are left out there.
}

Result<std::uint64_t> Node::keep_bodies(const std::vector<Message>& messages) {
  const auto kept = [&]() -> Result<std::uint64_t> {
    const std::lock_guard lock(mutex_);
    return state_.keep_bodies(messages);
  }();
  if (kept && kept.value() > 0) changed();
  return kept;
}

}  // namespace bmsg::node
