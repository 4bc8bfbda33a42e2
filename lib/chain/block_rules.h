// The rules for the messages of a block whose header keeps the header rules. Pure.

#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "lib/chain/block_digests.h"
#include "lib/chain/rules.h"
#include "lib/chain/rules_text.h"
#include "lib/core/block.h"

namespace bmsg::chain {

/// Finds the first rule that the messages break: count, order, root, size, the rules of each head
/// at the block's time, duplicate (asks `in_ancestor`), suite, charter, body.
/// `ids` are the messages' ids in the order of the block, which the caller has computed.
/// The body comes last because Rule::body alone blames the sender of the bytes and not the block.
/// Source: bmsg-format(5), "Block rules".
std::optional<Violation> find_violation(const Block& block, const std::vector<MessageId>& ids,
                                        const ChainRules& chain,
                                        const std::function<bool(const MessageId&)>& in_ancestor);

/// The same where all of it is hashed already: `digests` are those of this block.
std::optional<Violation> find_violation(const Block& block, const BlockDigests& digests,
                                        const ChainRules& chain,
                                        const std::function<bool(const MessageId&)>& in_ancestor);

}  // namespace bmsg::chain
