// Service: the verbs of a node. The same in process, over the local socket, and, but for the
// local ones, towards peers.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/chain/merkle.h"
#include "lib/chain/pack.h"
#include "lib/chain/rules.h"
#include "lib/chain/rules_text.h"
#include "lib/core/block.h"
#include "lib/core/result.h"
#include "lib/node/peer.h"
#include "lib/node/store.h"

namespace bmsg::node {

class BlobDirectory;

/// What a node says of itself. From a peer, all of it is a claim.
struct NodeInfo {
  ChainId chain;
  std::string name;
  chain::Mode mode = chain::Mode::pow;
  Tip tip;
  UnixSeconds now;  // Its clock.
  std::uint64_t pool_messages = 0;
  std::uint64_t pool_bytes = 0;
  std::optional<NodeKey> node;
  std::string agent;       // Untrusted text.
  bool read_only = false;  // It takes nothing.
  bool light = false;      // It gives heads, no bodies.
  /// Bytes of files' chunks that it keeps for others, and how many more it takes now. 0: none.
  std::uint64_t blob_quota = 0;
  std::uint64_t blob_room = 0;
};

/// What became of a block or a message that was handed in.
enum class Verdict : std::uint8_t {
  accepted,  // New, good, kept. On the wire "ok".
  known,     // Was there. "have".
  held,      // From the future: try again later. "hold".
  orphan,    // Its parent is unknown. "orphan".
  refused,   // Breaks a rule, or local policy does not want it. "bad RULE".
};

/// The best chain moved to another branch.
struct Reorg {
  BlockHash from;
  BlockHash to;
  std::uint32_t depth = 0;          // Blocks taken off.
  std::vector<MessageId> returned;  // Messages that went back to the pool.
};

struct BlockOutcome {
  Verdict verdict = Verdict::accepted;
  std::optional<chain::Violation> violation;  // When refused.
  std::optional<Reorg> reorg;
  bool stopped_by_policy =
      false;                 // A better branch was kept and not followed: max_reorg, checkpoint.
  bool is_proposal = false;  // It has fewer signatures than a block needs, here too.
  std::vector<MessageId> pooled = {};  // Messages of a block beside the best chain, now waiting.
};

/// What has been taken, or held, as a proposal where a block was wanted.
inline BlockOutcome refused_if_proposal(BlockOutcome outcome) {
  if (!outcome.is_proposal || outcome.verdict == Verdict::refused) return outcome;
  outcome.verdict = Verdict::refused;
  outcome.violation = {chain::Rule::seal, "fewer signatures than a block needs"};
  return outcome;
}

/// Whether there was room for a message. Where there was not, no rule was broken.
enum class Room : std::uint8_t {
  enough,
  pool_full,   // Of better stamps. On the wire "bad full".
  share_full,  // What one peer may fill is full of its better stamps. "bad share".
};

struct MessageOutcome {
  MessageId id;
  Verdict verdict = Verdict::accepted;
  std::optional<chain::Violation> violation;
  Room room = Room::enough;
};

/// A proposal that a node has, and who signed it there.
struct ProposalNote {
  BlockHash hash;
  std::uint64_t signers = 0;  // Bit i: the endorser of index i.

  bool operator==(const ProposalNote&) const = default;
};

/// Who signed, as a note says it.
inline std::uint64_t signers_of(const Seal& seal) {
  std::uint64_t signers = 0;
  for (const SealEntry& entry : seal) signers |= std::uint64_t{1} << (entry.index % 64);
  return signers;
}

/// What happened at a node since a cursor.
struct Feed {
  Tip tip;
  std::vector<ProposalNote> proposals = {};  // All that wait, whatever the cursor.
  /// That came into the pool, best stamps first; all of it for a cursor not known.
  std::vector<ShortId> messages;
  std::string cursor;  // EPOCH.SEQ, for the next call.
};

/// A block without its work.
struct BlockTemplate {
  Block block;  // All but the nonce; time and bits may be brought up to date.
  Header parent;
  bool has_work = false;  // Messages wait, or a young block wants descendants.
};

/// Why to mine when the pool is empty: blocks that messages are buried under (protocol: --bury).
struct TemplateWish {
  std::uint32_t bury = 6;
};

/// A message whose body a light node is to ask for.
struct WantedBody {
  MessageId id;
  Height height;
  bool expired = false;  // Others may have dropped it.

  bool operator==(const WantedBody&) const = default;
};

/// What taking in the outbox came to.
struct OutboxTaken {
  std::vector<MessageId> taken;
  std::vector<MessageOutcome> refused;
};

/// A chain as far as one of its blocks, that one included, summed up: what the next header is
/// judged by.
struct ChainPast {
  Header last;
  BlockHash hash;
  Work work;
  chain::MerklePeaks tree;  // Over the hashes of all its blocks.
  chain::ChainRules rules;  // In force for the next one.
};

/// Who told of peers.
struct Told {
  PeerSource source = PeerSource::learned;  // Or dht.
  std::string by;  // Its network: what one of them tells fills a part of the table at most.
};

/// A running node, whoever runs it.
/// Threads: any.
/// Errors:  Errc::locked or Errc::unreachable if the node cannot be asked; else as Store.
class Service {
 public:
  virtual ~Service() = default;

