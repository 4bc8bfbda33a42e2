// Receipt: proof that a message stood in a block, in one text that needs no store to be checked.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/header.h"
#include "lib/core/message.h"
#include "lib/core/result.h"

namespace bmsg::chain {

/// A message's head, where it stands under its block's root, and what may be added to that: a later
/// header that commits to the block, and what opens the message.
struct Receipt {
  ChainId chain;
  MessageHead head;
  std::uint64_t nonce = 0;
  std::uint32_t index = 0;   // In the block.
  std::vector<Digest> path;  // From the message's leaf to header.root.
  SealedHeader sealed;
  std::optional<Header> anchor;  // Of a block above.
  std::vector<Digest> past;      // From the block's leaf to anchor.past; none without an anchor.
  std::optional<Bytes> body;
  std::optional<Bytes> key;  // Content key of a sealed message, 32 bytes; only with the body.

  bool operator==(const Receipt&) const = default;
};

inline constexpr std::size_t kContentKeyBytes = 32;
/// The longest proof in a tree of 2^32 leaves, and the most that a receipt can take.
inline constexpr std::size_t kProofDigestsMax = 32;
inline constexpr std::size_t kReceiptBytesMax = 128u << 10;

/// Shape:  lines "key value", in the order "bmsg-receipt 1", chain (hex), head (base64), nonce
///         (hex), index, path..., header, seal, [anchor, past...], [body, [key]] (base64).
/// Source: bmsg-format(5), "Receipt".
std::string print(const Receipt& receipt);

/// Strict: exactly what print() writes.
/// Errors: Errc::bad_input, naming the line.
Result<Receipt> parse_receipt(std::string_view text);

/// What a receipt proves, once it holds.
struct Receipted {
  MessageId id;
  BlockHash block;
  std::optional<BlockHash> anchor;
};

/// Checks all that the receipt says against itself: head and chain, the walk from the message to
/// the block's root, the block's own work, the walk from the block to the anchor, the body. Whether
/// block or anchor lie on a chain that somebody trusts, and who sealed them, only a store, a
/// checkpoint or the rules can tell. Of the chain's id the first 8 bytes are checked, on a pow
/// chain 32: no more of it is in what was hashed.
/// Errors: Errc::bad_input, naming what does not hold.
Result<Receipted> check_receipt(const Receipt& receipt);

}  // namespace bmsg::chain
