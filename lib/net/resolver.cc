#include "lib/net/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "lib/core/descriptor.h"
#include "lib/core/scarcity.h"
#include "lib/core/thread.h"
#include "lib/net/address.h"

namespace bmsg::net {
namespace {

constexpr std::size_t kPlacesMax = 8;

std::string literal_of(const addrinfo& found) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes =
      found.ai_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(found.ai_addr)->sin_addr)
          : &reinterpret_cast<const sockaddr_in6*>(found.ai_addr)->sin6_addr;
  ::inet_ntop(found.ai_family, bytes, text.data(), text.size());
  return text.data();
}

/// The resolver says "not known" of a name, too, when it gets no descriptor to ask with. It takes a
/// few at a time.
bool lacks_descriptors() {
  std::array<Descriptor, 3> taken;
  for (Descriptor& one : taken) {
    one = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!one) return is_scarcity(errno);
  }
  return false;
}

Lookup ask_system(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (is_literal(host) ? AI_NUMERICHOST : AI_ADDRCONFIG);
  addrinfo* found = nullptr;
  Lookup lookup;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) {
    lookup.failure = ::gai_strerror(failed);
    if (failed == EAI_MEMORY || lacks_descriptors())
      lookup = {.places = {}, .failure = "no descriptor or memory is left", .is_scarce = true};
    return lookup;
  }
  for (const addrinfo* one = found; one && lookup.places.size() < kPlacesMax; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    lookup.places.push_back({Endpoint(one->ai_addr, one->ai_addrlen), literal_of(*one)});
  }
  ::freeaddrinfo(found);
  if (lookup.places.empty()) lookup.failure = "no address";
  return lookup;
}

}  // namespace

asio::awaitable<void> look_up(const std::string& host, std::uint16_t port,
                              std::shared_ptr<Door> door,
                              std::shared_ptr<asio::steady_timer> waiting, Lookup& result) {
  if (is_literal(host)) {
    result = ask_system(host, port);
    co_return;
  }
  if (host == "localhost") {  // Never a question for others (RFC 6761, 6.3).
    result = ask_system("127.0.0.1", port);
    const Lookup v6 = ask_system("::1", port);
    result.places.insert(result.places.end(), v6.places.begin(), v6.places.end());
    co_return;
  }
  result.failure = "no answer from the resolver in time";
  const auto found = std::make_shared<Lookup>();
  const std::weak_ptr<asio::steady_timer> waits = waiting;
  waiting->expires_at(asio::steady_timer::time_point::max());
  const bool is_asked = start_detached([host, port, door, found, waits] {
    Lookup lookup = ask_system(host, port);
    auto wake = [found, waits, lookup = std::move(lookup)]() mutable {
      *found = std::move(lookup);
      if (const auto timer = waits.lock()) timer->cancel();
    };
    (void)door->post(std::move(wake));  // Nobody waits any more: then nobody misses it.
  });
  if (!is_asked) {
    result = {.places = {}, .failure = "no thread is left", .is_scarce = true};
    co_return;
  }
  error_code cancelled;  // By the answer, or by whoever stops waiting.
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  co_await waiting->async_wait(token);
  if (!found->places.empty() || !found->failure.empty()) result = std::move(*found);
}

}  // namespace bmsg::net
