#include "lib/net/http_server.h"

#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <thread>

#include "lib/core/check.h"
#include "lib/core/try.h"
#include "lib/net/loop.h"
#include "lib/net/session.h"
#include "lib/net/socket_owner.h"
#include "lib/net/tcp_listener.h"

namespace bmsg::net {
namespace {

constexpr std::chrono::milliseconds kWaitForDescriptors{100};

/// Said to whoever comes when the house is full. Not read first: that would cost what is short.
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 10\r\n"
    "Connection: close\r\n\r\n";

/// A listening socket with what callers get there.
struct Entrance {
  Entrance(asio::io_context& loop, Listener opened, Descriptor socket)
      : listener(std::move(opened)), descriptor(loop, socket.release()) {}

  Listener listener;
  asio::posix::stream_descriptor descriptor;
};

Result<Descriptor> open_listener(Listener& listener) {
  if (listener.inherited) return inherit(*listener.inherited, listener.address);
  if (listener.address.scheme == Scheme::unix_socket) {
    return listen_unix(listener.address.path, listener.stale);
  }
  if ((listener.address.scheme == Scheme::https) != (listener.identity != nullptr)) {
    return Error{Errc::bad_input,
                 "https needs a certificate, and only https: " + to_string(listener.address)};
  }
  BMSG_TRY_ASSIGN(Descriptor socket, listen_tcp(listener.address));
  BMSG_TRY_ASSIGN(listener.address.port, port_of(socket));
  return socket;
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(Handler handler, const ServerOptions& options, const Clock& clock)
      : door_(std::make_shared<Door>(loop_)),
        work_(asio::make_work_guard(loop_)),
        state_{.loop = loop_,
               .door = door_,
               .handler = std::move(handler),
               .options = options,
               .clock = clock,
               .rates = RateTable(options.rates),
               .sessions = {}},
        ticker_(loop_) {}

  void add(Listener listener, Descriptor socket) {
    addresses.push_back(listener.address);
    entrances_.push_back(std::make_shared<Entrance>(loop_, std::move(listener), std::move(socket)));
  }

  void run();
  void close_entrances();
  void run_after(std::chrono::milliseconds delay, std::function<void()> work);
  void stop(std::chrono::milliseconds grace);
  void set_limits(const ServerOptions& limits);
  void judge_again();
  void adopt(Descriptor connected);
  bool post(std::function<void()> work) { return door_->post(std::move(work)); }
  std::size_t connections() const { return connections_; }

  std::vector<Address> addresses;

 private:
  using Time = std::chrono::steady_clock::time_point;
  using Timer = std::shared_ptr<asio::steady_timer>;  // Shared with its own wait.

  asio::awaitable<void> welcome(std::shared_ptr<Entrance> entrance);
  void let_in(const Listener& listener, Caller caller);
  bool has_room(const Arrival& arrival);
  bool evict_idle(const Origin* origin);
  void forget(const std::shared_ptr<Session>& session);
  asio::awaitable<void> serve(std::shared_ptr<Session> session);
  asio::awaitable<void> watch();
  void close_unwelcome();
  void begin_stop(std::chrono::milliseconds grace);
  void end_if_empty();

  asio::io_context loop_{1};
  const std::shared_ptr<Door> door_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::vector<std::shared_ptr<Entrance>> entrances_;  // Shared with the coroutine of each.
  ServerState state_;
  std::set<Timer> timers_;
  asio::steady_timer ticker_;
  bool is_watching_ = false;
  Time end_ = Time::max();  // When stopping closes what is still open.
  std::atomic<std::size_t> connections_ = 0;
  std::mutex stopping_;
  std::thread thread_;
};

void HttpServer::Impl::run() {
  for (const auto& entrance : entrances_) {
    asio::co_spawn(loop_, welcome(entrance), end_coroutine);
  }
  // Signals are for the thread that waits for them, and none interrupts an answer.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop_.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

asio::awaitable<void> HttpServer::Impl::welcome(std::shared_ptr<Entrance> entrance) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  asio::steady_timer pause(loop_);
  while (!state_.is_stopping) {
    co_await entrance->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, token);
    if (error) co_return;
    auto next = accept_caller(entrance->descriptor.native_handle());
    if (auto* caller = std::get_if<Caller>(&next)) {
      if (entrance->listener.finds_users && caller->peer.is_loopback)
        caller->peer.uid = owner_of_caller(caller->socket.number());
      let_in(entrance->listener, std::move(*caller));
    } else if (std::get<NoCaller>(next) == NoCaller::out_of_descriptors) {
      // The caller stays in the queue; asking at once again would only burn the processor.
      pause.expires_after(kWaitForDescriptors);
      co_await pause.async_wait(token);
    }
  }
}

void HttpServer::Impl::let_in(const Listener& listener, Caller caller) {
  const bool is_local = caller.peer.is_unix || caller.peer.is_loopback;
  Arrival arrival{.peer = std::move(caller.peer),
                  .identity = listener.identity,
                  .is_limited = !is_local || state_.options.local_callers == LocalCallers::limited};
  if (!has_room(arrival)) {
    if (listener.identity) return;
    // If even this does not fit, closing says as much.
    (void)::send(caller.socket.number(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)::shutdown(caller.socket.number(), SHUT_WR);  // Closed in a moment anyway.
    return;
  }
  auto session = std::make_shared<Session>(state_, std::move(arrival));
  session->wire().adopt(std::move(caller.socket), caller.family);
  state_.sessions.insert(session);
  connections_ = state_.sessions.size();
  asio::co_spawn(loop_, serve(std::move(session)), end_coroutine);
  if (is_watching_) return;
  is_watching_ = true;
  asio::co_spawn(loop_, watch(), end_coroutine);
}

/// Whether there is room; an idle connection is closed to make some if need be, because who merely
/// holds connections open must not keep others out.
bool HttpServer::Impl::has_room(const Arrival& arrival) {
  if (state_.sessions.size() >= state_.options.connections_max && !evict_idle(nullptr)) {
    return false;
  }
  if (!arrival.is_limited) return true;
  const Origin origin = origin_of(arrival.peer.address);
  return state_.rates.enter(origin) || (evict_idle(&origin) && state_.rates.enter(origin));
}

/// Closes the connection that has been idle for longest, of `origin`'s subnet if one is given.
bool HttpServer::Impl::evict_idle(const Origin* origin) {
  std::shared_ptr<Session> oldest;
  for (const auto& session : state_.sessions) {
    if (!session->is_idle()) continue;
    if (origin && (!session->is_limited() || session->origin().subnet != origin->subnet)) continue;
    if (!oldest || session->idle_since() < oldest->idle_since()) oldest = session;
  }
  if (!oldest) return false;
  oldest->close();
  forget(oldest);
  return true;
}

/// Takes a session out of all counts, once.
void HttpServer::Impl::forget(const std::shared_ptr<Session>& session) {
  if (state_.sessions.erase(session) == 0) return;
  if (session->is_limited()) state_.rates.leave(session->origin());
  connections_ = state_.sessions.size();
}

asio::awaitable<void> HttpServer::Impl::serve(std::shared_ptr<Session> session) {
  co_await session->run();
  forget(session);
  end_if_empty();
}

/// Looks at all deadlines, again and again while there are connections: one timer for all of them
/// cannot be forgotten on some path.
asio::awaitable<void> HttpServer::Impl::watch() {
  error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  while (!state_.sessions.empty()) {
    ticker_.expires_after(state_.options.tick);
    co_await ticker_.async_wait(token);
    const Time now = state_.clock.steady();
    for (const auto& session : state_.sessions) {
      session->look(now);
      if (now >= end_) session->close();
    }
  }
  is_watching_ = false;
}

void HttpServer::Impl::run_after(std::chrono::milliseconds delay, std::function<void()> work) {
  auto begin = [this, delay, work = std::move(work)]() mutable {
    if (state_.is_stopping) return;
    const auto timer = std::make_shared<asio::steady_timer>(loop_, delay);
    timers_.insert(timer);
    timer->async_wait([this, timer, work = std::move(work)](error_code cancelled) {
      timers_.erase(timer);
      if (!cancelled && !state_.is_stopping) work();
    });
  };
  (void)post(std::move(begin));  // Dropped after the end, as the header says.
}

void HttpServer::Impl::set_limits(const ServerOptions& limits) {
  (void)post([this, limits] {  // After the end there is nothing to limit.
    state_.options = limits;
    state_.rates.set_limits(limits.rates);
    close_unwelcome();
  });
}

void HttpServer::Impl::judge_again() {
  (void)post([this] { close_unwelcome(); });
}

void HttpServer::Impl::close_unwelcome() {
  for (const auto& session : state_.sessions) {
    if (!session->is_welcome()) session->close();
  }
}

void HttpServer::Impl::adopt(Descriptor connected) {
  // Shared, because queued work can be copied and a descriptor cannot.
  const auto socket = std::make_shared<Descriptor>(std::move(connected));
  (void)post([this, socket] {
    if (state_.is_stopping) return;
    Peer peer{.address = "pipe", .is_loopback = true, .is_unix = false, .uid = {}, .key = {}};
    let_in(Listener{}, Caller{std::move(*socket), AF_UNIX, std::move(peer)});
  });  // Closed with the rest if the server has stopped.
}

void HttpServer::Impl::close_entrances() {
  for (const auto& entrance : entrances_) {
    const Listener& listener = entrance->listener;
    const bool is_file = listener.address.scheme == Scheme::unix_socket && !listener.inherited;
    std::error_code gone;  // A socket that somebody has removed already is as good.
    if (is_file) std::filesystem::remove(listener.address.path, gone);
    error_code ignored;  // It is closed whatever the kernel says.
    entrance->descriptor.close(ignored);
  }
}

void HttpServer::Impl::begin_stop(std::chrono::milliseconds grace) {
  if (state_.is_stopping) return;
  state_.is_stopping = true;
  end_ = state_.clock.steady() + grace;
  close_entrances();
  for (const auto& session : state_.sessions) {
    if (grace.count() != 0 && !session->is_at_rest()) continue;
    session->say_goodbye();
    session->close();
  }
  for (const auto& timer : timers_) timer->cancel();
  end_if_empty();
}

/// Lets the loop run dry once nothing is left to do.
void HttpServer::Impl::end_if_empty() {
  if (!state_.is_stopping || !state_.sessions.empty()) return;
  ticker_.cancel();
  work_.reset();
}

void HttpServer::Impl::stop(std::chrono::milliseconds grace) {
  check(std::this_thread::get_id() != thread_.get_id(), "a server stops itself from inside");
  const std::lock_guard lock(stopping_);
  if (!thread_.joinable()) return;
  (void)post([this, grace] { begin_stop(grace); });  // The door is open until the next lines.
  thread_.join();
  door_->close();
  state_.handler = nullptr;
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::vector<Listener>& listeners,
                                                      Handler handler, const ServerOptions& options,
                                                      const Clock& clock) {
  BMSG_TRY_ASSIGN(auto impl, make_with_loop<Impl>(std::move(handler), options, clock));
  for (Listener listener : listeners) {
    auto socket = open_listener(listener);
    if (!socket) {
      impl->close_entrances();  // Sockets that were made for nothing do not stay as files.
      return socket.error();
    }
    impl->add(std::move(listener), std::move(socket).value());
  }
  impl->run();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { stop(std::chrono::milliseconds(0)); }

std::vector<Address> HttpServer::bound_addresses() const { return impl_->addresses; }
void HttpServer::post(std::function<void()> work) {
  (void)impl_->post(std::move(work));  // Dropped after the end, as the header says.
}
void HttpServer::adopt(Descriptor connected) { impl_->adopt(std::move(connected)); }
void HttpServer::run_after(std::chrono::milliseconds delay, std::function<void()> work) {
  impl_->run_after(delay, std::move(work));
}
void HttpServer::set_limits(const ServerOptions& limits) { impl_->set_limits(limits); }
void HttpServer::judge_again() { impl_->judge_again(); }
std::size_t HttpServer::connections() const { return impl_->connections(); }
void HttpServer::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }

}  // namespace bmsg::net
