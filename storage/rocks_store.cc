#include "storage/rocks_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/chain/genesis.h"
#include "lib/core/try.h"
#include "storage/chain_change.h"
#include "storage/chain_records.h"
#include "storage/database.h"
#include "storage/format.h"
#include "storage/schema.h"
#include "storage/witness_keeper.h"

namespace bmsg::storage {
namespace {

namespace fs = std::filesystem;
using Next = View::Next;

constexpr std::size_t kPoolIdsMax = 1'024;  // That are kept in memory.

Result<std::optional<std::uint32_t>> read_chain_format(const Records& records) {
  return read_format(records, key(Kind::meta, "format"), {kChainFormat, kLightChainFormat});
}

/// A hash at the end of a key that begins with its kind.
template <class Fixed>
Result<Fixed> fixed_in(ByteView key) {
  return decode_fixed<Fixed>(key.subspan(1));
}

/// About what a batch of it takes.
std::size_t expected_bytes(const node::ChainChange& change) {
  constexpr std::size_t kBesideMessage = 64;  // Keys, lengths and its place.
  constexpr std::size_t kBesideBlock = 1'024;
  std::size_t bytes = 0;
  for (const node::ChainChange::Added& added : change.added) {
    bytes += kBesideBlock;
    for (const Message& message : added.block.messages)
      bytes += kBesideMessage + message.head.encoded_bytes();
  }
  return bytes;
}

}  // namespace

RocksStore::RocksStore(std::unique_ptr<Database> database, const OpenOptions& options)
    : database_(std::move(database)), disk_(options.disk), witness_file_(options.witness) {
  if (options.witness && options.witness_beside && database_->access() != Access::read)
    keeper_ = std::make_unique<WitnessKeeper>(disk_, *options.witness);
}

RocksStore::~RocksStore() = default;

Result<std::unique_ptr<RocksStore>> RocksStore::create(const fs::path& directory,
                                                       std::string_view rules_text,
                                                       const OpenOptions& options,
                                                       node::Keeps keeps) {
  BMSG_TRY_ASSIGN(const auto rules, chain::parse_chain_rules(rules_text));
  BMSG_TRY_ASSIGN(auto database, Database::open(directory, Access::create, options));
  BMSG_TRY_ASSIGN(const auto format, read_chain_format(database->view()));
  if (format) {
    return Error{Errc::exists, fmt::format("'{}' holds a chain already", directory.string())};
  }
  const Header genesis = chain::genesis_header(rules);
  Batch batch = database->batch();
  put_genesis(batch, rules_text, genesis, chain::hash_of(genesis), keeps);
  BMSG_TRY(database->commit(std::move(batch)));
  std::unique_ptr<RocksStore> store(new RocksStore(std::move(database), options));
  store->is_light_ = keeps == node::Keeps::heads;
  BMSG_TRY(store->catch_up_witness());
  return store;
}

Result<std::unique_ptr<RocksStore>> RocksStore::open(const fs::path& directory,
                                                     const OpenOptions& options) {
  // Opening for writing drops what a damaged log still holds, so a store is looked at first.
  bool is_light = false;
  {
    BMSG_TRY_ASSIGN(const auto looked_at, open_read_only(directory, options));
    is_light = looked_at->is_light();
  }
  BMSG_TRY_ASSIGN(auto database, Database::open(directory, Access::write, options));
  std::unique_ptr<RocksStore> store(new RocksStore(std::move(database), options));
  store->is_light_ = is_light;
  BMSG_TRY(store->catch_up_witness());
  return store;
}

Result<std::unique_ptr<RocksStore>> RocksStore::open_read_only(const fs::path& directory,
                                                               const OpenOptions& options) {
  // The witness first: a writer that commits in between is ahead of it, never behind.
  std::optional<WitnessFile> witness;
  if (options.witness) {
    BMSG_TRY_ASSIGN(witness, read_witness_file(options.disk, *options.witness));
  }
  BMSG_TRY_ASSIGN(auto database, Database::open(directory, Access::read, options));
  std::unique_ptr<RocksStore> store(new RocksStore(std::move(database), options));
  BMSG_TRY(store->read_and_check(witness));
  if (options.genesis) BMSG_TRY(store->compare_rules(options.disk, *options.genesis));
  return store;
}

Result<Done> RocksStore::compare_rules(const Disk& disk, const fs::path& genesis) const {
  BMSG_TRY_ASSIGN(const auto text, disk.read(genesis, kRulesTextBytesMax));
  if (!text) return Error{Errc::corrupt, fmt::format("'{}' is missing", genesis.string())};
  BMSG_TRY_ASSIGN(const auto stored, rules_text());
  if (as_text(*text) == stored) return done;
  return Error{Errc::corrupt, fmt::format("'{}' is damaged or of another chain than '{}'",
                                          genesis.string(), database_->directory().string())};
}

Result<Done> RocksStore::read_and_check(const std::optional<WitnessFile>& witness) {
  const View view = database_->view();
  const std::string where = database_->directory().string();
  const auto format = read_chain_format(view);
  if (!format) return in_context(fmt::format("cannot use '{}'", where), format.error());
  if (!format.value()) return Error{Errc::corrupt, fmt::format("'{}' holds no chain", where)};
  is_light_ = format.value() == kLightChainFormat;
  // They are written once: who lost the list of old tables, and has logs alone, lacks them.
  const auto rules = rules_text();
  if (!rules) return in_context(fmt::format("cannot use '{}'", where), rules.error());
  BMSG_TRY_ASSIGN(const node::Tip tip, read_tip(view));
  BMSG_TRY_ASSIGN(const auto last, find_height(view, tip.height));
  if (!last || last->hash != tip.hash) {
    return Error{Errc::corrupt, fmt::format("'{}' lacks the block of its tip", where)};
  }
  return witness_file_ ? compare_file(tip, witness) : Result<Done>(done);
}

Result<Done> RocksStore::catch_up_witness() {
  if (!witness_file_) return done;
  if (keeper_ && !keeper_->finish()) witnessed_.reset();  // The file says what there is.
  BMSG_TRY_ASSIGN(const node::Tip tip, this->tip());
  if (!witnessed_) {
    BMSG_TRY_ASSIGN(witnessed_, read_witness(disk_, *witness_file_));
  }
  if (witnessed_ == witness_of(tip)) return done;
  BMSG_TRY(advance_witness(disk_, *witness_file_, witness_of(tip)));
  witnessed_ = witness_of(tip);
  return done;
}

/// After a commit. What goes wrong is found when the next change asks for the witness again.
void RocksStore::begin_witness() {
  const auto tip = keeper_ ? this->tip() : Error{Errc::io, "nothing is written beside"};
  if (!tip) {
    (void)catch_up_witness();
  } else if (witnessed_ != witness_of(tip.value())) {
    keeper_->begin(witness_of(tip.value()));
    witnessed_ = witness_of(tip.value());
  }
}

Result<std::string> RocksStore::rules_text() const {
  BMSG_TRY_ASSIGN(const auto value, database_->view().get(key(Kind::meta, "rules")));
  if (!value) return malformed("rules text");
  return to_string(*value);
}

Result<node::Tip> RocksStore::tip() const { return read_tip(database_->view()); }

Result<std::optional<BlockHash>> RocksStore::hash_at(Height height) const {
  BMSG_TRY_ASSIGN(const auto found, find_height(database_->view(), height));
  return found ? std::optional(found->hash) : std::nullopt;
}

Result<std::optional<node::StoredHeader>> RocksStore::header(const BlockHash& hash) const {
  BMSG_TRY_ASSIGN(auto found, find_block(database_->view(), hash));
  if (!found) return std::optional<node::StoredHeader>();
  return std::optional(stored_header(std::move(*found)));
}

Result<std::vector<node::StoredHeader>> RocksStore::headers(Height from,
                                                            std::uint32_t count) const {
  std::vector<node::StoredHeader> headers;
  const auto visit = [&](ByteView, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(auto found, decode_height_record(value));
    if (found.record.sealed.header.height.value != from.value + headers.size()) {
      return Error{Errc::corrupt,
                   fmt::format("no block at height {}", from.value + headers.size())};
    }
    headers.push_back(stored_header({found.hash, std::move(found.record), node::Branch::main}));
    return headers.size() < count ? Next::go_on : Next::stop;
  };
  if (count == 0) return headers;
  const View view = database_->view();
  BMSG_TRY(view.scan(key(Kind::height), key(Kind::height, from), View::Direction::up, visit));
  return headers;
}

Result<std::vector<node::StoredHeader>> RocksStore::tips() const {
  const View view = database_->view();
  BMSG_TRY_ASSIGN(const node::Tip tip, read_tip(view));
  BMSG_TRY_ASSIGN(auto best, find_block(view, tip.hash));
  if (!best) return malformed("tip");
  std::vector<FoundBlock> side;
  std::unordered_set<BlockHash, FixedBytesHash> parents;
  BMSG_TRY(view.scan(key(Kind::side_block), [&](ByteView at, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto hash, fixed_in<BlockHash>(at));
    BMSG_TRY_ASSIGN(auto record, decode_block_record(value));
    parents.insert(record.sealed.header.previous);
    side.push_back({hash, std::move(record), node::Branch::side});
    return Next::go_on;
  }));
  std::vector<node::StoredHeader> tips{stored_header(std::move(*best))};
  for (FoundBlock& block : side) {
    if (!parents.contains(block.hash)) tips.push_back(stored_header(std::move(block)));
  }
  std::ranges::sort(tips, {}, &node::StoredHeader::hash);
  return tips;
}

