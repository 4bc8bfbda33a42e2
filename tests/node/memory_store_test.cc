#include "lib/node/memory_store.h"

#include "tests/contract/store_contract.h"

namespace bmsg {
namespace {

struct MemoryStoreMaker {
  explicit MemoryStoreMaker(const std::string& rules_text) : store_(rules_text) {}
  node::Store& store() { return store_; }
  void reopen() {}  // Memory has nothing to read again.

  node::MemoryStore store_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreContract, MemoryStoreMaker);

TEST(MemoryStore, FailsTheApplyThatATestAsksForAndChangesNothing) {
  ChainBuilder builder;
  node::MemoryStore store(builder.rules_text());
  store.fail_apply(1);
  EXPECT_TRUE(bool(store.apply({})));
  node::ChainChange change;
  const Block block = builder.block(builder.genesis());
  change.added.push_back({block, chain::hash_of(block.header), {}, chain::one_work()});
  const auto failed = store.apply(change);
  ASSERT_FALSE(bool(failed));
  EXPECT_EQ(failed.error().code, Errc::io);
  EXPECT_EQ(store.header(chain::hash_of(block.header)).value(), std::nullopt);
  EXPECT_TRUE(bool(store.apply(change)));
}

}  // namespace
}  // namespace bmsg
