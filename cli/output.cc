#include "cli/output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/text.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kBufferBytes = 65536;

void to_standard_error(std::string_view text) {
  const std::string line = fmt::format("bmsg: {}\n", shown(text));
  // Nobody is left to tell if standard error is gone.
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
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
  std::string_view left = buffer_;
  while (!left.empty() && !failed_) {
    const ssize_t wrote = ::write(STDOUT_FILENO, left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    failed_ = wrote < 0;
    if (!failed_) left.remove_prefix(static_cast<std::size_t>(wrote));
  }
  const int reason = errno;
  buffer_.clear();
  if (!failed_) return done;
  return Error{Errc::io, fmt::format("cannot write standard output: {}", std::strerror(reason))};
}

void Output::note(std::string_view text) const {
  const bool wanted = noise_ == Noise::verbose || (noise_ == Noise::normal && ::isatty(2) == 1);
  if (wanted) to_standard_error(text);
}

void Output::warn(std::string_view text) const {
  if (noise_ != Noise::quiet) to_standard_error(fmt::format("warning: {}", text));
}

bool Output::to_terminal() const { return ::isatty(STDOUT_FILENO) == 1; }

std::size_t Output::columns() const {
  if (const char* named = std::getenv("COLUMNS"); named != nullptr && std::atoi(named) > 0) {
    return static_cast<std::size_t>(std::atoi(named));
  }
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace bmsg::cli
