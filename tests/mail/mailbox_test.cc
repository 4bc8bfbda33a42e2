#include "lib/mail/mailbox.h"

#include <gtest/gtest.h>

#include "tests/mail/person.h"
#include "tests/mail/reader_over.h"

namespace bmsg::mail {
namespace {

using Words = std::vector<std::string>;

/// A MailReader that counts how many entries were handed out.
class CountingReader final : public ReaderOver {
 public:
  using ReaderOver::ReaderOver;

  Result<std::optional<MailEntry>> entry(const MessageId& id) const override {
    ++entries;
    return ReaderOver::entry(id);
  }
  Result<std::vector<MailEntry>> newest(std::optional<Place> before,
                                        std::size_t max) const override {
    auto found = ReaderOver::newest(before, max);
    entries += found.value().size();
    return found;
  }
  mutable std::size_t entries = 0;
};

/// Ben's mailbox with four messages a minute apart, the third of Cleo.
class MailboxTest : public testing::Test, public TwoPersons {
 protected:
  MailboxTest() {
    cleo.knows(ben.cards.cards_of(ben.address()).value().cards[0]);
    first = from(ana, "one");
    second = from(ana, "two");
    third = from(cleo, "three");
    fourth = from(ana, "four");
    ben.scan_all(chain);
  }
  MessageId from(Person& sender, std::string_view words) {
    ana.clock.advance(60);
    cleo.clock.set(ana.clock.now().value);
    const MessageId id = sender.write({ben.address()}, words);
    sender.hand_over(chain);
    return id;
  }
  Words listed(const ListFilter& filter, std::size_t max = 100) {
    const MailKeys keys = ben.keys();
    Words words;
    for (const MailItem& item : ben.mailbox(chain, keys).list(filter, max).value()) {
      words.push_back(item.summary.snippet);
    }
    return words;
  }
  UnixSeconds time_of(const MessageId& id) { return ben.item(chain, id).time(); }
  void set_flags(const MessageId& id, const Flags& flags) {
    MailChange change;
    change.flags[id] = flags;
    ASSERT_TRUE(ben.mail.apply(change));
  }

