// A block that comes as a list of short ids: what of it is here.

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/node/node.h"

namespace bmsg::node {
namespace {

using Entry = chain::CompactBlock::Entry;

/// What the list alone says against the block, before anything is looked up, in the order of Rule.
std::optional<chain::Violation> find_violation(const std::vector<Entry>& entries,
                                               std::uint64_t bytes_max) {
  // Not strictly: two messages may begin with the same 8 bytes.
  const auto later = std::ranges::adjacent_find(entries, std::greater<>(), &Entry::id);
  if (later != entries.end()) {
    return chain::Violation{chain::Rule::order, fmt::format("message {}: not before the next",
                                                            to_hex(later->id.view()))};
  }
  const std::uint64_t bytes_min = entries.size() * (kHeadBytesFixed + kNonceBytes);
  if (bytes_min > bytes_max) {
    return chain::Violation{chain::Rule::size,
                            fmt::format("{} bytes at least, at most {}", bytes_min, bytes_max)};
  }
  return std::nullopt;
}

/// Whether another entry begins with the same 8 bytes. No message of ours can be both.
bool is_repeated(const std::vector<Entry>& entries, std::size_t i) {
  return (i > 0 && entries[i - 1].id == entries[i].id) ||
         (i + 1 < entries.size() && entries[i + 1].id == entries[i].id);
}

std::vector<ShortId> ids_of(const std::vector<Entry>& entries) {
  std::vector<ShortId> ids;
  ids.reserve(entries.size());
  for (const Entry& entry : entries) ids.push_back(entry.id);
  return ids;
}

BlockOutcome outcome_of(Verdict verdict, std::optional<chain::Violation> violation = {}) {
  return {.verdict = verdict, .violation = std::move(violation), .reorg = {}};
}

}  // namespace

/// What header and list say of it; else how many bytes its messages may have.
Result<std::optional<BlockOutcome>> Node::judge_compact(const chain::CompactBlock& compact,
                                                        std::uint64_t& bytes_max) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(auto outcome, add_signatures(compact.sealed));
  // Before anybody is asked for messages: a header that costs nothing gets nothing.
  if (!outcome) {
    BMSG_TRY_ASSIGN(outcome, state_.judge(compact.sealed));
  }
  if (outcome) return outcome;
  BMSG_TRY_ASSIGN(const auto parent, parts_.store.header(compact.sealed.header.previous));
  if (!parent) return Error{Errc::corrupt, "the store lacks the parent of a judged block"};
  BMSG_TRY_ASSIGN(const auto* rules, state_.rules_after(*parent));
  bytes_max = rules->rules.maxblock;
  if (auto violation = find_violation(compact.entries, bytes_max))
    return std::optional(outcome_of(Verdict::refused, std::move(violation)));
  return outcome;
}

/// Copies the messages that are here into `block`, and no more bytes than a block may have: an
/// entry is 16 bytes and names a message of any size.
Result<std::vector<ShortId>> Node::fill_block(const std::vector<Entry>& entries, Pool pool,
                                              std::uint64_t bytes_max, Block& block) {
  std::vector<ShortId> need;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::optional<Message> message;
    if (!is_repeated(entries, i)) {
      BMSG_TRY_ASSIGN(message, find_message(entries[i].id));
    }
    bool is_here = message && message->body;
    if (is_here && pool == Pool::told) {
      BMSG_TRY_ASSIGN(const bool is_kept, is_kept_back(chain::id_of(message->head)));
      is_here = !is_kept;
    }
    if (!is_here) {
      need.push_back(entries[i].id);
      continue;
    }
    bytes += message->head.encoded_bytes();
    // Too large, or a message of ours begins like one of the block's: the whole block tells.
    if (bytes > bytes_max) return ids_of(entries);
    message->nonce = entries[i].nonce;  // The block may hold another stamp than the pool does.
    block.messages.push_back(std::move(*message));
  }
  return need;
}

Result<Service::Rebuilt> Node::submit_compact(const chain::CompactBlock& compact, Pool pool) {
  Rebuilt rebuilt;
  std::uint64_t bytes_max = 0;
  BMSG_TRY_ASSIGN(rebuilt.outcome, judge_compact(compact, bytes_max));
  if (rebuilt.outcome) {
    if (rebuilt.outcome->verdict == Verdict::accepted) changed();
    return rebuilt;
  }
  Block block{compact.sealed.header, compact.sealed.seal, {}};
  BMSG_TRY_ASSIGN(rebuilt.need, fill_block(compact.entries, pool, bytes_max, block));
  if (!rebuilt.need.empty() && parts_.store.is_light()) {
    // It wants nobody's bodies: the block comes without them, when it asks for blocks.
    rebuilt.need.clear();
    rebuilt.outcome = outcome_of(Verdict::held);
  }
  if (!rebuilt.need.empty() || rebuilt.outcome) return rebuilt;
  const bool complete = !block.messages.empty() && block.messages.size() == block.header.count;
  if (complete && chain::message_root(block) != block.header.root) {
    // A message of ours begins like one of the block's: which, nobody can say.
    rebuilt.need = ids_of(compact.entries);
    return rebuilt;
  }
  BMSG_TRY_ASSIGN(rebuilt.outcome, submit_block(block));
  return rebuilt;
}

}  // namespace bmsg::node
