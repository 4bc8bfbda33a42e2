#include "storage/chain_records.h"

#include <fmt/format.h>

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

Result<Bytes> read_table(const Records& records, std::uint64_t no) {
  BMSG_TRY_ASSIGN(auto table, records.get(key(Kind::messages, no)));
  if (!table) return missing("message table");
  return std::move(*table);
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

namespace {

Result<FoundMessage> found_at(const Records& records, const PlaceRecord& place,
                              const BlockHash& hash, const std::optional<TableEntry>& entry) {
  BMSG_TRY_ASSIGN(const auto block, find_block(records, hash));
  if (!entry || !block) return contradiction("a message and its place");
  return FoundMessage{chain::id_of(entry->head),
                      {.block = block->hash,
                       .height = block->height(),
                       .index = place.index,
                       .branch = block->branch}};
}

}  // namespace

Result<FoundMessage> read_message_at(const Records& records, const PlaceRecord& place) {
  BMSG_TRY_ASSIGN(const Bytes table, read_table(records, place.no));
  TableReader reader(table);
  BMSG_TRY_ASSIGN(const auto entry, reader.skip(place.index));
  return found_at(records, place, reader.block(), entry);
}

Result<std::shared_ptr<const LastTable::Table>> LastTable::read(const Records& records,
                                                                std::uint64_t no) {
  const auto table = std::make_shared<Table>();
  table->no = no;
  BMSG_TRY_ASSIGN(table->bytes, read_table(records, no));
  TableReader reader(table->bytes);
  table->block = reader.block();
  for (;;) {
    const std::size_t begin = table->bytes.size() - reader.bytes_left();
    BMSG_TRY_ASSIGN(const auto entry, reader.next());
    if (!entry) return std::shared_ptr<const Table>(table);
    table->entries.push_back(begin);
  }
}

Result<std::shared_ptr<const LastTable::Table>> LastTable::table(const Records& records,
                                                                 std::uint64_t no) {
  {
    const std::lock_guard hold(mutex_);
    if (last_ && last_->no == no) return last_;
  }
  BMSG_TRY_ASSIGN(const auto table, read(records, no));
  const std::lock_guard hold(mutex_);
  last_ = table;
  return table;
}

Result<FoundMessage> LastTable::message_at(const Records& records, const PlaceRecord& place) {
  BMSG_TRY_ASSIGN(const auto table, this->table(records, place.no));
  if (place.index >= table->entries.size()) return contradiction("a message and its place");
  TableReader reader = TableReader::at(table->bytes, table->entries[place.index]);
  BMSG_TRY_ASSIGN(const auto entry, reader.next());
  return found_at(records, place, table->block, entry);
}

Result<std::optional<TableEntry>> LastTable::entry_at(const Records& records,
                                                      const PlaceRecord& place) {
  BMSG_TRY_ASSIGN(const auto table, this->table(records, place.no));
  if (place.index >= table->entries.size()) return std::optional<TableEntry>();
  return TableReader::at(table->bytes, table->entries[place.index]).next();
}

}  // namespace bmsg::storage