  Person cleo{3};
  MessageId first, second, third, fourth;
};

TEST_F(MailboxTest, ListsNewestFirst) {
  EXPECT_EQ(listed({}), (Words{"four", "three", "two", "one"}));
  EXPECT_EQ(listed({}, 2), (Words{"four", "three"}));
  EXPECT_EQ(listed({}, 0), Words{});
}

TEST_F(MailboxTest, FiltersBySender) {
  EXPECT_EQ(listed({.sender = to_bytes(cleo.address().view())}), Words{"three"});
}

TEST_F(MailboxTest, FiltersByTimeFromSinceToBeforeUntil) {
  EXPECT_EQ(listed({.since = time_of(second)}), (Words{"four", "three", "two"}));
  EXPECT_EQ(listed({.until = time_of(third)}), (Words{"two", "one"}));
  EXPECT_EQ(listed({.since = time_of(second), .until = time_of(third)}), Words{"two"});
  EXPECT_EQ(listed({.flag = "unread", .since = time_of(second), .until = time_of(third)}),
            Words{"two"});
}

TEST_F(MailboxTest, FiltersByFlag) {
  set_flags(second, {});
  set_flags(fourth, {"unread", "archived"});
  EXPECT_EQ(listed({.flag = "unread"}), (Words{"four", "three", "one"}));
  EXPECT_EQ(listed({.flag = "unread"}, 1), Words{"four"});
  EXPECT_EQ(listed({.without_flag = "archived"}), (Words{"three", "two", "one"}));
  EXPECT_EQ(listed({.flag = "unread", .without_flag = "archived"}), (Words{"three", "one"}));
}

TEST_F(MailboxTest, FiltersByDirectionAndByAnyOtherWish) {
  EXPECT_EQ(listed({.direction = Direction::out}), Words{});
  EXPECT_EQ(listed({.wanted = [&](const MessageId& id, const Summary&) { return id == first; }}),
            Words{"one"});
}

TEST_F(MailboxTest, FiltersByThread) {
  Letter answer = ana.letter({ben.address()}, "five");
  answer.content.re = {second};
  answer.content.thread = prefix_of<ThreadId>(second);
  ana.clock.advance(60);
  ASSERT_TRUE(send(answer, ana.context(), {}));
  ana.hand_over(chain);
  ben.scan_all(chain);
  EXPECT_EQ(listed({.thread = prefix_of<ThreadId>(second)}), (Words{"five", "two"}));
}

TEST_F(MailboxTest, FiltersByPhrases) {
  const std::string filler(2 * kSnippetBytesMax, 'x');
  const MessageId far = from(ana, filler + " Beyond the\nsnippet");
  ben.scan_all(chain);
  const auto found = [&](const std::vector<std::string>& phrases) {
    return listed({.phrases = Phrases::make(phrases).value()}).size();
  };
  EXPECT_EQ(found({"O"}), 4u);  // one, two, four, beyond
  EXPECT_EQ(found({"o", "e"}), 2u);
  EXPECT_EQ(found({"beyond the snippet"}), 1u);
  EXPECT_EQ(found({"beyond", "three"}), 0u);
  chain.unpool(*ben.read(chain, far).message);
  EXPECT_EQ(found({"beyond"}), 0u) << "found in a text that is gone";
  EXPECT_EQ(found({"xxx"}), 1u) << "its beginning is remembered";
  EXPECT_EQ(listed({.flag = "unread", .phrases = Phrases::make({"tw"}).value()}), Words{"two"});
}

TEST_F(MailboxTest, ListsTextUnlessAskedForAll) {
  Letter ack = ana.letter({ben.address()}, "");
  ack.content.kind = Kind::ack;
  ack.content.re = {first};
  ASSERT_TRUE(send(ack, ana.context(), {}));
  ana.hand_over(chain);
  ben.scan_all(chain);
  EXPECT_EQ(listed({}).size(), 4u);
  ListFilter all;
  all.text_only = false;
  EXPECT_EQ(listed(all).size(), 5u);
}

TEST_F(MailboxTest, ReadsTheWholeOfAMessage) {
  const MailText text = ben.read(chain, third);
  EXPECT_FALSE(text.opened.fault);
  EXPECT_EQ(text.opened.content.content, to_bytes("three"));
  EXPECT_EQ(text.opened.content.identity(), cleo.address());
  EXPECT_EQ(text.item.id, third);
  EXPECT_EQ(text.item.summary.to[0].address, ben.address());
}

TEST_F(MailboxTest, ReadsFromABlockToo) {
  const Message message = ana.outbox.read(*ana.outbox.find(first).value()).value()->message;
  chain.append({message});
  EXPECT_EQ(ben.read(chain, first).opened.content.content, to_bytes("one"));
  EXPECT_EQ(ben.item(chain, first).block->height, Height{1});
}

TEST_F(MailboxTest, MarksWhatOvertookTheMessageBeforeIt) {
  const Message one = *ben.read(chain, first).message;
  const Message two = *ben.read(chain, second).message;
  EXPECT_FALSE(ben.item(chain, second).out_of_order) << "both wait";
  chain.append({two});
  EXPECT_TRUE(ben.item(chain, second).out_of_order) << "the one before it still waits";
  chain.append({one});
  EXPECT_TRUE(ben.item(chain, second).out_of_order);
  EXPECT_FALSE(ben.item(chain, second).gap);
  EXPECT_FALSE(ben.item(chain, first).out_of_order);
  chain.reorganise(2, {{one, two}, {}, {}});
  EXPECT_FALSE(ben.item(chain, second).out_of_order) << "in one block";
  chain.reorganise(3, {{one}, {two}, {}, {}});
  EXPECT_FALSE(ben.item(chain, second).out_of_order) << "in order";
}

TEST_F(MailboxTest, MarksWhatABlockTookADayLate) {
  const Message one = *ben.read(chain, first).message;
  const Message two = *ben.read(chain, second).message;
  chain.append_empty(143);
  EXPECT_FALSE(ben.item(chain, first).late) << "no block has it yet";
  chain.append({one});
  const auto waited = [&](const MessageId& id) {
    const auto place = *ben.item(chain, id).block;
    return chain.store().header(place.block).value()->sealed.header.time.value - time_of(id).value;
  };
  ASSERT_LT(waited(first), kLateSeconds);
  EXPECT_FALSE(ben.item(chain, first).late);
  chain.append({two});
  ASSERT_GE(waited(second), kLateSeconds);
  EXPECT_TRUE(ben.item(chain, second).late);
  std::map<MessageId, bool> late;
  const MailKeys keys = ben.keys();
  for (const MailItem& item : ben.mailbox(chain, keys).list({}, 9).value())
    late.emplace(item.id, item.late);
  EXPECT_FALSE(late.at(first)) << "judged by the time of another's block";
  EXPECT_TRUE(late.at(second));
}

TEST_F(MailboxTest, SaysThatABodyIsGone) {
  chain.unpool(*ben.read(chain, first).message);
  const MailText text = ben.read(chain, first);
  EXPECT_EQ(text.opened.fault, Fault::body);
  EXPECT_EQ(text.item.summary.snippet, "one");
  EXPECT_FALSE(text.message);
}

TEST_F(MailboxTest, KnowsNothingOfOthersMail) {
  const MailKeys keys = ben.keys();
  EXPECT_FALSE(ben.mailbox(chain, keys).item(MessageId()).value());
  EXPECT_FALSE(ben.mailbox(chain, keys).read(MessageId()).value());
}

TEST_F(MailboxTest, NeedsTheMailboxKey) {
  MailKeys keys = ben.keys();
  keys.mailbox_key = secret(9);
  EXPECT_EQ(ben.mailbox(chain, keys).list({}, 1).error().code, Errc::corrupt);
}

TEST_F(MailboxTest, OpensNoMoreThanItLists) {
  const MailKeys keys = ben.keys();
  const Bytes sealed = ben.mail.entry(first).value()->sealed;
  MailChange change;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    MessageId id;
    id.data()[0] = static_cast<std::uint8_t>(i);
    id.data()[1] = static_cast<std::uint8_t>(i >> 8);
    // Old ones that would not even open: whoever touches one fails.
    change.put.push_back({id, 0, {1'000'000 + i}, sealed});
  }
  ASSERT_TRUE(ben.mail.apply(change));
  const CountingReader counting(ben.mail);
  const Mailbox mailbox(chain.store(), counting, keys, ben.outbox);
  EXPECT_EQ(mailbox.list({}, 4).value().size(), 4u);
  EXPECT_LE(counting.entries, 8u);
  EXPECT_EQ(mailbox.list({.flag = "unread"}, 20).value().size(), 4u);
  EXPECT_LE(counting.entries, 16u);
}

TEST(MailOverlay, IsWhatTheStoreWouldBe) {
  MemoryMailStore written;
  MemoryMailStore base;
  const auto id = [](std::uint8_t n) { return MessageId::filled(n); };
  MailChange before;
  before.put = {{id(1), 0, {100}, to_bytes("a")}, {id(2), 0, {200}, to_bytes("b")}};
  before.flags = {{id(1), {"unread"}}, {id(2), {"unread"}}};
  before.values["x"] = to_bytes("1");
  MailChange after;
  after.put = {{id(3), 0, {150}, to_bytes("c")}, {id(2), 0, {250}, to_bytes("B")}};
  after.flags = {{id(1), {}}, {id(3), {"unread", "flagged"}}};
  after.position = ScanPosition{Height{4}, BlockHash::filled(4), 5, Digest()};
  after.values["x"] = std::nullopt;
  after.values["y"] = to_bytes("2");
  ASSERT_TRUE(base.apply(before));
  ASSERT_TRUE(written.apply(before));
  ASSERT_TRUE(written.apply(after));
  MailOverlay overlay(base);
  overlay.add(after);

  EXPECT_EQ(overlay.count().value(), written.count().value());
  EXPECT_EQ(overlay.position().value(), written.position().value());
  for (const char* name : {"x", "y", "z"}) {
    EXPECT_EQ(overlay.value(name).value(), written.value(name).value());
    EXPECT_EQ(overlay.values(name).value(), written.values(name).value());
  }
  EXPECT_EQ(overlay.values("").value(), written.values("").value());
  for (std::uint8_t n = 1; n <= 4; ++n) {
    EXPECT_EQ(overlay.flags(id(n)).value(), written.flags(id(n)).value());
    EXPECT_EQ(overlay.ids_with_prefix(filled(n, 4), 9).value(),
              written.ids_with_prefix(filled(n, 4), 9).value());
    const auto one = overlay.entry(id(n)).value();
    EXPECT_EQ(one.has_value(), written.entry(id(n)).value().has_value());
    if (one) {
      EXPECT_EQ(one->sealed, written.entry(id(n)).value()->sealed);
    }
  }
  for (const char* flag : {"unread", "flagged", "archived"}) {
    EXPECT_EQ(overlay.with_flag(flag).value().size(), written.with_flag(flag).value().size());
  }
  for (const std::size_t max : {1u, 2u, 9u}) {
    std::vector<Bytes> here, there;
    for (const auto& entry : overlay.newest(std::nullopt, max).value())
      here.push_back(entry.sealed);
    for (const auto& entry : written.newest(std::nullopt, max).value()) {
      there.push_back(entry.sealed);
    }
    EXPECT_EQ(here, there);
  }
  const MailReader::Place middle{{200}, 0};
  EXPECT_EQ(overlay.newest(middle, 9).value().size(), 2u);
}

}  // namespace
}  // namespace bmsg::mail
