// Letters under a key that wait for a card.

#include "lib/mail/held.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "lib/mail/send_once.h"
#include "tests/mail/person.h"
#include "tests/support/fault_disk.h"

namespace bmsg::mail {
namespace {

/// Just before a key gets its name somebody sweeps, long after the send had begun.
class SweepingDisk final : public FaultDisk {
 public:
  SweepingDisk(Disk& disk, std::filesystem::path outbox)
      : FaultDisk(disk), outbox_(std::move(outbox)) {}

  Result<Done> link(const std::filesystem::path& file, const std::filesystem::path& name) override {
    BMSG_TRY_ASSIGN(const auto names, list(outbox_ / "tmp"));
    for (const std::string& one : names) {
      if (outbox_ / "tmp" / one != file) BMSG_TRY(remove(outbox_ / "tmp" / one));
    }
    return FaultDisk::link(file, name);
  }

 private:
  std::filesystem::path outbox_;
};

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
    const std::string word = "k" + std::to_string(step);
    const Letter letter = ana.letter({to.address()}, word);
    const auto first = hold_once(letter, key(word, letter), ana.context_over(outbox));
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

// The same, stopped for longer than leftovers are kept.
TEST_F(HeldTest, TellsNoIdOfALetterThatASweepTook) {
  SweepingDisk disk(ana.disk, ana.outbox.directory());
  Outbox outbox(disk, ana.outbox.directory());
  const Letter letter = ana.letter({dora.address()}, "first");
  EXPECT_EQ(hold_once(letter, minute(letter), ana.context_over(outbox)).error().code,
            Errc::try_again);
  EXPECT_TRUE(waiting().empty());
  EXPECT_TRUE(hold(letter).value().held) << "the key stands for nothing";
  EXPECT_EQ(waiting(), std::vector<std::string>{"first"});
}

TEST_F(HeldTest, TellsNoIdOfAMessageThatASweepTook) {
  SweepingDisk disk(ana.disk, ana.outbox.directory());
  Outbox outbox(disk, ana.outbox.directory());
  const Letter letter = ana.letter({ben.address()}, "first");
  EXPECT_EQ(send_once(letter, minute(letter), ana.context_over(outbox), {}).error().code,
            Errc::try_again);
  EXPECT_TRUE(names_in("new").empty());
  EXPECT_EQ(send_once(letter, minute(letter), ana.context(), {}).value().sent.size(), 1U);
  EXPECT_EQ(names_in("new").size(), 1U);
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

// One is damaged, or of a keyring that was left: all others go.
TEST_F(HeldTest, ADamagedLetterKeepsNoOtherBack) {
  HeldLetters held(ana.outbox, ana.keyring.archive);
  const MessageId bad =
      held.hold(ana.letter({dora.address()}, "bad"), ana.address(), {100}, ana.entropy).value();
  const auto file = ana.outbox.directory() / "held" / names_in("held").at(0);
  Bytes bytes = *ana.disk.read(file, 100'000).value();
  bytes.back() ^= 1;
  ASSERT_TRUE(ana.disk.replace(file, bytes));
  ASSERT_TRUE(hold(ana.letter({dora.address()}, "good")));
  ana.knows(dora.new_card());
  std::vector<HeldLetters::Stuck> stuck;
  EXPECT_EQ(held.release(ana.context(), {}, &stuck).value().size(), 1U);
  ASSERT_EQ(stuck.size(), 1U);
  EXPECT_EQ(stuck[0].held, bad);
  EXPECT_EQ(stuck[0].why.code, Errc::corrupt);
  EXPECT_EQ(names_in("held").size(), 1U);
  EXPECT_TRUE(cancel_held(ana.outbox, bad, {}, ana.clock));
  EXPECT_TRUE(names_in("held").empty());
}

// Carl's identity has ended; one letter lives longer than the chain lets any.
TEST_F(HeldTest, ALetterThatNoCardWillHelpIsNamedAndKeepsNoOtherBack) {
  HeldLetters held(ana.outbox, ana.keyring.archive);
  const auto hold_at = [&](const Letter& letter, std::uint64_t since) {
    return held.hold(letter, ana.address(), {since}, ana.entropy).value();
  };
  const MessageId ended = hold_at(ana.letter({carl.address()}, "ended"), 100);
  Letter longer = ana.letter({dora.address()}, "longer");
  longer.ttl = free_chain().rules.maxttl;
  const MessageId allowed = hold_at(longer, 101);
  ++longer.ttl;
  const MessageId refused = hold_at(longer, 102);
  const MessageId good = hold_at(ana.letter({dora.address()}, "good"), 103);
  const MessageId waits = hold_at(ana.letter({Person(7).address()}, "waits"), 104);
  ana.knows(dora.new_card());
  ASSERT_TRUE(ana.cards.put_statement(make_statement(kWholeIdentity, carl.self().seed, nullptr),
                                      std::nullopt));

  std::vector<HeldLetters::Stuck> stuck;
  const auto released = held.release(ana.context(), {}, &stuck).value();
  ASSERT_EQ(released.size(), 2U);
  EXPECT_EQ(released[0].held, allowed);
  EXPECT_EQ(released[1].held, good);
  ASSERT_EQ(stuck.size(), 2U) << "and not the one that waits for a card";
  EXPECT_EQ(stuck[0].held, ended);
  EXPECT_EQ(stuck[0].why.code, Errc::no_recipient);
  EXPECT_EQ(stuck[1].held, refused);
  EXPECT_EQ(stuck[1].why.code, Errc::bad_input);
  EXPECT_EQ(names_in("held").size(), 3U);
  EXPECT_EQ(held_names(ana.outbox).value().back().id, waits);
}

/// Somebody else does something when a held letter has been read and is about to be sent: the
/// directory of held ones is asked a second time then.
class MeanwhileDisk final : public FaultDisk {
 public:
  explicit MeanwhileDisk(Disk& disk) : FaultDisk(disk) {}
  Result<Done> make_directory(const std::filesystem::path& directory) override {
    if (directory.filename() == "keys" && meanwhile) std::exchange(meanwhile, nullptr)();
    return FaultDisk::make_directory(directory);
  }
  std::function<void()> meanwhile;
};

TEST_F(HeldTest, WhatIsTakenBackWhileItIsReleasedIsNotSent) {
  const MessageId id = hold(ana.letter({dora.address()}, "first")).value().held.value();
  ana.knows(dora.new_card());
  const auto before = names_in("new").size();
  MeanwhileDisk disk(ana.disk);
  Outbox outbox(disk, ana.outbox.directory());
  Result<Done> cancelled = Error{Errc::io, "not asked"};
  disk.meanwhile = [&] { cancelled = cancel_held(ana.outbox, id, {}, ana.clock); };
  HeldLetters held(outbox, ana.keyring.archive);
  const auto released = held.release(ana.context_over(outbox), {});
  ASSERT_TRUE(released);
  EXPECT_TRUE(released.value().empty());
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(names_in("new").size(), before);
}

TEST_F(HeldTest, TwoWhoReleaseSendOnceAndBothGoOn) {
  ASSERT_TRUE(hold(ana.letter({dora.address()}, "first")));
  HeldLetters others(ana.outbox, ana.keyring.archive);
  (void)others.hold(ana.letter({dora.address()}, "second"), ana.address(), {100}, ana.entropy);
  ana.knows(dora.new_card());
  const auto before = names_in("new").size();
  MeanwhileDisk disk(ana.disk);
  Outbox outbox(disk, ana.outbox.directory());
  disk.meanwhile = [&] { EXPECT_EQ(release(), 2U); };
  HeldLetters held(outbox, ana.keyring.archive);
  const auto released = held.release(ana.context_over(outbox), {});
  ASSERT_TRUE(released);
  EXPECT_TRUE(released.value().empty());
  EXPECT_EQ(names_in("new").size(), before + 2);
}

// Who sent it died before its file was gone: it cannot be called back under that name any more.
TEST_F(HeldTest, WhatHasBeenSentIsNotTakenBack) {
  const MessageId id = hold(ana.letter({dora.address()}, "first")).value().held.value();
  const auto file = ana.outbox.directory() / "held" / names_in("held").at(0);
  const Bytes bytes = *ana.disk.read(file, 100'000).value();
  ana.knows(dora.new_card());
  EXPECT_EQ(release(), 1U);
  ASSERT_TRUE(ana.disk.replace(file, bytes));
  EXPECT_EQ(cancel_held(ana.outbox, id, {}, ana.clock).error().code, Errc::not_found);
  EXPECT_TRUE(names_in("held").empty());
  EXPECT_FALSE(released_as(ana.outbox, id).value().empty());
}

}  // namespace
}  // namespace bmsg::mail
