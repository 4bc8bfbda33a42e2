#include "lib/net/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "lib/core/scarcity.h"
#include "lib/core/try.h"

namespace bmsg::net {
namespace {

constexpr int kBacklog = 128;

/// A socket's address that is valid as long as `directory` is open.
struct Name {
  Descriptor directory;
  sockaddr_un address{};
  std::string file;
};

Error failed(const char* what, const std::filesystem::path& path, int cause) {
  const bool is_taken = cause == EADDRINUSE;
  const bool is_nobody = cause == ENOENT || cause == ECONNREFUSED || cause == EAGAIN;
  const Errc other = code_of(cause, Errc::io);
  return Error{
      is_taken || is_nobody ? Errc::unreachable : other,
      fmt::format("cannot {} {}: {}", what, path.string(), std::generic_category().message(cause))};
}

Result<Name> name_of(const char* what, const std::filesystem::path& path) {
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  Name name;
  name.file = path.filename().string();
  name.directory = Descriptor(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!name.directory) return failed(what, path, errno);
  const std::string text = fmt::format("/proc/self/fd/{}/{}", name.directory.number(), name.file);
  if (name.file.empty() || text.size() >= sizeof(name.address.sun_path)) {
    return failed(what, path, ENAMETOOLONG);
  }
  name.address.sun_family = AF_UNIX;
  std::memcpy(name.address.sun_path, text.c_str(), text.size() + 1);
  return name;
}

const sockaddr* generic(const Name& name) {
  return reinterpret_cast<const sockaddr*>(&name.address);
}

Result<Done> remove_stale(const std::filesystem::path& path, const Name& name) {
  struct stat found {};
  const int directory = name.directory.number();
  if (::fstatat(directory, name.file.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return done;
  if (!S_ISSOCK(found.st_mode)) return failed("listen at", path, EADDRINUSE);
  // Whose it was may take it away at the same time.
  if (::unlinkat(directory, name.file.c_str(), 0) == 0 || errno == ENOENT) return done;
  return failed("replace", path, errno);
}

}  // namespace

Result<Descriptor> listen_unix(const std::filesystem::path& path, Stale stale) {
  BMSG_TRY_ASSIGN(const Name name, name_of("listen at", path));
  if (stale == Stale::replace) BMSG_TRY(remove_stale(path, name));
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failed("listen at", path, errno);
  // The file takes the socket's own mode; a umask would be one for all threads.
  if (::fchmod(socket.number(), 0600) != 0 ||
      ::bind(socket.number(), generic(name), sizeof(name.address)) != 0 ||
      ::listen(socket.number(), kBacklog) != 0) {
    return failed("listen at", path, errno);
  }
  return socket;
}

Result<Descriptor> connect_unix(const std::filesystem::path& path) {
  BMSG_TRY_ASSIGN(const Name name, name_of("connect to", path));
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.number(), generic(name), sizeof(name.address)) != 0) {
    return failed("connect to", path, errno);
  }
  return socket;
}

bool poke(const std::filesystem::path& path, ByteView request) {
  const auto socket = connect_unix(path);
  if (!socket) return false;
  const auto sent =
      ::send(socket.value().number(), request.data(), request.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent >= 0 && static_cast<std::size_t>(sent) == request.size();
}

}  // namespace bmsg::net
