#include "storage/schema.h"

#include <fmt/format.h>

#include "lib/core/big_endian.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"

namespace bmsg::storage {

Error malformed(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("a stored {} is malformed", what)};
}

Bytes key(Kind kind) { return {static_cast<std::uint8_t>(kind)}; }

Bytes key(Kind kind, ByteView name) {
  Bytes made = key(kind);
  append(made, name);
  return made;
}

Bytes key(Kind kind, std::string_view name) { return key(kind, as_bytes(name)); }

Bytes key(Kind kind, Height height) {
  Bytes made = key(kind);
  append_be(made, height.value);
  return made;
}

Bytes key(Kind kind, std::uint64_t number) {
  Bytes made = key(kind);
  append_be(made, number);
  return made;
}

namespace {

Bytes numbered(Bytes made, std::uint32_t number) {
  append_be(made, number);
  return made;
}

}  // namespace

Bytes table_key(std::uint64_t no, std::uint32_t part) {
  return numbered(key(Kind::messages, no), part);
}

Bytes body_key(std::uint64_t no, std::uint32_t index) {
  return numbered(key(Kind::body, no), index);
}

Bytes dropped_key(std::uint64_t no, std::uint32_t index) {
  return numbered(key(Kind::dropped, no), index);
}

Bytes places_key(const MessageId& id) { return key(Kind::places, id.view().first(kPlacesIdBytes)); }

Bytes tree_key(std::uint8_t level, std::uint64_t index) {
  Bytes made = key(Kind::tree);
  append_be(made, level);
  append_be(made, index);
  return made;
}

Bytes encode(const BlockRecord& record) {
  Bytes value;
  append_be(value, record.no);
  append(value, record.total_work.view());
  append_be(value, record.bytes);
  append(value, bmsg::encode(record.sealed));
  return value;
}

Result<BlockRecord> decode_block_record(ByteView value) {
  ByteReader reader(value);
  BlockRecord record;
  record.no = reader.integer<std::uint64_t>();
  record.total_work = reader.fixed<Work>();
  record.bytes = reader.integer<std::uint64_t>();
  auto sealed = decode_sealed_header(reader.rest());
  if (reader.ran_short() || !sealed) return malformed("block");
  record.sealed = std::move(sealed).value();
  return record;
}

Bytes encode(const HeightRecord& record) {
  Bytes value = to_bytes(record.hash.view());
  append(value, encode(record.record));
  return value;
}

Result<HeightRecord> decode_height_record(ByteView value) {
  ByteReader reader(value);
  const auto hash = reader.fixed<BlockHash>();
  BMSG_TRY_ASSIGN(auto record, decode_block_record(reader.rest()));
  return HeightRecord{hash, std::move(record)};
}

Bytes begin_table(const BlockHash& block) { return to_bytes(block.view()); }

void append_entry(Bytes& table, const TableEntry& entry) {
  append_head(table, entry.head);
  append_be(table, entry.nonce);
  append_be(table, static_cast<std::uint8_t>(entry.has_body ? 1 : 0));
}

void append_entry(Bytes& table, const Message& message) {
  append_entry(table, TableEntry{message.head, message.nonce, message.body.has_value()});
}

Result<std::optional<TableEntry>> TableReader::next() {
  if (reader_.finished()) return std::optional<TableEntry>();
  auto head = read_head(reader_);
  const auto nonce = reader_.integer<std::uint64_t>();
  const auto has_body = reader_.integer<std::uint8_t>();
  if (!head || reader_.ran_short() || has_body > 1) return malformed("message table");
  return std::optional(TableEntry{std::move(head).value(), nonce, has_body == 1});
}

Result<std::optional<TableEntry>> TableReader::skip(std::uint32_t steps) {
  for (std::uint32_t i = 0; i < steps; ++i) {
    BMSG_TRY_ASSIGN(const auto passed, next());
    if (!passed) return std::optional<TableEntry>();
  }
  return next();
}

Bytes encode(const std::vector<PlaceRecord>& places) {
  Bytes value;
  for (const PlaceRecord& place : places) {
    append_be(value, place.no);
    append_be(value, place.index);
  }
  return value;
}

Result<std::vector<PlaceRecord>> decode_places(ByteView value) {
  ByteReader reader(value);
  std::vector<PlaceRecord> places;
  while (!reader.finished() && !reader.ran_short()) {
    const auto no = reader.integer<std::uint64_t>();
    places.push_back({no, reader.integer<std::uint32_t>()});
  }
  if (reader.ran_short() || places.empty()) return malformed("list of places");
  return places;
}

