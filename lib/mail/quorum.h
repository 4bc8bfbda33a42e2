// Quorums: who has to sign something, as an expression: 'of(2, ana, ben, carl)'.

#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::mail {

inline constexpr std::size_t kQuorumDepthMax = 8;  // of() within of().
inline constexpr std::size_t kQuorumPersonsMax = 64;
inline constexpr std::size_t kQuorumTextMax = 8192;

/// One person, or so many of several parts. Nobody stands in it twice: a person counts once.
struct Quorum {
  std::optional<IdentityKey> person;  // Else the two below.
  std::uint32_t needed = 0;           // 1 up to the number of parts.
  std::vector<Quorum> parts = {};

  bool operator==(const Quorum&) const = default;
};

/// What a word of an expression that is no address stands for, or why it stands for nobody.
using NameLookup = std::function<Result<IdentityKey>(const std::string& name)>;

/// Strict. A name stands as it is between commas and parentheses, without blanks at its ends.
/// Errors: Errc::bad_usage, saying where the expression is wrong; those of `lookup`.
Result<Quorum> parse_quorum(std::string_view text, const NameLookup& lookup);
/// The same where only addresses may stand.
Result<Quorum> parse_quorum(std::string_view text);

/// What a person is called in an expression that is written.
using NameWriter = std::function<std::string(const IdentityKey& person)>;
std::string to_text(const Quorum& quorum, const NameWriter& name);
/// By addresses: parse_quorum() reads it.
std::string to_text(const Quorum& quorum);

/// In the order of the expression.
std::vector<IdentityKey> persons_in(const Quorum& quorum);

/// Whether these are enough.
bool holds(const Quorum& quorum, const std::set<IdentityKey>& signers);
/// Of `needed` parts, how many there are; more do not count.
std::uint32_t parts_held(const Quorum& quorum, const std::set<IdentityKey>& signers);
/// How many parts there must be: 1 for a single person.
std::uint32_t parts_needed(const Quorum& quorum);

}  // namespace bmsg::mail
