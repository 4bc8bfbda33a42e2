// CallerScores: what those who call us have done wrong. Peers that we call are scored in the peer
// book; of callers only an address is known, or a key.

#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "lib/chain/pack.h"
#include "lib/core/clock.h"
#include "lib/net/http_message.h"
#include "lib/node/peer.h"
#include "lib/node/peer_book.h"
#include "lib/node/transport.h"

namespace bmsg::api {

/// So many callers are remembered; of more, the one with the fewest points is forgotten.
inline constexpr std::size_t kCallersScored = 4'096;

/// Whether the limits of messages may be others at a node that has not heard of the newest block.
enum class Limits : std::uint8_t { fixed, by_charter };

/// What is wrong about giving us a frame that came to this; nullopt if honest nodes may do it,
/// whose clock, pool or policy is another. Source: bmsg-protocol(7), "Scores".
std::optional<node::Misdeed> misdeed_of(chain::FrameType type, const node::PutLine& line,
                                        Limits limits);

/// In memory alone: a node that starts anew has forgotten all of it. Callers on this machine and
/// through a pipe are never scored, since a proxy may stand there.
/// Threads: any.
class CallerScores {
 public:
  /// `clock` must outlive it.
  CallerScores(const Clock& clock, Limits limits) : clock_(clock), limits_(limits) {}

  /// Counts what the answer to a put tells about it; other requests count nothing.
  void note(const net::HttpRequest& request, const net::HttpResponse& response);
  bool is_banned(const net::Peer& caller) const;
  std::size_t known() const;

 private:
  void count(const std::string& name, node::Misdeed misdeed);

  const Clock& clock_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, node::Peer> callers_;  // By key or address; only their scores matter.
};

}  // namespace bmsg::api
