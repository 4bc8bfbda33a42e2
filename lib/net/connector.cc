#include "lib/net/connector.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/core/hex.h"
#include "lib/net/socks.h"
#include "lib/net/unix_socket.h"

namespace bmsg::net {
namespace {

/// How long one address of several is tried: a broken IPv6 must not eat the whole deadline.
constexpr std::chrono::milliseconds kPlaceDeadline{3000};
constexpr std::chrono::milliseconds kNoLimit{0};

std::string proxy_text(const Proxy& proxy) {
  return "proxy socks5h://" + host_and_port({Scheme::http, proxy.host, proxy.port, {}});
}

/// Whether the system, and not who is called, stands in the way.
bool is_ours(const error_code& error) {
  return error == asio::error::no_descriptors || error == asio::error::no_memory ||
         error == asio::error::no_buffer_space ||
         error == boost::system::errc::too_many_files_open_in_system;
}

/// Closes a socket that takes too long, unless told in time that all is well.
struct Alarm {
  Wire& wire;
  bool is_off = false;
};

}  // namespace

Connector::Connector(asio::io_context& loop, Address address, ClientOptions options)
    : loop_(loop),
      address_(std::move(address)),
      options_(std::move(options)),
      door_(std::make_shared<Door>(loop)),
      lookup_(std::make_shared<asio::steady_timer>(loop)) {}

Connector::~Connector() { door_->close(); }

Error Connector::failed(Errc code, const std::string& cause) const {
  return Error{code, fmt::format("cannot reach {}: {}", to_string(address_), cause)};
}

void Connector::interrupt() {
  is_interrupted_ = true;
  lookup_->cancel();
}

asio::awaitable<void> Connector::open(Wire& wire, std::optional<Error>& failure) {
  is_interrupted_ = false;
  if (address_.scheme == Scheme::unix_socket) {
    auto socket = connect_unix(address_.path);
    if (!socket) {
      failure = socket.error();
      co_return;
    }
    wire.adopt(std::move(socket).value(), AF_UNIX);
    co_return;
  }
  if (address_.scheme == Scheme::ssh) {
    open_ssh(wire, failure);
    co_return;
  }
  if (options_.proxy) {
    stage_ = proxy_text(*options_.proxy);
    co_await connect(wire, options_.proxy->host, options_.proxy->port, failure);
    if (!failure) co_await ask_proxy(wire, failure);
  } else {
    stage_ = "the connection";
    co_await connect(wire, address_.host, address_.port, failure);
  }
  if (failure || address_.scheme != Scheme::https) co_return;
  stage_ = "TLS";
  co_await secure(wire, failure);
}

void Connector::open_ssh(Wire& wire, std::optional<Error>& failure) {
  if (options_.proxy) {
    failure = failed(Errc::unreachable, "ssh does not go through " + proxy_text(*options_.proxy));
    return;
  }
  stage_ = "ssh";
  ssh_.reset();  // The one before has ended, or ends now.
  Descriptor socket;
  auto started = SshProcess::start(address_, socket);
  if (!started) {
    failure = started.error();
    return;
  }
  ssh_ = std::move(started).value();
  wire.adopt(std::move(socket), AF_UNIX);
}

asio::awaitable<void> Connector::connect(Wire& wire, const std::string& host, std::uint16_t port,
                                         std::optional<Error>& failure) {
  const std::string via = options_.proxy ? proxy_text(*options_.proxy) + ": " : "";
  if (host.ends_with(".onion")) {
    failure = failed(Errc::no_host, "an onion service needs a proxy");
    co_return;
  }
  Lookup found;
  co_await look_up(host, port, door_, lookup_, found);
  if (found.is_scarce) {
    failure = failed(Errc::no_resource,
                     fmt::format("{}'{}' cannot be looked up: {}", via, host, found.failure));
    co_return;
  }
  if (found.places.empty()) {
    failure = failed(Errc::no_host, via + "'" + host + "' does not resolve: " + found.failure);
    co_return;
  }
  std::string cause;
  Errc code = Errc::unreachable;
  for (std::size_t i = 0; i < found.places.size() && !is_interrupted_; ++i) {
    const Place& place = found.places[i];
    if (options_.reach == Reach::public_only && !options_.proxy && !is_public(place.literal)) {
      cause = place.literal + " is no public address";
      continue;
    }
    const auto limit = i + 1 < found.places.size() ? kPlaceDeadline : kNoLimit;
    error_code error;
    co_await try_place(wire, place, limit, error);
    if (!error) co_return;
    cause = error == asio::error::operation_aborted ? "no answer in time" : error.message();
    if (is_ours(error)) code = Errc::no_resource;
  }
  failure = failed(code, via + cause);
}

asio::awaitable<void> Connector::try_place(Wire& wire, const Place& place,
                                           std::chrono::milliseconds limit, error_code& error) {
  const auto alarm = std::make_shared<Alarm>(Alarm{wire});
  asio::steady_timer timer(loop_);
  if (limit != kNoLimit) {
    timer.expires_after(limit);
    timer.async_wait([alarm](error_code cancelled) {
      if (!cancelled && !alarm->is_off) alarm->wire.close();
    });
  }
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await wire.socket().async_connect(place.endpoint, token);
  alarm->is_off = true;
  if (error) {
    wire.close();
    co_return;
  }
  const int on = 1;
  // A failure costs only time.
  (void)::setsockopt(wire.socket().native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

asio::awaitable<bool> Connector::read_exactly(Wire& wire, Bytes& into, std::size_t size) {
  error_code error;
  std::size_t had = into.size();
  into.resize(size);
  while (had < size && !error) had += co_await wire.read_some(&into[had], size - had, error);
  co_return !error;
}

asio::awaitable<bool> Connector::exchange(Wire& wire, const Bytes& question, Bytes& answer) {
  error_code error;
  std::size_t sent = 0;
  while (sent < question.size() && !error) {
    sent += co_await wire.write_some(&question[sent], question.size() - sent, error);
  }
  if (error) co_return false;
  const std::size_t wanted = answer.size();
  answer.clear();
  co_return co_await read_exactly(wire, answer, wanted);
}

asio::awaitable<void> Connector::ask_proxy(Wire& wire, std::optional<Error>& failure) {
  const std::string proxy = proxy_text(*options_.proxy);
  if (is_literal(address_.host) && options_.reach == Reach::public_only &&
      !is_public(address_.host)) {
    failure = failed(Errc::unreachable, "no public address");
    co_return;
  }
  const Bytes greeting = socks_greeting();
  Bytes answer(2);
  bool is_good = co_await exchange(wire, greeting, answer);
  if (!is_good || !socks_is_accepted(answer)) {
    failure = failed(Errc::unreachable, proxy + " does not speak SOCKS 5 without a password");
    co_return;
  }
  const Bytes question = socks_connect(address_.host, address_.port);
  answer.resize(5);
  is_good = co_await exchange(wire, question, answer);
  const std::string refusal = is_good ? socks_refusal(answer) : "closed the connection";
  const auto size = is_good ? socks_answer_bytes(answer) : std::nullopt;
  if (size && refusal.empty()) is_good = co_await read_exactly(wire, answer, *size);
  if (!refusal.empty() || !size || !is_good) {
    const std::string cause = refusal.empty() ? "not a SOCKS answer" : refusal;
    failure = failed(Errc::unreachable, proxy + " says: " + cause);
  }
}

asio::awaitable<void> Connector::secure(Wire& wire, std::optional<Error>& failure) {
  const bool by_key = options_.judge == Judge::node_key;
  const Trust trust = by_key ? Trust::node_key : Trust::authorities;
  auto identity = options_.identity ? options_.identity : anonymous_identity(trust);
  // Judged before our own certificate is shown: who is not meant learns nothing about us.
  JudgeKey judge = [this, &failure](const std::optional<NodeKey>& claimed) {
    failure = judge_key(claimed);
    return !failure;
  };
  error_code error;
  co_await wire.connect_tls(std::move(identity), trust, address_.host, std::move(judge), error);
  if (failure) co_return;
  if (error) {
    // OpenSSL's own complaints come with its category; the others are the connection's.
    const bool is_tls = error.category() == asio::error::get_ssl_category();
    const std::string cause = wire.refusal().empty() ? error.message() : wire.refusal();
    failure = failed(is_tls ? Errc::protocol : Errc::unreachable, "TLS: " + cause);
    co_return;
  }
  if (by_key) failure = judge_key(wire.peer_key());
}

std::optional<Error> Connector::judge_key(const std::optional<NodeKey>& key) const {
  if (!key) return failed(Errc::denied, "it shows no node key");
  if (!options_.expected_key || *key == *options_.expected_key) return std::nullopt;
  return failed(Errc::denied, fmt::format("it has the node key {}, not {}", to_hex(key->view()),
                                          to_hex(options_.expected_key->view())));
}

}  // namespace bmsg::net
