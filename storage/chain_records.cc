#include "storage/chain_records.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::storage {
namespace {

Error contradiction(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("stored records contradict each other: {}", what)};
}

Error missing(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("a stored {} is missing", what)};
}

Result<Bytes> read_part(const Records& records, std::uint64_t no, std::uint32_t part) {
  BMSG_TRY_ASSIGN(auto table, records.get(table_key(no, part)));
  if (!table) return missing("message table");
  return std::move(*table);
}

}  // namespace

node::StoredHeader stored_header(FoundBlock found) {
  return {.hash = found.hash,
          .sealed = std::move(found.record.sealed),
          .total_work = found.record.total_work,
          .bytes = found.record.bytes,
          .branch = found.branch};
}

Result<node::Tip> read_tip(const Records& records) {
  BMSG_TRY_ASSIGN(const auto value, records.get(key(Kind::meta, "tip")));
  if (!value) return missing("tip");
  return decode_tip(*value);
}

Result<std::optional<HeightRecord>> find_height(const Records& records, Height height) {
  BMSG_TRY_ASSIGN(const auto value, records.get(key(Kind::height, height)));
  if (!value) return std::optional<HeightRecord>();
  BMSG_TRY_ASSIGN(auto record, decode_height_record(*value));
  if (record.record.sealed.header.height != height) {
    return contradiction(fmt::format("the block at height {}", height.value));
  }
  return std::optional(std::move(record));
}

Result<std::optional<FoundBlock>> find_block(const Records& records, const BlockHash& hash) {
  BMSG_TRY_ASSIGN(const auto where, records.get(key(Kind::main_block, hash.view())));
  if (where) {
    BMSG_TRY_ASSIGN(const Height height, decode_height(*where));
    BMSG_TRY_ASSIGN(auto at, find_height(records, height));
    if (!at || at->hash != hash) {
      return contradiction(fmt::format("the block at height {}", height.value));
    }
    return std::optional(FoundBlock{hash, std::move(at->record), node::Branch::main});
  }
  BMSG_TRY_ASSIGN(const auto side, records.get(key(Kind::side_block, hash.view())));
  if (!side) return std::optional<FoundBlock>();
  BMSG_TRY_ASSIGN(auto record, decode_block_record(*side));
  return std::optional(FoundBlock{hash, std::move(record), node::Branch::side});
}

Result<std::vector<TableEntry>> read_table(const Records& records, const FoundBlock& block) {
  const std::uint32_t count = block.record.sealed.header.count;
  std::vector<TableEntry> entries;
  for (std::uint32_t part = 0; part == 0 || part * kTableEntries < count; ++part) {
    BMSG_TRY_ASSIGN(const Bytes table, read_part(records, block.record.no, part));
    TableReader reader(table);
    if (reader.block() != block.hash) return malformed("message table");
    const std::uint32_t wanted = std::min(kTableEntries, count - part * kTableEntries);
    for (std::uint32_t i = 0; i < wanted; ++i) {
      BMSG_TRY_ASSIGN(auto entry, reader.next());
      if (!entry) return malformed("message table");
      entries.push_back(std::move(*entry));
    }
    BMSG_TRY_ASSIGN(const auto surplus, reader.next());
    if (surplus) return malformed("message table");
  }
  return entries;
}

Result<std::optional<TableEntry>> read_entry(const Records& records, const FoundBlock& block,
                                             std::uint32_t index) {
  if (index >= block.record.sealed.header.count) return std::optional<TableEntry>();
  BMSG_TRY_ASSIGN(const Bytes table, read_part(records, block.record.no, index / kTableEntries));
  TableReader reader(table);
  BMSG_TRY_ASSIGN(auto entry, reader.skip(index % kTableEntries));
  if (!entry || reader.block() != block.hash) return contradiction("a message and its place");
  return entry;
}

Result<Done> check_body(ByteView body, const MessageHead& head) {
  if (body.size() == head.body_bytes) return done;
  return contradiction("a body and its head");
}

Result<Bytes> read_body(const Records& records, std::uint64_t no, std::uint32_t index,
                        const MessageHead& head) {
  BMSG_TRY_ASSIGN(auto body, records.get(body_key(no, index)));
  if (!body) return missing("body");
  BMSG_TRY(check_body(*body, head));
  return std::move(*body);
}

Result<std::vector<PlaceRecord>> read_places(const Records& records, ByteView places_key) {
  BMSG_TRY_ASSIGN(const auto value, records.get(places_key));
  if (!value) return std::vector<PlaceRecord>();
  return decode_places(*value);
}

Result<FoundMessage> read_message_at(const Records& records, const PlaceRecord& place) {
  BMSG_TRY_ASSIGN(const Bytes table, read_part(records, place.no, place.index / kTableEntries));
  TableReader reader(table);
  BMSG_TRY_ASSIGN(const auto entry, reader.skip(place.index % kTableEntries));
  BMSG_TRY_ASSIGN(const auto block, find_block(records, reader.block()));
  if (!entry || !block) return contradiction("a message and its place");
  return FoundMessage{chain::id_of(entry->head),
                      {.block = block->hash,
                       .height = block->height(),
                       .index = place.index,
                       .branch = block->branch}};
}

}  // namespace bmsg::storage
