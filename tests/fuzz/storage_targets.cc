#include "storage/mail_schema.h"
#include "storage/schema.h"
#include "storage/witness.h"
#include "tests/fuzz/target.h"

namespace bmsg::fuzz {
namespace {

bool block_record(ByteView bytes) {
  return one_encoding(bytes, storage::decode_block_record,
                      [](const storage::BlockRecord& value) { return storage::encode(value); });
}

bool chain_values(ByteView bytes) {
  using Places = std::vector<storage::PlaceRecord>;
  return any_of(
      one_encoding(bytes, storage::decode_height_record,
                   [](const storage::HeightRecord& value) { return storage::encode(value); }),
      one_encoding(bytes, storage::decode_places,
                   [](const Places& value) { return storage::encode(value); }),
      one_encoding(bytes, storage::decode_counters,
                   [](const storage::Counters& value) { return storage::encode(value); }),
      one_encoding(bytes, storage::decode_number, storage::encode_number),
      one_encoding(bytes, storage::decode_height,
                   [](Height value) { return storage::encode(value); }));
}

bool tip_record(ByteView bytes) {
  return one_encoding(bytes, storage::decode_tip,
                      [](const node::Tip& value) { return storage::encode(value); });
}

bool dropped_value(ByteView bytes) {
  return one_encoding(bytes, storage::decode_dropped,
                      [](const node::DroppedBody& value) { return storage::encode(value); });
}

bool pooled_value(ByteView bytes) {
  return one_encoding(bytes, storage::decode_pooled, storage::encode_pooled);
}

bool peer_value(ByteView bytes) {
  return one_encoding(
      bytes, [](ByteView value) { return storage::decode_peer("http://a", value); },
      [](const node::Peer& value) { return storage::encode(value); });
}

bool table(ByteView bytes) {
  storage::TableReader reader(bytes);
  std::size_t entries = 0;
  while (true) {
    const auto entry = reader.next();
    if (!entry) return false;
    if (!entry.value()) return entries > 0;
    check(++entries <= bytes.size(), "a table has fewer entries than bytes");
  }
}

bool mail_entry(ByteView bytes) {
  return one_encoding(
      bytes, [](ByteView value) { return storage::decode_entry(MessageId(), value); },
      [](const mail::MailEntry& value) { return storage::encode(value); });
}

bool mail_values(ByteView bytes) {
  return any_of(one_encoding(bytes, storage::decode_flags,
                             [](const mail::Flags& value) { return storage::encode(value); }),
                one_encoding(bytes, storage::decode_position, [](const mail::ScanPosition& value) {
                  return storage::encode(value);
                }));
}

bool witness(ByteView bytes) {
  return one_text(bytes, storage::parse_witness,
                  [](const storage::Witness& value) { return storage::print(value); });
}

constexpr Target kTargets[] = {
    {"block_record", block_record},
    {"chain_values", chain_values},
    {"tip_record", tip_record},
    {"dropped_value", dropped_value},
    {"pooled_value", pooled_value},
    {"peer_value", peer_value},
    {"table", table},
    {"mail_entry", mail_entry},
    {"mail_values", mail_values},
    {"witness", witness},
};

}  // namespace

std::span<const Target> storage_targets() { return kTargets; }

}  // namespace bmsg::fuzz
