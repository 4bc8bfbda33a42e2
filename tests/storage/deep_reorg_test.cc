// A reorganisation of thousands of blocks is one change, and whole after opening again.

#include <gtest/gtest.h>

#include "lib/chain/block_hash.h"
#include "storage/rocks_store.h"
#include "tests/storage/store_dir.h"

namespace bmsg::storage {
namespace {

TEST(DeepReorg, SwitchesFourThousandBlocksAtOnce) {
  const TempDir temp;
  StoreDir dir(temp.path());
  ChainBuilder builder;
  auto store = must(dir.create());
  const auto old_branch = builder.blocks(builder.genesis(), 4110);
  ASSERT_TRUE(store->apply(adding(builder.chain(), old_branch)));
  Block fork = block_of(builder, builder.genesis(), "fork", 1);
  std::vector<Block> branch = {fork};
  for (const Block& block : builder.blocks(fork.header, 4110)) branch.push_back(block);
  node::ChainChange change = adding(builder.chain(), branch);
  for (auto block = old_branch.rbegin(); block != old_branch.rend(); ++block) {
    change.disconnect.push_back(chain::hash_of(block->header));
  }
  ASSERT_TRUE(store->apply(change));
  store.reset();
  store = must(dir.open());
  EXPECT_EQ(must(store->tip()).height.value, 4111);
  EXPECT_EQ(must(store->headers({0}, 5000)).size(), 4112);
  EXPECT_EQ(must(store->tips()).size(), 2);
}

}  // namespace
}  // namespace bmsg::storage
