// RocksStoreTest: a store of a few blocks, and what they were made of.

#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "tests/storage/store_dir.h"

namespace bmsg::storage {

class RocksStoreTest : public ::testing::Test {
 protected:
  RocksStoreTest() : store_(must(dir_.create())) {
    first_ = block_of(builder_, builder_.genesis(), "one ", 3);
    second_ = block_of(builder_, first_.header, "two ", 5);
  }

  void apply(const node::ChainChange& change) {
    const auto applied = store_->apply(change);
    ASSERT_TRUE(applied) << applied.error().message;
  }
  void grow() { apply(adding(builder_.chain(), {first_, second_})); }
  void reopen() {
    store_.reset();
    store_ = must(dir_.open());
  }
  Work work_at(std::uint32_t height) { return must(store_->headers({height}, 1)).at(0).total_work; }
  static BlockHash hash(const Block& block) { return chain::hash_of(block.header); }

  TempDir temp_;
  StoreDir dir_{temp_.path()};
  ChainBuilder builder_;
  std::unique_ptr<RocksStore> store_;
  Block first_;
  Block second_;
};

}  // namespace bmsg::storage
