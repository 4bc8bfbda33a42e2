// Datagrams to all who listen on the networks that this machine is attached to, and from them. What
// comes is hostile: anybody there may send anything under any name. No Asio.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/descriptor.h"
#include "lib/core/result.h"

namespace bmsg::net {

inline constexpr std::size_t kDatagramBytesMax = 128;  // A longer one is dropped unread.

/// Where everybody meets: two literals and a port.
struct MulticastGroup {
  std::string v4;
  std::string v6;
  std::uint16_t port = 0;
};

struct Datagram {
  std::string sender;  // A literal of a network of ours; who it is nobody has proved.
  Bytes bytes;
};

/// Whether `host` is a literal of a network that belongs to whoever runs it: 10.0.0.0/8,
/// 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16 and fc00::/7. Not fe80::/10, which says nothing
/// without the name of an interface, and no loopback.
bool is_own_network(std::string_view host);

/// Takes part in a group on every network whose addresses are of those above. Nothing leaves them:
/// routers do not pass it on.
/// Threads: one; wake() from any.
class Multicast {
 public:
  /// Errors: Errc::unreachable if somebody holds the port for himself alone; Errc::io if there are
  ///         no datagrams at all. One of the two families is enough.
  static Result<std::unique_ptr<Multicast>> open(const MulticastGroup& group);

  /// Joins on networks that have come, and returns our addresses on all that are there now.
  std::vector<std::string> attach();

  /// Sends to the group on the network of `from`, one of attach()'s. False if that went wrong: the
  /// network may have gone.
  bool send(const std::string& from, std::string_view text);

  /// What came, a few dozen at most, from senders whose address is of the network that it came in
  /// by; waits for so long, or for wake().
  std::vector<Datagram> receive(std::chrono::milliseconds longest);
  void wake();

 private:
  /// An address of ours and the network around it.
  struct Network {
    unsigned interface = 0;
    int family = 0;
    Bytes address;
    Bytes mask;
    std::string text;
  };

  explicit Multicast(MulticastGroup group) : group_(std::move(group)) {}
  void join(const Network& network);
  void receive_from(const Descriptor& socket, int family, std::vector<Datagram>& out) const;
  bool is_neighbour(int family, unsigned interface, ByteView address) const;
  static std::vector<Network> networks();

  const MulticastGroup group_;
  Descriptor v4_;
  Descriptor v6_;
  Descriptor wake_;
  std::vector<Network> networks_;
  std::set<std::pair<unsigned, int>> joined_;  // By interface and family.
};

}  // namespace bmsg::net
