// Evidence: two blocks that one endorser signed where only one may be signed. It needs no store.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/header.h"
#include "lib/core/result.h"

namespace bmsg::chain {

/// The time that all endorsers have for one block before the turn begins anew: n times interval.
/// Units: seconds.
std::uint64_t generation_seconds(const RulesText& rules);

/// Which generation after its parent a time falls into; it must not be before the parent's.
/// Source: bmsg-format(5), "Endorsing".
std::uint64_t generation_of(const RulesText& rules, const Header& parent, UnixSeconds time);

/// An endorser signed two blocks with the same parent and of the same generation: an honest one
/// never does.
struct Evidence {
  ChainId chain;
  std::string rules_text;  // In force for both.
  Header parent;
  std::uint8_t index = 0;  // Of the endorser in these rules.
  Header first;            // Of the lesser hash.
  Signature first_signature;
  Header second;
  Signature second_signature;

  bool operator==(const Evidence&) const = default;
};

inline constexpr std::size_t kEvidenceBytesMax = 128u << 10;

/// Shape:  lines "key value", in the order "bmsg-evidence 1", chain (hex), rules, parent (base64),
///         endorser, header, signature, header, signature (base64).
/// Source: bmsg-format(5), "Evidence".
std::string print(const Evidence& evidence);

/// Strict: exactly what print() writes.
/// Errors: Errc::bad_input, naming the line.
Result<Evidence> parse_evidence(std::string_view text);

/// Whose fault it proves. Errors: Errc::bad_input, naming what does not hold.
Result<EndorserKey> check_evidence(const Evidence& evidence);

/// What two sealed headers with one parent prove: a piece for each endorser who signed both. The
/// signatures must have been checked.
std::vector<Evidence> find_evidence(const ChainRules& chain, const Header& parent,
                                    const SealedHeader& one, const SealedHeader& other);

}  // namespace bmsg::chain
