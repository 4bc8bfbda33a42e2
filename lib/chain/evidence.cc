#include "lib/chain/evidence.h"

#include <fmt/format.h>

#include <utility>

#include "lib/chain/block_hash.h"
#include "lib/chain/charter.h"
#include "lib/chain/endorsement.h"
#include "lib/chain/proof_lines.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sign.h"

namespace bmsg::chain {
namespace {

Error bad(std::string_view key, std::string_view why) {
  return ProofLines::bad("evidence", key, why);
}

Result<Header> header_line(ProofLines& lines, std::string_view key) {
  BMSG_TRY_ASSIGN(const auto bytes, lines.bytes(key));
  auto header = decode_header(bytes);
  if (!header) return lines.bad(key, header.error().message);
  return header;
}

Result<Signature> signature_line(ProofLines& lines) {
  BMSG_TRY_ASSIGN(const auto bytes, lines.bytes("signature"));
  if (bytes.size() != Signature::kSize) return lines.bad("signature", "is none");
  return Signature::from(bytes);
}

Result<Done> check_block(const Evidence& evidence, const ChainRules& chain, const Header& header,
                         const Signature& signature) {
  if (header.rules != chain.tag) return bad("header", "other rules hold for it");
  if (header.previous != hash_of(evidence.parent)) return bad("header", "has another parent");
  if (header.time <= evidence.parent.time) return bad("header", "is no later than its parent");
  const auto key = relabel<IdentityKey>(chain.rules.endorsers[evidence.index]);
  if (!crypto::verify(key, endorsement_text(evidence.chain, hash_of(header)), signature))
    return bad("signature", "does not hold");
  return done;
}

}  // namespace

std::uint64_t generation_seconds(const RulesText& rules) {
  return std::uint64_t{rules.interval} * rules.endorsers.size();
}

std::uint64_t generation_of(const RulesText& rules, const Header& parent, UnixSeconds time) {
  check(time >= parent.time, "a generation before the parent");
  return (time.value - parent.time.value) / generation_seconds(rules);
}

std::string print(const Evidence& evidence) {
  std::string text = fmt::format("bmsg-evidence 1\nchain {}\n", to_hex(evidence.chain.view()));
  text += proof_line("rules", as_bytes(evidence.rules_text));
  text += proof_line("parent", encode(evidence.parent));
  text += fmt::format("endorser {}\n", evidence.index);
  text += proof_line("header", encode(evidence.first));
  text += proof_line("signature", evidence.first_signature.view());
  text += proof_line("header", encode(evidence.second));
  text += proof_line("signature", evidence.second_signature.view());
  return text;
}

Result<Evidence> parse_evidence(std::string_view text) {
  ProofLines lines(text, "evidence");
  Evidence evidence;
  BMSG_TRY_ASSIGN(const auto version, lines.number("bmsg-evidence"));
  if (version != 1) return bad("bmsg-evidence", "needs a newer bmsg");
  BMSG_TRY_ASSIGN(evidence.chain, lines.hex<ChainId>("chain"));
  BMSG_TRY_ASSIGN(const auto rules, lines.bytes("rules"));
  evidence.rules_text = std::string(as_text(rules));
  BMSG_TRY_ASSIGN(evidence.parent, header_line(lines, "parent"));
  BMSG_TRY_ASSIGN(const auto index, lines.number("endorser"));
  if (index >= kEndorsersMax) return bad("endorser", "there are no so many");
  evidence.index = static_cast<std::uint8_t>(index);
  BMSG_TRY_ASSIGN(evidence.first, header_line(lines, "header"));
  BMSG_TRY_ASSIGN(evidence.first_signature, signature_line(lines));
  BMSG_TRY_ASSIGN(evidence.second, header_line(lines, "header"));
  BMSG_TRY_ASSIGN(evidence.second_signature, signature_line(lines));
  if (!lines.is_empty()) return Error{Errc::bad_input, "evidence: more lines than it may have"};
  return evidence;
}

Result<EndorserKey> check_evidence(const Evidence& evidence) {
  const auto parsed = parse_rules_of(evidence.chain, evidence.rules_text);
  if (!parsed) return bad("rules", parsed.error().message);
  const ChainRules& chain = parsed.value();
  if (chain.rules.mode != Mode::endorse) return bad("rules", "nobody endorses by them");
  if (evidence.index >= chain.rules.endorsers.size())
    return bad("endorser", "the rules name no such endorser");
  BMSG_TRY(check_block(evidence, chain, evidence.first, evidence.first_signature));
  BMSG_TRY(check_block(evidence, chain, evidence.second, evidence.second_signature));
  if (!(hash_of(evidence.first) < hash_of(evidence.second)))
    return bad("header", "the second is not after the first");
  if (generation_of(chain.rules, evidence.parent, evidence.first.time) !=
      generation_of(chain.rules, evidence.parent, evidence.second.time))
    return bad("header", "they are of two generations: both may be signed");
  return chain.rules.endorsers[evidence.index];
}

std::vector<Evidence> find_evidence(const ChainRules& chain, const Header& parent,
                                    const SealedHeader& one, const SealedHeader& other) {
  std::vector<Evidence> found;
  const bool is_same = hash_of(one.header) == hash_of(other.header);
  if (is_same || generation_of(chain.rules, parent, one.header.time) !=
                     generation_of(chain.rules, parent, other.header.time))
    return found;
  const bool in_order = hash_of(one.header) < hash_of(other.header);
  const SealedHeader& first = in_order ? one : other;
  const SealedHeader& second = in_order ? other : one;
  for (const SealEntry& a : first.seal) {
    for (const SealEntry& b : second.seal) {
      if (a.index != b.index) continue;
      found.push_back({.chain = chain.id,
                       .rules_text = print(chain.rules),
                       .parent = parent,
                       .index = a.index,
                       .first = first.header,
                       .first_signature = a.signature,
                       .second = second.header,
                       .second_signature = b.signature});
    }
  }
  return found;
}

}  // namespace bmsg::chain