  virtual Result<NodeInfo> info() = 0;
  virtual Result<std::string> rules_text() = 0;
  virtual Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) = 0;
  /// The best chain up to a height. Nullopt: it is shorter, or only its headers can tell.
  virtual Result<std::optional<ChainPast>> past(Height) { return std::optional<ChainPast>(); }
  /// Up to `count` blocks of the best chain; fewer at the tip.
  virtual Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) = 0;
  virtual Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) = 0;
  /// Messages of pool or chain with these short ids that are here with their bodies.
  virtual Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) = 0;
  /// At once; waiting for something new is the server's business.
  virtual Result<Feed> feed(const std::string& cursor) = 0;

  /// The rules text for the next block: the first one until a charter changes it.
  virtual Result<std::string> rules_in_force() { return rules_text(); }
  /// The proposals that wait, and one of them, whole.
  virtual Result<std::vector<ProposalNote>> proposals() {
    auto all = feed("");
    if (!all) return all.error();
    return std::move(all).value().proposals;
  }
  virtual Result<std::optional<Block>> proposal(const BlockHash&) { return std::optional<Block>(); }

  /// A block with fewer signatures than it needs is taken as a proposal; one that is here already
  /// gets the signatures that it lacks.
  virtual Result<BlockOutcome> submit_block(const Block& block) = 0;
  /// The same of several, parents first, where it is faster: their outcomes up to the first that is
  /// neither accepted nor known. All have to be blocks: what stays a proposal is refused by the
  /// rule seal.
  virtual Result<std::vector<BlockOutcome>> submit_blocks(const std::vector<Block>& blocks) {
    std::vector<BlockOutcome> outcomes;
    for (const Block& block : blocks) {
      auto outcome = submit_block(block);
      if (!outcome) return outcome.error();
      outcomes.push_back(refused_if_proposal(std::move(outcome).value()));
      const Verdict verdict = outcomes.back().verdict;
      if (verdict != Verdict::accepted && verdict != Verdict::known) break;
    }
    return outcomes;
  }
  virtual Result<std::vector<MessageOutcome>> submit_messages(const std::vector<Message>& messages,
                                                              Origin origin) = 0;
  /// The same of what a peer brought. `giver` names it: what one fills of the pool is bounded.
  virtual Result<std::vector<MessageOutcome>> take_messages(const std::vector<Message>& messages,
                                                            const std::string& giver) = 0;
  /// Builds the block from the pool; else says which messages are missing here.
  struct Rebuilt {
    std::optional<BlockOutcome> outcome;
    std::vector<ShortId> need;
  };
  virtual Result<Rebuilt> submit_compact(const chain::CompactBlock& compact) = 0;

  /// Where its chunks of files are. Null: it has none. Threads: as that class.
  virtual BlobDirectory* blobs() { return nullptr; }

  // Local verbs: never offered to peers.
  virtual Result<BlockTemplate> block_template(const TemplateWish& wish) = 0;
  /// What of the pool came from `arrival` on, and a number as cursor that is good for as long as
  /// the store is.
  virtual Result<Feed> pool_since(std::uint64_t) { return feed(""); }
  /// Takes new files of the outbox into the pool.
  virtual Result<OutboxTaken> take_outbox() = 0;
  /// Follows the branch that ends at `hash` although policy stopped it (forks.h). It must be better
  /// than the best chain. Errors: Errc::not_found; Errc::bad_input if it is not better.
  virtual Result<Reorg> follow(const BlockHash& hash) = 0;
  /// What a light node lacks of the best chain, in the order of ids, so that neither the list nor
  /// what is asked by it tells what it is for. None: nothing, or the node is not light.
  virtual Result<std::vector<WantedBody>> wanted_bodies() = 0;
  /// Puts messages of stored blocks on that list, unless their bodies are here.
  virtual Result<Done> want_bodies(const std::vector<MessageId>& ids) = 0;
  /// The same with all public messages of a topic that have not expired.
  virtual Result<Done> want_topic(const Topic& topic) = 0;
  /// Keeps the bodies of those that are wanted, if they are what the heads say; how many.
  virtual Result<std::uint64_t> keep_bodies(const std::vector<Message>& messages) = 0;
  /// Drops the bodies of these messages wherever stored blocks have them, in one change, and lists
  /// them under the rule. Those that went; charters and what waits in the pool stay.
  virtual Result<std::vector<MessageId>> forget(const std::vector<MessageId>& ids,
                                                DropRule rule) = 0;
  /// Gives the room of what was dropped back to the file system.
  virtual Result<Done> give_back_room() = 0;
  virtual Result<std::vector<Peer>> peers() = 0;
  virtual Result<Done> put_peer(const Peer& peer) = 0;
  virtual Result<Done> remove_peer(const std::string& url) = 0;
  /// What to give to who asks for peers: our own record, if we have one, then some of peers that
  /// were reached of late.
  virtual Result<std::vector<PeerRecord>> peer_records() { return std::vector<PeerRecord>(); }
  /// Keeps those records that are good and find room (peer_table.h), and forgets old ones. Returns
  /// how many were new.
  virtual Result<std::size_t> learn_peers(const std::vector<PeerRecord>&, const Told&) {
    return std::size_t{0};
  }
};

}  // namespace bmsg::node
