// RocksStore: a chain in one RocksDB directory.

#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/node/bulk_reader.h"
#include "lib/node/store.h"
#include "storage/chain_change.h"
#include "storage/rocks_options.h"
#include "storage/witness.h"

namespace bmsg::storage {

class Database;
class WitnessKeeper;

/// A node's chain, pool and peers.
///
/// Shape:   one keyspace; the first byte of a key names the record (schema.h).
/// Threads: reads from any thread; changes from one thread at a time.
/// Errors:  Errc::io if the disk fails or is (nearly) full; Errc::corrupt if a record does not
///          decode or contradicts another.
class RocksStore final : public node::Store, public node::BulkReader {
 public:
  /// Makes a chain with its genesis block. A chain is there already: Errc::exists. What a crash
  /// left of an earlier attempt is completed.
  static Result<std::unique_ptr<RocksStore>> create(const std::filesystem::path& directory,
                                                    std::string_view rules_text,
                                                    const OpenOptions& options,
                                                    node::Keeps keeps = node::Keeps::all);

  /// Opens a chain for writing. The caller holds the chain lock.
  /// Errors: Errc::not_found if there is none; Errc::bad_config if a newer program made it;
  ///         Errc::corrupt if it is behind its witness. In each case nothing was changed.
  static Result<std::unique_ptr<RocksStore>> open(const std::filesystem::path& directory,
                                                  const OpenOptions& options);

  /// Opens the chain as it is now, beside a writer or without one, and writes nothing: all that
  /// was acknowledged before the call is seen, nothing that comes later. Changing it is a bug.
  static Result<std::unique_ptr<RocksStore>> open_read_only(const std::filesystem::path& directory,
                                                            const OpenOptions& options);

  ~RocksStore() override;

  Result<std::string> rules_text() const override;
  Result<node::Tip> tip() const override;
  Result<std::optional<BlockHash>> hash_at(Height height) const override;
  Result<std::optional<node::StoredHeader>> header(const BlockHash& hash) const override;
  Result<std::vector<node::StoredHeader>> headers(Height from, std::uint32_t count) const override;
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) const override;
  Result<std::vector<node::StoredHeader>> tips() const override;
  Result<std::vector<node::MessagePlace>> places_of(const MessageId& id) const override;
  Result<bool> may_hold_any(const std::vector<MessageId>& ids) const override;
  Result<std::optional<Message>> message_at(const node::MessagePlace& place) const override;
  Result<std::vector<MessageId>> ids_with_prefix(ByteView prefix, std::size_t max) const override;
  /// Nullopt for a subtree that is not complete on the best chain.
  Result<std::optional<Digest>> tree_node(std::uint8_t level, std::uint64_t index) const override;
  Result<std::vector<node::DroppedBody>> dropped() const override;
  Result<std::optional<node::DroppedBody>> dropped(const MessageId& id) const override;
  Result<std::vector<node::PooledMessage>> pool(std::uint64_t arrival) const override;
  Result<std::optional<node::PooledMessage>> pooled(const MessageId& id) const override;
  Result<std::vector<node::Proposal>> proposals() const override;
  Result<std::optional<node::Proposal>> proposal(const BlockHash& hash) const override;
  Result<std::vector<node::StoredCharter>> charters() const override;
  Result<std::vector<chain::Evidence>> evidence() const override;
  bool is_light() const override { return is_light_; }
  Result<std::vector<MessageId>> wanted() const override;
  Result<std::vector<node::Completion>> completed(std::uint64_t arrival) const override;
  Result<std::vector<node::Checkpoint>> checkpoints() const override;
  Result<std::vector<node::Peer>> peers() const override;

  Result<node::KeptBlocks> blocks(Height from, std::uint32_t count) const override;
  Result<std::vector<Digest>> tree_row(std::uint8_t level, std::uint64_t index,
                                       std::uint64_t count) const override;
  Result<Done> places(std::uint8_t first, std::uint8_t last,
                      const VisitPlaces& visit) const override;
  Result<bool> stands_only_at(const MessageId& id, std::uint64_t number,
                              std::uint32_t index) const override;

  /// A block in `added` that is stored already replaces seal and bodies and stays where it is.
  Result<Done> apply(const node::ChainChange& change) override;
  Result<Done> give_back_room() override;
  Result<Done> set_checkpoints(const std::vector<node::Checkpoint>& checkpoints) override;
  Result<Done> put_peer(const node::Peer& peer) override;
  Result<Done> remove_peer(const std::string& url) override;

  /// The number that the next arrival gets, and a higher one instead: a store that takes another's
  /// place must not give out again what readers have passed.
  Result<std::uint64_t> next_arrival() const;
  Result<Done> begin_arrivals_at(std::uint64_t number);

  /// Reads every byte of the database and compares it with its checksum.
  Result<Done> verify_checksums() const;
  /// Rewrites the database without what was deleted.
  Result<Done> compact();
  /// Moves what is in the log to its place. The store stays open.
  Result<Done> flush();

 private:
  RocksStore(std::unique_ptr<Database> database, const OpenOptions& options);
  Result<Done> compare_rules(const Disk& disk, const std::filesystem::path& genesis) const;
  Result<Done> read_and_check(const std::optional<WitnessFile>& witness);
  void begin_witness();
  Result<Done> catch_up_witness();
  Result<Done> look_at_pool();
  void note_pool(const node::ChainChange& change, std::size_t removed);

  std::unique_ptr<Database> database_;
  Disk& disk_;
  std::optional<std::filesystem::path> witness_file_;
  std::optional<Witness> witnessed_;       // As the file says, or will when the keeper is done.
  std::unique_ptr<WitnessKeeper> keeper_;  // Null: nothing is written beside.
  std::optional<PoolIds> pool_ids_;        // Nullopt: nobody has looked, or they are many.
  bool looks_at_pool_ = true;              // The next change that takes messages out of it.
  bool is_light_ = false;
};

}  // namespace bmsg::storage
