// Bytes of the verbs that only local commands use, both ways.

#pragma once

#include "lib/core/result.h"
#include "lib/node/service.h"

namespace bmsg::api {

// Strict, as every codec here: a decode fails with Errc::protocol. Both ends are of one version,
// which each request names (kLocalVersion).
// Source: bmsg-protocol(7), "Local socket".

inline constexpr std::string_view kLocalVersion = "2";
inline constexpr std::string_view kLocalVersionField = "x-bmsg-local";
inline constexpr std::string_view kLocalPrefix = "/local/1/";
inline constexpr int kLocalFailed = 500;  // The status of an answer that is an Error.

Bytes encode(const node::BlockOutcome& outcome);
Result<node::BlockOutcome> decode_block_outcome(ByteView bytes);

Bytes encode(const std::vector<node::MessageOutcome>& outcomes);
Result<std::vector<node::MessageOutcome>> decode_message_outcomes(ByteView bytes);

Bytes encode(const node::Service::Rebuilt& rebuilt);
Result<node::Service::Rebuilt> decode_rebuilt(ByteView bytes);

Bytes encode(const node::BlockTemplate& work);
Result<node::BlockTemplate> decode_template(ByteView bytes);

Bytes encode(const node::Reorg& reorg);
Result<node::Reorg> decode_reorg(ByteView bytes);

Bytes encode(const node::OutboxTaken& taken);
Result<node::OutboxTaken> decode_outbox_taken(ByteView bytes);

/// Records that a command was told, and who told them.
struct ToldRecords {
  std::vector<node::PeerRecord> records;
  node::Told told;
};
Bytes encode(const ToldRecords& told);
Result<ToldRecords> decode_told_records(ByteView bytes);

/// How many.
Bytes encode_count(std::size_t count);
Result<std::size_t> decode_count(ByteView bytes);

Bytes encode(const std::vector<node::WantedBody>& wanted);
Result<std::vector<node::WantedBody>> decode_wanted(ByteView bytes);

Bytes encode_ids(const std::vector<MessageId>& ids);
Result<std::vector<MessageId>> decode_ids(ByteView bytes);

/// An error as an answer, and back.
Bytes encode(const Error& error);
Error decode_error(ByteView bytes);

}  // namespace bmsg::api
