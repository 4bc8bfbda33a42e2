// What readers hold to on every MailStore, against a naive model: whatever becomes of the chain,
// the next things for a reader are the messages of the best chain, in its order, that it wants and
// has not handled. Used as mail_store_contract.h is.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "lib/core/try.h"
#include "lib/mail/reader.h"
#include "tests/mail/test_chain.h"
#include "tests/support/seed.h"
#include "tests/vectors/golden.h"

namespace bmsg::mail {

/// Message number n; of no use but to have an id.
inline Message numbered(std::uint32_t n) {
  Message message;
  message.head.suite = Suite::open;
  message.head.time = n;
  message.body = Bytes();
  return message;
}
inline MessageId id_of_number(std::uint32_t n) { return chain::id_of(numbered(n).head); }

using Numbers = std::vector<std::uint32_t>;

/// A chain of numbered messages, of which all are ours but each fifth, and one reader who wants all
/// of ours but each third.
template <class Holder>
class ReaderContract : public ::testing::Test {
 protected:
  static bool is_ours(std::uint32_t n) { return n % 5 != 0; }
  static bool is_wanted(std::uint32_t n) { return is_ours(n) && n % 3 != 0; }

  MailStore& store() { return holder.store(); }

  template <class T>
  static T must(Result<T> result) {
    check(bool(result), result ? "" : result.error().message.c_str());
    return std::move(result).value();
  }

  /// `count` new messages, which the index learns of.
  std::vector<Message> fresh(std::uint32_t count) {
    std::vector<Message> messages;
    MailChange change;
    for (; count > 0; --count) {
      const std::uint32_t n = next_number++;
      messages.push_back(numbered(n));
      numbers[id_of_number(n)] = n;
      if (is_ours(n)) change.put.push_back({id_of_number(n), 0, {n}, Bytes{1}});
    }
    must(store().apply(change));
    return messages;
  }

  Reader reader() { return *must(find_reader(store(), "bot")); }
  void begin(const ReaderPlace& place) {
    MailChange change;
    must(begin_reader(chain.store(), store(), "bot", place, change));
    must(store().apply(change));
    for (const std::uint32_t n : on_chain()) was_there.insert(n);
  }
  void begin_at_first() {
    MailChange change;
    must(begin_reader(chain.store(), store(), "bot", must(first_place(chain.store())), change));
    must(store().apply(change));
  }

  ReaderLook look(std::size_t events_max = 64, std::uint32_t blocks_max = 2000) {
    ReaderWish wish;
    wish.events_max = events_max;
    wish.blocks_max = blocks_max;
    wish.wants = [this](const MessageId& id) -> Result<bool> {
      if (!is_wanted(numbers.at(id))) return false;
      BMSG_TRY_ASSIGN(const bool handled, is_handled(store(), "bot", id));
      return !handled;
    };
    return must(look_ahead(chain.store(), reader(), wish));
  }
  void handle(const ReaderEvent& event) {
    MailChange change;
    set_handled(change, "bot", *event.message);
    move(event.after, change);
    times[numbers.at(*event.message)] += 1;
  }
  void move(const ReaderPlace& place, MailChange change = {}) {
    Reader moved = reader();
    moved.place = place;
    set_reader(change, "bot", moved);
    must(store().apply(change));
  }
  /// Handles all there is; the numbers in the order in which they came.
  Numbers handle_all(std::size_t events_max = 64, std::uint32_t blocks_max = 2000) {
    Numbers handled;
    for (;;) {
      const ReaderLook found = look(events_max, blocks_max);
      for (const ReaderEvent& event : found.events) {
        handled.push_back(numbers.at(*event.message));
        handle(event);
      }
      move(found.place);
      if (!found.more) return handled;
    }
  }

