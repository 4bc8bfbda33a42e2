#include "cli/run_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "lib/core/clock.h"
#include "lib/core/descriptor.h"
#include "lib/net/await_input.h"

namespace bmsg::cli {
namespace {

using Milliseconds = std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

/// How long a program has to end after a signal that was passed on.
constexpr Milliseconds kGrace{5000};
/// How often a kernel that does not tell of a process's end is asked.
constexpr Milliseconds kAskEvery{10};
constexpr std::array<int, 3> kEndingSignals = {SIGINT, SIGTERM, SIGHUP};

/// Programs run in no other time than the system's.
SteadyTime now() { return SystemClock().steady(); }

struct Pipe {
  Descriptor from;
  Descriptor into;

  static Pipe make() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
    Pipe made{Descriptor(ends[0]), Descriptor(ends[1])};
    ::fcntl(made.from.number(), F_SETFL, O_NONBLOCK);
    return made;
  }
};

/// Where the handler puts signals; -1: nobody waits for them.
std::atomic<int> signals_go_to{-1};

/// One that came.
struct OneSignal {
  int number = 0;
  bool from_terminal = false;  // The program got it too, if it is of our process group.
};

void put_signal(int signal, siginfo_t* info, void* /*unused*/) {
  const int reason = errno;
  const OneSignal one{signal, info->si_code == SI_KERNEL};
  [[maybe_unused]] const auto wrote = ::write(signals_go_to.load(), &one, sizeof one);
  errno = reason;
}

/// Our signals as something to read. A handler and not a mask: another thread would take what this
/// one blocks.
class PassedSignals {
 public:
  explicit PassedSignals(OurSignals wish) {
    if (wish == OurSignals::apart) return;
    pipe_ = Pipe::make();
    signals_go_to = pipe_.into.number();
    struct sigaction action {};
    action.sa_sigaction = put_signal;
    action.sa_flags = SA_RESTART | SA_SIGINFO;
    for (std::size_t i = 0; i < kEndingSignals.size(); ++i) {
      ::sigaction(kEndingSignals[i], nullptr, &before_[i]);
      // Ignored, as nohup does it: they stay so, for the program too.
      if (before_[i].sa_handler != SIG_IGN) ::sigaction(kEndingSignals[i], &action, nullptr);
    }
    is_set_ = true;
  }
  ~PassedSignals() {
    if (!is_set_) return;
    for (std::size_t i = 0; i < kEndingSignals.size(); ++i)
      ::sigaction(kEndingSignals[i], &before_[i], nullptr);
    signals_go_to = -1;
  }
  PassedSignals(const PassedSignals&) = delete;
  PassedSignals& operator=(const PassedSignals&) = delete;

  int number() const { return pipe_.from.number(); }
  std::optional<OneSignal> take() const {
    OneSignal one;
    const bool came = number() >= 0 && ::read(number(), &one, sizeof one) == sizeof one;
    return came ? std::optional(one) : std::nullopt;
  }

 private:
  bool is_set_ = false;
  Pipe pipe_;
  std::array<struct sigaction, kEndingSignals.size()> before_{};
};

/// A file without a name: unlike a pipe, it lets neither side wait for the other.
Descriptor file_of(const std::string& bytes) {
  Descriptor file(::memfd_create("bmsg", MFD_CLOEXEC));
  std::size_t written = 0;
  while (file && written < bytes.size()) {
    const auto wrote = ::write(file.number(), bytes.data() + written, bytes.size() - written);
    if (wrote <= 0) return {};
    written += static_cast<std::size_t>(wrote);
  }
  return file && ::lseek(file.number(), 0, SEEK_SET) == 0 ? std::move(file) : Descriptor();
}

/// Lists of pointers that end with a null pointer, as C wants them. `texts` must outlive it.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> texts;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string text = *at;
    if (!variables.contains(text.substr(0, text.find('=')))) texts.push_back(text);
  }
  for (const auto& [name, value] : variables) texts.push_back(name + "=" + value);
  return texts;
}

/// What a child begins with, other than its words and its environment.
class Beginning {
 public:
  Beginning() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~Beginning() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;

  void set_files(int in, int out, ProgramOutput wish) {
    ::posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    if (wish == ProgramOutput::inherited) return;
    if (wish == ProgramOutput::nothing) {
      for (const int one : {STDOUT_FILENO, STDERR_FILENO})
        ::posix_spawn_file_actions_addopen(&files, one, "/dev/null", O_WRONLY, 0);
      return;
    }
    ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (wish == ProgramOutput::everything) {
      ::posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
    } else {
      ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
  }
  void set_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    ::posix_spawnattr_setsigmask(&attributes, &set);
    for (const int ours : {SIGPIPE, SIGXFSZ}) ::sigaddset(&set, ours);  // What we ignore.
    ::posix_spawnattr_setsigdefault(&attributes, &set);
    flags_ |= POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    ::posix_spawnattr_setflags(&attributes, flags_);
  }
  void set_own_group() {
    flags_ |= POSIX_SPAWN_SETPGROUP;
    ::posix_spawnattr_setflags(&attributes, flags_);
  }

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

