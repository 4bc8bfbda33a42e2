#include "lib/net/local_call.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/core/big_endian.h"
#include "lib/core/try.h"
#include "lib/net/unix_socket.h"

namespace bmsg::net {
namespace {

constexpr std::chrono::milliseconds kCallerPatience{1000};
constexpr std::size_t kLengthBytes = 4;

bool is_our_user(const Descriptor& socket) {
  ucred who{};
  socklen_t size = sizeof who;
  return ::getsockopt(socket.number(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
         who.uid == ::geteuid();
}

/// Every read and write ends by then; the whole exchange is a handful of them.
bool set_patience(const Descriptor& socket, std::chrono::milliseconds patience) {
  const timeval limit{patience.count() / 1000, patience.count() % 1000 * 1000};
  return ::setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
         ::setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
         ::fcntl(socket.number(), F_SETFL, 0) == 0;
}

bool send_bytes(const Descriptor& socket, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive_bytes(const Descriptor& socket, std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::recv(socket.number(), bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool send_text(const Descriptor& socket, ByteView text) {
  Bytes length;
  append_be(length, static_cast<std::uint32_t>(text.size()));
  return send_bytes(socket, length) && send_bytes(socket, text);
}

bool receive_text(const Descriptor& socket, Bytes& text) {
  Bytes length(kLengthBytes);
  if (!receive_bytes(socket, length)) return false;
  const auto size = load_be<std::uint32_t>(length.data());
  if (size > kLocalCallBytesMax) return false;
  text.resize(size);
  return receive_bytes(socket, text);
}

/// False if the program is to end.
bool serve_caller(const Descriptor& caller, const LocalAnswer& answer) {
  Bytes question;
  Bytes words;
  if (!is_our_user(caller) || !set_patience(caller, kCallerPatience) ||
      !receive_text(caller, question)) {
    return true;
  }
  const bool goes_on = answer(question, words);
  // A caller who left has lost nothing.
  (void)send_text(caller, words);
  if (!words.empty()) ::explicit_bzero(words.data(), words.size());
  return goes_on;
}

}  // namespace

Result<Done> local_call(const std::filesystem::path& path, ByteView question, Bytes& answer,
                        std::chrono::milliseconds patience) {
  BMSG_TRY_ASSIGN(const Descriptor socket, connect_unix(path));
  if (!is_our_user(socket)) {
    return Error{Errc::unreachable,
                 fmt::format("whoever listens at '{}' is another user", path.string())};
  }
  if (set_patience(socket, patience) && send_text(socket, question) &&
      receive_text(socket, answer)) {
    return done;
  }
  return Error{Errc::protocol, fmt::format("no answer from '{}'", path.string())};
}

Result<Done> answer_local(const Descriptor& listening, std::chrono::seconds time,
                          const Clock& clock, const LocalAnswer& answer) {
  const auto until = clock.steady() + time;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock.steady());
    if (left.count() <= 0) return done;
    pollfd waiting{listening.number(), POLLIN, 0};
    const int wait = static_cast<int>(std::min<std::int64_t>(left.count(), 60'000));
    const int ready = ::poll(&waiting, 1, wait);
    if (ready < 0 && errno != EINTR)
      return Error{Errc::io, fmt::format("cannot wait for callers: {}", std::strerror(errno))};
    if (ready <= 0) continue;
    if (clock.steady() >= until) return done;  // The machine may have slept meanwhile.
    const Descriptor caller(::accept4(listening.number(), nullptr, nullptr, SOCK_CLOEXEC));
    if (caller && !serve_caller(caller, answer)) return done;
  }
}

}  // namespace bmsg::net
