// What endorsers of endorse_rules_text() sign, one by one.

#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "lib/chain/block_hash.h"
#include "lib/chain/charter.h"
#include "lib/chain/endorsement.h"
#include "lib/crypto/sign.h"
#include "tests/support/chain_builder.h"

namespace bmsg {

using Indices = std::vector<std::uint8_t>;

inline SealEntry endorsed(const ChainId& chain, const BlockHash& hash, std::uint8_t index) {
  return {index, crypto::sign(endorser_seed(index), chain::endorsement_text(chain, hash))};
}

/// The block with the signatures of these, and of nobody else.
inline Block signed_by(const ChainBuilder& builder, Block block, const Indices& indices) {
  block.seal.clear();
  const BlockHash hash = chain::hash_of(block.header);
  for (const std::uint8_t index : indices)
    block.seal.push_back(endorsed(builder.chain().id, hash, index));
  return block;
}

inline chain::Charter voted(const chain::ChainRules& in_force, const chain::RulesText& next,
                            const Indices& voters) {
  chain::Charter charter{{}, chain::print(next)};
  const Bytes text = chain::charter_text(in_force, charter.rules_text);
  for (const std::uint8_t index : voters)
    charter.votes.push_back({index, crypto::sign(endorser_seed(index), text)});
  return charter;
}

inline Message charter_message(const ChainBuilder& builder, const chain::Charter& charter,
                               UnixSeconds time) {
  Message message = builder.public_message("", time);
  message.head.suite = Suite::charter;
  builder.set_body(message, chain::encode(charter));
  return message;
}

/// The rules after those, with one message of another size allowed.
inline chain::RulesText next_rules(const chain::RulesText& rules) {
  chain::RulesText next = rules;
  ++next.version;
  next.maxmessage = 4096 + next.version;
  return next;
}

}  // namespace bmsg
