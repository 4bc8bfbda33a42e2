// CharterDraft: a charter as a text that goes from endorser to endorser until enough have signed.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/chain/charter.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::chain {

/// New rules, which ones they follow, and who has signed them so far.
struct CharterDraft {
  ChainId chain;
  Digest follows;  // H(rules text in force).
  Charter charter;

  bool operator==(const CharterDraft&) const = default;
};

inline constexpr std::size_t kDraftBytesMax = 128u << 10;

/// Shape:  lines "key value", in the order "bmsg-charter 1", chain, follows (hex), vote... (the
///         endorser's index and the signature in base64); an empty line; the new rules text.
/// Source: bmsg-format(5), "Charter".
std::string print(const CharterDraft& draft);

/// Strict: exactly what print() writes, and rules that parse.
/// Errors: Errc::bad_input, naming the line.
Result<CharterDraft> parse_charter_draft(std::string_view text);

/// Nobody has signed it yet. The version is for the caller to have raised.
CharterDraft draft_of(const ChainRules& in_force, const RulesText& next);

/// The rules that it puts in place of those in force, if it follows them and whatever signatures it
/// has hold, be they enough or not. Errors: Errc::bad_input, naming what does not fit.
Result<ChainRules> check_draft(const CharterDraft& draft, const ChainRules& in_force);

/// Adds the signature of the endorser with this index, or leaves the one that is there. The draft
/// must follow the rules in force.
void sign(CharterDraft& draft, const ChainRules& in_force, std::uint8_t index,
          const crypto::SecretBytes& seed);

/// Whether that endorser's signature is there.
bool has_vote(const CharterDraft& draft, std::uint8_t index);

}  // namespace bmsg::chain
