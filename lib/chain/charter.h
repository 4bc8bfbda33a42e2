// Charters: how the endorsers of a chain change its rules, themselves included.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/chain/rules.h"
#include "lib/chain/rules_text.h"
#include "lib/core/block.h"
#include "lib/core/bytes.h"
#include "lib/core/header.h"
#include "lib/core/result.h"

namespace bmsg::chain {

/// New rules, and who of the endorsers in force has signed them.
/// Shape:  seal ‖ rules text; the body of a message of suite 4.
/// Source: bmsg-format(5), "Charter".
struct Charter {
  Seal votes;
  std::string rules_text;

  bool operator==(const Charter&) const = default;
};

Bytes encode(const Charter& charter);
Result<Charter> decode_charter(ByteView body);

/// "bmsg1 charter" ‖ chain id ‖ H(text in force) ‖ H(new text): a vote is good for one succession.
Bytes charter_text(const ChainRules& in_force, std::string_view new_rules_text);

/// The rules of a chain as its first text or a later one says them. Errors: Errc::bad_input, also
/// for the first text of another chain.
Result<ChainRules> parse_rules_of(const ChainId& chain, std::string_view rules_text);

/// The rules that a charter puts in place of those in force, whoever has signed. Errors:
/// Errc::bad_input for a text that is none, a version that is not the next, another name, mode,
/// access or time.
Result<ChainRules> succeed(const ChainRules& in_force, std::string_view new_rules_text);

/// Rule::charter, if the body is no charter that follows the rules in force or fewer than `needed`
/// of their endorsers signed it, or any signature does not hold.
std::optional<Violation> find_charter_violation(ByteView body, const ChainRules& in_force,
                                                std::size_t needed);

/// The rules after a block: those of its charter, if it carries one, else those in force. Errors:
/// Errc::bad_input for a charter that find_charter_violation() refuses.
Result<ChainRules> rules_after(const Block& block, const ChainRules& in_force);

}  // namespace bmsg::chain