Bytes encode(const Counters& counters) {
  Bytes value;
  append_be(value, counters.no);
  append_be(value, counters.arrival);
  return value;
}

Result<Counters> decode_counters(ByteView value) {
  ByteReader reader(value);
  Counters counters;
  counters.no = reader.integer<std::uint64_t>();
  counters.arrival = reader.integer<std::uint64_t>();
  if (!reader.finished()) return malformed("counter");
  return counters;
}

Bytes encode(const node::Tip& tip) {
  Bytes value;
  append_be(value, tip.height.value);
  append(value, tip.hash.view());
  append(value, tip.work.view());
  append_be(value, tip.time.value);
  return value;
}

Bytes encode(const node::DroppedBody& dropped) {
  Bytes value;
  append_be(value, dropped.when.value);
  append_be(value, static_cast<std::uint8_t>(dropped.rule));
  return value;
}

Result<node::DroppedBody> decode_dropped(ByteView value) {
  ByteReader reader(value);
  node::DroppedBody dropped;
  dropped.when.value = reader.integer<std::uint64_t>();
  const auto rule = reader.integer<std::uint8_t>();
  if (!reader.finished() || rule > static_cast<std::uint8_t>(node::DropRule::asked))
    return malformed("list of dropped bodies");
  dropped.rule = static_cast<node::DropRule>(rule);
  return dropped;
}

Result<node::Tip> decode_tip(ByteView value) {
  ByteReader reader(value);
  node::Tip tip;
  tip.height.value = reader.integer<std::uint32_t>();
  tip.hash = reader.fixed<BlockHash>();
  tip.work = reader.fixed<Work>();
  tip.time.value = reader.integer<std::uint64_t>();
  if (!reader.finished()) return malformed("tip");
  return tip;
}

namespace {

/// Bit of a waiting message's origin. Stores of older versions do not know it.
constexpr std::uint8_t kPooledHasGiver = 0x80;

}  // namespace

Bytes encode_pooled(const node::PooledMessage& pooled) {
  Bytes value;
  append_be(value, pooled.since.value);
  const bool has_giver = pooled.giver != 0;
  append_be(value, static_cast<std::uint8_t>(static_cast<std::uint8_t>(pooled.origin) |
                                             (has_giver ? kPooledHasGiver : 0)));
  if (has_giver) append_be(value, pooled.giver);
  append(value, bmsg::encode(pooled.message));
  return value;
}

Result<node::PooledMessage> decode_pooled(ByteView value) {
  ByteReader reader(value);
  node::PooledMessage pooled;
  pooled.since.value = reader.integer<std::uint64_t>();
  const auto byte = reader.integer<std::uint8_t>();
  const auto origin = static_cast<std::uint8_t>(byte & ~kPooledHasGiver);
  const bool has_giver = byte != origin;
  if (has_giver) pooled.giver = reader.integer<std::uint64_t>();
  auto message = decode_message(reader.rest());
  if (has_giver && pooled.giver == 0) return malformed("waiting message");
  if (origin > static_cast<std::uint8_t>(node::Origin::reorg) || !message) {
    return malformed("waiting message");
  }
  pooled.origin = static_cast<node::Origin>(origin);
  pooled.message = std::move(message).value();
  return pooled;
}

namespace {

// Bits of a peer's first byte. Stores of older versions know only the first, or the first two.
constexpr std::uint8_t kPeerHasKey = 1;
constexpr std::uint8_t kPeerHasMore = 2;
constexpr std::uint8_t kPeerHasCursors = 4;
constexpr std::uint8_t kPeerBits = kPeerHasKey | kPeerHasMore | kPeerHasCursors;

bool has_more(const node::Peer& peer) {
  return peer.record || !peer.told_by.empty() || peer.reached.value != 0 || peer.exchanges != 0 ||
         peer.records_asked.value != 0;
}

bool has_cursors(const node::Peer& peer) {
  return !peer.cursor.empty() || !peer.own_cursor.empty() || peer.cursors_since.value != 0;
}

void append_text(Bytes& value, std::string_view text) {
  append_be(value, static_cast<std::uint16_t>(text.size()));
  append(value, as_bytes(text));
}

std::string read_text(ByteReader& reader) {
  return to_string(reader.take(reader.integer<std::uint16_t>()));
}

void append_more(Bytes& value, const node::Peer& peer) {
  append_text(value, peer.record ? node::print_peer_record(*peer.record) : std::string());
  append_text(value, peer.told_by);
  append_be(value, peer.reached.value);
  append_be(value, peer.exchanges);
  append_be(value, peer.records_asked.value);
}

bool read_more(ByteReader& reader, node::Peer& peer) {
  const std::string line = read_text(reader);
  peer.told_by = read_text(reader);
  peer.reached.value = reader.integer<std::uint64_t>();
  peer.exchanges = reader.integer<std::uint32_t>();
  peer.records_asked.value = reader.integer<std::uint64_t>();
  if (line.empty()) return true;
  const auto record = node::parse_peer_record(line);
  if (record) peer.record = record.value();
  return bool(record);
}

void append_cursors(Bytes& value, const node::Peer& peer) {
  append_text(value, peer.cursor);
  append_text(value, peer.own_cursor);
  append_be(value, peer.cursors_since.value);
}

void read_cursors(ByteReader& reader, node::Peer& peer) {
  peer.cursor = read_text(reader);
  peer.own_cursor = read_text(reader);
  peer.cursors_since.value = reader.integer<std::uint64_t>();
}

}  // namespace

