#include "lib/net/stdio_bridge.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "lib/core/scarcity.h"

namespace bmsg::net {
namespace {

constexpr std::size_t kPieceBytes = 65536;

/// One direction: what was read and not yet written.
struct Flow {
  int from;
  int to;
  std::array<std::uint8_t, kPieceBytes> piece{};
  std::size_t begin = 0;
  std::size_t end = 0;
  bool open = true;  // More may come.

  bool has_piece() const { return begin < end; }
};

bool is_passing(int error) { return error == EINTR || error == EAGAIN; }

/// False if the place it goes to takes nothing any more.
bool move(Flow& flow) {
  if (!flow.has_piece()) {
    const ssize_t got = ::read(flow.from, flow.piece.data(), flow.piece.size());
    if (got < 0 && is_passing(errno)) return true;
    flow.begin = 0;
    flow.end = got > 0 ? static_cast<std::size_t>(got) : 0;
    flow.open = got > 0;
    return true;
  }
  const ssize_t put = ::write(flow.to, &flow.piece[flow.begin], flow.end - flow.begin);
  if (put < 0) return is_passing(errno);
  flow.begin += static_cast<std::size_t>(put);
  return true;
}

/// What a flow waits for: to write what it has, else to read more.
pollfd wish_of(const Flow& flow) {
  if (flow.has_piece()) return {flow.to, POLLOUT, 0};
  return {flow.open ? flow.from : -1, POLLIN, 0};
}

}  // namespace

Result<SocketPair> make_socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    const int cause = errno;
    return Error{code_of(cause, Errc::io), fmt::format("cannot make a pair of sockets: {}",
                                                       std::generic_category().message(cause))};
  }
  return SocketPair{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<Done> bridge(const Descriptor& socket, int input, int output) {
  Flow in{.from = input, .to = socket.number()};
  Flow out{.from = socket.number(), .to = output};
  bool told_end = false;
  while (out.open || out.has_piece()) {
    std::array<pollfd, 2> wishes{wish_of(in), wish_of(out)};
    if (::poll(wishes.data(), wishes.size(), -1) < 0 && errno != EINTR)
      return Error{Errc::io, fmt::format("cannot wait for input: {}",
                                         std::generic_category().message(errno))};
    if (wishes[0].revents != 0 && !move(in)) {
      in.open = false;  // Nobody listens any more; what is left of the answer still goes out.
      in.begin = in.end;
    }
    if (!in.open && !in.has_piece() && !told_end) {
      told_end = true;
      (void)::shutdown(socket.number(), SHUT_WR);  // It may be gone already.
    }
    if (wishes[1].revents != 0 && !move(out))
      return Error{Errc::io, fmt::format("cannot write the answer: {}",
                                         std::generic_category().message(errno))};
  }
  return done;
}

}  // namespace bmsg::net
