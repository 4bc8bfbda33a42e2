#include "lib/mail/received.h"

#include <gtest/gtest.h>

#include "lib/mail/memory_mail_store.h"

namespace bmsg::mail {
namespace {

using Ids = std::vector<MessageId>;

MessageId id(std::uint8_t n) { return MessageId::filled(n); }

/// What a scan would enter: these unread, the others as own messages.
MailChange scanned(const Ids& unread, const Ids& own = {}) {
  MailChange change;
  for (const MessageId& one : unread) {
    change.put.push_back({one, 0, {100}, {}});
    change.flags[one] = {"unread"};
  }
  for (const MessageId& one : own) change.put.push_back({one, 0, {100}, {}});
  return change;
}

/// Three messages wait.
class Received : public testing::Test {
 protected:
  Received() { enter({id(1), id(2), id(3)}); }
  void enter(const Ids& unread, const Ids& own = {}) {
    MailChange change = scanned(unread, own);
    EXPECT_TRUE(queue_received(mail, change));
    EXPECT_TRUE(mail.apply(change));
  }
  void tell(std::uint8_t n) { EXPECT_TRUE(mail.apply(without_received(mail, id(n)).value())); }
  Ids waiting() const { return received(mail).value(); }

  MemoryMailStore mail;
};

TEST_F(Received, WaitInTheOrderOfReading) { EXPECT_EQ(waiting(), (Ids{id(1), id(2), id(3)})); }

TEST_F(Received, AreOnlyThoseThatCame) {
  enter({}, {id(4)});
  EXPECT_EQ(waiting().size(), 3u);
  MailChange nothing = scanned({}, {id(5)});
  EXPECT_TRUE(queue_received(mail, nothing));
  EXPECT_TRUE(nothing.values.empty());
}

TEST_F(Received, LeaveOneByOne) {
  tell(1);
  EXPECT_EQ(waiting(), (Ids{id(2), id(3)}));
  tell(2);
  tell(3);
  EXPECT_EQ(waiting(), Ids{});
  EXPECT_FALSE(mail.value("received").value()) << "nothing is left behind";
  EXPECT_FALSE(mail.value("received.told").value());
}

TEST_F(Received, MayLeaveInAnyOrder) {
  tell(2);
  EXPECT_EQ(waiting(), (Ids{id(1), id(3)}));
  tell(1);
  tell(1);  // Again: it is not there any more.
  EXPECT_EQ(waiting(), Ids{id(3)});
}

TEST_F(Received, AreJoinedByWhatComesMeanwhile) {
  tell(1);
  enter({id(4)});
  EXPECT_EQ(waiting(), (Ids{id(2), id(3), id(4)}));
  tell(2);
  EXPECT_EQ(waiting(), (Ids{id(3), id(4)}));
}

TEST_F(Received, CanAllBeForgotten) {
  tell(1);
  EXPECT_TRUE(mail.apply(without_any_received()));
  EXPECT_EQ(waiting(), Ids{});
  enter({id(9)});
  EXPECT_EQ(waiting(), Ids{id(9)});
}

TEST_F(Received, AreRefusedWhenDamaged) {
  for (const std::size_t size : {1u, 63u, 65u}) {
    MailChange change;
    change.values["received"] = Bytes(size, 7);
    EXPECT_TRUE(mail.apply(change));
    EXPECT_EQ(received(mail).error().code, Errc::corrupt) << size;
  }
  MailChange change;
  change.values["received"] = Bytes(64, 7);
  change.values["received.told"] = Bytes{0, 0, 0, 2};
  EXPECT_TRUE(mail.apply(change));
  EXPECT_EQ(received(mail).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace bmsg::mail
