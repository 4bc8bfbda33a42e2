// HttpClient: one request, one deadline, one size limit; over TCP, TLS, a unix socket or a proxy.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lib/core/descriptor.h"
#include "lib/core/result.h"
#include "lib/net/address.h"
#include "lib/net/http_message.h"
#include "lib/net/http_syntax.h"
#include "lib/net/tls.h"

namespace bmsg::net {

/// A SOCKS5 proxy that looks names up itself ("socks5h"), as Tor's does.
struct Proxy {
  std::string host;
  std::uint16_t port = 0;
};

/// Parses "socks5h://HOST:PORT". Plain socks5 is refused: it would look names up here.
/// Errors: Errc::bad_input.
Result<Proxy> parse_proxy(std::string_view text);

/// Whether a name may lead to this machine or a private network. Peers that others told us of may
/// not: their addresses could aim at services that listen only here.
enum class Reach { anywhere, public_only };

/// By what an https server is judged.
enum class Judge { node_key, authorities };

struct ClientOptions {
  Judge judge = Judge::node_key;
  std::optional<NodeKey> expected_key{};    // None: first use; peer_key() then tells what was seen.
  std::shared_ptr<TlsIdentity> identity{};  // Ours, shown where asked. Null: none.
  std::optional<Proxy> proxy{};             // With one, nothing but it is ever connected to.
  Reach reach = Reach::anywhere;
};

struct RequestLimits {
  std::chrono::milliseconds deadline{30'000};             // From the call to the last byte.
  std::size_t response_bytes_max = std::size_t{8} << 20;  // Of the body.
};

/// Talks to one address, over one connection that is kept open while the server likes it.
/// Redirects are answers like others and never followed; compressed answers are refused.
/// Threads: one at a time; cancel() and drop_request() from any.
/// Errors:  Errc::unreachable (refused, no answer in time; the text names address and reason),
///          Errc::no_host (a name that does not resolve), Errc::protocol (not HTTP, or longer than
///          allowed), Errc::denied (another key than expected, or none; or it lets ours not in),
///          Errc::bad_input (a target or field that cannot be sent), Errc::try_again (cancelled),
///          Errc::no_resource (the system gives no descriptor).
class HttpClient {
 public:
  explicit HttpClient(Address address, ClientOptions options = {});
  /// Talks over `connected`, one end of a socket pair (to a process that runs ssh, say), and over
  /// nothing else. `address` is how it is named in messages.
  static std::unique_ptr<HttpClient> over(Descriptor connected, Address address);
  ~HttpClient();

  /// `request.target` is put behind the path of the address.
  Result<HttpResponse> request(const OutgoingRequest& request, const RequestLimits& limits);

  /// The key that the server proved in the last handshake.
  std::optional<NodeKey> peer_key() const;

  /// Bytes of requests and answers so far, without TLS.
  std::uint64_t bytes_in() const;
  std::uint64_t bytes_out() const;

  /// Ends the request that runs now, and every later one at once.
  void cancel();
  /// Ends the request that runs now, with Errc::try_again; the next goes over a new connection.
  /// Does nothing where there can be no other connection (over()).
  void drop_request();

 private:
  class Impl;
  Result<std::unique_ptr<Impl>> impl_;  // Or why nothing can be asked.
};

}  // namespace bmsg::net
