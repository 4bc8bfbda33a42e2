// News for a service manager, and sockets from it.

#include "lib/net/service_manager.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "lib/net/tcp_listener.h"
#include "lib/net/unix_socket.h"
#include "tests/support/temp_dir.h"

namespace bmsg::net {
namespace {

/// Listens for datagrams at `place`, "@" for an abstract name.
Descriptor datagrams_at(const std::string& place) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::memcpy(at.sun_path, place.data(), place.size());
  if (place[0] == '@') at.sun_path[0] = '\0';
  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + place.size());
  EXPECT_EQ(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&at), size), 0);
  return socket;
}

std::string own_process() { return std::to_string(::getpid()); }

std::string received(const Descriptor& socket) {
  std::array<char, 512> text{};
  const auto size = ::recv(socket.number(), text.data(), text.size(), 0);
  return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
}

TEST(ServiceManager, HearsLinesAtAPathAndAtAnAbstractName) {
  const TempDir dir;
  for (const std::string& place :
       {(dir.path() / "notify").string(), "@bmsg-test-" + std::to_string(::getpid())}) {
    const Descriptor listening = datagrams_at(place);
    const ServiceManager manager(place);
    EXPECT_TRUE(manager.listens());
    EXPECT_TRUE(manager.tell("READY=1\nSTATUS=height 7"));
    EXPECT_EQ(received(listening), "READY=1\nSTATUS=height 7") << place;
  }
}

TEST(ServiceManager, IsNotMissedWhereThereIsNone) {
  const TempDir dir;
  EXPECT_FALSE(ServiceManager("").listens());
  for (const std::string& place : {std::string(), std::string("relative"), std::string("/"),
                                   (dir.path() / "nobody").string(), std::string(200, '/')}) {
    EXPECT_FALSE(ServiceManager(place).tell("READY=1")) << place;
  }
}

TEST(ServiceManager, DoesNotWaitForOneThatNeverReads) {
  const TempDir dir;
  const std::string place = dir.path() / "notify";
  const Descriptor listening = datagrams_at(place);
  const ServiceManager manager(place);
  int told = 0;
  while (told < 100'000 && manager.tell("STATUS=x")) ++told;
  EXPECT_GT(told, 0);
  EXPECT_LT(told, 100'000);  // The queue is full, and tell() came back to say so.
}

/// Runs `claim` in a process whose descriptors from 3 on are `sockets` alone; its exit code.
template <class Claim>
int in_child_with(const std::vector<int>& sockets, Claim claim) {
  const pid_t child = ::fork();
  if (child == 0) {
    int next = 3;
    std::vector<int> high;
    for (const int socket : sockets) high.push_back(::fcntl(socket, F_DUPFD, 100));
    for (const int socket : high) ::dup2(socket, next++);
    ::_exit(claim() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Watchdog, IsFedTwiceInItsTime) {
  using std::chrono::milliseconds;
  EXPECT_EQ(watchdog_beat("120000000", ""), milliseconds(60'000));
  EXPECT_EQ(watchdog_beat("2000", own_process()), milliseconds(1));
  EXPECT_EQ(watchdog_beat("1", ""), milliseconds(1));
  for (const char* never : {"", "0", "x", "-5", "1s"}) {
    EXPECT_EQ(watchdog_beat(never, ""), std::nullopt) << never;
  }
  EXPECT_EQ(watchdog_beat("120000000", "1"), std::nullopt);
}

TEST(InheritedListeners, AreTakenOverWithTheSchemeThatFitsThePlace) {
  const TempDir dir;
  const auto local = listen_tcp({Scheme::http, "127.0.0.1", 0, {}});
  const auto open = listen_tcp({Scheme::http, "0.0.0.0", 0, {}});
  const auto file = listen_unix(dir.path() / "a.sock", Stale::keep);
  ASSERT_TRUE(local && open && file);
  const auto port = port_of(local.value()).value();
  EXPECT_EQ(in_child_with({local.value().number(), open.value().number(), file.value().number()},
                          [port] {
                            const auto found = inherited_listeners("3", own_process());
                            if (!found || found.value().size() != 3) return false;
                            const auto& all = found.value();
                            return all[0].address == Address{Scheme::http, "127.0.0.1", port, {}} &&
                                   all[0].inherited == 3 &&
                                   all[1].address.scheme == Scheme::https &&
                                   all[2].address.scheme == Scheme::unix_socket &&
                                   all[2].inherited == 5;
                          }),
            0);
}

TEST(InheritedListeners, AreNoneOfOursIfAnotherProcessIsMeant) {
  for (const std::string& process : {std::string(), std::string("1"), own_process() + " "}) {
    const auto found = inherited_listeners("1", process);
    ASSERT_TRUE(found) << process;
    EXPECT_TRUE(found.value().empty()) << process;
  }
}

TEST(InheritedListeners, AreRefusedIfOneDoesNotListen) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Descriptor one(ends[0]);
  const Descriptor other(ends[1]);
  EXPECT_EQ(in_child_with({one.number()},
                          [] {
                            const auto found = inherited_listeners("1", own_process());
                            return !found && found.error().code == Errc::bad_input;
                          }),
            0);
}

TEST(InheritedListeners, AreRefusedIfTheirNumberIsNone) {
  for (const char* count : {"", "x", "1x", "-1", "65", "99999999999999999999"}) {
    EXPECT_FALSE(inherited_listeners(count, own_process())) << count;
  }
  EXPECT_TRUE(inherited_listeners("0", own_process()).value().empty());
}

}  // namespace
}  // namespace bmsg::net
