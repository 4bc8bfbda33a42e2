// Whom a node knows: what peers tell of others, and which of those it calls.

#include <algorithm>
#include <array>
#include <utility>

#include "lib/core/big_endian.h"
#include "lib/core/try.h"
#include "lib/node/node.h"
#include "lib/node/outbound.h"

namespace bmsg::node {
namespace {

Result<std::uint64_t> draw(Entropy& entropy) {
  std::array<std::uint8_t, 8> bytes{};
  BMSG_TRY(entropy.fill(bytes));
  return load_be<std::uint64_t>(bytes.data());
}

/// Without a judge no place of a stranger is good.
JudgePlace or_none(const JudgePlace& judge) {
  return judge ? judge : [](std::string_view) { return std::optional<std::string>(); };
}

}  // namespace

Result<std::vector<Peer>> Node::peers() { return parts_.store.peers(); }

Result<Done> Node::put_peer(const Peer& peer) {
  const std::lock_guard lock(mutex_);
  return parts_.store.put_peer(peer);
}

Result<Done> Node::remove_peer(const std::string& url) {
  const std::lock_guard lock(mutex_);
  return parts_.store.remove_peer(url);
}

Result<std::vector<PeerRecord>> Node::peer_records() {
  BMSG_TRY_ASSIGN(const auto all, parts_.store.peers());
  const UnixSeconds now = parts_.clock.now();
  return records_to_give(all, parts_.own_record ? parts_.own_record(now) : std::nullopt, now);
}

Result<std::size_t> Node::learn_peers(const std::vector<PeerRecord>& records, const Told& told) {
  if (!parts_.judge_place) return std::size_t{0};
  BMSG_TRY_ASSIGN(const std::uint64_t seed, draw(parts_.entropy));
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto all, parts_.store.peers());
  const TableChange change = plan_learning(all, records,
                                           {.chain = parts_.chain.id,
                                            .own = parts_.key,
                                            .now = parts_.clock.now(),
                                            .judge = parts_.judge_place,
                                            .told = told,
                                            .seed = seed});
  for (const std::string& url : change.remove) BMSG_TRY(parts_.store.remove_peer(url));
  for (const Peer& peer : change.put) BMSG_TRY(parts_.store.put_peer(peer));
  return change.learned;
}

void Node::set_admits(JudgeKey admits) {
  const std::lock_guard lock(mutex_);
  parts_.admits = std::move(admits);
}

Result<Done> Node::forget_unproven(const Peer& peer) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto all, parts_.store.peers());
  const auto now = std::ranges::find(all, peer.url, &Peer::url);
  const bool is_same = now != all.end() && is_unproven(*now) && now->key == peer.key;
  return is_same ? parts_.store.remove_peer(peer.url) : Result<Done>(done);
}

Result<std::vector<Peer>> Node::callable_peers() {
  BMSG_TRY_ASSIGN(auto all, parts_.store.peers());
  const std::lock_guard lock(mutex_);
  all = admitted(std::move(all), parts_.admits);
  if (!outbound_seed_) {
    BMSG_TRY_ASSIGN(outbound_seed_, draw(parts_.entropy));
  }
  return choose_outbound(all, parts_.clock.now(), *outbound_seed_, or_none(parts_.judge_place));
}

Result<std::optional<Peer>> Node::feeler() {
  BMSG_TRY_ASSIGN(auto all, parts_.store.peers());
  BMSG_TRY_ASSIGN(const std::uint64_t seed, draw(parts_.entropy));
  const std::lock_guard lock(mutex_);
  all = admitted(std::move(all), parts_.admits);
  return choose_feeler(all, parts_.clock.now(), seed, or_none(parts_.judge_place));
}

}  // namespace bmsg::node
