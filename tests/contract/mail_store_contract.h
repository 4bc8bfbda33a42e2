// What every MailStore does. Each kind of store runs this suite:
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, MailStoreContract, MemoryMailStoreHolder);
//
// A holder is made anew for each test. It has store(), an empty store at first, and reopen(), after
// which store() holds what was applied: a store on disk is closed and opened again.

#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "lib/mail/mail_store.h"

namespace bmsg::mail {

inline MessageId mail_id(std::uint8_t first, std::uint8_t rest = 0) {
  MessageId id = MessageId::filled(rest);
  id.data()[0] = first;
  return id;
}

inline MailEntry mail_entry(std::uint8_t first, std::uint64_t time, std::uint64_t order = 0) {
  return {.id = mail_id(first), .order = order, .time = {time}, .sealed = {first, 0, 7}};
}

template <class Holder>
class MailStoreContract : public ::testing::Test {
 protected:
  MailStore& store() { return holder_.store(); }
  void reopen() { holder_.reopen(); }

  void apply(const MailChange& change) { ASSERT_TRUE(store().apply(change)); }
  void put(std::vector<MailEntry> entries) { apply({.put = std::move(entries)}); }

  template <class T>
  static T must(Result<T> result) {
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? std::move(result).value() : T();
  }

  std::vector<MessageId> newest(std::optional<MailReader::Place> before, std::size_t max) {
    std::vector<MessageId> ids;
    for (const MailEntry& entry : must(store().newest(before, max))) ids.push_back(entry.id);
    return ids;
  }

