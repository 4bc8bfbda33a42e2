#include "lib/api/local_wire.h"

#include "lib/core/byte_reader.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"
#include "lib/node/peer_table.h"

namespace bmsg::api {
namespace {

constexpr std::uint8_t kRules = static_cast<std::uint8_t>(chain::Rule::digest) + 1;
constexpr std::uint8_t kVerdicts = static_cast<std::uint8_t>(node::Verdict::refused) + 1;
constexpr std::uint8_t kErrors = static_cast<std::uint8_t>(Errc::no_resource) + 1;

Error malformed() {
  return Error{Errc::protocol, "the running node answers in another way than this bmsg expects"};
}

void append_text(Bytes& out, std::string_view text) {
  append_be(out, static_cast<std::uint32_t>(text.size()));
  append(out, as_bytes(text));
}

std::string read_text(ByteReader& reader) {
  return to_string(reader.take(reader.integer<std::uint32_t>()));
}

void append_blob(Bytes& out, const Bytes& bytes) { append_text(out, as_text(bytes)); }

ByteView read_blob(ByteReader& reader) { return reader.take(reader.integer<std::uint32_t>()); }

void append_flag(Bytes& out, bool flag) { out.push_back(flag ? 1 : 0); }

void append_verdict(Bytes& out, node::Verdict verdict,
                    const std::optional<chain::Violation>& violation) {
  out.push_back(static_cast<std::uint8_t>(verdict));
  append_flag(out, violation.has_value());
  if (!violation) return;
  out.push_back(static_cast<std::uint8_t>(violation->rule));
  append_text(out, violation->detail);
}

bool read_verdict(ByteReader& reader, node::Verdict& verdict,
                  std::optional<chain::Violation>& violation) {
  const auto number = reader.integer<std::uint8_t>();
  const auto has_violation = reader.integer<std::uint8_t>();
  if (number >= kVerdicts || has_violation > 1) return false;
  verdict = static_cast<node::Verdict>(number);
  if (has_violation == 0) return true;
  const auto rule = reader.integer<std::uint8_t>();
  if (rule >= kRules) return false;
  violation = chain::Violation{static_cast<chain::Rule>(rule), read_text(reader)};
  return true;
}

template <class Fixed>
void append_ids(Bytes& out, const std::vector<Fixed>& ids) {
  append_be(out, static_cast<std::uint32_t>(ids.size()));
  for (const Fixed& id : ids) append(out, id.view());
}

template <class Fixed>
std::vector<Fixed> read_ids(ByteReader& reader) {
  std::vector<Fixed> ids;
  const auto count = reader.integer<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !reader.ran_short(); ++i)
    ids.push_back(reader.fixed<Fixed>());
  return ids;
}

void append_outcome(Bytes& out, const node::MessageOutcome& outcome) {
  append(out, outcome.id.view());
  append_verdict(out, outcome.verdict, outcome.violation);
  out.push_back(static_cast<std::uint8_t>(outcome.room));
}

bool read_outcomes(ByteReader& reader, std::vector<node::MessageOutcome>& outcomes) {
  const auto count = reader.integer<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !reader.ran_short(); ++i) {
    node::MessageOutcome outcome{.id = reader.fixed<MessageId>(), .verdict = {}, .violation = {}};
    if (!read_verdict(reader, outcome.verdict, outcome.violation)) return false;
    const auto room = reader.integer<std::uint8_t>();
    if (room > static_cast<std::uint8_t>(node::Room::share_full)) return false;
    outcome.room = static_cast<node::Room>(room);
    outcomes.push_back(std::move(outcome));
  }
  return true;
}

void append_reorg(Bytes& out, const node::Reorg& reorg) {
  append(out, reorg.from.view());
  append(out, reorg.to.view());
  append_be(out, reorg.depth);
  append_ids(out, reorg.returned);
}

node::Reorg read_reorg(ByteReader& reader) {
  node::Reorg reorg{.from = reader.fixed<BlockHash>(),
                    .to = reader.fixed<BlockHash>(),
                    .depth = reader.integer<std::uint32_t>(),
                    .returned = {}};
  reorg.returned = read_ids<MessageId>(reader);
  return reorg;
}

void append_block_outcome(Bytes& out, const node::BlockOutcome& outcome) {
  append_verdict(out, outcome.verdict, outcome.violation);
  append_flag(out, outcome.stopped_by_policy);
  append_flag(out, outcome.reorg.has_value());
  if (outcome.reorg) append_reorg(out, *outcome.reorg);
}

bool read_block_outcome(ByteReader& reader, node::BlockOutcome& outcome) {
  if (!read_verdict(reader, outcome.verdict, outcome.violation)) return false;
  const auto stopped = reader.integer<std::uint8_t>();
  const auto has_reorg = reader.integer<std::uint8_t>();
  if (stopped > 1 || has_reorg > 1) return false;
  outcome.stopped_by_policy = stopped == 1;
  if (has_reorg == 0) return true;
  outcome.reorg = read_reorg(reader);
  return true;
}

}  // namespace

Bytes encode(const node::BlockOutcome& outcome) {
  Bytes out;
  append_block_outcome(out, outcome);
  return out;
}

Result<node::BlockOutcome> decode_block_outcome(ByteView bytes) {
  ByteReader reader(bytes);
  node::BlockOutcome outcome;
  if (!read_block_outcome(reader, outcome) || !reader.finished()) return malformed();
  return outcome;
}

Bytes encode(const std::vector<node::MessageOutcome>& outcomes) {
  Bytes out;
  append_be(out, static_cast<std::uint32_t>(outcomes.size()));
  for (const node::MessageOutcome& outcome : outcomes) append_outcome(out, outcome);
  return out;
}

