// Bundles: what sync gives a peer, as one pack that travels by file.
//
// A bundle is the rules text (G), then blocks of one branch, parents first (B), then messages that
// wait (M), then proposals of a chain of endorsers (C), then the digest (E). Whoever reads one
// trusts nothing in it: each block and message is judged by the node like any peer's, so one that
// was cut or changed can bring nothing false, only less. The digest says whether that happened.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/chain/pack.h"
#include "lib/chain/pack_stream.h"
#include "lib/chain/rules_text.h"
#include "lib/core/block.h"
#include "lib/core/result.h"
#include "lib/node/service.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// What a bundle has so far.
struct BundleContent {
  std::uint64_t blocks = 0;
  std::uint64_t messages = 0;
  std::uint64_t proposals = 0;  // On a chain of endorsers.
  std::optional<Height> first;  // Of its blocks.
  std::optional<Height> last;
  // Of one that is written: messages without a body that others need, and the first block of such.
  std::uint64_t lacking = 0;
  std::optional<Height> first_lacking;
};

/// Whether the messages that wait go along.
enum class WithPool { no, yes };

/// Writes the best chain from `first` upwards, genesis never, and with it the pool. `told` hears of
/// each block. Bodies that were dropped here are left out, and counted if they have not expired
/// `now`. Errors: as `pack` and `chain`; Errc::corrupt if a block is missing.
Result<BundleContent> write_bundle(const ChainReader& chain, Height first, WithPool pool,
                                   UnixSeconds now, chain::PackWriter& pack,
                                   const std::function<void(const BundleContent&)>& told);

/// Reads a bundle of one chain in its order.
/// Threads: one at a time.
/// Errors:  as chain::PackReader; Errc::bad_input for another chain, and "frame: …" for what has no
///          place in a bundle or does not decode.
class BundleReader {
 public:
  using Item = std::variant<Block, Message, chain::CompactBlock>;

  BundleReader(chain::ReadBytes read, const chain::ChainRules& chain)
      : pack_(std::move(read)), chain_(chain) {}

  /// The next block, message or proposal; nullopt at its end, whose digest fits.
  Result<std::optional<Item>> next();
  /// Reads on to the end, whatever there is: an error is one of the pack as such.
  Result<Done> drain();

  const BundleContent& content() const { return content_; }
  std::uint64_t bytes() const { return pack_.bytes(); }

 private:
  Result<Done> begin();
  Result<Item> block_of(const Bytes& payload);
  Result<Item> message_of(const Bytes& payload);
  Result<Item> proposal_of(const Bytes& payload);

  chain::PackReader pack_;
  const chain::ChainRules& chain_;
  BundleContent content_;
  BlockHash last_;
  bool begun_ = false;
};

/// Reads all of a bundle and looks at no store. Where bytes were changed, that is the fault that is
/// named, whatever they mean.
Result<BundleContent> check_bundle(BundleReader& bundle);

/// What a bundle would bring to a chain.
struct BundlePreview {
  std::uint64_t new_blocks = 0;
  std::uint64_t known_blocks = 0;
  std::uint64_t new_messages = 0;
  std::uint64_t new_proposals = 0;     // Or such as have new signatures.
  std::uint64_t known_messages = 0;    // In the pool or on the best chain.
  std::optional<StoredHeader> parent;  // Of the first new block.
  std::optional<Height> future;        // The first block that would be held.
};

/// Errors: as BundleReader and ChainReader; Errc::bad_input if its first block has no parent here.
Result<BundlePreview> preview_bundle(BundleReader& bundle, const ChainReader& chain,
                                     UnixSeconds now);

/// What taking in a bundle came to. After an error it says how far it had come.
struct BundleReport {
  std::uint64_t new_blocks = 0;
  std::uint64_t known_blocks = 0;
  std::uint64_t new_messages = 0;
  std::uint64_t known_messages = 0;
  std::uint64_t new_proposals = 0;
  std::uint64_t refused_messages = 0;  // They break a rule or find no room here.
  std::uint64_t held_messages = 0;     // Dated in the future.
  std::string first_refusal;           // Which message, and why.
  std::optional<Height> held;          // From this block on they are dated in the future.
  std::optional<Reorg> reorg;          // The deepest; `to` is where its branch ends now.
  bool stopped_by_policy = false;      // A better branch is here and was not followed.
};

/// Hands the blocks and messages of a bundle to our node, some at a time, each time durable. At the
/// end all of them are, and so is what came before a fault; so whoever repeats it goes on.
/// Threads: one at a time.
/// Errors:  as BundleReader and Service; Errc::bad_input for a block that breaks a rule or has no
///          parent here; Errc::try_again if the parent was dropped meanwhile.
class BundlePull {
 public:
  /// Counts into `report`.
  BundlePull(Service& local, BundleReader& bundle, BundleReport& report)
      : local_(local), bundle_(bundle), report_(report) {}

  /// Takes one block, message or proposal; false at the end.
  Result<bool> step();

 private:
  Result<Done> take(Block block);
  Result<Done> hand_over_blocks();
  Result<Done> count(const Block& block, BlockOutcome outcome);
  Result<Done> take(Message message);
  Result<Done> take(const chain::CompactBlock& compact);
  Result<Done> hand_over();

  Service& local_;
  BundleReader& bundle_;
  BundleReport& report_;
  std::vector<Block> row_;  // The same of blocks.
  std::size_t row_bytes_ = 0;
  std::size_t row_most_ = 1;  // More each time: the first of a slow pipe do not wait for others.
  std::vector<Message> waiting_;  // Handed over together: one commit for all of them.
  std::size_t waiting_bytes_ = 0;
};

}  // namespace bmsg::node