  Numbers on_chain() {
    Numbers all;
    for (const auto& header : must(chain.store().headers(Height{0}, 100'000))) {
      const auto block = must(chain.store().block(header.hash, Bodies::without));
      for (const Message& message : block->messages) all.push_back(message.head.time);
    }
    return all;
  }
  /// What is left to handle, found the simple way.
  Numbers expected() {
    Numbers left;
    for (const std::uint32_t n : on_chain()) {
      if (is_wanted(n) && !times.contains(n) && !was_there.contains(n)) left.push_back(n);
    }
    return left;
  }
  void expect_each_once() const {
    for (const auto& [n, count] : times) EXPECT_EQ(count, 1) << "message " << n;
  }

  Holder holder;
  TestChain chain{std::string(golden::kGenesisText)};
  std::map<MessageId, std::uint32_t> numbers;
  std::uint32_t next_number = 1;
  std::map<std::uint32_t, int> times;  // How often each was handled.
  std::set<std::uint32_t> was_there;   // Before the reader.
};

TYPED_TEST_SUITE_P(ReaderContract);

TYPED_TEST_P(ReaderContract, KeepsWhereAReaderStands) {
  EXPECT_FALSE(this->must(find_reader(this->store(), "bot")));
  this->chain.append(this->fresh(4));
  const ReaderPlace place = this->must(last_place(this->chain.store()));
  this->begin({place.height, place.block, 2});
  this->holder.reopen();
  EXPECT_EQ(this->reader().place, (ReaderPlace{place.height, place.block, 2}));
  EXPECT_EQ(this->reader().begin, Height{1});
  EXPECT_FALSE(this->must(find_reader(this->store(), "bo")));
  EXPECT_FALSE(this->must(find_reader(this->store(), "bott")));
}

TYPED_TEST_P(ReaderContract, KeepsReadersApart) {
  MailChange change;
  set_handled(change, "a", id_of_number(1));
  set_parked(change, "b", {id_of_number(2), Height{3}, 4});
  this->must(this->store().apply(change));
  this->holder.reopen();
  EXPECT_TRUE(this->must(is_handled(this->store(), "a", id_of_number(1))));
  EXPECT_FALSE(this->must(is_handled(this->store(), "b", id_of_number(1))));
  EXPECT_TRUE(this->must(parked_of(this->store(), "a")).empty());
  EXPECT_EQ(this->must(parked_of(this->store(), "b")).size(), 1);
}

TYPED_TEST_P(ReaderContract, ParksInTheOrderOfTheChainUntilHandled) {
  const std::vector<Parked> all = {{id_of_number(9), Height{1}, 0},
                                   {id_of_number(2), Height{1}, 7},
                                   {id_of_number(5), Height{300}, 1}};
  MailChange change;
  for (const std::size_t i : {2, 0, 1}) set_parked(change, "bot", all[i]);
  this->must(this->store().apply(change));
  this->holder.reopen();
  EXPECT_EQ(this->must(parked_of(this->store(), "bot")), all);
  EXPECT_TRUE(this->must(is_handled(this->store(), "bot", all[1].id)));
  MailChange done_with;
  set_handled(done_with, "bot", all[1].id);
  this->must(this->store().apply(done_with));
  EXPECT_EQ(this->must(parked_of(this->store(), "bot")), (std::vector<Parked>{all[0], all[2]}));
  EXPECT_TRUE(this->must(is_handled(this->store(), "bot", all[1].id)));
}

TYPED_TEST_P(ReaderContract, GivesNothingTwiceAfterAReorgOfAnyDepth) {
  constexpr std::uint32_t kDeepest = 80;  // Deeper than a node follows by itself.
  this->chain.append_empty(1);
  this->begin_at_first();
  for (std::uint32_t depth = 1; depth <= kDeepest; ++depth) {
    while (this->chain.tip().value < depth + 1) this->chain.append(this->fresh(2));
    this->handle_all();
    std::vector<std::vector<Message>> blocks;
    for (std::uint32_t i = 0; i < depth; ++i) {
      const Height height{this->chain.tip().value - depth + 1 + i};
      const auto hash = *this->must(this->chain.store().hash_at(height));
      blocks.push_back(this->must(this->chain.store().block(hash, Bodies::with))->messages);
    }
    std::ranges::reverse(blocks);  // The same messages, in other blocks, and one that is new.
    blocks.push_back(this->fresh(1));
    this->chain.reorganise(depth, blocks);
    const ReaderLook found = this->look();
    ASSERT_TRUE(found.left) << depth;
    EXPECT_EQ(found.left->depth, depth);
    EXPECT_TRUE(found.left->messages.empty());
    const Numbers wanted = this->expected();
    EXPECT_EQ(this->handle_all(), wanted) << depth;
    EXPECT_FALSE(this->look().left);
  }
  this->expect_each_once();
}

TYPED_TEST_P(ReaderContract, GivesWhatOnlyTheNewBranchHas) {
  this->begin_at_first();
  this->chain.append(this->fresh(2));  // 1, 2
  this->chain.append(this->fresh(2));  // 3, 4
  EXPECT_EQ(this->handle_all(), (Numbers{1, 2, 4}));
  const BlockHash old_tip = this->must(this->chain.store().tip()).hash;
  this->chain.reorganise(1, {this->fresh(3), {numbered(4)}});  // 5, 6, 7
  const ReaderLook found = this->look();
  ASSERT_TRUE(found.left);
  EXPECT_EQ(found.left->from, old_tip);
  EXPECT_EQ(found.left->to, this->must(this->chain.store().tip()).hash);
  EXPECT_EQ(found.left->messages, std::vector<MessageId>{id_of_number(3)});
  EXPECT_EQ(this->handle_all(), Numbers{7});
}

TYPED_TEST_P(ReaderContract, BeginsAfterWhatIsThereThoughItsBlockIsReplaced) {
  this->chain.append(this->fresh(2));
  this->chain.append(this->fresh(2));
  this->begin(this->must(last_place(this->chain.store())));
  this->chain.reorganise(2, {{numbered(4), numbered(1)}, this->fresh(3)});  // 5, 6, 7
  EXPECT_EQ(this->handle_all(), Numbers{7});
}

TYPED_TEST_P(ReaderContract, TellsOfEachBlockBeforeItsMessages) {
  this->begin_at_first();
  this->chain.append(this->fresh(2));
  this->chain.append();
  ReaderWish wish;
  wish.blocks = BlockEvents::yes;
  wish.wants = [](const MessageId&) -> Result<bool> { return true; };
  const auto found = this->must(look_ahead(this->chain.store(), this->reader(), wish));
  ASSERT_EQ(found.events.size(), 4);
  EXPECT_FALSE(found.events[0].message);
  EXPECT_EQ(found.events[0].after.index, 0);
  EXPECT_EQ(found.events[1].message, id_of_number(1));
  EXPECT_EQ(found.events[2].message, id_of_number(2));
  EXPECT_EQ(found.events[3].after, this->must(last_place(this->chain.store())));
  this->move(found.events[0].after);
  EXPECT_EQ(this->must(look_ahead(this->chain.store(), this->reader(), wish)).events.size(), 3);
}

TYPED_TEST_P(ReaderContract, AgreesWithTheNaiveModelUnderAnyReorgsAndStops) {
  auto random = seeded_numbers();
  const auto up_to = [&](std::uint64_t most) {
    return static_cast<std::uint32_t>(number_up_to(random, most));
  };
  this->chain.append(this->fresh(3));
  if (up_to(1) == 0) {
    this->begin_at_first();
  } else {
    this->begin(this->must(last_place(this->chain.store())));
  }
  Numbers loose;  // Of blocks that left.
  const auto some = [&] {
    Numbers chosen;
    for (const Message& message : this->fresh(up_to(3))) chosen.push_back(message.head.time);
    while (!loose.empty() && up_to(2) > 0) {
      chosen.push_back(loose.back());
      loose.pop_back();
    }
    std::ranges::shuffle(chosen, random);
    std::vector<Message> messages;
    for (const std::uint32_t n : chosen) messages.push_back(numbered(n));
    return messages;
  };
  for (int round = 0; round < 300; ++round) {
    for (std::uint32_t n = up_to(3); n > 0; --n) this->chain.append(some());
    if (up_to(3) == 0) {
      const std::uint32_t tip = this->chain.tip().value;
      const std::uint32_t depth = std::min(1 + up_to(up_to(4) == 0 ? 60 : 5), tip);
      const BlockHash old_tip = this->must(this->chain.store().tip()).hash;
      for (std::uint32_t i = 0; i < depth; ++i) {
        const auto hash = *this->must(this->chain.store().hash_at(Height{tip - i}));
        const auto block = this->must(this->chain.store().block(hash, Bodies::with));
        for (const Message& message : block->messages) loose.push_back(message.head.time);
      }
      std::vector<std::vector<Message>> blocks(depth + 1);
      for (auto& messages : blocks) messages = some();
      this->chain.reorganise(depth, blocks);
      if (up_to(3) == 0) this->chain.forget(old_tip);
    }
    const Numbers wanted = this->expected();
    if (up_to(2) == 0) {
      const auto found = this->look(1 + up_to(4));
      const std::size_t taken = up_to(found.events.size());
      for (std::size_t i = 0; i < taken; ++i) {
        ASSERT_EQ(this->numbers.at(*found.events[i].message), wanted[i]) << "round " << round;
        this->handle(found.events[i]);
      }
      if (taken == found.events.size()) this->move(found.place);
      if (up_to(9) == 0) this->holder.reopen();
    } else {
      ASSERT_EQ(this->handle_all(1 + up_to(9), 1 + up_to(5)), wanted) << "round " << round;
    }
  }
  EXPECT_EQ(this->handle_all(), this->expected());
  EXPECT_GT(this->times.size(), 100);
  this->expect_each_once();
}

REGISTER_TYPED_TEST_SUITE_P(ReaderContract, KeepsWhereAReaderStands, KeepsReadersApart,
                            ParksInTheOrderOfTheChainUntilHandled,
                            GivesNothingTwiceAfterAReorgOfAnyDepth, GivesWhatOnlyTheNewBranchHas,
                            BeginsAfterWhatIsThereThoughItsBlockIsReplaced,
                            TellsOfEachBlockBeforeItsMessages,
                            AgreesWithTheNaiveModelUnderAnyReorgsAndStops);

}  // namespace bmsg::mail
