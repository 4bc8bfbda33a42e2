#include "cli/bundle_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/core/scarcity.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

/// Also at the end of the input, where a read returns at once.
bool may_wait(int descriptor) {
  int ready = 0;
  return ::ioctl(descriptor, FIONREAD, &ready) != 0 || ready == 0;
}

}  // namespace

BundleSource::BundleSource(Descriptor opened, int number, std::string name)
    : opened_(std::move(opened)), number_(number), name_(std::move(name)) {
  struct stat facts {};
  const bool is_file = ::fstat(number_, &facts) == 0 && S_ISREG(facts.st_mode);
  start_ = is_file ? ::lseek(number_, 0, SEEK_CUR) : -1;
  if (start_ >= 0 && facts.st_size >= start_)
    size_ = static_cast<std::uint64_t>(facts.st_size - start_);
}

Result<BundleSource> BundleSource::open(const std::string& file) {
  const bool is_input = file == "-";
  Descriptor opened;
  if (!is_input) {
    opened = Descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!opened && errno == ENOENT)
      return Error{Errc::not_found, fmt::format("no file '{}'", file)};
    if (!opened)
      return Error{code_of(errno, Errc::not_found),
                   fmt::format("cannot open '{}': {}", file, strerror(errno))};
  }
  const int number = is_input ? STDIN_FILENO : opened.number();
  struct stat facts {};
  if (::fstat(number, &facts) == 0 && S_ISDIR(facts.st_mode))
    return Error{Errc::not_found, fmt::format("'{}' is a directory, not a file", file)};
  if (::isatty(number) == 1)
    return Error{Errc::bad_usage, "a bundle is no text to type; name its file"};
  return BundleSource(std::move(opened), number,
                      is_input ? "standard input" : fmt::format("'{}'", file));
}

BundleSource BundleSource::over(Descriptor opened, std::string name) {
  const int number = opened.number();
  return BundleSource(std::move(opened), number, std::move(name));
}

Error BundleSource::failed() const {
  return Error{Errc::io, fmt::format("cannot read {}: {}", name_, std::strerror(errno))};
}

Result<Done> BundleSource::rewind() {
  if (::lseek(number_, start_, SEEK_SET) != start_) return failed();
  read_ = 0;
  return done;
}

Result<std::size_t> BundleSource::read(std::span<std::uint8_t> into,
                                       const std::function<Result<Done>()>& idle) {
  if (!size_ && may_wait(number_)) BMSG_TRY(idle());
  for (;;) {
    const ssize_t got = ::read(number_, into.data(), into.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed();
    read_ += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }
}

chain::ReadBytes BundleSource::reader(std::function<void(std::uint64_t)> told,
                                      std::function<Result<Done>()> idle) {
  return [this, told = std::move(told),
          idle = std::move(idle)](std::span<std::uint8_t> into) -> Result<std::size_t> {
    auto got = read(into, idle);
    if (got) told(read_);
    return got;
  };
}

}  // namespace bmsg::cli
