// The text that defines a chain. Its hash is the chain's id: what `sha512sum genesis` prints.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::chain {

enum class Mode { pow, endorse };
enum class Access { open, members };

/// The rules of a chain, in the order of the text.
/// Source: bmsg-format(5), "Rules text".
struct RulesText {
  std::uint32_t version = 0;
  std::string name;
  Mode mode = Mode::pow;
  Access access = Access::open;
  std::uint32_t time = 0;            // Unix seconds of genesis.
  std::uint32_t interval = 600;      // Wanted seconds between blocks.
  std::uint32_t halflife = 7200;     // Seconds; pow only.
  CompactTarget floor{0x1e00ffff};   // Easiest target; pow only.
  std::uint32_t maxblock = 1048576;  // Bytes.
  std::uint32_t maxmessage = 65536;  // Bytes.
  std::uint32_t maxttl = 31536000;   // Seconds.
  std::uint32_t stamp = 16;          // Hashes per byte and day.
  std::uint32_t blobstamp = 1;
  std::uint32_t endorse = 0;  // k; endorse only.
  std::vector<EndorserKey> endorsers;
  std::vector<NodeKey> members;

  bool operator==(const RulesText&) const = default;
};

std::string print(const RulesText& rules);

/// Strict: the text must be exactly what print() writes, every value within its limits.
/// Errors: Errc::bad_input, naming the line and the limit.
Result<RulesText> parse_rules_text(std::string_view text);

ChainId chain_id_of(std::string_view rules_text);

/// A chain as every check needs it: the rules in force, their text's hash, the chain's id.
struct ChainRules {
  RulesText rules;
  ChainId id;
  RulesTag tag;
};

Result<ChainRules> parse_chain_rules(std::string_view rules_text);

}  // namespace bmsg::chain
