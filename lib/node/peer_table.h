// Which of the peers that strangers tell of are kept.
//
// Whoever can speak to us can tell of any number of places. So what is learned fills a table of
// fixed size, of which no network and no teller gets more than a small part; what has answered
// stays, and only what never did gives way, drawn at random; what people have given is not touched.
// Whoever has one domain can have any number of them, so all names together have a part, too.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/ids.h"
#include "lib/node/peer.h"
#include "lib/node/service.h"

namespace bmsg::node {

inline constexpr std::size_t kLearnedMax = 1'000;
inline constexpr std::size_t kLearnedOfNetworkMax = 16;  // IPv4 /16, IPv6 /32, or domain.
inline constexpr std::size_t kLearnedOfTellerMax = 100;  // A tenth of the table.
inline constexpr std::size_t kLearnedNamesMax = 250;     // A quarter of it.
inline constexpr std::size_t kRecordsPerAnswerMax = 64;  // 32 KiB at most.
inline constexpr std::chrono::seconds kUnprovenMax{14 * 86'400};
inline constexpr std::chrono::seconds kRelayedMax{86'400};  // Reached within a day.
inline constexpr std::chrono::seconds kRecordsEvery{3'600};
inline constexpr std::chrono::seconds kRecordNewer{600};  // For the same place: else not worth it.

/// The network of the place "HOST:PORT", by which peers are counted; nullopt: a stranger's word is
/// not enough to call there.
using JudgePlace = std::function<std::optional<std::string>(std::string_view host_port)>;

/// Whether a node with this key may have the chain from us.
using JudgeKey = std::function<bool(const NodeKey&)>;

struct LearnOptions {
  ChainId chain;
  std::optional<NodeKey> own;  // Not learned.
  UnixSeconds now;
  JudgePlace judge;
  Told told;
  std::uint64_t seed = 0;  // Of the draw who gives way; nobody else may know it.
};

/// What learning comes to.
struct TableChange {
  std::vector<std::string> remove;  // By url.
  std::vector<Peer> put;
  std::size_t learned = 0;  // New ones, and those that have moved.
};

/// Takes in records one after the other. Where there is no room, an unproven one of the part that
/// is full gives way; where all have answered the record is dropped before its signature costs
/// time.
TableChange plan_learning(const std::vector<Peer>& peers, const std::vector<PeerRecord>& records,
                          const LearnOptions& options);

/// Whether it was learned and then neither answered nor was proven for too long.
bool is_forgotten(const Peer& peer, UnixSeconds now);

/// What others are given: `own` first, then records of peers that answered of late at just that
/// place, the last ones first.
std::vector<PeerRecord> records_to_give(const std::vector<Peer>& peers,
                                        const std::optional<PeerRecord>& own, UnixSeconds now);

/// Whether the last time that it was asked for records is long ago.
bool may_ask_records(const Peer& peer, UnixSeconds now);

/// Whether the host of such a place is a name and no address.
bool is_name(std::string_view host_port);

/// The url of a record's place.
std::string url_of(const PeerRecord& record);

}  // namespace bmsg::node
