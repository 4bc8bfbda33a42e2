// The rules that one message must keep at a block's time. Pure.

#pragma once

#include <optional>

#include "lib/chain/rules.h"
#include "lib/chain/rules_text.h"
#include "lib/core/message.h"

namespace bmsg::chain {

/// Finds the first rule that the message breaks at `time`, in the order layout, chain, size, ttl,
/// early, expired, stamp, body. The time is that of the block which is to hold it, or of the clock
/// where it is to wait in the pool. If the body is there, it must match the head.
/// Source: bmsg-format(5), "Message rules".
std::optional<Violation> find_violation(const Message& message, const MessageId& id,
                                        UnixSeconds time, const ChainRules& chain);

/// All of it but the hash of the body: what can be judged before a body is fetched. `stamp` is its
/// stamp_value(), where the caller has computed it.
std::optional<Violation> find_head_violation(const Message& message, const MessageId& id,
                                             UnixSeconds time, const ChainRules& chain,
                                             std::optional<std::uint64_t> stamp = {});

/// Rule::body if there is a body and it is not what the head says. That blames whoever sent these
/// bytes, never the message. `hash` is that of the body, where the caller has computed it.
std::optional<Violation> find_body_violation(const Message& message,
                                             const std::optional<BodyHash>& hash = {});

/// W = rate · S · days begun: how many hashes the stamp must stand for. 0: none is needed.
std::uint64_t stamp_needed(const ChainRules& chain, const MessageHead& head);

/// Greatest v, the first 8 bytes of H(id ‖ nonce) as a number, that is good for `needed` hashes.
std::uint64_t stamp_limit(std::uint64_t needed);

/// v of a stamp.
std::uint64_t stamp_value(const MessageId& id, std::uint64_t nonce);

/// Hashes that a stamp shows: floor((2^64 − 1) / (v + 1)).
std::uint64_t stamp_achieved(const MessageId& id, std::uint64_t nonce);

}  // namespace bmsg::chain
