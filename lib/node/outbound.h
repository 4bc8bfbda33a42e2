// Which of the learned peers are called. Who fills the table with his own nodes must not thereby
// fill the few places from which we see the chain.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lib/node/peer.h"
#include "lib/node/peer_table.h"

namespace bmsg::node {

inline constexpr std::size_t kOutboundMax = 8;          // Of learned peers.
inline constexpr std::size_t kOutboundOfTellerMax = 4;  // While others told of somebody, too.
inline constexpr std::size_t kOutboundNamesMax = 2;     // Names cost nothing; networks do.
inline constexpr std::size_t kAnchors = 2;
inline constexpr std::chrono::seconds kOutboundTime{3'600};  // Then the others are drawn anew.
inline constexpr std::chrono::seconds kFeelerEvery{600};

/// Without those whom the judge does not admit, unless people gave them; all, without a judge.
std::vector<Peer> admitted(std::vector<Peer> peers, const JudgeKey& admits);

/// All that people gave or the local network has, but for neighbours that are silent (lan.h), and
/// of the learned ones up to kOutboundMax, no two in one network: first kAnchors of those that
/// answered most often, which a restart does not change, then others that answered, then the rest.
/// The draw depends on the seed, which nobody else may know, and on the hour. Learned ones that
/// rest or are banned stand back.
std::vector<Peer> choose_outbound(const std::vector<Peer>& peers, UnixSeconds now,
                                  std::uint64_t seed, const JudgePlace& judge);

/// One at random that never answered, to see whether it does.
std::optional<Peer> choose_feeler(const std::vector<Peer>& peers, UnixSeconds now,
                                  std::uint64_t seed, const JudgePlace& judge);

}  // namespace bmsg::node
