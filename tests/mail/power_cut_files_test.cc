// The power goes at each change of our own files in turn, and each call of the disk fails in turn:
// what was acknowledged is there, nothing half is taken for whole, and the same step works then.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

#include "lib/mail/send_key.h"
#include "tests/mail/file_script.h"
#include "tests/mail/support.h"
#include "tests/support/seed.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

constexpr std::uint64_t kChangesMin = 150;
constexpr std::uint64_t kCallsMin = 300;

const FileScript& script() {
  static const FileScript made;
  return made;
}

const char* given_rounds() { return std::getenv("BMSG_CUTS"); }
/// How many of the random ones.
std::uint64_t rounds() { return given_rounds() ? std::strtoull(given_rounds(), nullptr, 10) : 200; }
/// Each way to lose bytes, with one way to lose names or with each.
std::vector<unsigned> ways(std::uint64_t turn) {
  std::vector<unsigned> chosen;
  for (unsigned way = 0; way < 16; ++way) {
    if (given_rounds() || way % 4 == (turn + way / 4) % 4) chosen.push_back(way);
  }
  return chosen;
}

struct World {
  TempDir temp;
  CutDisk disk{temp.path()};
  FileRun run{script(), disk, temp.path()};
};

CutDisk::Tail any_tail(std::mt19937_64& random) {
  return static_cast<CutDisk::Tail>(number_up_to(random, 3));
}
CutDisk::Names any_names(std::mt19937_64& random) {
  return static_cast<CutDisk::Names>(number_up_to(random, 3));
}

/// The rest of the script works, and all of it is durable.
void finish(World& world, std::mt19937_64& random) {
  const auto rest = world.run.go_on();
  ASSERT_TRUE(rest) << world.run.step() << ": " << rest.error().message;
  ASSERT_EQ(world.run.fault(), "");
  world.disk.reboot(CutDisk::Tail::lost, CutDisk::Names::lost, random);
  ASSERT_EQ(world.run.fault(), "");
}

TEST(PowerCutFiles, AllIsDurableThatWasAcknowledged) {
  auto random = seeded_numbers();
  World world;
  std::string wrong;
  world.run.after_step = [&] {
    world.disk.reboot(CutDisk::Tail::lost, CutDisk::Names::lost, random);
    if (wrong.empty() && !world.run.fault().empty()) {
      wrong = "before " + (world.run.is_over() ? "the end" : world.run.step()) + ": " +
              world.run.fault();
    }
  };
  const auto ran = world.run.go_on();
  ASSERT_TRUE(ran) << world.run.step() << ": " << ran.error().message;
  EXPECT_EQ(wrong, "");
}

TEST(PowerCutFiles, LosesNothingAtAnyChange) {
  auto random = seeded_numbers();
  std::uint64_t cuts = 0;
  for (bool is_more = true; is_more; cuts += is_more ? 1 : 0) {
    for (const unsigned way : ways(cuts)) {
      World world;
      world.disk.cut_at(cuts + 1);
      const auto ran = world.run.go_on();
      is_more = !ran;
      if (!is_more) break;
      ASSERT_TRUE(world.disk.is_off()) << world.run.step() << ": " << ran.error().message;
      SCOPED_TRACE("change " + std::to_string(cuts + 1) + ", way " + std::to_string(way) +
                   ", in: " + world.run.step());
      world.disk.reboot(static_cast<CutDisk::Tail>(way / 4), static_cast<CutDisk::Names>(way % 4),
                        random);
      ASSERT_EQ(world.run.fault(), "");
      ASSERT_NO_FATAL_FAILURE(finish(world, random));
    }
  }
  std::cout << cuts << " changes, cut " << ways(0).size() << " times each" << std::endl;
  EXPECT_GE(cuts, kChangesMin);
}

/// Up to five in a row: also while a process mends what the one before has left; and some take the
/// process alone.
TEST(PowerCutFiles, LosesNothingByManyCuts) {
  auto random = seeded_numbers();
  std::uint64_t cuts = 0;
  std::uint64_t in_a_row = 0;
  std::uint64_t kills = 0;
  for (std::uint64_t round = 0; round < rounds(); ++round) {
    World world;
    const std::uint64_t cuts_at_most = 1 + number_up_to(random, 4);
    for (std::uint64_t cut = 0; cut < cuts_at_most; ++cut) {
      world.disk.cut_at(1 + number_up_to(random, cut == 0 ? kChangesMin : 12));
      const auto ran = world.run.go_on();
      if (ran) break;
      ASSERT_TRUE(world.disk.is_off()) << world.run.step() << ": " << ran.error().message;
      ++cuts;
      in_a_row += cut > 0 ? 1 : 0;
      if (number_up_to(random, 2) == 0) {
        world.disk.restart();  // Killed: the next one builds on what may still be lost.
        ++kills;
      } else {
        world.disk.reboot(any_tail(random), any_names(random), random);
      }
      ASSERT_EQ(world.run.fault(), "") << "in: " << world.run.step();
    }
    world.disk.heal();
    ASSERT_NO_FATAL_FAILURE(finish(world, random));
  }
  std::cout << cuts << " cuts, " << in_a_row << " of them after another, " << kills
            << " of a process alone" << std::endl;
  EXPECT_GE(cuts, rounds());
  EXPECT_GE(in_a_row, rounds() / 2);
  EXPECT_GE(kills, rounds() / 2);
}

