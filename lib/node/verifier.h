// Verifier: walks a stored chain and checks it all again, against the rules and not against itself.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/node/bulk_reader.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// Something that is not as the rules want it.
struct Fault {
  std::string kind;  // A rule's name, or "record", "tip", "tree", "index", "pool".
  Height height;
  BlockHash hash;
  std::string detail;  // Expected and found.
};

/// How much is checked.
enum class Depth {
  quick,  // Headers, links, work or seals, the tree over blocks, the tip.
  full,   // Each message, body, root and index too.
};

struct VerifyReport {
  std::uint64_t blocks = 0;
  std::uint64_t messages = 0;
  std::uint64_t dropped_bodies = 0;  // Absent, whatever for.
  Tip tip;
  std::vector<Fault> faults;  // In the order of heights, kFaultsMax at most.
  bool stopped = false;
};

inline constexpr std::size_t kFaultsMax = 1000;

/// How to read the messages of a store that lies in order. The same is found as without it, sooner.
struct InOrder {
  const BulkReader* store = nullptr;  // The store that is verified.
  unsigned threads = 1;
  std::array<std::uint8_t, 16> key{};  // Fresh and secret.
};

struct VerifyWish {
  Depth depth = Depth::quick;
  Height from = {};
  /// With Depth::full in a store of all bodies: a body that is absent though nobody forgot it, and
  /// though its message had not expired by then, is a fault.
  std::optional<UnixSeconds> now = {};
  /// With Depth::full: whether the messages of that height are read. Unset: all are.
  std::function<bool(Height)> reads = {};
  std::optional<InOrder> in_order = {};  // With Depth::full.
  std::function<void(std::uint64_t blocks, std::uint64_t of)> on_progress = {};
  std::stop_token stop = {};
};

/// Goes on after a fault. Errors: Errc::io; damage is a fault, not an error.
Result<VerifyReport> verify(const ChainReader& store, const chain::ChainRules& chain,
                            const VerifyWish& wish);

}  // namespace bmsg::node
