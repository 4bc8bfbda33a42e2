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

/// A block, and what is hashed of it: the ids, and all else or nothing.
struct Hashed {
  const Block& block;
  const std::vector<MessageId>& ids;
  const BlockDigests* digests;

  MerkleRoot root() const { return digests ? digests->root : message_root(ids, block.messages); }
  std::optional<std::uint64_t> stamp(std::size_t i) const {
    return digests ? std::optional(digests->stamps[i]) : std::nullopt;
  }
  std::optional<BodyHash> body(std::size_t i) const {
    return digests ? std::optional(digests->bodies[i]) : std::nullopt;
  }
};

std::optional<Violation> find_list_violation(const Hashed& hashed, const ChainRules& chain) {
  const auto& [block, ids, _] = hashed;
  if (block.header.count != ids.size()) {
    return Violation{Rule::count,
                     fmt::format("count {}, {} messages", block.header.count, ids.size())};
  }
  // Strictly: the same id twice is refused here.
  const auto unordered = std::ranges::adjacent_find(ids, std::greater_equal<>());
  if (unordered != ids.end()) {
    return Violation{Rule::order, named(*unordered, "not before the next")};
  }
  if (const MerkleRoot root = hashed.root(); block.header.root != root) {
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

std::optional<Violation> find_message_violation(const Hashed& hashed, const ChainRules& chain) {
  const auto& [block, ids, _] = hashed;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto found =
        find_head_violation(block.messages[i], ids[i], block.header.time, chain, hashed.stamp(i));
    if (found) return Violation{found->rule, named(ids[i], found->detail)};
  }
  return std::nullopt;
}

std::optional<Violation> find_suite_violation(const Hashed& hashed, const ChainRules& chain) {
  const auto& [block, ids, _] = hashed;
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
    if (auto found = find_body_violation(message, hashed.body(i))) return found;
    if (auto found = find_charter_violation(*message.body, chain, chain.rules.endorse))
      return Violation{found->rule, named(ids[i], found->detail)};
  }
  return std::nullopt;
}

std::optional<Violation> find_bodies_violation(const Hashed& hashed) {
  const auto& [block, ids, _] = hashed;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (auto found = find_body_violation(block.messages[i], hashed.body(i))) {
      return Violation{found->rule, named(ids[i], found->detail)};
    }
  }
  return std::nullopt;
}

/// In the order of Rule.
std::optional<Violation> find_violation(const Hashed& hashed, const ChainRules& chain,
                                        const std::function<bool(const MessageId&)>& in_ancestor) {
  check(hashed.ids.size() == hashed.block.messages.size(), "ids of another block");
  if (auto violation = find_list_violation(hashed, chain)) return violation;
  if (auto violation = find_message_violation(hashed, chain)) return violation;
  if (const auto again = std::ranges::find_if(hashed.ids, in_ancestor); again != hashed.ids.end()) {
    return Violation{Rule::duplicate, named(*again, "is in an ancestor")};
  }
  if (auto violation = find_suite_violation(hashed, chain)) return violation;
  return find_bodies_violation(hashed);
}

}  // namespace

std::optional<Violation> find_violation(const Block& block, const std::vector<MessageId>& ids,
                                        const ChainRules& chain,
                                        const std::function<bool(const MessageId&)>& in_ancestor) {
  return find_violation({block, ids, nullptr}, chain, in_ancestor);
}

std::optional<Violation> find_violation(const Block& block, const BlockDigests& digests,
                                        const ChainRules& chain,
                                        const std::function<bool(const MessageId&)>& in_ancestor) {
  return find_violation({block, digests.ids, &digests}, chain, in_ancestor);
}

}  // namespace bmsg::chain
