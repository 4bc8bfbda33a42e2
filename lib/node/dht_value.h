// What nodes of a chain leave for each other in a distributed hash table, and under which key.
// Anybody can put anything there; what is read is believed only as far as its signature goes.

#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/entropy.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/node/peer_record.h"

namespace bmsg::node {

inline constexpr std::size_t kDhtSecretBytes = 32;
inline constexpr std::size_t kDhtValueBytesMax = kPeerRecordBytesMax + 12 + 16;
inline constexpr std::size_t kDhtFindsMax = 100;  // Of one look.

/// A secret that the members of a chain share: 43 characters of base64url, and perhaps an end of
/// line. Errors: Errc::bad_input; the text is not repeated.
Result<crypto::SecretBytes> parse_dht_secret(ByteView text);

/// Where nodes of a chain meet: H("bmsg1 dht" ‖ chain id ‖ secret); no secret is an empty one. Who
/// lacks either cannot ask for it. What the table itself calls the key is its own hash of this.
/// Source: bmsg-protocol(7), "Hash table".
Digest dht_key_of_chain(const ChainId& chain, const crypto::SecretBytes& secret);

/// A record as it is put there: its line, or, with a secret, nonce ‖ AES-256-GCM of that line. The
/// nonce is drawn anew each time, for the key is the same for all members.
/// Errors: Errc::no_resource.
Result<Bytes> dht_value(const PeerRecord& record, const ChainId& chain,
                        const crypto::SecretBytes& secret, Entropy& entropy);

/// The record in such a value, its signature unchecked; nullopt if it is none of ours.
std::optional<PeerRecord> read_dht_value(ByteView value, const ChainId& chain,
                                         const crypto::SecretBytes& secret);

/// The good ones of all values that one look finds: signed, of this chain, not too old, the newest
/// of each node. Of too many a part is kept that nobody outside can choose.
/// Threads: one.
class DhtFinds {
 public:
  /// `salt` is known to nobody else; `own` is not a find.
  DhtFinds(const ChainId& chain, crypto::SecretBytes secret, const NodeKey& own, const Digest& salt)
      : chain_(chain), secret_(std::move(secret)), own_(own), salt_(salt) {}

  void take(ByteView value, UnixSeconds now);
  std::vector<PeerRecord> records() const;

 private:
  const ChainId chain_;
  const crypto::SecretBytes secret_;
  const NodeKey own_;
  const Digest salt_;
  std::map<Digest, PeerRecord> kept_;  // By H(salt ‖ node key): the last is the first to go.
};

}  // namespace bmsg::node
