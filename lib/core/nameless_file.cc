#include "lib/core/nameless_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "lib/core/scarcity.h"

namespace bmsg {
namespace {

Error failed(std::string_view what, const std::filesystem::path& directory) {
  return Error{code_of(errno, Errc::io), fmt::format("cannot {} a file in '{}': {}", what,
                                                     directory.string(), std::strerror(errno))};
}

}  // namespace

Result<Descriptor> nameless_file(const std::filesystem::path& directory) {
  Descriptor made(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  if (made) return made;
  // Not every file system makes one at once.
  std::string name = (directory / "bmsg.XXXXXX").string();
  made = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (!made) return failed("make", directory);
  if (::unlink(name.c_str()) != 0) return failed("hide", directory);
  return made;
}

Result<Done> write_at(const Descriptor& file, ByteView bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t wrote =
        ::pwrite(file.number(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0)
      return Error{Errc::io, fmt::format("cannot write to a file: {}", std::strerror(errno))};
    at += static_cast<std::uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return done;
}

}  // namespace bmsg
