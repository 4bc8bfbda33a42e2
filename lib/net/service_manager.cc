#include "lib/net/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <system_error>

#include "lib/core/descriptor.h"
#include "lib/core/try.h"
#include "lib/net/tcp_listener.h"

namespace bmsg::net {
namespace {

constexpr int kFirstInherited = 3;
constexpr std::uint64_t kInheritedMax = 64;

std::optional<std::uint64_t> number_in(const std::string& text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, wrong] = std::from_chars(text.data(), end, number);
  if (wrong != std::errc() || stop != end) return std::nullopt;
  return number;
}

/// Variables pass through programs that start others; what they say is for one process.
bool is_this_process(const std::string& process) { return process == std::to_string(::getpid()); }

}  // namespace

bool ServiceManager::tell(std::string_view lines) const {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  const bool fits = place_.size() > 1 && place_.size() < sizeof(to.sun_path);
  if (!fits || (place_[0] != '/' && place_[0] != '@')) return false;
  std::memcpy(to.sun_path, place_.data(), place_.size());
  if (place_[0] == '@') to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + place_.size());
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  const auto sent =
      ::sendto(socket.number(), lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&to), size);
  return sent >= 0 && static_cast<std::size_t>(sent) == lines.size();
}

std::optional<std::chrono::milliseconds> watchdog_beat(const std::string& microseconds,
                                                       const std::string& process) {
  const auto patience = number_in(microseconds);
  if (!patience || *patience == 0 || (!process.empty() && !is_this_process(process)))
    return std::nullopt;
  return std::chrono::milliseconds(std::max<std::uint64_t>(1, *patience / 2000));
}

Result<std::vector<Listener>> inherited_listeners(const std::string& count,
                                                  const std::string& process) {
  std::vector<Listener> listeners;
  if (!is_this_process(process)) return listeners;
  const auto number = number_in(count);
  if (!number || *number > kInheritedMax)
    return Error{Errc::bad_input, "LISTEN_FDS is no number of sockets: '" + count + "'"};
  for (int i = 0; i < static_cast<int>(*number); ++i) {
    Listener listener;
    BMSG_TRY_ASSIGN(Descriptor socket, inherit(kFirstInherited + i, listener.address));
    listener.inherited = socket.release();
    const std::string& host = listener.address.host;
    listener.address.scheme = host.empty()        ? Scheme::unix_socket
                              : is_loopback(host) ? Scheme::http
                                                  : Scheme::https;
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace bmsg::net