Result<std::optional<Digest>> RocksStore::tree_node(std::uint8_t level, std::uint64_t index) const {
  const View view = database_->view();
  BMSG_TRY_ASSIGN(const node::Tip tip, read_tip(view));
  // Nodes of a longer branch that was left may still lie there.
  const std::uint64_t leaves = std::uint64_t{tip.height.value} + 1;
  if (level >= 64 || index >= leaves >> level) return std::optional<Digest>();
  BMSG_TRY_ASSIGN(const auto value, view.get(tree_key(level, index)));
  if (!value) return std::optional<Digest>();
  BMSG_TRY_ASSIGN(const auto digest, decode_fixed<Digest>(*value));
  return std::optional(digest);
}

Result<std::vector<node::Checkpoint>> RocksStore::checkpoints() const {
  std::vector<node::Checkpoint> checkpoints;
  const auto visit = [&](ByteView at, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(const Height height, decode_height(at.subspan(1)));
    BMSG_TRY_ASSIGN(const auto hash, decode_fixed<BlockHash>(value));
    checkpoints.push_back({height, hash});
    return Next::go_on;
  };
  BMSG_TRY(database_->view().scan(key(Kind::checkpoint), visit));
  return checkpoints;
}

Result<std::vector<node::Peer>> RocksStore::peers() const {
  std::vector<node::Peer> peers;
  const auto visit = [&](ByteView at, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(auto peer, decode_peer(to_string(at.subspan(1)), value));
    peers.push_back(std::move(peer));
    return Next::go_on;
  };
  BMSG_TRY(database_->view().scan(key(Kind::peer), visit));
  return peers;
}

