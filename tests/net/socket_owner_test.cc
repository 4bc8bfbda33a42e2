// Whose process called: by the kernel's table, read strictly.

#include "lib/net/socket_owner.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "lib/core/descriptor.h"

namespace bmsg::net {
namespace {

constexpr const char* kHead =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout\n";

std::string line(const std::string& from, const std::string& to, const std::string& state,
                 const std::string& user) {
  return "   7: " + from + " " + to + " " + state + " 00000000:00000000 00:00000000 00000000  " +
         user + "        0 12345 1 0000000000000000 20 4 30 10 -1\n";
}

const std::string kFrom = "0100007F:D431";
const std::string kTo = "0100007F:1F90";

TEST(SocketOwner, IsTheUserOfTheCallersEnd) {
  const std::string table = kHead + line(kTo, kFrom, "01", "1") +
                            line("0100007F:D432", kTo, "01", "2") + line(kFrom, kTo, "01", "1000") +
                            line(kFrom, "0100007F:1F91", "01", "3");
  EXPECT_EQ(owner_in(table, kFrom, kTo), 1000U);
  EXPECT_EQ(owner_in(line(kFrom, kTo, "01", "4294967294"), kFrom, kTo), 4294967294U);
}

TEST(SocketOwner, IsNobodyOnceTheCallerHasClosed) {
  for (const char* state : {"02", "03", "04", "05", "06", "07", "08", "09", "0A", "0B", "1", ""})
    EXPECT_EQ(owner_in(line(kFrom, kTo, state, "0"), kFrom, kTo), std::nullopt) << state;
}

TEST(SocketOwner, IsNobodyInLinesThatAreNone) {
  for (const std::string& table :
       {std::string(), std::string("\n\n"), std::string(kHead), line(kFrom, kTo, "01", "x"),
        line(kFrom, kTo, "01", "-1"), line(kFrom, kTo, "01", "4294967296"),
        line(kFrom, kTo, "01", "1000x"), "7: " + kFrom + " " + kTo + " 01", kFrom + " " + kTo})
    EXPECT_EQ(owner_in(table, kFrom, kTo), std::nullopt) << table;
}

/// Both ends of a connection within this machine; the caller's family may differ.
struct Connection {
  Descriptor caller;
  Descriptor called;
};

Connection connect(int listening_family, int calling_family) {
  sockaddr_storage at{};
  socklen_t size = sizeof(at);
  auto* const generic = reinterpret_cast<sockaddr*>(&at);
  at.ss_family = static_cast<sa_family_t>(listening_family);
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&at);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&at);
  if (listening_family == AF_INET) v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listening_family == AF_INET6) v6->sin6_addr = in6addr_loopback;
  const Descriptor listening(::socket(listening_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Connection made{Descriptor(::socket(calling_family, SOCK_STREAM | SOCK_CLOEXEC, 0)), {}};
  if (::bind(listening.number(), generic, size) != 0 || ::listen(listening.number(), 1) != 0 ||
      ::getsockname(listening.number(), generic, &size) != 0)
    return made;
  if (calling_family != listening_family) {
    const std::uint16_t port = v4->sin_port;
    at = {};
    size = sizeof(sockaddr_in6);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    ::inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6->sin6_addr);
  }
  if (::connect(made.caller.number(), generic, size) != 0) return made;
  made.called = Descriptor(::accept(listening.number(), nullptr, nullptr));
  return made;
}

TEST(SocketOwner, IsUsWhereWeCallOurselves) {
  for (const auto& [listening, calling] :
       {std::pair{AF_INET, AF_INET}, std::pair{AF_INET, AF_INET6}, std::pair{AF_INET6, AF_INET6}}) {
    auto connection = connect(listening, calling);
    if (!connection.called) continue;  // There may be no IPv6 here.
    EXPECT_EQ(owner_of_caller(connection.called.number()), ::geteuid()) << listening << calling;
    connection.caller = Descriptor();
    EXPECT_EQ(owner_of_caller(connection.called.number()), std::nullopt);
  }
  EXPECT_TRUE(connect(AF_INET, AF_INET).called);
  EXPECT_EQ(owner_of_caller(-1), std::nullopt);
}

}  // namespace
}  // namespace bmsg::net
