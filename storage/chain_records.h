// Questions about stored blocks and messages, asked of any Records: the database or a batch.

#pragma once

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

/// The messages of a stored block as its table has them.
Result<std::vector<TableEntry>> read_table(const Records& records, const FoundBlock& block);
/// One of them; nullopt if the block has fewer.
Result<std::optional<TableEntry>> read_entry(const Records& records, const FoundBlock& block,
                                             std::uint32_t index);
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

}  // namespace bmsg::storage