/// An outbox after a power cut: of its directories only that is there which was made durable.
struct CutOutbox {
  explicit CutOutbox(std::size_t messages) {
    auto random = seeded_numbers();
    std::vector<OutboxFile> files;
    while (files.size() < messages)
      files.push_back({{kFilesNow}, sealed_to({recipient(2, 2)}, "hello", files.size()), {}});
    check(bool(Outbox(disk, temp.path() / "outbox").queue(files)), "nothing is queued");
    disk.reboot(CutDisk::Tail::lost, CutDisk::Names::lost, random);
  }
  std::size_t count(OutboxPlace place) const { return outbox.entries(place).value().size(); }

  TempDir temp;
  CutDisk disk{temp.path()};
  Outbox outbox{disk, temp.path() / "outbox"};
};

TEST(PowerCutFiles, WhatIsQueuedIsTakenThoughOtherDirectoriesAreGone) {
  CutOutbox cut(1);
  const auto queued = cut.outbox.new_messages(9).value();
  ASSERT_EQ(queued.size(), 1u);
  ASSERT_TRUE(cut.outbox.mark_taken(queued.front().name));
  EXPECT_EQ(cut.count(OutboxPlace::taken), 1u);
}

TEST(PowerCutFiles, APackIsUnpackedThoughOtherDirectoriesAreGone) {
  CutOutbox cut(5);
  const auto queued = cut.outbox.new_messages(9).value();
  ASSERT_EQ(queued.size(), 5u);
  ASSERT_TRUE(cut.outbox.mark_failed(queued.front().name, "refused"));
  EXPECT_EQ(cut.count(OutboxPlace::failed), 1u);
  EXPECT_EQ(cut.count(OutboxPlace::fresh), 4u);
}

struct Reason {
  int number;
  Errc code;
};
constexpr Reason kReasons[] = {
    {EIO, Errc::io}, {ENOSPC, Errc::io}, {EDQUOT, Errc::io}, {EMFILE, Errc::no_resource}};

/// What is counted of calls that were made to fail.
struct Failures {
  std::uint64_t calls = 0;
  std::uint64_t swallowed = 0;
};

/// One call fails, and then the power may go besides.
void fail_call(std::uint64_t call, const Reason& reason, CutDisk::Failing failing,
               std::mt19937_64& random, Failures& counted) {
  World world;
  world.disk.fail_at(call, reason.number, failing);
  const auto ran = world.run.go_on();
  if (world.disk.failures() == 0) return;
  ++counted.calls;
  world.disk.heal();
  if (ran) {
    ++counted.swallowed;
  } else {
    ASSERT_EQ(ran.error().code, reason.code) << ran.error().message;
  }
  ASSERT_EQ(world.run.fault(), "") << "in: " << (ran ? "the end" : world.run.step());
  if (number_up_to(random, 1) == 1) {
    world.disk.reboot(any_tail(random), any_names(random), random);
    ASSERT_EQ(world.run.fault(), "");
  }
  ASSERT_NO_FATAL_FAILURE(finish(world, random));
}

/// Each with one reason, or with all.
void fail_each_call(CutDisk::Failing failing, std::mt19937_64& random) {
  Failures counted;
  std::uint64_t before = 0;
  std::uint64_t call = 1;
  do {
    before = counted.calls;
    for (std::size_t i = 0; i < std::size(kReasons); ++i) {
      if (!given_rounds() && i != call % std::size(kReasons)) continue;
      SCOPED_TRACE("call " + std::to_string(call) + ", reason " + std::to_string(i));
      ASSERT_NO_FATAL_FAILURE(fail_call(call, kReasons[i], failing, random, counted));
    }
    ++call;
  } while (counted.calls > before);
  std::cout << counted.calls << " calls failed, " << counted.swallowed << " without need"
            << std::endl;
  EXPECT_GE(counted.calls, kCallsMin);
  EXPECT_LE(counted.swallowed, counted.calls / 20) << "failures are not told";
}

/// Else a repeat under the key would send it a second time.
TEST(FailingDisk, KeepsTheKeyOfWhatGoesOutWhicheverCallFailed) {
  auto random = seeded_numbers();
  const OutboxFile file{{kFilesNow}, sealed_to({recipient(2, 2)}, "hello"), {}};
  const SendKey key{.name = key_name("k")};
  bool has_failed = true;
  for (std::uint64_t call = 1; has_failed; ++call) {
    const TempDir temp;
    CutDisk disk(temp.path());
    Outbox outbox(disk, temp.path() / "outbox");
    SendKeys keys(outbox);
    disk.fail_at(call, ENOSPC, CutDisk::Failing::once);
    (void)keys.queue(key, {file}, {kFilesNow});
    has_failed = disk.failures() > 0;
    disk.heal();
    ASSERT_TRUE(keys.sweep({kFilesNow}));
    const bool goes_out = !outbox.new_messages(9).value().empty();
    disk.reboot(CutDisk::Tail::lost, CutDisk::Names::lost, random);
    const bool is_known = keys.find(key, {kFilesNow}).value().has_value();
    EXPECT_TRUE(is_known || !goes_out) << "call " << call;
    EXPECT_TRUE(goes_out || has_failed);
  }
}

TEST(FailingDisk, IsToldAndLosesNothingWhicheverCallFails) {
  auto random = seeded_numbers();
  ASSERT_NO_FATAL_FAILURE(fail_each_call(CutDisk::Failing::once, random));
  ASSERT_NO_FATAL_FAILURE(fail_each_call(CutDisk::Failing::from_then_on, random));
}

}  // namespace
}  // namespace bmsg::mail
