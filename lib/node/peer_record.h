// PeerRecord: where a node can be reached, said and signed by its own key. What nodes tell each
// other of third ones.

#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::node {

inline constexpr std::size_t kPeerRecordBytesMax = 512;
inline constexpr std::chrono::seconds kPeerRecordAheadMax{120};
inline constexpr std::chrono::seconds kPeerRecordAgeMax{14 * 86'400};

/// Source: bmsg-protocol(7), "Peer records".
struct PeerRecord {
  std::string host_port;  // "HOST:PORT"; IPv6 in brackets, names in lower case.
  NodeKey key;
  UnixSeconds time;  // When it was signed; the newest of a key counts.
  Signature signature;

  bool operator==(const PeerRecord&) const = default;
};

/// Whether the text is the "HOST:PORT" of a record: an IPv4 literal, a name in lower case or an
/// IPv6 literal in brackets and its usual spelling, and a port from 1 to 65535 without zeros in
/// front.
bool is_host_port(std::string_view text);

/// Shape:  "HOST:PORT NODEKEY TIME SIG", one space between, no end of line; key and signature in
///         base64url without padding, time in decimal. One text for each record.
std::string print_peer_record(const PeerRecord& record);

/// Reads the shape alone. Errors: Errc::bad_input "peer record: …", naming the field.
Result<PeerRecord> parse_peer_record(std::string_view line);

/// A record of the node whose seed this is. `host_port` must be one.
PeerRecord sign_peer_record(const crypto::SecretBytes& seed, const ChainId& chain,
                            const std::string& host_port, UnixSeconds time);

/// Whether its own node has said so, on this chain, and not too long ago.
/// Errors: Errc::bad_input "peer record: …": it is from the future, too old, or signed otherwise.
Result<Done> check_peer_record(const PeerRecord& record, const ChainId& chain, UnixSeconds now);

/// Records one a line, as a P frame and GET peers carry them.
std::string print_peer_records(const std::vector<PeerRecord>& records);

/// Up to `max` of them. Errors: Errc::bad_input, as parse_peer_record(), or for too many.
Result<std::vector<PeerRecord>> parse_peer_records(std::string_view lines, std::size_t max);

}  // namespace bmsg::node
