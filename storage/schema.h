// Every key and every record of the database of a chain.
//
// One keyspace. The first byte of a key names the kind of record; integers are big-endian, so that
// a scan by key is a scan by height, arrival or index. A block keeps its number for life: what is
// large, messages and bodies, lies under the number and stays where it is when branches change
// places. Bodies lie apart from heads, which are read far more often.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/byte_reader.h"
#include "lib/core/bytes.h"
#include "lib/core/result.h"
#include "lib/node/store.h"

namespace bmsg::storage {

/// The formats that this program reads and writes: of a store that keeps all, and of a light one,
/// which a program that knows of no light stores must not touch.
inline constexpr std::uint32_t kChainFormat = 2;
inline constexpr std::uint32_t kLightChainFormat = 3;

/// Shape: key → value
///        'H' hash 64         → height 4                  a block of the best chain
///        'n' height 4        → hash 64, block record     the same, by height
///        'S' hash 64         → block record              a side block
///        'm' no 8, part 4    → hash 64, message table    of a block on any branch, in parts
///        'b' no 8, index 4   → body                      of a message of that block
///        'i' id's first 16   → (no 8, index 4) repeated  where messages stand
///        'd' no 8, index 4   → when 8, rule 1            a body that was dropped here
///        't' level 1, index 8 → digest 64                the tree over the best chain
///        'p' arrival 8       → since 8, origin 1, giver 8 if named, message
///        'q' id 64           → arrival 8                 the pool by id
///        'w' id 64           → nothing                   a body that is wanted (light)
///        'l' arrival 8       → id 64                     a body that came late (light)
///        'r' hash 64         → block                     a proposal
///        'R' hash 64         → rules text                that a stored block's charter brings
///        'x' endorser's key  → evidence, as text         of the first time that it signed twice
///        'P' url             → peer
///        'c' height 4        → hash 64                   checkpoints
///        'M' name            → "format": 4; "rules": text; "tip"; "next"
enum class Kind : std::uint8_t {
  main_block = 'H',
  height = 'n',
  side_block = 'S',
  messages = 'm',
  body = 'b',
  places = 'i',
  dropped = 'd',
  tree = 't',
  pooled = 'p',
  pooled_id = 'q',
  wanted = 'w',
  completed = 'l',
  proposal = 'r',
  charter = 'R',
  evidence = 'x',
  peer = 'P',
  checkpoint = 'c',
  meta = 'M',
};

inline constexpr std::size_t kPlacesIdBytes = 16;
/// Messages in each part of a table but the last: one of them is found without reading the rest.
inline constexpr std::uint32_t kTableEntries = 32;

Bytes key(Kind kind);  // What all keys of the kind begin with.
Bytes key(Kind kind, ByteView name);
Bytes key(Kind kind, std::string_view name);
Bytes key(Kind kind, Height height);
Bytes key(Kind kind, std::uint64_t number);
Bytes table_key(std::uint64_t no, std::uint32_t part);
Bytes body_key(std::uint64_t no, std::uint32_t index);
Bytes dropped_key(std::uint64_t no, std::uint32_t index);
Bytes places_key(const MessageId& id);
Bytes tree_key(std::uint8_t level, std::uint64_t index);

/// A stored block without hash and messages.
/// Shape: no 8, total work 32, bytes 8, sealed header.
struct BlockRecord {
  std::uint64_t no = 0;  // Counts the blocks as they came.
  Work total_work;
  std::uint64_t bytes = 0;
  SealedHeader sealed;

  bool operator==(const BlockRecord&) const = default;
};

Bytes encode(const BlockRecord& record);

/// The value under a height.
struct HeightRecord {
  BlockHash hash;
  BlockRecord record;
};
Bytes encode(const HeightRecord& record);

/// A message of a block as its table has it.
/// Shape: head, nonce 8, has_body 1.
struct TableEntry {
  MessageHead head;
  std::uint64_t nonce = 0;
  bool has_body = false;
};

/// A part of the table of a block's messages, in order.
Bytes begin_table(const BlockHash& block);
void append_entry(Bytes& table, const Message& message);
void append_entry(Bytes& table, const TableEntry& entry);

/// Reads a part from the front, entry by entry. The bytes stay with the caller.
class TableReader {
 public:
  explicit TableReader(ByteView table) : reader_(table), block_(reader_.fixed<BlockHash>()) {}
  const BlockHash& block() const { return block_; }
  /// nullopt at the end.
  Result<std::optional<TableEntry>> next();
  /// The entry `steps` further on; nullopt if the table ends before.
  Result<std::optional<TableEntry>> skip(std::uint32_t steps);

 private:
  ByteReader reader_;
  BlockHash block_;
};

/// Where a message stands.
struct PlaceRecord {
  std::uint64_t no = 0;
  std::uint32_t index = 0;
  bool operator==(const PlaceRecord&) const = default;
};
Bytes encode(const std::vector<PlaceRecord>& places);

/// Numbers that are given out once.
struct Counters {
  std::uint64_t no = 1;
  std::uint64_t arrival = 1;
  bool operator==(const Counters&) const = default;
};
Bytes encode(const Counters& counters);

Bytes encode(const node::Tip& tip);
Bytes encode(const node::DroppedBody& dropped);          // Without the id.
Bytes encode_pooled(const node::PooledMessage& pooled);  // Without id and arrival.
Bytes encode(const node::Peer& peer);                    // Without url.
Bytes encode_number(std::uint64_t number);
Bytes encode(Height height);

// Each takes the whole value. Anything that encode() does not write is Errc::corrupt.
Result<BlockRecord> decode_block_record(ByteView value);
Result<HeightRecord> decode_height_record(ByteView value);
Result<std::vector<PlaceRecord>> decode_places(ByteView value);
Result<Counters> decode_counters(ByteView value);
Result<node::Tip> decode_tip(ByteView value);
/// The id is left for the caller.
Result<node::DroppedBody> decode_dropped(ByteView value);
/// Id and arrival are left for the caller.
Result<node::PooledMessage> decode_pooled(ByteView value);
Result<node::Peer> decode_peer(const std::string& url, ByteView value);
Result<std::uint64_t> decode_number(ByteView value);
Result<Height> decode_height(ByteView value);

/// A value that is nothing but fixed bytes: a hash, a digest.
template <class Fixed>
Result<Fixed> decode_fixed(ByteView value) {
  if (value.size() == Fixed::kSize) return Fixed::from(value);
  return Error{Errc::corrupt, "a stored hash has another length"};
}

/// "a stored WHAT is malformed".
Error malformed(std::string_view what);

}  // namespace bmsg::storage
