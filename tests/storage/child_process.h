// ChildProcess: a part of a test in a process of its own, to be killed or cut off.
//
// RocksDB's threads do not outlive a fork, so the test program starts itself again and runs one
// test that is disabled otherwise. What it is to do stands in its environment.

#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <string>

#include "lib/core/check.h"
#include "lib/core/descriptor.h"

namespace bmsg {

class ChildProcess {
 public:
  /// Runs the disabled test of that name ("Suite.DISABLED_Name").
  ChildProcess(const std::string& test, const std::map<std::string, std::string>& environment) {
    int ends[2];
    check(::pipe(ends) == 0, "a test without a pipe");
    process_ = ::fork();
    check(process_ >= 0, "a test without a process");
    if (process_ == 0) run(test, environment, ends[1]);
    ::close(ends[1]);
    numbers_ = Descriptor(ends[0]);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() {
    if (process_ > 0) kill();
  }

  /// In the child: says a number, not 0, to the test that started it.
  static void say(std::uint32_t number) {
    check(::write(kNumbers, &number, sizeof(number)) == sizeof(number), "a child's pipe");
  }

  /// The next number that the child says; 0 when there is none to come.
  std::uint32_t read_number() {
    std::uint32_t number = 0;
    const auto got = ::read(numbers_.number(), &number, sizeof(number));
    return got == sizeof(number) ? number : 0;
  }
  /// The last number that it says; 0 if there is none to come.
  std::uint32_t read_last_number() {
    std::uint32_t last = 0;
    while (const std::uint32_t number = read_number()) last = number;
    return last;
  }

  /// How it ended, as waitpid() says.
  int wait() {
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = -1;
    return status;
  }
  int kill() {
    ::kill(process_, SIGKILL);
    return wait();
  }

 private:
  static constexpr int kNumbers = 3;

  [[noreturn]] static void run(const std::string& test,
                               const std::map<std::string, std::string>& environment, int end) {
    ::dup2(end, kNumbers);
    for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
    ::execl("/proc/self/exe", "child", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
            ("--gtest_filter=" + test).c_str(), nullptr);
    ::_exit(127);
  }

  pid_t process_ = -1;
  Descriptor numbers_;
};

}  // namespace bmsg
