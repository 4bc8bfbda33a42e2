// HttpServer: one thread that serves many connections, slow and hostile ones among them.

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "lib/core/clock.h"
#include "lib/core/descriptor.h"
#include "lib/core/result.h"
#include "lib/net/address.h"
#include "lib/net/http_message.h"
#include "lib/net/rate_table.h"
#include "lib/net/tls.h"
#include "lib/net/unix_socket.h"

namespace bmsg::net {

/// Gives the answer. Exactly the first call counts; if every copy goes without one, the answer is
/// 500. Safe from any thread, after the connection died, and after the server is gone.
using Respond = std::function<void(HttpResponse)>;

/// Answers requests, now or later (a long poll keeps `respond`). Runs on the server's thread, so it
/// must not wait: what takes longer than a millisecond belongs on another thread.
using Handler = std::function<void(HttpRequest request, Respond respond)>;

/// One place to listen. `address` is http (plain), https (TLS as `identity`) or a unix socket; the
/// host is a literal or "localhost", and port 0 takes any that is free. With `inherited`, a socket
/// that listens already (from the service manager), only the scheme counts; the server owns it
/// then.
struct Listener {
  Address address;
  std::shared_ptr<TlsIdentity> identity{};  // https only.
  Stale stale = Stale::keep;                // Unix sockets only.
  std::optional<int> inherited{};
  bool finds_users = false;  // Plain http: Peer::uid of callers on this machine, too.
};

/// Whether callers on this machine keep the caps and rates too (for tests).
enum class LocalCallers { exempt, limited };

/// Source: bmsg-protocol(7), "Limits".
struct ServerOptions {
  std::size_t head_bytes_max = 8192;
  std::size_t body_bytes_max = (std::size_t{8} << 20) + 65536;  // 8 MiB and framing.
  std::size_t body_bytes_in_all = std::size_t{256} << 20;       // Being received at once.
  std::size_t connections_max = 1024;
  RateLimits rates{};
  LocalCallers local_callers = LocalCallers::exempt;
  std::chrono::milliseconds request_deadline{10'000};  // From the first byte to the last.
  std::chrono::milliseconds idle_deadline{75'000};     // Between two requests.
  std::chrono::milliseconds write_deadline{10'000};    // For each 64 KiB of an answer.
  std::chrono::milliseconds farewell{1'000};           // How long a refused sender is drained.
  std::size_t channels_max = 1024;  // Of the connections; none of them gives way to another.
  std::size_t channel_bytes_max = std::size_t{1} << 20;  // Behind the text that is being sent.
  std::chrono::milliseconds tick{100};                   // How often deadlines are looked at.

  /// Whose node key may come in over TLS: with it each client has to show a certificate, and who is
  /// not admitted is turned away in the handshake, before a word of HTTP. Null: nobody is asked.
  std::function<bool(const NodeKey&)> admits{};
  /// Told of each who is turned away; the key in `caller` is a claim. Like handlers it must not
  /// wait.
  std::function<void(const Peer& caller)> turned_away{};
};

/// Threads: each member from any thread, except where it says otherwise; handlers and posted work
///          run on the server's own thread.
class HttpServer {
 public:
  /// Listens at all of `listeners` or fails. `clock` measures deadlines and must outlive the
  /// server; it must move by itself.
  /// Errors: Errc::unreachable for an address that is taken or not ours, Errc::bad_input for one
  ///         that cannot be listened at, Errc::no_resource, Errc::io.
  static Result<std::unique_ptr<HttpServer>> start(const std::vector<Listener>& listeners,
                                                   Handler handler, const ServerOptions& options,
                                                   const Clock& clock);
  /// Stops without grace.
  ~HttpServer();

  /// Where it listens, in the order of `listeners`, with the ports that were picked.
  std::vector<Address> bound_addresses() const;

  /// Runs `work` on the server's thread, in order; dropped once the server has stopped.
  void post(std::function<void()> work);
  /// The same, after `delay`.
  void run_after(std::chrono::milliseconds delay, std::function<void()> work);

  /// Serves one more connection, one end of a socket pair: of `serve --stdio`, say. Its peer is
  /// called "pipe" and counts as local.
  void adopt(Descriptor connected);

  /// Other limits from now on, for connections that are open too: those of keys that are admitted
  /// no more are closed.
  void set_limits(const ServerOptions& limits);

  /// `admits` answers otherwise from now on: closes the connections of keys that it admits no more.
  void judge_again();

  /// Open connections.
  std::size_t connections() const;

  /// Stops listening, lets requests that have begun finish for up to `grace`, closes the rest, and
  /// joins. A long poll counts as begun: answer it first. Not from the server's own thread. When it
  /// returns, the handler has been destroyed.
  void stop(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace bmsg::net
