#include "cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/text.h"
#include "lib/core/scarcity.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kBufferBytes = 65536;

std::size_t terminal_rows() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

}  // namespace

void Output::line(std::string_view text) {
  buffer_ += text;
  buffer_ += '\n';
  if (buffer_.size() > kBufferBytes) failed_ = !flush() || failed_;
}

void Output::raw(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() > kBufferBytes) failed_ = !flush() || failed_;
}

Result<Done> Output::flush() {
  if (keeps_) return done;
  const bool is_long = buffer_.size() > kBufferBytes ||
                       std::ranges::count(buffer_, '\n') >= std::ptrdiff_t(terminal_rows());
  if (!pager_.empty() && !running_ && is_long) running_ = Pager::start(pager_);
  std::string_view left = buffer_;
  while (!left.empty() && !failed_) {
    const int to = running_ ? running_->input() : STDOUT_FILENO;
    const ssize_t wrote = ::write(to, left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && running_ && errno == EPIPE) break;  // Nobody reads on.
    failed_ = wrote < 0;
    if (failed_) reason_ = errno;
    if (!failed_) left.remove_prefix(static_cast<std::size_t>(wrote));
  }
  buffer_.clear();
  if (!failed_) return done;
  return Error{Errc::io, fmt::format("cannot write standard output: {}", std::strerror(reason_))};
}

Result<Done> Output::end() {
  auto flushed = flush();
  running_.reset();
  return flushed;
}

void Output::page_through(const std::string& program) {
  if (to_terminal()) pager_ = program;
}

Result<Done> Output::log_to(const std::string& file) {
  log_ = Descriptor(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (log_) return done;
  const int cause = errno;
  return Error{code_of(cause, Errc::io),
               fmt::format("cannot write '{}': {}", file, std::strerror(cause))};
}

void Output::remark(std::string_view text, bool wanted) const {
  if (keeps_) {
    if (wanted) told_.push_back(shown(text));
    return;
  }
  const std::string line = fmt::format("bmsg: {}\n", shown_line(text));
  // Nobody is left to tell if standard error or the log is gone.
  if (wanted) (void)!::write(STDERR_FILENO, line.data(), line.size());
  if (log_) (void)!::write(log_.number(), line.data(), line.size());
}

void Output::note(std::string_view text) const {
  const bool is_read = keeps_ || (noise_ == Noise::normal && ::isatty(2) == 1);
  remark(text, noise_ == Noise::verbose || is_read);
}

void Output::detail(std::string_view text) const { remark(text, noise_ == Noise::verbose); }

void Output::warn(std::string_view text) const {
  remark(keeps_ ? std::string(text) : fmt::format("warning: {}", text), noise_ != Noise::quiet);
}

void Output::tell(std::string_view lines) const {
  if (keeps_) return;  // How far it is, or what to type next: nobody reads it.
  (void)!::write(STDERR_FILENO, lines.data(), lines.size());  // As in remark().
  if (log_) (void)!::write(log_.number(), lines.data(), lines.size());
}

bool Output::to_terminal() const { return !keeps_ && ::isatty(STDOUT_FILENO) == 1; }

std::size_t Output::columns() const {
  if (const char* named = std::getenv("COLUMNS"); named != nullptr && std::atoi(named) > 0) {
    return static_cast<std::size_t>(std::atoi(named));
  }
  for (const int where : {STDOUT_FILENO, STDERR_FILENO}) {  // Progress is told on the second.
    winsize size{};
    if (::ioctl(where, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  }
  return 80;
}

std::string Output::painted(std::string_view text, Paint paint) const {
  if (!colors_) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", paint == Paint::alarm ? "31" : "1", text);
}

}  // namespace bmsg::cli
