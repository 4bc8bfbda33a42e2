#include "lib/net/multicast.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "lib/core/try.h"
#include "lib/net/await_input.h"

namespace bmsg::net {
namespace {

constexpr std::size_t kAtOnce = 64;

std::string text_of(int family, ByteView address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, address.data(), text.data(), text.size());
  return text.data();
}

ByteView bytes_of(const in_addr& address) {
  return {reinterpret_cast<const std::uint8_t*>(&address), sizeof(address)};
}
ByteView bytes_of(const in6_addr& address) { return address.s6_addr; }

bool is_own_address(int family, ByteView a) {
  if (family == AF_INET6) return (a[0] & 0xfe) == 0xfc;
  return a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
         (a[0] == 169 && a[1] == 254);
}

void set(const Descriptor& socket, int level, int option, int value) {
  // What an older system does not know only makes it hear more, which is_neighbour() sorts out.
  (void)::setsockopt(socket.number(), level, option, &value, sizeof(value));
}

template <class Address>
Result<Descriptor> bound(int family, const Address& at, const MulticastGroup& group) {
  Descriptor socket(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket) {
    set(socket, SOL_SOCKET, SO_REUSEADDR, 1);  // Two stores on one machine both hear.
    if (family == AF_INET6) set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0)
      return socket;
  }
  const int cause = errno;
  return Error{cause == EADDRINUSE ? Errc::unreachable : Errc::io,
               fmt::format("cannot listen to datagrams at port {}: {}", group.port,
                           std::generic_category().message(cause))};
}

/// At the group's own address: what is sent to us alone does not come in here.
Result<Descriptor> open_v4(const MulticastGroup& group) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(group.port);
  ::inet_pton(AF_INET, group.v4.c_str(), &at.sin_addr);
  BMSG_TRY_ASSIGN(auto socket, bound(AF_INET, at, group));
  set(socket, IPPROTO_IP, IP_MULTICAST_TTL, 1);
  set(socket, IPPROTO_IP, IP_MULTICAST_ALL, 0);
  set(socket, IPPROTO_IP, IP_PKTINFO, 1);
  return socket;
}

/// The group's address belongs to one interface each; where a datagram was sent to is asked later.
Result<Descriptor> open_v6(const MulticastGroup& group) {
  sockaddr_in6 at{};
  at.sin6_family = AF_INET6;
  at.sin6_port = htons(group.port);
  BMSG_TRY_ASSIGN(auto socket, bound(AF_INET6, at, group));
  set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
#ifdef IPV6_MULTICAST_ALL
  set(socket, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
#endif
  set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  return socket;
}

/// Sends with a control message that says from where and on which interface.
template <class Address, class Info>
bool send_from(const Descriptor& socket, Address& to, int level, int type, const Info& info,
               std::string_view text) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(Info))> control{};
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof(to);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = level;
  head->cmsg_type = type;
  head->cmsg_len = CMSG_LEN(sizeof(Info));
  std::memcpy(CMSG_DATA(head), &info, sizeof(info));
  return ::sendmsg(socket.number(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

/// Where a datagram came in and what it was sent to.
struct Arrival {
  unsigned interface = 0;
  Bytes to;
};

Arrival arrival_of(msghdr& message) {
  Arrival arrival;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(head), sizeof(info));
      arrival = {static_cast<unsigned>(info.ipi_ifindex), to_bytes(bytes_of(info.ipi_addr))};
    }
    if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(head), sizeof(info));
      arrival = {info.ipi6_ifindex, to_bytes(bytes_of(info.ipi6_addr))};
    }
  }
  return arrival;
}

ByteView address_in(const sockaddr* socket_address) {
  if (socket_address->sa_family == AF_INET)
    return bytes_of(reinterpret_cast<const sockaddr_in*>(socket_address)->sin_addr);
  return bytes_of(reinterpret_cast<const sockaddr_in6*>(socket_address)->sin6_addr);
}

bool is_v6(std::string_view text) { return text.find(':') != std::string_view::npos; }

/// The bytes of a literal; empty if it is none.
Bytes parsed(const std::string& text) {
  Bytes bytes(is_v6(text) ? sizeof(in6_addr) : sizeof(in_addr));
  const bool is_one =
      ::inet_pton(is_v6(text) ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1;
  return is_one ? bytes : Bytes();
}

}  // namespace

bool is_own_network(std::string_view host) {
  const Bytes bytes = parsed(std::string(host));
  return !bytes.empty() && is_own_address(is_v6(host) ? AF_INET6 : AF_INET, bytes);
}

Result<std::unique_ptr<Multicast>> Multicast::open(const MulticastGroup& group) {
  if (parsed(group.v4).size() != sizeof(in_addr) || parsed(group.v6).size() != sizeof(in6_addr)) {
    return Error{Errc::bad_input,
                 fmt::format("'{}' and '{}' are no addresses of a group", group.v4, group.v6)};
  }
  std::unique_ptr<Multicast> made(new Multicast(group));
  auto v4 = open_v4(group);
  auto v6 = open_v6(group);
  if (!v4 && !v6) return v4.error();
  if (v4) made->v4_ = std::move(v4).value();
  if (v6) made->v6_ = std::move(v6).value();
  made->wake_ = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!made->wake_) return Error{Errc::no_resource, "no descriptor is left"};
  return made;
}

