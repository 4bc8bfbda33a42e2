// Letters under a key that wait for a card.

#include "lib/mail/held.h"

#include <gtest/gtest.h>

#include "lib/mail/send_once.h"
#include "tests/mail/person.h"
#include "tests/support/fault_disk.h"

namespace bmsg::mail {
namespace {

/// Letters under one key that is remembered for a minute.
class HeldTest : public testing::Test, public TwoPersons {
 protected:
  SendKey minute(const Letter& letter) {
    SendKey made = key("report", letter);
    made.seconds = 60;
    return made;
  }
  SendKey key(std::string_view word, const Letter& letter) {
    return {.name = key_name(word), .content = letter_digest(letter, ana.context()).value()};
  }
  std::vector<std::string> names_in(const char* place) const {
    return ana.disk.list(ana.outbox.directory() / place).value();
  }
  Result<SentOnce> hold(const Letter& letter) {
    return hold_once(letter, minute(letter), ana.context());
  }
  std::vector<std::string> waiting() {
    std::vector<std::string> words;
    const HeldLetters held(ana.outbox, ana.keyring.archive);
    for (const HeldLetter& one : held.all().value())
      words.push_back(to_string(one.letter.content.content));
    return words;
  }
  std::size_t release() {
    return HeldLetters(ana.outbox, ana.keyring.archive).release(ana.context(), {}).value().size();
  }

  Person dora{5}, carl{6};
};

TEST_F(HeldTest, AKeyThatIsForgottenHoldsTheNextLetterBesideTheFirst) {
  const Letter first = ana.letter({dora.address()}, "first");
  const Letter second = ana.letter({dora.address()}, "second");
  const MessageId id = hold(first).value().held.value();
  ana.clock.advance(59);
  EXPECT_EQ(hold(second).error().code, Errc::bad_input) << "the key is remembered";
  EXPECT_EQ(hold(first).value().held, id);
  ana.clock.advance(1);
  ASSERT_TRUE(SendKeys(ana.outbox).sweep(ana.clock.now()));
  EXPECT_NE(hold(second).value().held, id);
  EXPECT_EQ(waiting(), (std::vector<std::string>{"first", "second"}));
}

TEST_F(HeldTest, WhatIsHeldUnderAKeyOfOneThatWasReleasedGoesOut) {
  ASSERT_TRUE(hold(ana.letter({dora.address()}, "first")));
  ana.knows(dora.new_card());
  EXPECT_EQ(release(), 1U);
  ana.clock.advance(60);
  ASSERT_TRUE(SendKeys(ana.outbox).sweep(ana.clock.now()));
  ASSERT_TRUE(hold(ana.letter({carl.address()}, "second")));
  EXPECT_EQ(release(), 0U);
  ana.knows(carl.new_card());
  EXPECT_EQ(release(), 1U);
  EXPECT_EQ(waiting(), std::vector<std::string>{});
  EXPECT_EQ(names_in("new").size(), 2U);
}

// No sweep has been: the time of a key decides, and not whether its record is there.
TEST_F(HeldTest, AKeyWhoseTimeIsOverTakesAnotherText) {
  ASSERT_TRUE(hold(ana.letter({dora.address()}, "first")));
  ana.clock.advance(59);
  EXPECT_EQ(hold(ana.letter({dora.address()}, "second")).error().code, Errc::bad_input);
  ana.clock.advance(1);
  ASSERT_TRUE(hold(ana.letter({dora.address()}, "second")));
  EXPECT_EQ(waiting(), (std::vector<std::string>{"first", "second"}));
}

// The card comes while a send is repeated that a disk had broken off at any step.
TEST_F(HeldTest, IsHeldOrSentOnceWhereverTheDiskFails) {
  int failed = 0;
  for (std::uint64_t step = 0; step < 100; ++step) {
    Person to(100 + step);
    FaultDisk faulty(ana.disk);
    faulty.fail_after(step, Failing::from_then_on);
    Outbox outbox(faulty, ana.outbox.directory());
    const SendContext whole = ana.context();
    const SendContext broken{.chain = whole.chain,
                             .cards = whole.cards,
                             .outbox = outbox,
                             .clock = whole.clock,
                             .entropy = whole.entropy,
                             .keyring = whole.keyring,
                             .identity = whole.identity,
                             .patience = whole.patience};
    const std::string word = "k" + std::to_string(step);
    const Letter letter = ana.letter({to.address()}, word);
    const auto first = hold_once(letter, key(word, letter), broken);
    ana.knows(to.new_card());
    const auto before = names_in("new").size();
    ASSERT_TRUE(send_once(letter, key(word, letter), ana.context(), {})) << step;
    (void)release();
    EXPECT_EQ(names_in("new").size(), before + 1) << step;
    EXPECT_EQ(waiting(), std::vector<std::string>{}) << step;
    if (first) break;
    ++failed;
  }
  EXPECT_GT(failed, 5);
  EXPECT_LT(failed, 100);
}

// The process died when the name of the key was there and the letter had not been moved on.
TEST_F(HeldTest, FinishesWhatADeadProcessHeld) {
  const Letter letter = ana.letter({dora.address()}, "first");
  const MessageId id = hold(letter).value().held.value();
  const std::string name = names_in("held").at(0);
  const auto directory = ana.outbox.directory();
  const auto die = [&] {
    ASSERT_TRUE(ana.disk.rename(directory / "held" / name, directory / "tmp" / (name + ".1234")));
    ASSERT_EQ(waiting(), std::vector<std::string>{});
  };
  die();
  ASSERT_TRUE(SendKeys(ana.outbox).sweep(ana.clock.now()));
  EXPECT_EQ(waiting(), std::vector<std::string>{"first"}) << "cron finishes it too";
  die();
  EXPECT_EQ(hold(letter).value().held, id);
  EXPECT_EQ(waiting(), std::vector<std::string>{"first"});
  EXPECT_TRUE(names_in("tmp").empty());
  EXPECT_TRUE(names_in("new").empty());
}

// Before its name decides, a letter is a leftover as messages are.
TEST_F(HeldTest, WhatWasNotDecidedIsSweptAndNotHeld) {
  const HeldLetters held(ana.outbox, ana.keyring.archive);
  const auto made =
      held.seal(ana.letter({dora.address()}, "first"), ana.address(), ana.entropy).value();
  const UnixSeconds now = ana.clock.now();
  ASSERT_TRUE(ana.outbox.stage_held(outbox_name(now, made.id), made.file));
  EXPECT_EQ(names_in("tmp").size(), 1U);
  ASSERT_TRUE(SendKeys(ana.outbox).sweep({now.value + kOutboxLeftoverSeconds}));
  EXPECT_EQ(names_in("tmp").size(), 1U);
  ASSERT_TRUE(SendKeys(ana.outbox).sweep({now.value + kOutboxLeftoverSeconds + 1}));
  EXPECT_TRUE(names_in("tmp").empty());
  EXPECT_TRUE(waiting().empty());
}

// A backup holds no empty directories.
TEST_F(HeldTest, AKeyOfWhatWasReleasedIsFoundWithoutADirectoryOfHeldOnes) {
  const Letter letter = ana.letter({dora.address()}, "first");
  const MessageId id = hold(letter).value().held.value();
  ana.knows(dora.new_card());
  EXPECT_EQ(release(), 1U);
  std::filesystem::remove(ana.outbox.directory() / "held");
  EXPECT_EQ(hold(letter).value().held, id);
}

}  // namespace
}  // namespace bmsg::mail
