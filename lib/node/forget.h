// Which messages of a chain can be forgotten: those whose bodies are here and needed by nobody.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "lib/node/store.h"

namespace bmsg::node {

/// A message whose body would go.
struct Forgettable {
  MessageId id;
  std::uint64_t bytes = 0;  // Of the body.
  bool expired = false;     // Nobody needs it any more to judge its block.

  bool operator==(const Forgettable&) const = default;
};

/// How lists name a rule: "named", "expired", "older", "sender", "asked".
std::string_view name_of(DropRule rule);

/// Those of all branches that expired, or were written before a time, each once.
struct ForgetWish {
  std::optional<UnixSeconds> before = {};  // Without: what expired.
  /// Which to leave alone all the same, by id and the height of its block. May be empty.
  std::function<Result<bool>(const MessageId&, Height)> spares = {};
};

/// Reads every block. Charters and what waits in the pool are never among them.
/// Errors: as ChainReader.
Result<std::vector<Forgettable>> find_forgettable(const ChainReader& chain, const ForgetWish& wish,
                                                  UnixSeconds now);

/// Why one message cannot be forgotten.
enum class Keeping : std::uint8_t {
  nothing,    // It can.
  unknown,    // No block and no pool has it.
  pooled,     // It waits for a block.
  charter,    // Whoever judges blocks reads it.
  body_gone,  // It was forgotten, or never here.
};
struct Judged {
  Keeping keeping = Keeping::nothing;
  Forgettable message;
};
Result<Judged> judge_forgettable(const ChainReader& chain, const MessageId& id, UnixSeconds now);

}  // namespace bmsg::node
