#include "storage/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/flush_block_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>

#include "storage/late_start.h"
#include "storage/lazy_tables.h"
#include "storage/quiet_files.h"
#include "storage/reader_env.h"
#include "storage/reader_table.h"

namespace bmsg::storage {
namespace {

/// RocksDB's own log: a file for each start, and a millisecond.
class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

/// For writers: most commands write one batch and end, so a pool of threads starts when there is
/// something for it to do.
class LateThreads final : public rocksdb::EnvWrapper {
 public:
  explicit LateThreads(std::unique_ptr<rocksdb::Env> env)
      : EnvWrapper(env.get()), owned_(std::move(env)) {}

  void IncBackgroundThreadsIfNeeded(int number, Priority pool) override {
    std::atomic<int>& wanted = wanted_[pool];
    if (number > wanted) wanted = number;  // Of one database, which calls this as it opens.
  }
  /// RocksDB gives flushes to another pool where theirs has no threads.
  int GetBackgroundThreads(Priority pool) override {
    return std::max(EnvWrapper::GetBackgroundThreads(pool), wanted_[pool].load());
  }
  void Schedule(void (*work)(void*), void* argument, Priority pool, void* tag,
                void (*unschedule)(void*)) override {
    EnvWrapper::IncBackgroundThreadsIfNeeded(wanted_[pool], pool);
    EnvWrapper::Schedule(work, argument, pool, tag, unschedule);
  }

 private:
  std::unique_ptr<rocksdb::Env> owned_;
  std::array<std::atomic<int>, Priority::TOTAL> wanted_{};
};

/// Records of different kinds, which is the first byte of a key, never share a block of a table:
/// damage to a message's body takes no tip and no header with it, so that its height can be named.
class ByKindAndSize final : public rocksdb::FlushBlockPolicy {
 public:
  explicit ByKindAndSize(std::unique_ptr<FlushBlockPolicy> by_size)
      : by_size_(std::move(by_size)) {}

  bool Update(const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    const bool is_other = !key.empty() && kind_ && *kind_ != key[0];
    if (!key.empty()) kind_ = key[0];
    return by_size_->Update(key, value) || is_other;
  }

 private:
  std::unique_ptr<FlushBlockPolicy> by_size_;
  std::optional<char> kind_;
};

class ByKindAndSizeFactory final : public rocksdb::FlushBlockPolicyFactory {
 public:
  const char* Name() const override { return "ByKindAndSize"; }

  rocksdb::FlushBlockPolicy* NewFlushBlockPolicy(
      const rocksdb::BlockBasedTableOptions& options,
      const rocksdb::BlockBuilder& builder) const override {
    return std::make_unique<ByKindAndSize>(std::unique_ptr<rocksdb::FlushBlockPolicy>(
                                               by_size_.NewFlushBlockPolicy(options, builder)))
        .release();
  }

 private:
  rocksdb::FlushBlockBySizePolicyFactory by_size_;
};

rocksdb::BlockBasedTableOptions table_options(Access access) {
  rocksdb::BlockBasedTableOptions table;
  // A reading command looks at a few blocks of a few tables and ends: of the others it does not
  // even read which blocks they have.
  table.cache_index_and_filter_blocks = access == Access::read;
  table.block_cache = rocksdb::NewLRUCache(access == Access::read ? 4u << 20 : 8u << 20, 1);
  table.block_size = 8192;
  // Of what lies where, and of what is not there, a part is read, however large the table is.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.flush_block_policy_factory = std::make_shared<ByKindAndSizeFactory>();
  table.format_version = 5;
  // Who looks at a few keys and ends would read a part of a filter for each, to spare a few blocks.
  if (access != Access::read) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  return table;
}

void keep_few_files(rocksdb::Options& options) {
  options.write_buffer_size = kWriteBufferBytes;
  options.arena_block_size = 512u << 10;
  options.level0_file_num_compaction_trigger = kTablesMerged;
  options.max_bytes_for_level_base = 32u << 20;
  options.level_compaction_dynamic_level_bytes = true;
  options.target_file_size_base = 16u << 20;
  options.target_file_size_multiplier = 4;
  options.max_background_jobs = 2;
  // Old blocks lie still: no rewriting because of age.
  options.ttl = 0;
  options.periodic_compaction_seconds = 0;
}

}  // namespace

std::unique_ptr<rocksdb::Env> quiet_env(Access access, rocksdb::Env* base) {
  access == Access::read ? start_rocksdb() : start_rocksdb_writing();
  if (base == nullptr) base = rocksdb::Env::Default();
  auto env = rocksdb::NewCompositeEnv(std::make_shared<QuietFiles>(base->GetFileSystem()));
  if (access == Access::read) return std::make_unique<ReaderEnv>(std::move(env));
  return std::make_unique<LateThreads>(std::move(env));
}

std::unique_ptr<rocksdb::Options> engine_options(Access access, rocksdb::Env* env) {
  auto options = std::make_unique<rocksdb::Options>();
  options->env = env;
  options->create_if_missing = access == Access::create;
  options->paranoid_checks = true;
  // The only mode that opened after each of 180 simulated power cuts; what it hides, the witness
  // tells.
  options->wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options->table_factory = std::make_shared<LazyTables>(table_options(access));
  // Kept only where it saves an eighth. What is about to be merged is not compressed before.
  options->compression = rocksdb::kLZ4Compression;
  options->compression_per_level = {rocksdb::kNoCompression, rocksdb::kLZ4Compression};
  keep_few_files(*options);
  // Keys of one kind come nearly in order: each is looked for from where the last of them went.
  options->memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  if (access == Access::read) {
    options->memtable_factory = std::make_shared<ReaderTableFactory>();
    options->allow_concurrent_memtable_write = false;
  }
  // Nearly all that is looked for while blocks come in is not there: no list is walked for that.
  options->memtable_whole_key_filtering = access != Access::read;
  options->memtable_prefix_bloom_size_ratio = access != Access::read ? 0.01 : 0;

  // Each of these is a thread, a file, a sync or a walk through all files less at every start.
  options->info_log = std::make_shared<SilentLogger>();
  options->max_file_opening_threads = 1;
  options->skip_stats_update_on_db_open = true;
  options->skip_checking_sst_file_sizes_on_db_open = true;
  options->stats_dump_period_sec = 0;
  options->stats_persist_period_sec = 0;
  options->allow_fallocate = false;
  return options;
}

}  // namespace bmsg::storage
