// ChainBuilder: valid chains for tests, cheap to make: nearly every hash meets their target.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/chain/header_rules.h"
#include "lib/chain/merkle.h"
#include "lib/chain/rules_text.h"
#include "lib/core/block.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg {

/// Genesis of easy_rules_text(): 10,000 intervals before FakeClock's first time, so that blocks
/// dated an interval apart are not ahead of it.
inline constexpr std::uint32_t kEasyGenesisTime = 1'767'225'600 - 10'000 * 600;

/// An open chain on proof of work: floor 2100ffff, no stamps, a price that hardly rises.
std::string pow_rules_text();

/// Whether BMSG_CHAIN_MODE is "endorse": so the same tests are run for both modes.
bool runs_endorsed();

/// The same; where runs_endorsed(), three of four sign its blocks instead.
std::string easy_rules_text();

/// The same with other values, by key: easy_rules_text("stamp", "16").
std::string easy_rules_text(std::string_view key, std::string_view value);

/// A chain sealed by `needed` of `count` endorsers, whose seeds are 32 bytes of 11, 12 and so on
/// (hexadecimal).
std::string endorse_rules_text(unsigned needed, unsigned count);

/// The seed of an endorser of those.
crypto::SecretBytes endorser_seed(std::size_t index);

/// Makes blocks that keep every rule, on any branch of blocks that it made itself.
/// Threads: one at a time.
class ChainBuilder {
 public:
  explicit ChainBuilder(std::string rules_text = easy_rules_text());

  const std::string& rules_text() const { return rules_text_; }
  const chain::ChainRules& chain() const { return chain_; }
  Header genesis() const { return genesis_; }
  BlockHash genesis_hash() const;

  /// A block after `parent`, mined or sealed; an interval later unless `time` says otherwise.
  /// Messages may come in any order.
  Block block(const Header& parent, std::vector<Message> messages = {},
              std::optional<UnixSeconds> time = std::nullopt);
  /// So many empty blocks in a row.
  std::vector<Block> blocks(const Header& parent, std::size_t count);

  /// A public message of `text`, stamped as the chain asks, good for 30 days.
  Message public_message(std::string_view text, UnixSeconds time) const;
  /// Searches a stamp again, after a test changed the head.
  void stamp(Message& message) const;
  /// Gives a message another body: length and hash in the head, and the stamp.
  void set_body(Message& message, Bytes body) const;

  /// Makes count, root, work and seal fit again, after a test changed the block.
  void finish(Block& block) const;
  /// The same for work and seal alone.
  void mine(SealedHeader& sealed) const;

  /// Blocks made from now on follow a charter that brought these rules.
  void adopt(const chain::ChainRules& rules) { in_force_ = rules; }

  /// What a child of `parent` is judged against.
  chain::HeaderContext context_after(const Header& parent) const;

 private:
  struct Known {
    Header header;
    chain::MerklePeaks past;  // Up to and with this block.
  };
  const Known& known(const Header& header) const;

  std::string rules_text_;
  chain::ChainRules chain_;
  chain::ChainRules in_force_;
  Header genesis_;
  std::unordered_map<BlockHash, Known, FixedBytesHash> known_;
};

}  // namespace bmsg
