#include "cli/quiet_line.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "lib/core/descriptor.h"
#include "lib/net/await_input.h"

namespace bmsg::cli {
namespace {

using crypto::SecretBytes;

constexpr std::array kSignals = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                 SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};

volatile std::sig_atomic_t caught = 0;  // All that a signal handler may touch.

void note_signal(int signal) { caught = signal; }

/// Takes note of signals instead of obeying them, until destroyed.
class NotedSignals {
 public:
  NotedSignals() {
    caught = 0;
    struct sigaction action {};
    action.sa_handler = note_signal;  // Without SA_RESTART: whoever waits is to look.
    ::sigemptyset(&action.sa_mask);
    ::sigemptyset(&set_);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      ::sigaddset(&set_, kSignals[i]);
      (void)::sigaction(kSignals[i], &action, &before_[i]);  // Fails for unknown signals only.
    }
  }
  NotedSignals(const NotedSignals&) = delete;
  NotedSignals& operator=(const NotedSignals&) = delete;
  ~NotedSignals() {
    for (std::size_t i = 0; i < kSignals.size(); ++i)
      (void)::sigaction(kSignals[i], &before_[i], nullptr);  // As above.
  }

  /// Waits for a byte or for a signal; none falls between looking and waiting.
  void wait_for(int terminal) const {
    sigset_t open;
    ::pthread_sigmask(SIG_BLOCK, &set_, &open);
    if (caught == 0) net::await_input(std::array{terminal}, std::nullopt, &open);
    ::pthread_sigmask(SIG_SETMASK, &open, nullptr);
  }

 private:
  sigset_t set_{};
  std::array<struct sigaction, kSignals.size()> before_{};
};

/// Turns the echo of a terminal off until destroyed.
class QuietTerminal {
 public:
  explicit QuietTerminal(int terminal) : terminal_(terminal) {
    ::tcgetattr(terminal_, &before_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    // In the background this brings SIGTTOU, which was noted then.
    ::tcsetattr(terminal_, TCSAFLUSH, &quiet);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  ~QuietTerminal() {
    while (::tcsetattr(terminal_, TCSAFLUSH, &before_) != 0 && errno == EINTR &&
           caught != SIGTTOU) {
    }
  }

 private:
  int terminal_;
  termios before_{};
};

enum class End { line, input, signal };

/// Appends what is typed to `line`, up to the end of the line.
End read_line(int terminal, const NotedSignals& signals, SecretBytes& line, std::size_t& size) {
  while (size < line.size()) {
    signals.wait_for(terminal);
    if (caught != 0) return End::signal;
    std::uint8_t byte = 0;
    const ssize_t got = ::read(terminal, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return End::input;
    if (byte == '\n' || byte == '\r') return End::line;
    line.writable()[size++] = byte;
  }
  return End::line;
}

/// nullopt: a signal came, which has been obeyed.
std::optional<Result<SecretBytes>> ask_once(int terminal, const std::string& prompt) {
  SecretBytes line(kPassphraseBytesMax);
  std::size_t size = 0;
  End end = End::signal;
  {
    const NotedSignals signals;
    const QuietTerminal quiet(terminal);
    if (caught == 0) {
      (void)!::write(terminal, prompt.data(), prompt.size());  // A prompt nobody sees.
      end = read_line(terminal, signals, line, size);
      (void)!::write(terminal, "\n", 1);
    }
  }
  if (end == End::signal) {
    ::raise(caught);
    return std::nullopt;
  }
  if (end == End::input && size == 0)
    return Error{Errc::denied, "the terminal ended before a passphrase was typed"};
  return SecretBytes::from(line.view().first(size));
}

}  // namespace

Result<SecretBytes> read_quietly(const std::string& prompt) {
  const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (!terminal) return Error{Errc::denied, "no terminal to ask for the passphrase"};
  for (;;) {
    if (auto answer = ask_once(terminal.number(), prompt)) return std::move(*answer);
  }
}

}  // namespace bmsg::cli
