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

/// Whether a whole line is here.
bool LineInput::find_end() {
  end_ = std::min(read_.find('\n', end_), read_.size());
  return end_ < read_.size();
}

/// Reads once what follows a line that is not whole; false at the end.
Result<bool> LineInput::fill() {
  if (ended_) return false;
  read_.erase(0, at_);
  at_ = 0;
  if (read_.size() > line_bytes_max_) read_.resize(line_bytes_max_ + 1);
  end_ = read_.size();
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
  while (!find_end()) {
    BMSG_TRY_ASSIGN(const bool more, fill());
    if (more) continue;
    if (at_ == read_.size()) return false;
    break;
  }
  line.assign(read_, at_, std::min(end_ - at_, line_bytes_max_ + 1));
  at_ = end_ = std::min(end_ + 1, read_.size());
  return true;
}

bool LineInput::has_line() {
  if (find_end()) return true;
  int waiting = 0;
  if (ended_ || ::ioctl(descriptor_, FIONREAD, &waiting) != 0 || waiting <= 0) return false;
  // What fails now fails again in next(), which says so.
  const auto filled = fill();
  return filled && find_end();
}

}  // namespace bmsg::cli
