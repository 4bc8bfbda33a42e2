// Transport: what sync asks of a peer. lib/api implements it over HTTP, tests in memory.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/block.h"
#include "lib/core/limits.h"
#include "lib/core/result.h"
#include "lib/node/service.h"

namespace bmsg::node {

/// One line of the answer to a put: what the peer made of one frame.
struct PutLine {
  Verdict verdict = Verdict::accepted;
  std::string rule;           // When refused: the name of the rule. Untrusted text.
  std::vector<ShortId> need;  // Messages that the peer lacks ("need SHORT…" in place of a verdict).
};

/// Requests to one peer, each with the transport's own deadline and size limit.
/// Threads: one at a time.
/// Errors:  Errc::unreachable, Errc::no_host, Errc::try_again (429, 503), Errc::protocol (an answer
///          that does not parse or breaks a limit), Errc::denied (pinned key differs).
class Transport {
 public:
  virtual ~Transport() = default;

  virtual Result<NodeInfo> info() = 0;
  virtual Result<std::string> rules_text() = 0;
  virtual Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) = 0;
  virtual Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) = 0;
  virtual Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) = 0;
  /// A proposal that its feed tells of; nullopt if there is none any more.
  virtual Result<std::optional<Block>> proposal(const BlockHash&) { return std::optional<Block>(); }
  virtual Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) = 0;
  virtual Result<Feed> feed(const std::string& cursor) = 0;
  /// Hands over a pack of M, B, C, I frames; one line comes back for each.
  virtual Result<std::vector<PutLine>> put(const Bytes& pack) = 0;

  /// For each id, whether it holds that message with its body. Mirrors hold none.
  virtual Result<std::vector<bool>> have(const std::vector<ShortId>& ids) {
    return std::vector<bool>(ids.size());
  }

  /// Records of peers, its own first. Older nodes and mirrors give none.
  virtual Result<std::vector<PeerRecord>> peer_records() { return std::vector<PeerRecord>(); }

  /// Whether a node answers, with a pool, a clock and an ear. A mirror is files: it is pulled from.
  virtual bool is_live() const { return true; }
  /// The most headers to ask for at once from there on; headers() may give fewer only at the tip.
  virtual std::uint32_t headers_at_once(Height) const { return kHeadersPerRequest; }

  /// Says that blocks() with the same words is called next: it may be asked for at once, and its
  /// answer come while the caller does something else. Another request gives it up. False: it is
  /// not.
  virtual bool expect_blocks(Height, std::uint32_t, Bodies) { return false; }

  /// Ends the request that runs, or is expected, if one does, with Errc::try_again; later ones are
  /// made as ever.
  /// Threads: any.
  virtual void drop_request() {}

  /// How the peer is named in messages: its url.
  virtual std::string name() const = 0;
  /// Bytes received and sent so far.
  virtual std::uint64_t bytes_in() const = 0;
  virtual std::uint64_t bytes_out() const = 0;
};

}  // namespace bmsg::node
