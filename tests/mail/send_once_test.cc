#include "lib/mail/send_once.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lib/mail/held.h"
#include "tests/mail/person.h"
#include "tests/support/fault_disk.h"

namespace bmsg::mail {
namespace {

class SendOnceTest : public testing::Test, public TwoPersons {
 protected:
  SendKey key(std::string_view word, const Letter& letter) {
    return {.name = key_name(word), .content = letter_digest(letter, ana.context()).value()};
  }
  Result<SentOnce> once(std::string_view word, const Letter& letter) {
    return send_once(letter, key(word, letter), ana.context(), {});
  }
  std::vector<std::string> names_in(const char* place) const {
    return ana.disk.list(ana.outbox.directory() / place).value();
  }
  Letter hello() const { return ana.letter({ben.address()}, "hello"); }
};

TEST(KeyRecord, ComesBackAndIsRefusedWhenChanged) {
  const KeyRecord record{.since = {5},
                         .until = {9},
                         .held = false,
                         .content = Digest::filled(3),
                         .messages = {{MessageId::filled(7), 700}, {MessageId::filled(8), 800}}};
  const Bytes whole = encode(record);
  EXPECT_EQ(decode_key_record(whole).value(), record);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    Bytes bad = whole;
    bad[at] ^= 1;
    EXPECT_FALSE(decode_key_record(bad)) << at;
    EXPECT_FALSE(decode_key_record(ByteView(whole).first(at))) << at;
  }
}

TEST_F(SendOnceTest, FindsTheFirstSend) {
  const MessageId id = once("k", hello()).value().sent.at(0).id;
  const auto again = once("k", hello()).value();
  ASSERT_EQ(again.sent.size(), 1u);
  EXPECT_EQ(again.sent[0].id, id);
  EXPECT_EQ(names_in("new").size(), 1u);
  EXPECT_NE(once("other", hello()).value().sent.at(0).id, id);
}

TEST_F(SendOnceTest, RefusesOtherContentAndOtherRecipients) {
  ASSERT_TRUE(once("k", hello()));
  EXPECT_EQ(once("k", ana.letter({ben.address()}, "hullo")).error().code, Errc::bad_input);
  EXPECT_EQ(once("k", ana.letter({ana.address()}, "hello")).error().code, Errc::bad_input);
  EXPECT_EQ(names_in("new").size(), 1u);
}

TEST_F(SendOnceTest, FindsItWhereverTheFileWent) {
  const MessageId id = once("k", hello()).value().sent.at(0).id;
  ana.hand_over(chain);
  EXPECT_EQ(once("k", hello()).value().sent.at(0).id, id);
  ASSERT_TRUE(ana.outbox.remove({ana.outbox.find(id).value().value()}));
  EXPECT_EQ(once("k", hello()).value().sent.at(0).id, id);
  EXPECT_TRUE(names_in("new").empty());
}

TEST_F(SendOnceTest, ForgetsAfterItsTimeAndNotBefore) {
  SendKey short_lived = key("k", hello());
  short_lived.seconds = 60;
  const auto send = [&] {
    return send_once(hello(), short_lived, ana.context(), {}).value().sent.at(0).id;
  };
  const MessageId id = send();
  ana.clock.advance(59);
  EXPECT_EQ(send(), id);
  ana.clock.advance(1);
  EXPECT_NE(send(), id);
}

TEST_F(SendOnceTest, SweepsKeysWhoseTimeIsOver) {
  SendKey short_lived = key("k", hello());
  short_lived.seconds = 60;
  ASSERT_TRUE(send_once(hello(), short_lived, ana.context(), {}));
  const auto records = [&] {
    return std::ranges::count_if(names_in("keys"),
                                 [](const auto& name) { return name.size() == 128; });
  };
  SendKeys keys(ana.outbox);
  ASSERT_TRUE(keys.sweep({ana.clock.now().value + 59}));
  EXPECT_EQ(records(), 1);
  ASSERT_TRUE(keys.sweep({ana.clock.now().value + 60}));
  EXPECT_EQ(records(), 0);
}

TEST_F(SendOnceTest, SweepsOnceADay) {
  SendKeys keys(ana.outbox);
  const UnixSeconds now = ana.clock.now();
  const auto records_after = [&](std::uint64_t seconds) {
    EXPECT_TRUE(keys.sweep_daily({now.value + seconds}));
    return std::ranges::count_if(names_in("keys"),
                                 [](const auto& name) { return name.size() == 128; });
  };
  EXPECT_EQ(records_after(0), 0);
  SendKey short_lived = key("k", hello());
  short_lived.seconds = 60;
  ASSERT_TRUE(send_once(hello(), short_lived, ana.context(), {}));
  EXPECT_EQ(records_after(24 * 3600 - 1), 1);
  EXPECT_EQ(records_after(24 * 3600), 0);
  // A clock that had run ahead, and a file that was damaged.
  const auto marker = ana.outbox.directory() / "tmp" / "swept";
  for (const std::string text : {"99999999999\n", "soon", ""}) {
    ASSERT_TRUE(ana.disk.replace(marker, as_bytes(text)));
    SendKey one = key("k" + text, hello());
    one.seconds = 1;
    ASSERT_TRUE(send_once(hello(), one, ana.context(), {}));
    EXPECT_EQ(records_after(24 * 3600 + 60), 0) << text;
  }
}

// The power went after cancel() had ended, and the file that it had put aside is there again.
TEST_F(SendOnceTest, DoesNotFinishWhatWasCalledBack) {
  const MessageId id = once("k", hello()).value().sent.at(0).id;
  const std::string name = names_in("new").at(0);
  const auto directory = ana.outbox.directory();
  const auto file = ana.disk.read(directory / "new" / name, kOutboxFileBytesMax).value();
  ASSERT_TRUE(ana.outbox.cancel(id));
  ASSERT_TRUE(ana.disk.create(directory / "tmp" / name, file.value()));

  const UnixSeconds now = ana.clock.now();
  ASSERT_TRUE(SendKeys(ana.outbox).sweep(now));
  EXPECT_TRUE(names_in("new").empty());
  EXPECT_EQ(once("k", hello()).value().sent.at(0).id, id);
  EXPECT_TRUE(names_in("new").empty());
  ASSERT_TRUE(SendKeys(ana.outbox).sweep({now.value + kOutboxLeftoverSeconds + 1}));
  EXPECT_TRUE(names_in("tmp").empty());
}

// The process died when the name of the key was there and no message had been moved on.
TEST_F(SendOnceTest, FinishesWhatADeadProcessBegan) {
  auto prepared = prepare(hello(), ana.context(), {}).value();
  const std::vector<OutboxFile> files = {prepared.at(0).file};
  ASSERT_TRUE(SendKeys(ana.outbox).queue(key("k", hello()), files, ana.clock.now()));
  const std::string name = names_in("new").at(0);
  const auto directory = ana.outbox.directory();
  ASSERT_TRUE(ana.disk.rename(directory / "new" / name, directory / "tmp" / (name + ".1234")));
  ASSERT_TRUE(names_in("new").empty());
  ASSERT_TRUE(SendKeys(ana.outbox).sweep(ana.clock.now()));
  EXPECT_EQ(names_in("new"), std::vector<std::string>{name}) << "cron finishes it too";
  ASSERT_TRUE(ana.disk.rename(directory / "new" / name, directory / "tmp" / (name + ".1234")));

  const auto again = once("k", hello()).value();
  EXPECT_EQ(again.sent.at(0).id, prepared.at(0).sent.id);
  EXPECT_EQ(names_in("new"), std::vector<std::string>{name});
  EXPECT_TRUE(names_in("tmp").empty());
}

// A process without descriptors sweeps long after another died: what that had begun is no leftover.
TEST_F(SendOnceTest, KeepsWhatADeadProcessBeganThoughItsKeyCannotBeReadNow) {
  ASSERT_TRUE(once("k", hello()));
  const std::string name = names_in("new").at(0);
  const auto directory = ana.outbox.directory();
  ASSERT_TRUE(ana.disk.rename(directory / "new" / name, directory / "tmp" / (name + ".1234")));
  const UnixSeconds later{ana.clock.now().value + kOutboxLeftoverSeconds + 1};
  int failed = 0;
  for (const Errc code : {Errc::no_resource, Errc::denied, Errc::io}) {
    for (std::uint64_t step = 0; step < 3; ++step) {  // The last: reading the key.
      FaultDisk faulty(ana.disk, code);
      faulty.fail_after(step, Failing::once);
      Outbox outbox(faulty, directory);
      EXPECT_FALSE(SendKeys(outbox).sweep(later)) << step;
      EXPECT_EQ(faulty.failures(), 1U);
      EXPECT_EQ(names_in("tmp").size(), 1U) << "gone at step " << step;
      ++failed;
    }
  }
  EXPECT_EQ(failed, 9);
  ASSERT_TRUE(SendKeys(ana.outbox).sweep(later));
  EXPECT_EQ(names_in("new"), std::vector<std::string>{name});
}

// A disk that fails at any step: nothing is sent, or the repeat finds it; never two messages.
TEST_F(SendOnceTest, IsOneMessageWhereverTheDiskFails) {
  int failed = 0;
  for (int step = 0;; ++step) {
    FaultDisk faulty(ana.disk);
    faulty.fail_after(static_cast<std::uint64_t>(step), Failing::once);
    Outbox outbox(faulty, ana.outbox.directory());
    SendContext context = ana.context();
    const std::string word = "k" + std::to_string(step);
    const Letter letter = ana.letter({ben.address()}, word);
    const SendContext broken{.chain = context.chain,
                             .cards = context.cards,
                             .outbox = outbox,
                             .clock = context.clock,
                             .entropy = context.entropy,
                             .keyring = context.keyring,
                             .identity = context.identity,
                             .patience = context.patience};
    const auto before = names_in("new").size();
    const auto first = send_once(letter, key(word, letter), broken, {});
    failed += first ? 0 : 1;
    const auto second = once(word, letter);
    ASSERT_TRUE(second) << step;
    EXPECT_EQ(names_in("new").size(), before + 1) << step;
    if (!first) continue;
    EXPECT_EQ(first.value().sent.at(0).id, second.value().sent.at(0).id);
    break;
  }
  EXPECT_GT(failed, 5);
}

TEST_F(SendOnceTest, HoldsALetterOnce) {
  const Letter letter = ana.letter({IdentityKey::filled(9)}, "hello");
  const SendKey k = key("k", letter);
  const MessageId held = hold_once(letter, k, ana.context()).value().held.value();
  EXPECT_EQ(hold_once(letter, k, ana.context()).value().held, held);
  EXPECT_EQ(send_once(letter, k, ana.context(), {}).value().held, held);
  EXPECT_EQ(names_in("held").size(), 1u);
}

}  // namespace
}  // namespace bmsg::mail
