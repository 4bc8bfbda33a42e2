#include "lib/chain/charter.h"

#include <fmt/format.h>

#include <utility>

#include "lib/chain/endorsement.h"
#include "lib/core/byte_reader.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"

namespace bmsg::chain {
namespace {

constexpr std::string_view kLabel = "bmsg1 charter";

Error bad(std::string_view why) { return Error{Errc::bad_input, fmt::format("charter: {}", why)}; }

}  // namespace

Bytes encode(const Charter& charter) {
  Bytes body;
  append_seal(body, charter.votes);
  append(body, as_bytes(charter.rules_text));
  return body;
}

Result<Charter> decode_charter(ByteView body) {
  ByteReader reader(body);
  Charter charter;
  BMSG_TRY_ASSIGN(charter.votes, read_seal(reader));
  const ByteView text = reader.rest();
  if (text.size() > kRulesTextBytesMax) return bad("the rules are too long");
  charter.rules_text = std::string(as_text(text));
  return charter;
}

Bytes charter_text(const ChainRules& in_force, std::string_view new_rules_text) {
  Bytes text = to_bytes(kLabel);
  append(text, in_force.id.view());
  append(text, crypto::sha512(as_bytes(print(in_force.rules))).view());
  append(text, crypto::sha512(as_bytes(new_rules_text)).view());
  return text;
}

Result<ChainRules> parse_rules_of(const ChainId& chain, std::string_view rules_text) {
  BMSG_TRY_ASSIGN(auto rules, parse_rules_text(rules_text));
  const ChainId id = chain_id_of(rules_text);
  if (rules.version == 0 && id != chain)
    return Error{Errc::bad_input, "the rules are those of another chain"};
  return ChainRules{std::move(rules), chain, prefix_of<RulesTag>(id)};
}

Result<ChainRules> succeed(const ChainRules& in_force, std::string_view new_rules_text) {
  BMSG_TRY_ASSIGN(const auto rules, parse_rules_text(new_rules_text));
  const RulesText& now = in_force.rules;
  if (now.mode != Mode::endorse) return bad("only chains of endorsers change their rules");
  if (rules.version != std::uint64_t{now.version} + 1) {
    return bad(fmt::format("version {} after version {}", rules.version, now.version));
  }
  if (rules.name != now.name) return bad("the name may not change");
  if (rules.mode != now.mode) return bad("the mode may not change");
  if (rules.access != now.access) return bad("the access may not change");
  if (rules.time != now.time) return bad("the time may not change");
  return parse_rules_of(in_force.id, new_rules_text);
}

std::optional<Violation> find_charter_violation(ByteView body, const ChainRules& in_force,
                                                std::size_t needed) {
  const auto charter = decode_charter(body);
  if (!charter) return Violation{Rule::charter, charter.error().message};
  const auto next = succeed(in_force, charter.value().rules_text);
  if (!next) return Violation{Rule::charter, next.error().message};
  const Bytes text = charter_text(in_force, charter.value().rules_text);
  if (auto found = find_signature_violation(charter.value().votes, text, in_force, needed))
    return Violation{Rule::charter, found->detail};
  return std::nullopt;
}

Result<ChainRules> rules_after(const Block& block, const ChainRules& in_force) {
  if (in_force.rules.mode == Mode::pow) return in_force;
  for (const Message& message : block.messages) {
    if (message.head.suite != Suite::charter || !message.body) continue;
    if (auto found = find_charter_violation(*message.body, in_force, in_force.rules.endorse))
      return bad(found->detail);
    BMSG_TRY_ASSIGN(const auto charter, decode_charter(*message.body));
    return succeed(in_force, charter.rules_text);
  }
  return in_force;
}

}  // namespace bmsg::chain
