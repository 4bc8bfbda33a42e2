#include "cli/line_input.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kPieceBytes = 65536;

}  // namespace

/// Reads once; false at the end.
Result<bool> LineInput::fill() {
  if (ended_) return false;
  read_.erase(0, at_);
  at_ = 0;
  char piece[kPieceBytes];
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, piece, sizeof piece);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    return Error{Errc::io,
                 fmt::format("the lines cannot be read to their end: {}", std::strerror(errno)),
                 "what was told of lines before holds"};
  }
  ended_ = got == 0;
  read_.append(piece, static_cast<std::size_t>(got));
  return !ended_;
}

Result<bool> LineInput::next(std::string& line) {
  std::size_t end = 0;
  while ((end = read_.find('\n', at_)) == std::string::npos) {
    BMSG_TRY_ASSIGN(const bool more, fill());
    if (more) continue;
    if (at_ == read_.size()) return false;
    end = read_.size();
    break;
  }
  line.assign(read_, at_, end - at_);
  at_ = std::min(end + 1, read_.size());
  return true;
}

bool LineInput::has_line() {
  if (read_.find('\n', at_) != std::string::npos) return true;
  int waiting = 0;
  if (ended_ || ::ioctl(descriptor_, FIONREAD, &waiting) != 0 || waiting <= 0) return false;
  // What fails now fails again in next(), which says so.
  const auto filled = fill();
  return filled && read_.find('\n', at_) != std::string::npos;
}

}  // namespace bmsg::cli
