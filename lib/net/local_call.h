// One question and one answer over a unix socket, between programs of one user. No Asio.
//
// Shape: each way a length of 4 bytes, big-endian, and so many bytes. Then the connection ends.

#pragma once

#include <chrono>
#include <filesystem>
#include <functional>

#include "lib/core/bytes.h"
#include "lib/core/clock.h"
#include "lib/core/descriptor.h"
#include "lib/core/result.h"

namespace bmsg::net {

inline constexpr std::size_t kLocalCallBytesMax = 40u << 20;

/// Asks whoever listens at `path`; waits no longer than `patience`. What is asked
/// and answered may be secret: the caller wipes it.
/// Errors: Errc::unreachable if nobody listens or the listener is another user's; Errc::protocol.
Result<Done> local_call(const std::filesystem::path& path, ByteView question, Bytes& answer,
                        std::chrono::milliseconds patience);

/// What an answering program does with one question; false ends it.
using LocalAnswer = std::function<bool(ByteView question, Bytes& answer)>;

/// Answers callers of the same user one after the other, for `time` or until told to end. A caller
/// who dawdles is left after a second.
/// Errors: Errc::io if the socket fails.
Result<Done> answer_local(const Descriptor& listening, std::chrono::seconds time,
                          const Clock& clock, const LocalAnswer& answer);

}  // namespace bmsg::net
