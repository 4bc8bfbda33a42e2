#include "lib/mail/judges.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>

#include "tests/mail/support.h"
#include "tests/support/no_threads.h"

namespace bmsg::mail {
namespace {

constexpr std::chrono::seconds kPatience{60};  // Nobody waits so long, unless something is broken.

MessageId numbered(std::size_t number) {
  Bytes bytes(MessageId::kSize);
  bytes[0] = static_cast<std::uint8_t>(number >> 8);
  bytes[1] = static_cast<std::uint8_t>(number);
  return MessageId::from(bytes);
}

Question question(std::size_t number, std::uint32_t body_bytes = 0) {
  Question made;
  made.id = numbered(number);
  made.message.head.body_bytes = body_bytes;
  return made;
}

/// Two threads go on only together.
class Meeting {
 public:
  /// False if the other one did not come.
  bool wait() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    const std::size_t pair = (arrived_ + 1) / 2;
    met_.notify_all();
    return met_.wait_for(lock, kPatience, [&] { return arrived_ >= 2 * pair; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable met_;
  std::size_t arrived_ = 0;
};

class JudgesTest : public testing::Test {
 protected:
  /// A judge who knows no message; `work` runs on the thread that judges.
  Judges::Hire hire(std::function<void(const Question&)> work = {}) {
    return [this, work] {
      ++hired;
      return [this, work](const Question& asked) {
        if (work) work(asked);
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
        return Verdict{.summary = {}, .is_absent = (asked.id.data()[1] & 1) != 0};
      };
    };
  }
  Judges::Take take() {
    return [this](const Question& asked, const Verdict& verdict) -> Result<Done> {
      EXPECT_EQ(verdict.is_absent, (asked.id.data()[1] & 1) != 0)
          << "an answer to another question";
      taken.push_back(asked.id);
      if (taken.size() == fails_at) return Error{Errc::io, "the disk is full"};
      return done;
    };
  }
  static std::vector<MessageId> first(std::size_t count) {
    std::vector<MessageId> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(numbered(i));
    return ids;
  }

  std::mutex mutex;
  std::set<std::thread::id> threads;  // That have judged.
  unsigned hired = 0;
  std::vector<MessageId> taken;
  std::size_t fails_at = 0;
};

TEST_F(JudgesTest, GoOnAloneWhereTheSystemHasNoThreadLeft) {
  const NoThreads full;
  Judges judges(4, hire(), take());
  for (std::size_t i = 0; i < 200; ++i) ASSERT_TRUE(judges.ask(question(i)));
  ASSERT_TRUE(judges.finish());
  EXPECT_EQ(taken, first(200));
  EXPECT_EQ(judges.threads(), 1U);
  EXPECT_EQ(threads, std::set{std::this_thread::get_id()});
  EXPECT_EQ(hired, 2U) << "asked once, and not again";
}

TEST_F(JudgesTest, AnswerInTheOrderOfAskingHoweverManyThereAre) {
  const std::size_t count = 3 * Judges::kWaitingMax + 7;
  for (const unsigned most : {1u, 2u, 4u, 64u}) {
    taken.clear();
    Judges judges(most, hire(), take());
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(judges.ask(question(i)));
    ASSERT_TRUE(judges.finish());
    EXPECT_EQ(taken, first(count)) << most;
    EXPECT_EQ(judges.threads(), std::min<std::size_t>(most, 9)) << "one for each 32 that wait";
  }
}

TEST_F(JudgesTest, JudgeAtTheSameTime) {
  Meeting meeting;
  std::atomic<bool> alone = false;
  const auto meet = [&](const Question&) {
    if (!alone && !meeting.wait()) alone = true;
  };
  const std::size_t count = 2 * Judges::kAlone;
  Judges judges(2, hire(meet), take());
  for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(judges.ask(question(i)));
  ASSERT_TRUE(judges.finish());
  EXPECT_FALSE(alone) << "one judged while the other waited";
  EXPECT_EQ(threads.size(), 2u);
  EXPECT_EQ(taken, first(count));
}

TEST_F(JudgesTest, StartNoThreadForAFew) {
  Judges judges(2, hire(), take());
  for (std::size_t i = 0; i < Judges::kAlone; ++i) ASSERT_TRUE(judges.ask(question(i)));
  ASSERT_TRUE(judges.finish());
  EXPECT_EQ(judges.threads(), 1u);
  EXPECT_EQ(hired, 1u);
  EXPECT_EQ(threads, std::set{std::this_thread::get_id()});
}

TEST_F(JudgesTest, StartOneForEachQuestionBeyondThem) {
  Judges judges(2, hire(), take());
  for (std::size_t i = 0; i <= Judges::kAlone; ++i) ASSERT_TRUE(judges.ask(question(i)));
  EXPECT_EQ(judges.threads(), 2u);
  EXPECT_EQ(hired, 2u);
  ASSERT_TRUE(judges.finish());
  EXPECT_EQ(taken, first(Judges::kAlone + 1));
}

TEST_F(JudgesTest, KeepNoMoreWaitingThanTheirLimits) {
  struct Case {
    std::uint32_t body_bytes;
    std::size_t waiting;
  };
  const std::uint32_t half = Judges::kWaitingBytesMax / 2;
  for (const Case& one : {Case{0, Judges::kWaitingMax}, Case{half, 1}, Case{4 * half, 1}}) {
    taken.clear();
    Judges judges(1, hire(), take());
    for (std::size_t i = 0; i < 400; ++i) {
      ASSERT_TRUE(judges.ask(question(i, one.body_bytes)));
      ASSERT_EQ(taken.size(), i + 1 > one.waiting ? i + 1 - one.waiting : 0);
    }
  }
}

TEST_F(JudgesTest, HandNothingOnAfterAFailure) {
  fails_at = 100;
  for (const unsigned most : {1u, 3u}) {
    taken.clear();
    Judges judges(most, hire(), take());
    Result<Done> asked = done;
    for (std::size_t i = 0; i < 1000 && asked; ++i) asked = judges.ask(question(i));
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().message, "the disk is full");
    EXPECT_FALSE(judges.ask(question(1000)));
    EXPECT_FALSE(judges.finish());
    EXPECT_EQ(taken, first(100));
  }
}

TEST_F(JudgesTest, GoHomeWhenNobodyWaitsForTheirAnswers) {
  {
    Judges judges(4, hire(), take());
    for (std::size_t i = 0; i < 200; ++i) ASSERT_TRUE(judges.ask(question(i)));
    EXPECT_EQ(judges.threads(), 4u);
  }
  EXPECT_TRUE(taken.empty());
}

}  // namespace
}  // namespace bmsg::mail
