// Readers beside the contract: their names, damaged records, branches that nobody keeps.

#include "lib/mail/reader.h"

#include <gtest/gtest.h>

#include "lib/mail/memory_mail_store.h"
#include "tests/contract/reader_contract.h"

namespace bmsg::mail {
namespace {

/// A store in memory as the contract wants it.
class MemoryHolder {
 public:
  MailStore& store() { return store_; }
  void reopen() {}

 private:
  MemoryMailStore store_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, ReaderContract, MemoryHolder);

class ReaderTest : public ReaderContract<MemoryHolder> {};

TEST_F(ReaderTest, HaveNamesThatAreFileNamesToo) {
  for (const char* good : {"bot", "a", "A.b-c_9", "0"}) EXPECT_TRUE(is_reader_name(good)) << good;
  EXPECT_TRUE(is_reader_name(std::string(64, 'n')));
  EXPECT_FALSE(is_reader_name(std::string(65, 'n')));
  for (const char* bad : {"", ".", "..", ".bot", "-bot", "a/b", "a b", "a\n", "\xc3\xa4"})
    EXPECT_FALSE(is_reader_name(bad)) << bad;
}

TEST_F(ReaderTest, AreRefusedWhenTheirRecordsAreDamaged) {
  begin_at_first();
  const Bytes whole = *store().value("reader/bot").value();
  for (std::size_t size = 0; size <= whole.size() + 1; ++size) {
    Bytes cut = whole;
    cut.resize(size);
    ASSERT_TRUE(store().apply({.values = {{"reader/bot", cut}}}));
    const auto found = find_reader(store(), "bot");
    EXPECT_EQ(bool(found), size == whole.size());
    if (!found) {
      EXPECT_EQ(found.error().code, Errc::corrupt);
    }
  }
  ASSERT_TRUE(store().apply({.values = {{"parked/bot/short", Bytes(8)}}}));
  EXPECT_EQ(parked_of(store(), "bot").error().code, Errc::corrupt);
}

TEST_F(ReaderTest, GoBackToWhereTheyBeganWhenTheirBranchIsForgotten) {
  chain.append(fresh(2));  // 1, 2
  begin_at_first();
  chain.append(fresh(2));  // 3, 4
  handle_all();
  const BlockHash left = chain.store().tip().value().hash;
  chain.reorganise(1, {{numbered(4)}, fresh(3)});  // 5, 6, 7
  chain.forget(left);
  const ReaderLook found = look();
  ASSERT_TRUE(found.left);
  EXPECT_TRUE(found.left->messages.empty());
  EXPECT_EQ(handle_all(), Numbers{7});
  expect_each_once();
}

TEST_F(ReaderTest, WaitForAChainThatIsFetchedAgain) {
  chain.append_empty(80);
  chain.append(fresh(2));
  begin(must(last_place(chain.store())));
  TestChain again(std::string(golden::kGenesisText));
  again.append();  // There is no more of it yet, and nobody knows the block of the reader.
  ReaderWish wish;
  wish.wants = [](const MessageId&) -> Result<bool> { return true; };
  const ReaderLook found = must(look_ahead(again.store(), reader(), wish));
  EXPECT_FALSE(found.left);
  EXPECT_TRUE(found.events.empty());
  EXPECT_EQ(found.place, reader().place);
  again.append_empty(7);  // As high as the first block that may be new.
  EXPECT_FALSE(must(look_ahead(again.store(), reader(), wish)).left);
  again.append({numbered(1)});
  EXPECT_TRUE(must(look_ahead(again.store(), reader(), wish)).left);
}

TEST_F(ReaderTest, EndWithTheErrorOfWhoIsAsked) {
  begin_at_first();
  chain.append(fresh(1));
  ReaderWish wish;
  wish.wants = [](const MessageId&) -> Result<bool> { return Error{Errc::io, "disk"}; };
  EXPECT_EQ(look_ahead(chain.store(), reader(), wish).error().code, Errc::io);
}

}  // namespace
}  // namespace bmsg::mail
