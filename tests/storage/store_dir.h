// StoreDir: a chain on disk that a test closes, opens, damages and grows.

#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/header_rules.h"
#include "lib/chain/work.h"
#include "storage/rocks_store.h"
#include "tests/support/chain_builder.h"
#include "tests/support/temp_dir.h"

namespace bmsg::storage {

/// The value of a Result that a test needs; without it the test cannot go on.
template <class T>
T must(Result<T> result) {
  if (!result) ADD_FAILURE() << result.error().message;
  check(bool(result), "a test cannot go on");
  return std::move(result).value();
}

/// A directory with chain/ and witness, which belong together.
class StoreDir {
 public:
  explicit StoreDir(std::filesystem::path root) : root_(std::move(root)) {}

  std::filesystem::path chain() const { return root_ / "chain"; }
  std::filesystem::path witness() const { return root_ / "witness"; }
  OpenOptions options() { return {.disk = disk_, .witness = witness(), .env = env_}; }
  /// Puts RocksDB on another file system.
  void set_env(rocksdb::Env* env) { env_ = env; }

  Result<std::unique_ptr<RocksStore>> create(std::string_view rules_text = easy_rules_text()) {
    return RocksStore::create(chain(), rules_text, options());
  }
  Result<std::unique_ptr<RocksStore>> open() { return RocksStore::open(chain(), options()); }
  Result<std::unique_ptr<RocksStore>> read() {
    return RocksStore::open_read_only(chain(), options());
  }

 private:
  std::filesystem::path root_;
  SystemDisk disk_;
  rocksdb::Env* env_ = nullptr;
};

enum class Connect { no, yes };

/// The change that adds `blocks`, a chain on top of a block with work `below`.
inline node::ChainChange adding(const chain::ChainRules& rules, const std::vector<Block>& blocks,
                                Work below = {}, Connect connect = Connect::yes) {
  node::ChainChange change;
  for (const Block& block : blocks) {
    below = chain::sum(below, chain::work_of(rules, block.header));
    const BlockHash hash = chain::hash_of(block.header);
    change.added.push_back({block, hash, chain::ids_of(block), below});
    if (connect == Connect::yes) change.connect.push_back(hash);
  }
  return change;
}

/// `count` messages that differ by `name`.
inline std::vector<Message> messages_named(const ChainBuilder& builder, const std::string& name,
                                           int count, UnixSeconds time) {
  std::vector<Message> messages;
  for (int i = 0; i < count; ++i) {
    messages.push_back(builder.public_message(name + std::to_string(i), time));
  }
  return messages;
}

/// A block of so many messages on top of `parent`.
inline Block block_of(ChainBuilder& builder, const Header& parent, const std::string& name,
                      int count) {
  const UnixSeconds time{parent.time.value + 1};
  return builder.block(parent, messages_named(builder, name, count, time));
}

}  // namespace bmsg::storage