Result<Done> RocksStore::apply(const node::ChainChange& change) {
  // A witness that could not be written after the last commit: no block more without it.
  BMSG_TRY(catch_up_witness());
  if (!pool_ids_ && looks_at_pool_ && !change.pool_remove.empty()) BMSG_TRY(look_at_pool());
  Batch batch = database_->batch(expected_bytes(change));
  BMSG_TRY_ASSIGN(const std::size_t removed,
                  put_change(batch, change, pool_ids_ ? &*pool_ids_ : nullptr));
  // Where every reader finds it, before it opens any table.
  put_format(batch, key(Kind::meta, "format"), is_light_ ? kLightChainFormat : kChainFormat);
  BMSG_TRY(database_->commit(std::move(batch)));
  note_pool(change, removed);
  begin_witness();
  return done;
}

/// Blocks do not have to look for their messages there where they are few: in a first sync, never.
Result<Done> RocksStore::look_at_pool() {
  PoolIds ids;
  BMSG_TRY(database_->view().scan(key(Kind::pooled_id), [&](ByteView at, ByteView) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto id, fixed_in<MessageId>(at));
    ids.insert(id);
    return ids.size() <= kPoolIdsMax ? Next::go_on : Next::stop;
  }));
  looks_at_pool_ = false;
  if (ids.size() <= kPoolIdsMax) pool_ids_ = std::move(ids);
  return done;
}