std::vector<Multicast::Network> Multicast::networks() {
  std::vector<Network> found;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return found;  // Next time, perhaps.
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    const bool is_up = (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_MULTICAST) != 0;
    if (!is_up || one->ifa_addr == nullptr || one->ifa_netmask == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const ByteView address = address_in(one->ifa_addr);
    if (!is_own_address(family, address)) continue;
    found.push_back({.interface = ::if_nametoindex(one->ifa_name),
                     .family = family,
                     .address = to_bytes(address),
                     .mask = to_bytes(address_in(one->ifa_netmask)),
                     .text = text_of(family, address)});
  }
  ::freeifaddrs(first);
  return found;
}

void Multicast::join(const Network& network) {
  int failed = -1;
  if (network.family == AF_INET && v4_) {
    ip_mreqn wish{};
    ::inet_pton(AF_INET, group_.v4.c_str(), &wish.imr_multiaddr);
    wish.imr_ifindex = static_cast<int>(network.interface);
    failed = ::setsockopt(v4_.number(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &wish, sizeof(wish));
  } else if (network.family == AF_INET6 && v6_) {
    ipv6_mreq wish{};
    ::inet_pton(AF_INET6, group_.v6.c_str(), &wish.ipv6mr_multiaddr);
    wish.ipv6mr_interface = network.interface;
    failed = ::setsockopt(v6_.number(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &wish, sizeof(wish));
  }
  if (failed == 0 || errno == EADDRINUSE) joined_.emplace(network.interface, network.family);
}

std::vector<std::string> Multicast::attach() {
  networks_ = networks();
  std::erase_if(joined_, [this](const auto& one) {  // Gone; its number may come back as another.
    return std::ranges::none_of(networks_, [&](const Network& network) {
      return network.interface == one.first && network.family == one.second;
    });
  });
  std::vector<std::string> ours;
  for (const Network& network : networks_) {
    if (!joined_.contains({network.interface, network.family})) join(network);
    ours.push_back(network.text);
  }
  return ours;
}

bool Multicast::send(const std::string& from, std::string_view text) {
  const auto network = std::ranges::find(networks_, from, &Network::text);
  if (network == networks_.end()) return false;
  if (network->family == AF_INET) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(group_.port);
    ::inet_pton(AF_INET, group_.v4.c_str(), &to.sin_addr);
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(network->interface);
    std::memcpy(&info.ipi_spec_dst, network->address.data(), sizeof(info.ipi_spec_dst));
    return v4_ && send_from(v4_, to, IPPROTO_IP, IP_PKTINFO, info, text);
  }
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(group_.port);
  ::inet_pton(AF_INET6, group_.v6.c_str(), &to.sin6_addr);
  to.sin6_scope_id = network->interface;
  in6_pktinfo info{};
  info.ipi6_ifindex = network->interface;
  std::memcpy(&info.ipi6_addr, network->address.data(), sizeof(info.ipi6_addr));
  return v6_ && send_from(v6_, to, IPPROTO_IPV6, IPV6_PKTINFO, info, text);
}

bool Multicast::is_neighbour(int family, unsigned interface, ByteView address) const {
  if (!is_own_address(family, address)) return false;
  return std::ranges::any_of(networks_, [&](const Network& network) {
    if (network.family != family || network.interface != interface) return false;
    for (std::size_t i = 0; i < address.size(); ++i) {
      if (((address[i] ^ network.address[i]) & network.mask[i]) != 0) return false;
    }
    return true;
  });
}

void Multicast::receive_from(const Descriptor& socket, int family,
                             std::vector<Datagram>& out) const {
  if (!socket) return;
  const Bytes group = parsed(family == AF_INET ? group_.v4 : group_.v6);
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    std::array<std::uint8_t, kDatagramBytesMax> bytes;
    alignas(cmsghdr) std::array<char, 256> control{};
    sockaddr_storage from{};
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket.number(), &message, 0);
    if (size < 0) return;
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || from.ss_family != family) continue;
    const auto arrival = arrival_of(message);
    const ByteView sender = address_in(reinterpret_cast<const sockaddr*>(&from));
    if (arrival.to != group || !is_neighbour(family, arrival.interface, sender)) continue;
    out.push_back({text_of(family, sender), Bytes(bytes.begin(), bytes.begin() + size)});
  }
}

std::vector<Datagram> Multicast::receive(std::chrono::milliseconds longest) {
  const std::array inputs{v4_.number(), v6_.number(), wake_.number()};
  await_input(inputs, longest);
  std::uint64_t count = 0;
  (void)!::read(wake_.number(), &count, sizeof(count));  // Nothing to read: nobody woke us.
  std::vector<Datagram> out;
  receive_from(v4_, AF_INET, out);
  receive_from(v6_, AF_INET6, out);
  return out;
}

void Multicast::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.number(), &one, sizeof(one));  // Full: it is awake already.
}

}  // namespace bmsg::net
