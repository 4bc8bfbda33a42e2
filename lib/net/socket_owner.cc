#include "lib/net/socket_owner.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "lib/core/descriptor.h"

namespace bmsg::net {
namespace {

constexpr std::string_view kEstablished = "01";
constexpr std::size_t kFrom = 1;  // Columns.
constexpr std::size_t kTo = 2;
constexpr std::size_t kState = 3;
constexpr std::size_t kUser = 7;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (words.size() <= kUser) {
    const auto begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    const auto end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

/// An end of a connection as the tables of both families have it: the kernel prints whole words
/// of four bytes. An IPv4 connection of an IPv6 socket stands in the table of IPv6.
struct End {
  std::string v4;  // Empty: it is none.
  std::string v6;
};

std::string print_words(const std::uint8_t* bytes, std::size_t count, std::uint16_t port) {
  std::string text;
  for (std::size_t i = 0; i < count; i += sizeof(std::uint32_t)) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes + i, sizeof(word));
    text += fmt::format("{:08X}", word);
  }
  return text + fmt::format(":{:04X}", ntohs(port));
}

End end_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::array<std::uint8_t, 16> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::memcpy(mapped.data() + 12, &v4.sin_addr, 4);
    return {print_words(mapped.data() + 12, 4, v4.sin_port),
            print_words(mapped.data(), mapped.size(), v4.sin_port)};
  }
  if (address.ss_family != AF_INET6) return {};
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return {{}, print_words(v6.sin6_addr.s6_addr, 16, v6.sin6_port)};
}

/// Writes the address as the kernel asks for it, and gives the port, in the order of the wire.
std::uint16_t put_address(const sockaddr_storage& address, __be32 (&into)[4]) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    into[0] = v4.sin_addr.s_addr;
    return v4.sin_port;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  std::memcpy(into, &v6.sin6_addr, sizeof(into));
  return v6.sin6_port;
}

/// Asks the kernel for this one connection: its tables are long to print, even when they are empty.
std::optional<std::uint32_t> ask_kernel(const sockaddr_storage& from, const sockaddr_storage& to) {
  struct {
    nlmsghdr head;
    inet_diag_req_v2 asked;
  } question{};
  question.head.nlmsg_len = sizeof(question);
  question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.head.nlmsg_flags = NLM_F_REQUEST;
  question.asked.sdiag_family = static_cast<std::uint8_t>(from.ss_family);
  question.asked.sdiag_protocol = IPPROTO_TCP;
  question.asked.idiag_states = 1U << TCP_ESTABLISHED;
  question.asked.id.idiag_sport = put_address(from, question.asked.id.idiag_src);
  question.asked.id.idiag_dport = put_address(to, question.asked.id.idiag_dst);
  question.asked.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  question.asked.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  const Descriptor line(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  alignas(nlmsghdr) std::array<char, 1024> answer{};
  if (::send(line.number(), &question, sizeof(question), MSG_DONTWAIT) != sizeof(question))
    return std::nullopt;
  const auto got = ::recv(line.number(), answer.data(), answer.size(), MSG_DONTWAIT);
  if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(inet_diag_msg)))) return std::nullopt;
  const auto* const head = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
  const auto* const found = static_cast<const inet_diag_msg*>(NLMSG_DATA(head));
  // Without a connection the kernel may name a socket that listens at the caller's port.
  const bool is_it = found->idiag_state == TCP_ESTABLISHED &&
                     found->id.idiag_sport == question.asked.id.idiag_sport &&
                     found->id.idiag_dport == question.asked.id.idiag_dport;
  if (!is_it) return std::nullopt;
  return found->idiag_uid;
}

std::optional<std::uint32_t> owner_in_file(const char* path, std::string_view from,
                                           std::string_view to) {
  if (from.empty() || to.empty()) return std::nullopt;
  std::ostringstream table;
  table << std::ifstream(path).rdbuf();
  return owner_in(table.view(), from, to);
}

}  // namespace

std::optional<std::uint32_t> owner_in(std::string_view table, std::string_view from,
                                      std::string_view to) {
  while (!table.empty()) {
    const auto end = std::min(table.find('\n'), table.size());
    const auto words = words_of(table.substr(0, end));
    table.remove_prefix(std::min(end + 1, table.size()));
    if (words.size() <= kUser || words[kFrom] != from || words[kTo] != to) continue;
    if (words[kState] != kEstablished) continue;
    const std::string_view digits = words[kUser];
    std::uint32_t user = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), user);
    if (read.ec == std::errc() && read.ptr == digits.data() + digits.size()) return user;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> owner_of_caller(int socket) {
  sockaddr_storage caller{};
  sockaddr_storage here{};
  socklen_t caller_bytes = sizeof(caller);
  socklen_t here_bytes = sizeof(here);
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&caller), &caller_bytes) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &here_bytes) != 0)
    return std::nullopt;
  if (const auto user = ask_kernel(caller, here)) return user;
  // Some kernels do not answer; all have the tables.
  const End from = end_of(caller);
  const End to = end_of(here);
  // The kernel prints a table in pieces; a line may slip through between two.
  for (int look = 0; look < 2; ++look) {
    if (const auto user = owner_in_file("/proc/net/tcp", from.v4, to.v4)) return user;
    if (const auto user = owner_in_file("/proc/net/tcp6", from.v6, to.v6)) return user;
  }
  return std::nullopt;
}

}  // namespace bmsg::net
