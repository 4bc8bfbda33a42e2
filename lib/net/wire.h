// Wire: one connection as coroutines see it, whether TCP or a unix socket, plain or TLS. Internal
// to lib/net: it includes Asio.

#pragma once

#include <utility>  // Before Asio: 1.74 uses std::exchange without it.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "lib/core/check.h"
#include "lib/core/descriptor.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/net/http_message.h"
#include "lib/net/tls.h"

namespace bmsg::net {

namespace asio = boost::asio;
using boost::system::error_code;

struct TlsIdentity::Context {
  asio::ssl::context ssl{asio::ssl::context::tls};
};

/// By what a client judges a server.
enum class Trust {
  node_key,     // By the key alone, whatever else the certificate says.
  authorities,  // By the system's certificate authorities, and a name that fits.
};

/// Whether the key that the other side's certificate shows (none: it shows none of a node) may be.
/// Asked in the middle of the handshake, before anything of ours is shown: the key is a claim then,
/// and proved by the time that the handshake has ended well.
using JudgeKey = std::function<bool(const std::optional<NodeKey>& claimed)>;

/// Whether this is how a server says that it does not let a certificate in, or none.
bool is_turned_away(const error_code& error);

/// An identity without a certificate: of a client that shows none. For Trust::authorities TLS 1.2
/// is allowed too, since web servers that only offer files are many years old.
std::shared_ptr<TlsIdentity> anonymous_identity(Trust trust);

/// What a coroutine of ours ends with. Whatever a library throws has been turned into an error_code
/// where it is called, so an exception that comes this far is a bug.
inline void end_coroutine(const std::exception_ptr& escaped) {
  check(!escaped, "an exception left a coroutine");
}

/// The way in for other threads: work is queued while the loop exists, and dropped afterwards.
/// Threads: any.
class Door {
 public:
  explicit Door(asio::io_context& loop) : loop_(&loop) {}
  /// Whether it was queued.
  bool post(std::function<void()> work);
  /// Whether the caller runs on the loop's own thread, for which others need not be woken.
  bool is_inside();
  void close();

 private:
  std::mutex mutex_;
  asio::io_context* loop_;
};

/// Whether more is written right behind.
enum class Follows { nothing, more };

/// Threads: the loop's, one coroutine reading or writing at a time.
class Wire {
 public:
  using Socket = asio::generic::stream_protocol::socket;

  explicit Wire(asio::io_context& loop);
  ~Wire();

  Socket& socket() { return socket_; }
  /// Takes over a connected descriptor.
  void adopt(Descriptor descriptor, int family);

  /// Each of these sets `error` instead of throwing; the caller's frame holds it.
  /// With a `judge` the client is asked for a certificate, and turned away without one or if the
  /// judge says no; without, it is not asked.
  asio::awaitable<void> accept_tls(std::shared_ptr<TlsIdentity> identity, JudgeKey judge,
                                   error_code& error);
  /// `judge` is for Trust::node_key.
  asio::awaitable<void> connect_tls(std::shared_ptr<TlsIdentity> identity, Trust trust,
                                    const std::string& name, JudgeKey judge, error_code& error);
  /// Whether accept_tls() turned the client away for its key, which is claimed_key().
  bool has_turned_away() const { return has_turned_away_; }
  const std::optional<NodeKey>& claimed_key() const { return claimed_; }
  /// Why the other side's certificate was refused; empty if it was not.
  const std::string& refusal() const { return refusal_; }
  asio::awaitable<std::size_t> read_some(void* bytes, std::size_t size, error_code& error);
  asio::awaitable<std::size_t> write_some(const void* bytes, std::size_t size, error_code& error);
  /// What goes at once and without waiting, which over TLS is nothing: 0. `follows` holds a packet
  /// that is not full back until more is written, which must be soon.
  std::size_t write_now(const void* bytes, std::size_t size, Follows follows);
  /// As write_some(), from a file: without TLS the bytes never come through this process. A file
  /// that ends too early is asio::error::eof.
  asio::awaitable<std::size_t> send_some(const FilePart& part, error_code& error);
  /// Lets the others have their turn.
  asio::awaitable<void> give_way();

  /// Says farewell (close_notify, FIN), even while another coroutine reads.
  asio::awaitable<void> end_sending();
  /// The same, then reads and drops what the other side still sends until
  /// it has closed too. Closing at once would reset the connection and destroy an answer that is
  /// still under way. Waits as long as nobody calls close().
  asio::awaitable<void> finish();
  /// Ends everything at once; what waits on this wire returns with an error.
  void close();

  /// Whether the other side has hung up or sends no more.
  bool is_abandoned();
  /// Whether there is anything to read, were it only the end.
  bool has_news();
  std::optional<NodeKey> peer_key();

 private:
  struct Tls;

  void judge_by(JudgeKey judge);

  Socket socket_;
  std::string refusal_;
  std::optional<NodeKey> claimed_;
  bool has_turned_away_ = false;
  std::unique_ptr<Tls> tls_;
};

}  // namespace bmsg::net
