// The work a message must carry.

#pragma once

#include <optional>
#include <stop_token>

#include "lib/chain/rules_text.h"
#include "lib/core/message.h"

namespace bmsg::mail {

/// The least nonce that a search over `threads` comes upon and that stamps the head for this
/// chain; 0 where the chain asks for none. nullopt: stopped. Looks for a stop about ten times a
/// second.
std::optional<std::uint64_t> find_stamp(const MessageHead& head, const chain::ChainRules& chain,
                                        unsigned threads, std::stop_token stop);

}  // namespace bmsg::mail
