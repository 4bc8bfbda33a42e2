#include "lib/chain/charter_draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "lib/chain/endorsement.h"
#include "lib/chain/proof_lines.h"
#include "lib/core/base64.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sign.h"

namespace bmsg::chain {
namespace {

constexpr std::string_view kWhat = "charter";

Digest digest_of(std::string_view rules_text) { return crypto::sha512(as_bytes(rules_text)); }

Error bad(std::string why, std::string hint = {}) {
  return Error{Errc::bad_input, fmt::format("charter: {}", why), std::move(hint)};
}

Result<SealEntry> vote_line(ProofLines& lines) {
  BMSG_TRY_ASSIGN(const auto value, lines.value("vote"));
  const std::string_view number = value.substr(0, value.find(' '));
  std::size_t index = 0;
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), index);
  if (fault != std::errc() || fmt::to_string(index) != number || index >= kEndorsersMax)
    return lines.bad("vote", "begins with no index of an endorser");
  const auto bytes = from_base64(value.substr(std::min(value.size(), number.size() + 1)));
  if (!bytes || bytes->size() != Signature::kSize)
    return lines.bad("vote", fmt::format("endorser {}: is no signature", index));
  return SealEntry{static_cast<std::uint8_t>(index), Signature::from(*bytes)};
}

/// Why a draft does not follow the rules in force.
Error follows_others(const CharterDraft& draft, const ChainRules& in_force) {
  const std::string& text = draft.charter.rules_text;
  const std::uint32_t now = in_force.rules.version;
  const auto next = parse_rules_text(text);
  if (!next) return next.error();
  const std::uint32_t version = next.value().version;
  if (text == print(in_force.rules))
    return bad(fmt::format("its rules are in force already, as version {}", version),
               "'bmsg charter log' tells since when");
  if (version <= now)
    return bad(fmt::format("it comes too late: it would make version {}, and {} is in force",
                           version, now),
               "'bmsg charter draft' makes one that follows the rules in force");
  if (version > std::uint64_t{now} + 1)
    return bad(fmt::format("it follows version {}, and {} is in force here", version - 1, now),
               "'bmsg sync' may bring what is between them");
  return bad(
      fmt::format("line 'follows': it follows another version {} than the one in force", now),
      "'bmsg charter draft' makes one that follows the rules in force");
}

}  // namespace

std::string print(const CharterDraft& draft) {
  std::string text = fmt::format("bmsg-charter 1\nchain {}\nfollows {}\n",
                                 to_hex(draft.chain.view()), to_hex(draft.follows.view()));
  for (const SealEntry& vote : draft.charter.votes)
    text += fmt::format("vote {} {}\n", vote.index, to_base64(vote.signature.view()));
  text += '\n';
  return text + draft.charter.rules_text;
}

Result<CharterDraft> parse_charter_draft(std::string_view text) {
  const std::size_t gap = text.find("\n\n");
  if (gap == std::string_view::npos) return bad("the empty line before the rules is missing");
  ProofLines lines(text.substr(0, gap + 1), kWhat);
  CharterDraft draft;
  BMSG_TRY_ASSIGN(const auto version, lines.number("bmsg-charter"));
  if (version != 1) return lines.bad("bmsg-charter", "needs a newer bmsg");
  BMSG_TRY_ASSIGN(draft.chain, lines.hex<ChainId>("chain"));
  BMSG_TRY_ASSIGN(draft.follows, lines.hex<Digest>("follows"));
  Seal& votes = draft.charter.votes;
  while (lines.has("vote")) {
    BMSG_TRY_ASSIGN(const auto vote, vote_line(lines));
    if (!votes.empty() && votes.back().index >= vote.index)
      return lines.bad("vote", "they do not stand in the order of the endorsers, each once");
    votes.push_back(vote);
  }
  if (!lines.is_empty()) return bad("before the rules stand lines that are none of its own");
  draft.charter.rules_text = std::string(text.substr(gap + 2));
  BMSG_TRY(parse_rules_text(draft.charter.rules_text));
  return draft;
}

CharterDraft draft_of(const ChainRules& in_force, const RulesText& next) {
  return {in_force.id, digest_of(print(in_force.rules)), {{}, print(next)}};
}

Result<ChainRules> check_draft(const CharterDraft& draft, const ChainRules& in_force) {
  if (draft.chain != in_force.id) return bad("line 'chain': it is of another chain");
  if (draft.follows != digest_of(print(in_force.rules))) return follows_others(draft, in_force);
  BMSG_TRY_ASSIGN(auto next, succeed(in_force, draft.charter.rules_text));
  const Bytes text = charter_text(in_force, draft.charter.rules_text);
  if (const auto found = find_signature_violation(draft.charter.votes, text, in_force, 0))
    return bad(fmt::format("line 'vote': {}", found->detail),
               "whoever changes the rules of a draft takes all its 'vote' lines out");
  return next;
}

void sign(CharterDraft& draft, const ChainRules& in_force, std::uint8_t index,
          const crypto::SecretBytes& seed) {
  const Bytes text = charter_text(in_force, draft.charter.rules_text);
  const Seal own{{index, crypto::sign(seed, text)}};
  draft.charter.votes = merge(draft.charter.votes, own);
}

bool has_vote(const CharterDraft& draft, std::uint8_t index) {
  const Seal& votes = draft.charter.votes;
  return std::ranges::find(votes, index, &SealEntry::index) != votes.end();
}

}  // namespace bmsg::chain