 private:
  short flags_ = 0;
};

/// A child that was started, until its end.
class Child {
 public:
  Child(const ProgramCall& call, pid_t process, Descriptor output, const PassedSignals& signals)
      : process_(process),
        target_(call.limit ? -process : process),
        ends_(static_cast<int>(::syscall(SYS_pidfd_open, process, 0))),
        output_(std::move(output)),
        signals_(signals),
        at_limit_(call.at_limit) {
    if (call.limit) deadline_ = now() + *call.limit;
  }

  ProgramResult wait() {
    ProgramResult result;
    siginfo_t info{};
    for (;;) {
      // Asked before looking, or an end between the two would be missed.
      const int got = ::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG);
      collect(result.output);
      if ((got != 0 && errno != EINTR) || info.si_pid != 0) break;
      pause();
      pass_on(result);
      if (deadline_ && now() >= *deadline_) {
        out_of_time_ = result.our_signal == 0;
        result.end = ProgramEnd::out_of_time;
        if (out_of_time_ && at_limit_ == AtLimit::left_running) return result;
        kill_all();
      }
    }
    result.end = info.si_code == CLD_EXITED ? ProgramEnd::exited : ProgramEnd::killed;
    if (out_of_time_) result.end = ProgramEnd::out_of_time;
    result.status = info.si_status;
    return result;
  }

 private:
  void pause() {
    auto longest = Milliseconds(ends_ ? 60'000 : kAskEvery.count());
    if (deadline_) {
      const auto left = std::chrono::ceil<Milliseconds>(*deadline_ - now());
      longest = std::clamp(left, Milliseconds(0), longest);
    }
    // An interruption is a reason to look again, like any other.
    net::await_input(std::array{ends_.number(), output_.number(), signals_.number()}, longest);
  }

  /// Takes what there is, and drops what is too much, so that the program is never held up.
  void collect(std::string& into) {
    char piece[4096];
    for (ssize_t got = 0; output_ && (got = ::read(output_.number(), piece, sizeof piece)) >= 0;) {
      if (got == 0) output_ = Descriptor();  // Nobody holds the other end any more.
      into.append(piece,
                  std::min(static_cast<std::size_t>(got), kProgramOutputBytesMax - into.size()));
    }
  }

  void pass_on(ProgramResult& result) {
    const auto signal = signals_.take();
    if (!signal) return;
    if (result.our_signal != 0) return kill_all();
    result.our_signal = signal->number;
    if (!signal->from_terminal || target_ < 0) ::kill(target_, signal->number);
    const auto end = now() + kGrace;
    deadline_ = deadline_ ? std::min(*deadline_, end) : end;
  }

  void kill_all() {
    ::kill(target_, SIGKILL);
    deadline_.reset();
  }

  pid_t process_;
  pid_t target_;  // Of signals: the process, or all of its group.
  Descriptor ends_;
  Descriptor output_;
  const PassedSignals& signals_;
  std::optional<SteadyTime> deadline_;
  AtLimit at_limit_;
  bool out_of_time_ = false;
};

}  // namespace

ProgramResult run_program(const ProgramCall& call) {
  ProgramResult result;
  const Descriptor in = file_of(call.input);
  const bool collects =
      call.output == ProgramOutput::results || call.output == ProgramOutput::everything;
  Pipe out = collects ? Pipe::make() : Pipe();
  const bool ready = in && (!collects || out.from);
  if (!ready || call.words.empty()) {
    result.status = ready ? EINVAL : errno;
    return result;
  }
  ::signal(SIGCHLD, SIG_DFL);  // Where it is ignored, nobody learns how a program ended.
  Beginning beginning;
  beginning.set_files(in.number(), out.into.number(), call.output);
  beginning.set_signals();
  if (call.limit) beginning.set_own_group();
  const auto environment = environment_with(call.variables);
  const PassedSignals signals(call.signals);
  pid_t process = 0;
  result.status =
      ::posix_spawnp(&process, call.words.front().c_str(), &beginning.files, &beginning.attributes,
                     pointers_to(call.words).data(), pointers_to(environment).data());
  if (result.status != 0) return result;
  out.into = Descriptor();  // The program's ends are the only ones.
  return Child(call, process, std::move(out.from), signals).wait();
}

std::string words_for(const ProgramResult& result) {
  switch (result.end) {
    case ProgramEnd::exited:
      return fmt::format("exited with {}", result.status);
    case ProgramEnd::killed:
      return fmt::format("was killed by signal {} ({})", result.status, ::strsignal(result.status));
    case ProgramEnd::not_started:
      return fmt::format("cannot be started: {}", std::strerror(result.status));
    case ProgramEnd::out_of_time:
      return "ran out of time";
  }
  return {};
}

}  // namespace bmsg::cli
