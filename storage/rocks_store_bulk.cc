// RocksStore's answers to whoever reads all of it, in the order in which it lies.

#include <algorithm>
#include <unordered_set>

#include "lib/core/try.h"
#include "storage/chain_records.h"
#include "storage/database.h"
#include "storage/rocks_store.h"
#include "storage/schema.h"

namespace bmsg::storage {
namespace {

using Next = View::Next;

static_assert(node::BulkReader::kIdBytes == kPlacesIdBytes);

/// Reads blocks one after the other. Records of a kind lie in the order of the blocks as they came,
/// which is nearly that of their heights.
class BlockWalk {
 public:
  explicit BlockWalk(const View& view) : view_(view), tables_(view), bodies_(view) {}

  Result<Done> read(HeightRecord at, node::KeptBlocks& all) {
    const std::uint64_t no = at.record.no;
    // It is found by its hash, too, or others say that it is missing.
    BMSG_TRY_ASSIGN(const auto where, view_.get(key(Kind::main_block, at.hash.view())));
    SealedHeader& sealed = at.record.sealed;
    if (!where || !std::ranges::equal(*where, encode(sealed.header.height)))
      return malformed("block's place");
    Block block{sealed.header, std::move(sealed.seal), {}};
    BMSG_TRY(read_table(at.hash, no, block));
    BMSG_TRY(read_bodies(no, block.messages));
    all.kept.push_back({at.hash, no});
    all.blocks.push_back(std::move(block));
    return done;
  }

 private:
  /// As storage::read_table(), and into `kept_` what has a body.
  Result<Done> read_table(const BlockHash& hash, std::uint64_t no, Block& block) {
    const std::uint32_t count = block.header.count;
    kept_.clear();
    std::uint32_t part = 0;
    const auto is_last = [&] { return part > 0 && part * kTableEntries >= count; };
    const auto visit = [&](ByteView at, ByteView table) -> Result<Next> {
      TableReader reader(table);
      if (!std::ranges::equal(at, table_key(no, part)) || reader.block() != hash)
        return malformed("message table");
      const std::uint32_t wanted = std::min(kTableEntries, count - part++ * kTableEntries);
      for (std::uint32_t i = 0; i < wanted; ++i) {
        BMSG_TRY_ASSIGN(auto entry, reader.next());
        if (!entry) return malformed("message table");
        if (entry->has_body) kept_.push_back(static_cast<std::uint32_t>(block.messages.size()));
        block.messages.push_back({std::move(entry->head), entry->nonce, {}});
      }
      BMSG_TRY_ASSIGN(const auto surplus, reader.next());
      if (surplus) return malformed("message table");
      return Next::go_on;
    };
    BMSG_TRY(tables_.scan(key(Kind::messages, no), [&](ByteView at, ByteView table) {
      return is_last() ? Result<Next>(Next::go_on) : visit(at, table);
    }));
    return is_last() ? Result<Done>(done) : malformed("message table");
  }

  Result<Done> read_bodies(std::uint64_t no, std::vector<Message>& messages) {
    std::size_t found = 0;
    const auto visit = [&](ByteView at, ByteView value) -> Result<Next> {
      if (found >= kept_.size() || !std::ranges::equal(at, body_key(no, kept_[found])))
        return malformed("body's place");
      Message& message = messages[kept_[found++]];
      BMSG_TRY(check_body(value, message.head));
      message.body = to_bytes(value);
      return Next::go_on;
    };
    BMSG_TRY(bodies_.scan(key(Kind::body, no), visit));
    return found == kept_.size() ? Result<Done>(done) : malformed("body");
  }

  const View& view_;
  Cursor tables_;
  Cursor bodies_;
  std::vector<std::uint32_t> kept_;  // Indices of the messages of a block that have a body.
};

/// The numbers of all side blocks.
Result<std::unordered_set<std::uint64_t>> side_numbers(const View& view) {
  std::unordered_set<std::uint64_t> numbers;
  BMSG_TRY(view.scan(key(Kind::side_block), [&](ByteView, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto record, decode_block_record(value));
    numbers.insert(record.no);
    return Next::go_on;
  }));
  return numbers;
}

}  // namespace

Result<node::KeptBlocks> RocksStore::blocks(Height from, std::uint32_t count) const {
  node::KeptBlocks all;
  if (count == 0) return all;
  const View view = database_->view();
  BlockWalk walk(view);
  const auto visit = [&](ByteView, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(auto found, decode_height_record(value));
    if (found.record.sealed.header.height.value != from.value + all.kept.size())
      return malformed("block's height");
    BMSG_TRY(walk.read(std::move(found), all));
    return all.kept.size() < count ? Next::go_on : Next::stop;
  };
  BMSG_TRY(view.scan(key(Kind::height), key(Kind::height, from), View::Direction::up, visit));
  return all;
}

Result<std::vector<Digest>> RocksStore::tree_row(std::uint8_t level, std::uint64_t index,
                                                 std::uint64_t count) const {
  std::vector<Digest> row;
  if (count == 0) return row;
  const auto visit = [&](ByteView at, ByteView value) -> Result<Next> {
    if (!std::ranges::equal(at, tree_key(level, index + row.size()))) return Next::stop;
    BMSG_TRY_ASSIGN(const auto digest, decode_fixed<Digest>(value));
    row.push_back(digest);
    return row.size() < count ? Next::go_on : Next::stop;
  };
  const View view = database_->view();
  BMSG_TRY(read_tip(view));
  BMSG_TRY(view.scan(key(Kind::tree), tree_key(level, index), View::Direction::up, visit));
  return row;
}

Result<Done> RocksStore::places(std::uint8_t first, std::uint8_t last,
                                const VisitPlaces& visit) const {
  const View view = database_->view();
  BMSG_TRY_ASSIGN(const auto side, side_numbers(view));
  std::vector<node::KeptPlace> places;
  const auto each = [&](ByteView at, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto records, decode_places(value));
    if (at.size() != 1 + kPlacesIdBytes) return malformed("list of places");
    places.clear();
    for (const PlaceRecord& record : records) {
      const auto branch = side.contains(record.no) ? node::Branch::side : node::Branch::main;
      places.push_back({record.no, record.index, branch});
    }
    visit(at.subspan(1), places);
    return Next::go_on;
  };
  Cursor cursor(view);
  for (unsigned byte = first; byte <= last; ++byte) {
    const auto prefix = static_cast<std::uint8_t>(byte);
    BMSG_TRY(cursor.scan(key(Kind::places, ByteView(&prefix, 1)), each));
  }
  return done;
}

Result<bool> RocksStore::stands_only_at(const MessageId& id, std::uint64_t number,
                                        std::uint32_t index) const {
  BMSG_TRY_ASSIGN(const auto places, read_places(database_->view(), places_key(id)));
  return places == std::vector{PlaceRecord{number, index}};
}

}  // namespace bmsg::storage
