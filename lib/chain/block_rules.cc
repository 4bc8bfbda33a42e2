#include "lib/chain/block_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/chain/charter.h"
#include "lib/chain/message_rules.h"
#include "lib/core/hex.h"

namespace bmsg::chain {
namespace {

std::string named(const MessageId& id, std::string_view what) {
  return fmt::format("message {}: {}", to_hex(id.view()), what);
}

std::optional<Violation> find_list_violation(const Block& block, const std::vector<MessageId>& ids,
                                             const ChainRules& chain) {
  if (block.header.count != ids.size()) {
    return Violation{Rule::count,
                     fmt::format("count {}, {} messages", block.header.count, ids.size())};
  }
  // Strictly: the same id twice is refused here.
  const auto unordered = std::ranges::adjacent_find(ids, std::greater_equal<>());
  if (unordered != ids.end()) {
    return Violation{Rule::order, named(*unordered, "not before the next")};
  }
  if (const MerkleRoot root = message_root(ids, block.messages); block.header.root != root) {
    return Violation{Rule::root,
                     fmt::format("root {}, messages give {}", to_hex(block.header.root.view()),
                                 to_hex(root.view()))};
  }
  std::uint64_t bytes = 0;
  for (const Message& message : block.messages) bytes += message.head.encoded_bytes();
  if (bytes > chain.rules.maxblock) {
    return Violation{Rule::size, fmt::format("{} bytes, at most {}", bytes, chain.rules.maxblock)};
  }
  return std::nullopt;
}

std::optional<Violation> find_message_violation(const Block& block,
                                                const std::vector<MessageId>& ids,
                                                const ChainRules& chain) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto found = find_head_violation(block.messages[i], ids[i], block.header.time, chain);
    if (found) return Violation{found->rule, named(ids[i], found->detail)};
  }
  return std::nullopt;
}

std::optional<Violation> find_suite_violation(const Block& block, const std::vector<MessageId>& ids,
                                              const ChainRules& chain) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (block.messages[i].head.suite == Suite::chunk) {
      return Violation{Rule::suite, named(ids[i], "a piece of a file")};
    }
  }
  std::size_t charters = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Message& message = block.messages[i];
    if (message.head.suite != Suite::charter) continue;
    if (chain.rules.mode == Mode::pow) return Violation{Rule::charter, named(ids[i], "a charter")};
    if (++charters > 1) return Violation{Rule::charter, named(ids[i], "a second charter")};
    // Another body than its own says nothing about the block.
    if (!message.body) return Violation{Rule::body, named(ids[i], "a charter without its body")};
    if (auto found = find_body_violation(message)) return found;
    if (auto found = find_charter_violation(*message.body, chain, chain.rules.endorse))
      return Violation{found->rule, named(ids[i], found->detail)};
  }
  return std::nullopt;
}

std::optional<Violation> find_bodies_violation(const Block& block,
                                               const std::vector<MessageId>& ids) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (auto found = find_body_violation(block.messages[i])) {
      return Violation{found->rule, named(ids[i], found->detail)};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Violation> find_violation(const Block& block, const std::vector<MessageId>& ids,
                                        const ChainRules& chain,
                                        const std::function<bool(const MessageId&)>& in_ancestor) {
  check(ids.size() == block.messages.size(), "ids of another block");
  if (auto violation = find_list_violation(block, ids, chain)) return violation;
  if (auto violation = find_message_violation(block, ids, chain)) return violation;
  if (const auto again = std::ranges::find_if(ids, in_ancestor); again != ids.end()) {
    return Violation{Rule::duplicate, named(*again, "is in an ancestor")};
  }
  if (auto violation = find_suite_violation(block, ids, chain)) return violation;
  return find_bodies_violation(block, ids);
}

}  // namespace bmsg::chain
