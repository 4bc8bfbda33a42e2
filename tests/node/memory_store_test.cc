#include "lib/node/memory_store.h"

#include <atomic>
#include <thread>

#include "tests/contract/drop_contract.h"
#include "tests/contract/endorsed_contract.h"
#include "tests/contract/light_contract.h"
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
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, LightContract, MemoryStoreMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, DropContract, MemoryStoreMaker);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, EndorsedContract, MemoryStoreMaker);

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

TEST(MemoryStore, IsReadWholeBesideAWriter) {
  ChainBuilder builder;
  node::MemoryStore store(builder.rules_text());
  const auto blocks = builder.blocks(builder.genesis(), 200);
  std::atomic<bool> over = false;
  std::uint64_t torn = 0;
  std::jthread reader([&] {
    while (!over) {
      const auto tip = store.tip().value();
      const auto stored = store.header(tip.hash).value();
      if (!stored || stored->sealed.header.height != tip.height) ++torn;
      if (store.headers(tip.height, 1).value().empty()) ++torn;
    }
  });
  Work work;
  for (const Block& block : blocks) {
    const BlockHash hash = chain::hash_of(block.header);
    work = chain::sum(work, chain::one_work());
    node::ChainChange change;
    change.added.push_back({block, hash, {}, work});
    change.connect.push_back(hash);
    EXPECT_TRUE(bool(store.apply(change)));
  }
  over = true;
  reader.join();
  EXPECT_EQ(torn, 0U);
}

}  // namespace
}  // namespace bmsg