 private:
  Holder holder_;
};

using Ids = std::vector<MessageId>;

TYPED_TEST_SUITE_P(MailStoreContract);

TYPED_TEST_P(MailStoreContract, BeginsEmpty) {
  EXPECT_EQ(this->must(this->store().count()), 0);
  EXPECT_FALSE(this->must(this->store().entry(mail_id(1))));
  EXPECT_EQ(this->newest({}, 10), Ids());
  EXPECT_EQ(this->must(this->store().flags(mail_id(1))), Flags());
  EXPECT_EQ(this->must(this->store().with_flag("unread")), Ids());
  EXPECT_FALSE(this->must(this->store().position()));
  EXPECT_FALSE(this->must(this->store().value("cursor")));
}

TYPED_TEST_P(MailStoreContract, GivesBackWhatWasPut) {
  this->put({{.id = mail_id(1), .order = 5, .time = {77}, .sealed = {1, 2, 3}}});
  this->reopen();
  const auto found = this->must(this->store().entry(mail_id(1)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, mail_id(1));
  EXPECT_EQ(found->order, 5);
  EXPECT_EQ(found->time.value, 77);
  EXPECT_EQ(found->sealed, (Bytes{1, 2, 3}));
  EXPECT_FALSE(this->must(this->store().entry(mail_id(2))));
}

TYPED_TEST_P(MailStoreContract, GivesOrdersThatCountUp) {
  this->put({mail_entry(1, 10), mail_entry(2, 10)});
  this->reopen();
  this->put({mail_entry(3, 10)});
  const auto first = this->must(this->store().entry(mail_id(1)))->order;
  const auto second = this->must(this->store().entry(mail_id(2)))->order;
  EXPECT_LT(0, first);
  EXPECT_LT(first, second);
  EXPECT_LT(second, this->must(this->store().entry(mail_id(3)))->order);
}

TYPED_TEST_P(MailStoreContract, CountsOnAboveAnOrderThatItWasGiven) {
  this->put({mail_entry(1, 10, 1000), mail_entry(2, 10)});
  EXPECT_EQ(this->must(this->store().entry(mail_id(1)))->order, 1000);
  EXPECT_LT(1000, this->must(this->store().entry(mail_id(2)))->order);
}

TYPED_TEST_P(MailStoreContract, KeepsTheOrderOfAnEntryThatIsReplaced) {
  this->put({mail_entry(1, 10), mail_entry(2, 10)});
  const auto before = this->must(this->store().entry(mail_id(1)))->order;
  this->put({{.id = mail_id(1), .order = 0, .time = {10}, .sealed = {9}}});
  EXPECT_EQ(this->must(this->store().entry(mail_id(1)))->order, before);
  EXPECT_EQ(this->must(this->store().entry(mail_id(1)))->sealed, Bytes{9});
}

TYPED_TEST_P(MailStoreContract, ListsAReplacedEntryOnceAndAtItsNewTime) {
  this->put({mail_entry(1, 10), mail_entry(2, 20)});
  this->put({mail_entry(1, 30)});
  EXPECT_EQ(this->newest({}, 10), (Ids{mail_id(1), mail_id(2)}));
  EXPECT_EQ(this->must(this->store().count()), 2);
}

TYPED_TEST_P(MailStoreContract, ListsTheNewestFirstByTimeThenOrder) {
  this->put({mail_entry(1, 20), mail_entry(2, 10), mail_entry(3, 20), mail_entry(4, 300)});
  this->reopen();
  EXPECT_EQ(this->newest({}, 10), (Ids{mail_id(4), mail_id(3), mail_id(1), mail_id(2)}));
}

TYPED_TEST_P(MailStoreContract, ListsNoMoreThanAskedFor) {
  this->put({mail_entry(1, 1), mail_entry(2, 2), mail_entry(3, 3)});
  EXPECT_EQ(this->newest({}, 0), Ids());
  EXPECT_EQ(this->newest({}, 2), (Ids{mail_id(3), mail_id(2)}));
  EXPECT_EQ(this->newest({}, 3), (Ids{mail_id(3), mail_id(2), mail_id(1)}));
}

TYPED_TEST_P(MailStoreContract, GoesOnListingBelowAPlace) {
  this->put({mail_entry(1, 10, 1), mail_entry(2, 10, 2), mail_entry(3, 11, 3)});
  const auto below = [&](std::uint64_t time, std::uint64_t order) {
    return this->newest(MailReader::Place{{time}, order}, 10);
  };
  EXPECT_EQ(below(10, 2), Ids{mail_id(1)});
  EXPECT_EQ(below(10, 3), (Ids{mail_id(2), mail_id(1)}));
  EXPECT_EQ(below(11, 3), (Ids{mail_id(2), mail_id(1)}));
  EXPECT_EQ(below(11, 4), (Ids{mail_id(3), mail_id(2), mail_id(1)}));
  EXPECT_EQ(below(10, 1), Ids());
}

TYPED_TEST_P(MailStoreContract, CountsEachEntryOnce) {
  this->put({mail_entry(1, 1), mail_entry(2, 2), mail_entry(1, 1)});
  EXPECT_EQ(this->must(this->store().count()), 2);
  this->put({mail_entry(2, 2), mail_entry(3, 3)});
  this->reopen();
  EXPECT_EQ(this->must(this->store().count()), 3);
}

TYPED_TEST_P(MailStoreContract, SetsFlagsWhole) {
  this->apply({.flags = {{mail_id(1), {"unread", "flagged"}}}});
  this->apply({.flags = {{mail_id(1), {"archived", "flagged"}}}});
  this->reopen();
  EXPECT_EQ(this->must(this->store().flags(mail_id(1))), (Flags{"archived", "flagged"}));
  EXPECT_EQ(this->must(this->store().with_flag("unread")), Ids());
  EXPECT_EQ(this->must(this->store().with_flag("flagged")), Ids{mail_id(1)});
}

TYPED_TEST_P(MailStoreContract, ForgetsFlagsThatAreSetToNone) {
  this->apply({.flags = {{mail_id(1), {"unread"}}}});
  this->apply({.flags = {{mail_id(1), {}}}});
  EXPECT_EQ(this->must(this->store().flags(mail_id(1))), Flags());
  EXPECT_EQ(this->must(this->store().with_flag("unread")), Ids());
}

TYPED_TEST_P(MailStoreContract, FindsMessagesByTheWholeNameOfAFlag) {
  this->apply({.flags = {{mail_id(2), {"un"}}, {mail_id(1), {"un", "unread"}}}});
  EXPECT_EQ(this->must(this->store().with_flag("un")), (Ids{mail_id(1), mail_id(2)}));
  EXPECT_EQ(this->must(this->store().with_flag("unread")), Ids{mail_id(1)});
  EXPECT_EQ(this->must(this->store().with_flag("")), Ids());
}

TYPED_TEST_P(MailStoreContract, FindsEntriesByTheBeginningOfTheirIds) {
  MailEntry other = mail_entry(1, 1);
  other.id = mail_id(1, 1);
  this->put({other, mail_entry(1, 1), mail_entry(0xff, 1)});
  const auto find = [&](const Bytes& prefix, std::size_t max) {
    return this->must(this->store().ids_with_prefix(prefix, max));
  };
  EXPECT_EQ(find({1}, 10), (Ids{mail_id(1), mail_id(1, 1)}));
  EXPECT_EQ(find({1}, 1), Ids{mail_id(1)});
  EXPECT_EQ(find({1, 1}, 10), (Ids{mail_id(1, 1)}));
  EXPECT_EQ(find({0xff}, 10), Ids{mail_id(0xff)});
  EXPECT_EQ(find(to_bytes(mail_id(1).view()), 10), Ids{mail_id(1)});
  EXPECT_EQ(find({2}, 10), Ids());
  EXPECT_EQ(find(Bytes(65, 1), 10), Ids());
}

TYPED_TEST_P(MailStoreContract, KeepsThePosition) {
  const ScanPosition position{
      .height = {7}, .hash = BlockHash::filled(3), .pool_arrival = 99, .keys = Digest::filled(4)};
  this->apply({.position = position});
  this->apply({.put = {mail_entry(1, 1)}});
  this->reopen();
  EXPECT_EQ(this->must(this->store().position()), position);
}

TYPED_TEST_P(MailStoreContract, KeepsValuesByName) {
  this->apply({.values = {{"a", Bytes{1}}, {"ab", Bytes{}}, {"", Bytes{3}}}});
  this->reopen();
  EXPECT_EQ(this->must(this->store().value("a")), Bytes{1});
  EXPECT_EQ(this->must(this->store().value("ab")), Bytes{});
  EXPECT_EQ(this->must(this->store().value("")), Bytes{3});
  EXPECT_FALSE(this->must(this->store().value("b")));
  this->apply({.values = {{"a", std::nullopt}, {"ab", Bytes{2}}, {"never", std::nullopt}}});
  EXPECT_FALSE(this->must(this->store().value("a")));
  EXPECT_EQ(this->must(this->store().value("ab")), Bytes{2});
}

TYPED_TEST_P(MailStoreContract, ListsValuesByTheBeginningOfTheirNames) {
  using Values = std::map<std::string, Bytes>;
  EXPECT_EQ(this->must(this->store().values("")), Values());
  this->apply(
      {.values = {{"a", Bytes{1}}, {"a/", Bytes{2}}, {"a/\xff", Bytes{3}}, {"b", Bytes{4}}}});
  this->reopen();
  EXPECT_EQ(this->must(this->store().values("a/")), (Values{{"a/", {2}}, {"a/\xff", {3}}}));
  EXPECT_EQ(this->must(this->store().values("")).size(), 4);
  EXPECT_EQ(this->must(this->store().values("a/b")), Values());
  this->apply({.values = {{"a/", std::nullopt}, {"a/\xff", Bytes{5}}}});
  EXPECT_EQ(this->must(this->store().values("a/")), (Values{{"a/\xff", {5}}}));
}

TYPED_TEST_P(MailStoreContract, AppliesAllPartsOfAChange) {
  this->apply({.put = {mail_entry(1, 1)},
               .flags = {{mail_id(1), {"unread"}}},
               .position = ScanPosition{.height = {1}, .hash = {}, .pool_arrival = 2, .keys = {}},
               .values = {{"k", Bytes{5}}}});
  this->reopen();
  EXPECT_TRUE(this->must(this->store().entry(mail_id(1))));
  EXPECT_EQ(this->must(this->store().flags(mail_id(1))), Flags{"unread"});
  EXPECT_EQ(this->must(this->store().position())->pool_arrival, 2);
  EXPECT_EQ(this->must(this->store().value("k")), Bytes{5});
}

REGISTER_TYPED_TEST_SUITE_P(MailStoreContract, BeginsEmpty, GivesBackWhatWasPut,
                            GivesOrdersThatCountUp, CountsOnAboveAnOrderThatItWasGiven,
                            KeepsTheOrderOfAnEntryThatIsReplaced,
                            ListsAReplacedEntryOnceAndAtItsNewTime,
                            ListsTheNewestFirstByTimeThenOrder, ListsNoMoreThanAskedFor,
                            GoesOnListingBelowAPlace, CountsEachEntryOnce, SetsFlagsWhole,
                            ForgetsFlagsThatAreSetToNone, FindsMessagesByTheWholeNameOfAFlag,
                            FindsEntriesByTheBeginningOfTheirIds, KeepsThePosition,
                            KeepsValuesByName, ListsValuesByTheBeginningOfTheirNames,
                            AppliesAllPartsOfAChange);

}  // namespace bmsg::mail