Bytes encode(const node::Peer& peer) {
  Bytes value;
  append_be(value, static_cast<std::uint8_t>((peer.key ? kPeerHasKey : 0) |
                                             (has_more(peer) ? kPeerHasMore : 0) |
                                             (has_cursors(peer) ? kPeerHasCursors : 0)));
  if (peer.key) append(value, peer.key->view());
  append_be(value, static_cast<std::uint8_t>(peer.source));
  append_be(value, peer.score);
  append_be(value, peer.failures);
  append_be(value, peer.added.value);
  append_be(value, peer.last_seen.value);
  append_be(value, peer.not_before.value);
  append_be(value, static_cast<std::uint8_t>(peer.height ? 1 : 0));
  if (peer.height) append_be(value, peer.height->value);
  append_be(value, peer.latency_ms);
  append_be(value, static_cast<std::uint32_t>(peer.clock_ahead));
  if (has_more(peer)) append_more(value, peer);
  if (has_cursors(peer)) append_cursors(value, peer);
  append(value, as_bytes(peer.last_error));
  return value;
}

Result<node::Peer> decode_peer(const std::string& url, ByteView value) {
  ByteReader reader(value);
  node::Peer peer;
  peer.url = url;
  const auto flags = reader.integer<std::uint8_t>();
  if ((flags & kPeerHasKey) != 0) peer.key = reader.fixed<NodeKey>();
  const auto source = reader.integer<std::uint8_t>();
  peer.score = reader.integer<std::uint32_t>();
  peer.failures = reader.integer<std::uint32_t>();
  peer.added.value = reader.integer<std::uint64_t>();
  peer.last_seen.value = reader.integer<std::uint64_t>();
  peer.not_before.value = reader.integer<std::uint64_t>();
  const auto has_height = reader.integer<std::uint8_t>();
  if (has_height == 1) peer.height = Height{reader.integer<std::uint32_t>()};
  peer.latency_ms = reader.integer<std::uint32_t>();
  peer.clock_ahead = static_cast<std::int32_t>(reader.integer<std::uint32_t>());
  const bool known = source <= static_cast<std::uint8_t>(node::PeerSource::dht);
  const bool is_whole = (flags & kPeerHasMore) == 0 || read_more(reader, peer);
  if ((flags & kPeerHasCursors) != 0) read_cursors(reader, peer);
  // What says nothing is left out, or a peer would have two values.
  const bool says_more = has_more(peer) == ((flags & kPeerHasMore) != 0);
  const bool says_cursors = has_cursors(peer) == ((flags & kPeerHasCursors) != 0);
  const bool is_one = says_more && says_cursors;
  if (reader.ran_short() || flags > kPeerBits || has_height > 1 || !known || !is_whole || !is_one) {
    return malformed("peer");
  }
  peer.source = static_cast<node::PeerSource>(source);
  peer.last_error = to_string(reader.rest());
  return peer;
}

Bytes encode_number(std::uint64_t number) {
  Bytes value;
  append_be(value, number);
  return value;
}

Result<std::uint64_t> decode_number(ByteView value) {
  if (value.size() != sizeof(std::uint64_t)) return malformed("number");
  return load_be<std::uint64_t>(value.data());
}

Bytes encode(Height height) {
  Bytes value;
  append_be(value, height.value);
  return value;
}

Result<Height> decode_height(ByteView value) {
  if (value.size() != sizeof(std::uint32_t)) return malformed("height");
  return Height{load_be<std::uint32_t>(value.data())};
}

}  // namespace bmsg::storage