/// After a commit of that change, which took so many messages out.
void RocksStore::note_pool(const node::ChainChange& change, std::size_t removed) {
  if (!pool_ids_) {
    // Nothing of many was met: the next change looks whether they still are.
    looks_at_pool_ = looks_at_pool_ || (removed == 0 && !change.pool_remove.empty());
    return;
  }
  for (const MessageId& id : change.pool_remove) pool_ids_->erase(id);
  for (const node::PooledMessage& one : change.pool_add) pool_ids_->insert(one.id);
  if (pool_ids_->size() > kPoolIdsMax) pool_ids_.reset();
}

Result<Done> RocksStore::give_back_room() {
  for (const Kind kind : {Kind::body, Kind::messages}) BMSG_TRY(database_->compact(key(kind)));
  return done;
}

Result<Done> RocksStore::set_checkpoints(const std::vector<node::Checkpoint>& checkpoints) {
  BMSG_TRY_ASSIGN(const auto old, this->checkpoints());
  Batch batch = database_->batch();
  for (const auto& checkpoint : old) batch.erase(key(Kind::checkpoint, checkpoint.height));
  for (const auto& checkpoint : checkpoints) {
    batch.put(key(Kind::checkpoint, checkpoint.height), checkpoint.hash.view());
  }
  return database_->commit(std::move(batch));
}

Result<Done> RocksStore::put_peer(const node::Peer& peer) {
  Batch batch = database_->batch();
  batch.put(key(Kind::peer, peer.url), encode(peer));
  return database_->commit(std::move(batch));
}

Result<Done> RocksStore::remove_peer(const std::string& url) {
  Batch batch = database_->batch();
  batch.erase(key(Kind::peer, url));
  return database_->commit(std::move(batch));
}

Result<std::uint64_t> RocksStore::next_arrival() const {
  BMSG_TRY_ASSIGN(const auto value, database_->view().get(key(Kind::meta, "next")));
  if (!value) return malformed("counter");
  BMSG_TRY_ASSIGN(const auto counters, decode_counters(*value));
  return counters.arrival;
}

Result<Done> RocksStore::begin_arrivals_at(std::uint64_t number) {
  Batch batch = database_->batch();
  BMSG_TRY_ASSIGN(const auto value, batch.get(key(Kind::meta, "next")));
  if (!value) return malformed("counter");
  BMSG_TRY_ASSIGN(auto counters, decode_counters(*value));
  if (number <= counters.arrival) return done;
  counters.arrival = number;
  batch.put(key(Kind::meta, "next"), encode(counters));
  return database_->commit(std::move(batch));
}

Result<Done> RocksStore::verify_checksums() const { return database_->verify_checksums(); }
Result<Done> RocksStore::compact() { return database_->compact(); }
Result<Done> RocksStore::flush() { return database_->flush(); }

}  // namespace bmsg::storage
