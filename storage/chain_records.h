// Questions about stored blocks and messages, asked of any Records: the database or a batch.

#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "lib/node/store.h"
#include "storage/database.h"
#include "storage/schema.h"

namespace bmsg::storage {

/// A block as it is found by hash.
struct FoundBlock {
  BlockHash hash;
  BlockRecord record;
  node::Branch branch = node::Branch::side;

  Height height() const { return record.sealed.header.height; }
};

node::StoredHeader stored_header(FoundBlock found);

// Errors of all: Errc::io; Errc::corrupt if records are missing, malformed or contradict.

Result<node::Tip> read_tip(const Records& records);
Result<std::optional<FoundBlock>> find_block(const Records& records, const BlockHash& hash);
Result<std::optional<HeightRecord>> find_height(const Records& records, Height height);

/// The message table of a stored block.
Result<Bytes> read_table(const Records& records, std::uint64_t no);
/// The body of a message that the table says is kept.
Result<Bytes> read_body(const Records& records, std::uint64_t no, std::uint32_t index,
                        const MessageHead& head);
/// Errc::corrupt unless a body has the length that its head says.
Result<Done> check_body(ByteView body, const MessageHead& head);

/// Where messages stand whose ids begin as this one does.
Result<std::vector<PlaceRecord>> read_places(const Records& records, ByteView places_key);

/// A message of a block, without its body, and its place.
struct FoundMessage {
  MessageId id;
  node::MessagePlace place;
};
Result<FoundMessage> read_message_at(const Records& records, const PlaceRecord& place);

/// The message table that was read last: what is listed together mostly lies in one block. A table
/// is written once, under a number that no other block gets.
/// Threads: any.
class LastTable {
 public:
  /// As read_message_at().
  Result<FoundMessage> message_at(const Records& records, const PlaceRecord& place);
  /// One message of a stored block; nullopt if it has fewer.
  Result<std::optional<TableEntry>> entry_at(const Records& records, const PlaceRecord& place);

 private:
  struct Table {
    std::uint64_t no = 0;
    Bytes bytes;
    BlockHash block;
    std::vector<std::size_t> entries;  // Where each begins.
  };
  static Result<std::shared_ptr<const Table>> read(const Records& records, std::uint64_t no);
  Result<std::shared_ptr<const Table>> table(const Records& records, std::uint64_t no);

  std::mutex mutex_;
  std::shared_ptr<const Table> last_;
};

}  // namespace bmsg::storage
