#include "tests/support/chain_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "lib/chain/block_hash.h"
#include "lib/chain/endorsement.h"
#include "lib/chain/genesis.h"
#include "lib/chain/message_rules.h"
#include "lib/chain/schedule.h"
#include "lib/chain/work.h"
#include "lib/core/big_endian.h"
#include "lib/core/hex.h"
#include "lib/crypto/sign.h"

namespace bmsg {
namespace {

constexpr std::uint8_t kFirstSeed = 0x11;
constexpr std::uint32_t kThirtyDays = 30 * 86400;

chain::RulesText easy_rules() {
  chain::RulesText rules;
  rules.name = "easy";
  rules.time = kEasyGenesisTime;
  rules.halflife = 1024 * rules.interval;
  rules.floor = CompactTarget{0x2100ffff};
  rules.stamp = 0;
  rules.blobstamp = 0;
  return rules;
}

Block& sorted_by_id(Block& block) {
  const auto by_id = [](const Message& message) { return chain::id_of(message.head); };
  std::ranges::sort(block.messages, {}, by_id);
  return block;
}

Bytes text_records(std::string_view text) {
  Bytes records = {0x01, 0x00, 0x01, 0x00, 0x09};  // Kind 0, then the content.
  append_be(records, static_cast<std::uint16_t>(text.size()));
  append(records, as_bytes(text));
  return records;
}

chain::ChainRules parsed(const std::string& rules_text) {
  auto read = chain::parse_chain_rules(rules_text);
  check(bool(read), "a test's rules text that does not parse");
  return std::move(read).value();
}

crypto::SecretBytes seed_of(const EndorserKey& key) {
  for (std::size_t i = 0; i < kEndorsersMax; ++i) {
    auto seed = endorser_seed(i);
    if (relabel<EndorserKey>(crypto::public_key_of(seed)) == key) return seed;
  }
  check(false, "an endorser whose seed no test knows");
  return endorser_seed(0);
}

}  // namespace

bool runs_endorsed() {
  const char* const mode = std::getenv("BMSG_CHAIN_MODE");
  return mode != nullptr && std::string_view(mode) == "endorse";
}

std::string easy_rules_text() {
  return runs_endorsed() ? endorse_rules_text(3, 4) : pow_rules_text();
}

std::string pow_rules_text() { return chain::print(easy_rules()); }

std::string easy_rules_text(std::string_view key, std::string_view value) {
  std::string text = easy_rules_text();
  const auto line = text.find(fmt::format("\n{} ", key));
  check(line != std::string::npos, "no such key in the rules text");
  const auto begin = line + key.size() + 2;
  return text.replace(begin, text.find('\n', begin) - begin, value);
}

crypto::SecretBytes endorser_seed(std::size_t index) {
  const Bytes seed(crypto::kSeedBytes, static_cast<std::uint8_t>(kFirstSeed + index));
  return crypto::SecretBytes::from(seed);
}

std::string endorse_rules_text(unsigned needed, unsigned count) {
  chain::RulesText rules = easy_rules();
  rules.mode = chain::Mode::endorse;
  rules.endorse = needed;
  for (unsigned i = 0; i < count; ++i) {
    rules.endorsers.push_back(relabel<EndorserKey>(crypto::public_key_of(endorser_seed(i))));
  }
  return chain::print(rules);
}

ChainBuilder::ChainBuilder(std::string rules_text)
    : rules_text_(std::move(rules_text)),
      chain_(parsed(rules_text_)),
      in_force_(chain_),
      genesis_(chain::genesis_header(chain_)) {
  Known first{genesis_, {}};
  first.past.add(chain::leaf_hash(genesis_hash().view()));
  known_.emplace(genesis_hash(), std::move(first));
}

BlockHash ChainBuilder::genesis_hash() const { return chain::hash_of(genesis_); }

Block ChainBuilder::block(const Header& parent, std::vector<Message> messages,
                          std::optional<UnixSeconds> time) {
  const chain::HeaderContext context = context_after(parent);
  const UnixSeconds later{parent.time.value + chain_.rules.interval};
  Block block{.header = {}, .seal = {}, .messages = std::move(messages)};
  block.header.height = Height{parent.height.value + 1};
  block.header.time = time.value_or(later);
  block.header.bits = chain::bits_needed(in_force_.rules, parent, block.header.time);
  block.header.rules = in_force_.tag;
  block.header.previous = context.parent_hash;
  block.header.past = context.past;
  finish(sorted_by_id(block));

  const BlockHash hash = chain::hash_of(block.header);
  Known made{block.header, known(parent).past};
  made.past.add(chain::leaf_hash(hash.view()));
  known_.emplace(hash, std::move(made));
  return block;
}

std::vector<Block> ChainBuilder::blocks(const Header& parent, std::size_t count) {
  std::vector<Block> made;
  for (std::size_t i = 0; i < count; ++i) {
    made.push_back(block(made.empty() ? parent : made.back().header));
  }
  return made;
}

Message ChainBuilder::public_message(std::string_view text, UnixSeconds time) const {
  Message message;
  message.head.chain = prefix_of<ChainTag>(chain_.id);
  message.head.time = static_cast<std::uint32_t>(time.value);
  message.head.ttl = std::min(kThirtyDays, chain_.rules.maxttl);
  set_body(message, text_records(text));
  return message;
}

void ChainBuilder::stamp(Message& message) const {
  const MessageId id = chain::id_of(message.head);
  const std::uint64_t limit = chain::stamp_limit(chain::stamp_needed(chain_, message.head));
  while (chain::stamp_value(id, message.nonce) > limit) ++message.nonce;
}

void ChainBuilder::set_body(Message& message, Bytes body) const {
  message.head.body_bytes = static_cast<std::uint32_t>(body.size());
  message.head.body_hash = chain::body_hash_of(body);
  message.body = std::move(body);
  stamp(message);
}

void ChainBuilder::finish(Block& block) const {
  block.header.count = static_cast<std::uint32_t>(block.messages.size());
  block.header.root = chain::message_root(block);
  SealedHeader sealed{block.header, {}};
  mine(sealed);
  block.header = sealed.header;
  block.seal = sealed.seal;
}

void ChainBuilder::mine(SealedHeader& sealed) const {
  sealed.seal.clear();
  if (chain_.rules.mode == chain::Mode::pow) {
    const auto target = chain::target_of(sealed.header.bits);
    check(target.has_value(), "a test mines for no target");
    while (!chain::meets(chain::hash_of(sealed.header), *target)) ++sealed.header.nonce;
    return;
  }
  const Bytes text = chain::endorsement_text(chain_.id, chain::hash_of(sealed.header));
  for (std::uint8_t i = 0; i < in_force_.rules.endorse; ++i) {
    sealed.seal.push_back(SealEntry{i, crypto::sign(seed_of(in_force_.rules.endorsers[i]), text)});
  }
}

chain::HeaderContext ChainBuilder::context_after(const Header& parent) const {
  const Known& found = known(parent);
  return chain::HeaderContext{in_force_, found.header, chain::hash_of(parent), found.past.root()};
}

const ChainBuilder::Known& ChainBuilder::known(const Header& header) const {
  const auto found = known_.find(chain::hash_of(header));
  check(found != known_.end(), "a parent that this builder did not make");
  return found->second;
}

}  // namespace bmsg
