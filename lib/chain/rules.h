// The names of the rules of the protocol, and what a breach of one looks like.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bmsg::chain {

/// In the order in which they are checked; the first breach is reported. Names go over the wire.
/// Source: bmsg-format(5), "Rules".
enum class Rule : std::uint8_t {
  // Blocks.
  magic,
  height,
  previous,
  rules,
  past,
  time,
  bits,
  work,
  seal,
  count,
  order,
  root,
  size,
  duplicate,
  suite,
  charter,
  body,
  // Messages.
  layout,
  chain,
  message_size,
  ttl,
  early,
  expired,
  stamp,
  // Packs.
  frame,
  digest,
};

/// The name as it goes over the wire: "prev", "stamp", "size" (for size and message_size alike).
std::string_view name_of(Rule rule);

/// A rule that received data breaks. Not an Error: the check itself succeeded.
struct Violation {
  Rule rule;
  std::string detail;  // For logs: the two values that disagree.
};

}  // namespace bmsg::chain
