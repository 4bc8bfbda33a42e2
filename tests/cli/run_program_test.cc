// Calling programs: what they are given, what of them comes back, and how their end is told.

#include "cli/run_program.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/temp_dir.h"

namespace bmsg::cli {
namespace {

using std::chrono::milliseconds;

/// A shell stands for any program: here it is one of the words.
ProgramCall script(const std::string& text) {
  return {.words = {"/bin/sh", "-c", text}, .output = ProgramOutput::results};
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(RunProgram, TellsTheExitCode) {
  const auto result = run_program(script("exit 3"));
  EXPECT_EQ(result.end, ProgramEnd::exited);
  EXPECT_EQ(result.status, 3);
  EXPECT_FALSE(result.succeeded());
  EXPECT_TRUE(run_program(script("exit 0")).succeeded());
}

TEST(RunProgram, TellsTheSignalThatKilledIt) {
  const auto result = run_program(script("kill -9 $$"));
  EXPECT_EQ(result.end, ProgramEnd::killed);
  EXPECT_EQ(result.status, SIGKILL);
  EXPECT_EQ(words_for(result), "was killed by signal 9 (Killed)");
}

TEST(RunProgram, TellsWhyItCannotBeStarted) {
  const auto result = run_program({.words = {"/nowhere/at/all"}});
  EXPECT_EQ(result.end, ProgramEnd::not_started);
  EXPECT_EQ(result.status, ENOENT);
  EXPECT_EQ(words_for(result), "cannot be started: No such file or directory");
  EXPECT_EQ(run_program({.words = {"/"}}).status, EACCES);
  EXPECT_EQ(run_program({.words = {}}).end, ProgramEnd::not_started);
}

TEST(RunProgram, GivesWordsAsTheyAre) {
  const auto result = run_program(
      {.words = {"printf", "%s|", "a b", "$(id)", "*", ""}, .output = ProgramOutput::results});
  EXPECT_EQ(result.output, "a b|$(id)|*||");
}

TEST(RunProgram, GivesInputThatNoPipeHolds) {
  const std::string much(5u << 20, 'x');
  auto counts = script("wc -c");
  counts.input = much;
  EXPECT_EQ(std::stoul(run_program(counts).output), much.size());
  auto does_not_look = script("exit 0");
  does_not_look.input = much;
  EXPECT_TRUE(run_program(does_not_look).succeeded());
}

TEST(RunProgram, AddsVariablesAndReplacesOurs) {
  ::setenv("BMSG_TEST_KEPT", "kept", 1);
  ::setenv("BMSG_TEST_OURS", "ours", 1);
  auto call = script("echo $BMSG_TEST_KEPT $BMSG_TEST_OURS $BMSG_TEST_NEW");
  call.variables = {{"BMSG_TEST_OURS", "theirs"}, {"BMSG_TEST_NEW", "a=b"}};
  EXPECT_EQ(run_program(call).output, "kept theirs a=b\n");
}

TEST(RunProgram, CollectsComplaintsOnlyWhereAsked) {
  auto call = script("echo out; echo err >&2; echo out");
  EXPECT_EQ(run_program(call).output, "out\nout\n");
  call.output = ProgramOutput::everything;
  EXPECT_EQ(run_program(call).output, "out\nerr\nout\n");
}

TEST(RunProgram, CollectsNoMoreThanTheLimitAndHoldsNobodyUp) {
  const auto result = run_program(script("head -c 3000000 /dev/zero"));
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output.size(), kProgramOutputBytesMax);
  const auto exact = script(fmt::format("head -c {} /dev/zero", kProgramOutputBytesMax));
  EXPECT_EQ(run_program(exact).output.size(), kProgramOutputBytesMax);
}

TEST(RunProgram, DoesNotWaitForWhoWasLeftBehindWithTheOutput) {
  const auto began = std::chrono::steady_clock::now();
  const auto result = run_program(script("sleep 30 & echo $!"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(20'000));
  ASSERT_FALSE(result.output.empty());
  ::kill(std::stoi(result.output), SIGKILL);
}

TEST(RunProgram, KillsTheWholeGroupWhenTimeIsOver) {
  const TempDir dir;
  const auto file = dir.path() / "child";
  auto call = script("sleep 30 & echo $! > " + file.string() + "; wait");
  call.limit = milliseconds(300);
  const auto result = run_program(call);
  EXPECT_EQ(result.end, ProgramEnd::out_of_time);
  EXPECT_EQ(words_for(result), "ran out of time");
  // Killed with its parent, which takes effect when it is scheduled next; what is left of it is
  // for init to clear away.
  const std::string stat = "/proc/" + std::to_string(std::stoi(text_of(file))) + "/stat";
  const auto until = std::chrono::steady_clock::now() + milliseconds(20'000);
  const auto is_over = [&] {
    const std::string state = text_of(stat);
    return state.empty() || state.find(") Z ") != std::string::npos;
  };
  while (!is_over() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(milliseconds(1));
  EXPECT_TRUE(is_over()) << text_of(stat);
}

TEST(RunProgram, LeavesAQuickProgramAloneWithALimitToo) {
  auto call = script("echo done");
  call.limit = milliseconds(20'000);
  const auto result = run_program(call);
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output, "done\n");
}

TEST(RunProgram, StartsWithoutOurMaskAndOurIgnoredSignals) {
  sigset_t mask;
  sigset_t before;
  ::sigfillset(&mask);
  ::pthread_sigmask(SIG_BLOCK, &mask, &before);
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  const auto blocked = run_program(script("grep SigBlk /proc/self/status"));
  const auto ends = run_program(script("kill -PIPE $$"));
  ::signal(SIGPIPE, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(blocked.output, "SigBlk:\t0000000000000000\n");
  EXPECT_EQ(ends.status, SIGPIPE);
}

TEST(RunProgram, GivesItNoDescriptorOfOurs) {
  const char* list = "ls /proc/self/fd";
  std::string usual(4096, '\0');
  FILE* reference = ::popen(list, "r");  // What whoever runs the tests has left open.
  usual.resize(std::fread(usual.data(), 1, usual.size(), reference));
  ::pclose(reference);
  EXPECT_EQ(run_program(script(list)).output, usual);
}

/// Signals itself as soon as the program has said that it is ready.
ProgramResult signalled(const std::string& text, int signal, int times) {
  const TempDir dir;
  const auto ready = dir.path() / "ready";
  auto call = script(text);
  call.variables = {{"READY", ready.string()}};
  call.signals = OurSignals::passed_on;
  std::jthread sender([&] {
    for (int sent = 0; sent < times; ++sent) {
      while (!std::filesystem::exists(ready)) std::this_thread::yield();
      std::filesystem::remove(ready);
      ::kill(::getpid(), signal);
    }
  });
  return run_program(call);
}

TEST(RunProgram, PassesASignalOnAndTellsIt) {
  const auto result = signalled(": >$READY; exec sleep 30", SIGTERM, 1);
  EXPECT_EQ(result.end, ProgramEnd::killed);
  EXPECT_EQ(result.status, SIGTERM);
  EXPECT_EQ(result.our_signal, SIGTERM);
}

TEST(RunProgram, LetsAProgramFinishAfterASignal) {
  const auto result =
      signalled("trap 'echo tidy; exit 0' INT; : >$READY; while :; do sleep 0.01; done", SIGINT, 1);
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output, "tidy\n");
  EXPECT_EQ(result.our_signal, SIGINT);
}

TEST(RunProgram, KillsAtASecondSignal) {
  const auto result =
      signalled("trap ': >$READY' TERM; : >$READY; while :; do sleep 0.01; done", SIGTERM, 2);
  EXPECT_EQ(result.end, ProgramEnd::killed);
  EXPECT_EQ(result.status, SIGKILL);
}

TEST(RunProgram, LeavesAProgramRunningThatMayGoOn) {
  const TempDir dir;
  const auto file = dir.path() / "number";
  auto call = script("echo $$ >$NUMBER; echo much; echo more >&2; exec sleep 60");
  call.variables = {{"NUMBER", file.string()}};
  call.output = ProgramOutput::nothing;
  call.limit = std::chrono::milliseconds(3000);
  call.at_limit = AtLimit::left_running;
  const auto result = run_program(call);
  EXPECT_EQ(result.end, ProgramEnd::out_of_time);
  EXPECT_EQ(result.output, "");
  pid_t process = 0;
  ASSERT_TRUE(std::ifstream(file) >> process);
  int status = 0;
  EXPECT_EQ(::waitpid(process, &status, WNOHANG), 0) << "it has ended";
  ::kill(process, SIGKILL);
  EXPECT_EQ(::waitpid(process, &status, 0), process);
}

TEST(RunProgram, GivesSignalsBackWhenItIsOver) {
  EXPECT_EQ(signalled("exit 0", SIGTERM, 0).our_signal, 0);
  struct sigaction action {};
  ::sigaction(SIGTERM, nullptr, &action);
  EXPECT_EQ(action.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace bmsg::cli