Result<std::vector<node::MessageOutcome>> decode_message_outcomes(ByteView bytes) {
  ByteReader reader(bytes);
  std::vector<node::MessageOutcome> outcomes;
  if (!read_outcomes(reader, outcomes) || !reader.finished()) return malformed();
  return outcomes;
}

Bytes encode(const node::Service::Rebuilt& rebuilt) {
  Bytes out;
  append_ids(out, rebuilt.need);
  append_flag(out, rebuilt.outcome.has_value());
  if (rebuilt.outcome) append_block_outcome(out, *rebuilt.outcome);
  return out;
}

Result<node::Service::Rebuilt> decode_rebuilt(ByteView bytes) {
  ByteReader reader(bytes);
  node::Service::Rebuilt rebuilt;
  rebuilt.need = read_ids<ShortId>(reader);
  const auto has_outcome = reader.integer<std::uint8_t>();
  if (has_outcome > 1) return malformed();
  if (has_outcome == 1) {
    rebuilt.outcome.emplace();
    if (!read_block_outcome(reader, *rebuilt.outcome)) return malformed();
  }
  if (!reader.finished()) return malformed();
  return rebuilt;
}

Bytes encode(const node::Reorg& reorg) {
  Bytes out;
  append_reorg(out, reorg);
  return out;
}

Result<node::Reorg> decode_reorg(ByteView bytes) {
  ByteReader reader(bytes);
  auto reorg = read_reorg(reader);
  if (!reader.finished()) return malformed();
  return reorg;
}

Bytes encode(const node::BlockTemplate& work) {
  Bytes out;
  append_blob(out, encode(work.block));
  append_blob(out, encode(work.parent));
  append_flag(out, work.has_work);
  return out;
}

Result<node::BlockTemplate> decode_template(ByteView bytes) {
  ByteReader reader(bytes);
  auto block = decode_block(read_blob(reader));
  auto parent = decode_header(read_blob(reader));
  const auto has_work = reader.integer<std::uint8_t>();
  if (!block || !parent || has_work > 1 || !reader.finished()) return malformed();
  return node::BlockTemplate{
      .block = std::move(block).value(), .parent = parent.value(), .has_work = has_work == 1};
}

Bytes encode(const node::OutboxTaken& taken) {
  Bytes out;
  append_ids(out, taken.taken);
  append(out, encode(taken.refused));
  return out;
}

Result<node::OutboxTaken> decode_outbox_taken(ByteView bytes) {
  ByteReader reader(bytes);
  node::OutboxTaken taken;
  taken.taken = read_ids<MessageId>(reader);
  if (!read_outcomes(reader, taken.refused) || !reader.finished()) return malformed();
  return taken;
}

Bytes encode(const ToldRecords& told) {
  Bytes out;
  out.push_back(static_cast<std::uint8_t>(told.told.source));
  append_text(out, told.told.by);
  append(out, as_bytes(node::print_peer_records(told.records)));
  return out;
}

Result<ToldRecords> decode_told_records(ByteView bytes) {
  ByteReader reader(bytes);
  ToldRecords told;
  const auto source = static_cast<node::PeerSource>(reader.integer<std::uint8_t>());
  told.told = {source, read_text(reader)};
  const bool is_known = source == node::PeerSource::learned || source == node::PeerSource::dht;
  if (reader.ran_short() || !is_known) return malformed();
  BMSG_TRY_ASSIGN(told.records,
                  node::parse_peer_records(as_text(reader.rest()), node::kRecordsPerAnswerMax));
  return told;
}

Bytes encode_count(std::size_t count) {
  Bytes out;
  append_be(out, std::uint64_t{count});
  return out;
}

Result<std::size_t> decode_count(ByteView bytes) {
  ByteReader reader(bytes);
  const auto count = reader.integer<std::uint64_t>();
  if (!reader.finished()) return malformed();
  return static_cast<std::size_t>(count);
}

Bytes encode(const std::vector<node::WantedBody>& wanted) {
  Bytes out;
  append_be(out, static_cast<std::uint32_t>(wanted.size()));
  for (const node::WantedBody& one : wanted) {
    append(out, one.id.view());
    append_be(out, one.height.value);
    append_flag(out, one.expired);
  }
  return out;
}

Result<std::vector<node::WantedBody>> decode_wanted(ByteView bytes) {
  ByteReader reader(bytes);
  std::vector<node::WantedBody> wanted;
  const auto count = reader.integer<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !reader.ran_short(); ++i) {
    node::WantedBody one;
    one.id = reader.fixed<MessageId>();
    one.height.value = reader.integer<std::uint32_t>();
    const auto expired = reader.integer<std::uint8_t>();
    if (expired > 1) return malformed();
    one.expired = expired == 1;
    wanted.push_back(one);
  }
  if (!reader.finished()) return malformed();
  return wanted;
}

Bytes encode_ids(const std::vector<MessageId>& ids) {
  Bytes out;
  append_ids(out, ids);
  return out;
}

Result<std::vector<MessageId>> decode_ids(ByteView bytes) {
  ByteReader reader(bytes);
  auto ids = read_ids<MessageId>(reader);
  if (!reader.finished()) return malformed();
  return ids;
}

Bytes encode(const Error& error) {
  Bytes out{static_cast<std::uint8_t>(error.code)};
  append(out, as_bytes(error.message));
  return out;
}

Error decode_error(ByteView bytes) {
  ByteReader reader(bytes);
  const auto code = reader.integer<std::uint8_t>();
  if (reader.ran_short() || code >= kErrors) return malformed();
  return Error{static_cast<Errc>(code), to_string(reader.rest())};
}

}  // namespace bmsg::api
