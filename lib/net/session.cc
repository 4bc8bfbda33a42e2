#include "lib/net/session.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "lib/net/body_share.h"
#include "lib/net/channel.h"

namespace bmsg::net {
namespace {

/// Takes bytes off the front. What moves up would leave a copy behind, and it may be a passphrase.
void drop_front(std::string& buffer, std::size_t size) {
  buffer.erase(0, size);
  const std::size_t kept = buffer.size();
  buffer.resize(kept + size);  // With zeros, where it lay.
  buffer.resize(kept);
}

constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kBodyReadBytes = 65536;
constexpr std::size_t kWriteBytes = 65536;
constexpr std::chrono::milliseconds kPatienceWithLeavers{1000};

HttpResponse refusal_response(const Refusal& refusal) {
  return HttpResponse{.status = refusal.status, .content_type = {}, .fields = {}, .body = {}};
}

HttpResponse upgrade_response() {
  HttpResponse response = refusal_response(Refusal{426});
  response.fields.push_back({"Upgrade", "websocket"});
  response.fields.push_back({"Sec-WebSocket-Version", "13"});
  return response;
}

HttpResponse later_response(std::chrono::seconds wait) {
  HttpResponse response{.status = 429, .content_type = {}, .fields = {}, .body = {}};
  response.fields.push_back({"Retry-After", std::to_string(wait.count())});
  return response;
}

}  // namespace

/// The right to answer one request, once. Lives as long as a Respond does, on any thread.
class Session::Ticket {
 public:
  Ticket(std::shared_ptr<Door> door, std::weak_ptr<Session> session, std::uint64_t number)
      : door_(std::move(door)), session_(std::move(session)), number_(number) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    if (!is_used_) give(refusal_response(Refusal{500}));
  }

  void give(HttpResponse response) {
    if (is_used_.exchange(true)) return;
    if (door_->is_inside()) {
      if (const auto alive = session_.lock()) alive->take_answer(number_, std::move(response));
      return;
    }
    auto work = [session = session_, number = number_, response = std::move(response)]() mutable {
      if (const auto alive = session.lock()) alive->take_answer(number, std::move(response));
    };
    (void)door_->post(std::move(work));  // Without a server nobody waits for the answer.
  }

 private:
  const std::shared_ptr<Door> door_;
  const std::weak_ptr<Session> session_;
  const std::uint64_t number_;
  std::atomic<bool> is_used_ = false;
};

Session::Session(ServerState& state, Arrival arrival)
    : state_(state),
      arrival_(std::move(arrival)),
      origin_(origin_of(arrival_.peer.address)),
      wire_(state.loop),
      phase_start_(state.clock.steady()),
      answered_(state.loop) {}

void Session::enter(Phase phase) {
  phase_ = phase;
  phase_start_ = state_.clock.steady();
}

Session::Time Session::deadline() const {
  const ServerOptions& options = state_.options;
  switch (phase_) {
    case Phase::greeting:
    case Phase::request:
      return phase_start_ + options.request_deadline;
    case Phase::idle:
      return phase_start_ + options.idle_deadline;
    case Phase::answering:
      return Time::max();  // The handler's business.
    case Phase::channel:
      return Time::max();  // It looks at its own.
    case Phase::writing:
      return phase_start_ + options.write_deadline;
    case Phase::farewell:
      return phase_start_ + options.farewell;
  }
  return phase_start_;
}

void Session::say_goodbye() {
  if (phase_ == Phase::channel) channel_->say_goodbye();
}

void Session::close() {
  is_closed_ = true;
  *has_left_ = true;
  wire_.close();
  answered_.cancel();
}

void Session::look(Time now) {
  if (now >= deadline()) return close();
  if (phase_ == Phase::channel) return channel_->look(now);
  if (phase_ != Phase::answering || !wire_.is_abandoned()) return;
  // A peer may close its sending half and still read, so one that seems gone gets a moment more.
  if (now - phase_start_ >= kPatienceWithLeavers) close();
}

void Session::take_answer(std::uint64_t number, HttpResponse response) {
  if (number != number_ || answer_) return;
  answer_ = std::move(response);
  answered_.cancel();
}

bool Session::is_welcome() {
  if (!arrival_.identity || !state_.options.admits) return true;
  const auto key = wire_.peer_key();
  return !key || state_.options.admits(*key);  // None: still in the handshake, which will judge.
}

asio::awaitable<bool> Session::shake_hands() {
  JudgeKey judge;
  if (state_.options.admits) {
    judge = [this](const std::optional<NodeKey>& claimed) {
      const auto& admits = state_.options.admits;
      return !admits || (claimed && admits(*claimed));
    };
  }
  error_code error;
  co_await wire_.accept_tls(arrival_.identity, std::move(judge), error);
  if (wire_.has_turned_away() && state_.options.turned_away) {
    Peer caller = arrival_.peer;
    caller.key = wire_.claimed_key();
    state_.options.turned_away(caller);
  }
  co_return !error && !is_closed_ && is_welcome();
}

/// TLS, if it is spoken here. Where not everybody is admitted, whoever comes pays for the handshake
/// as for a request: for a stranger it is all that there is.
asio::awaitable<bool> Session::greet() {
  if (!arrival_.identity) co_return true;
  if (!is_limited() || !state_.options.admits) co_return co_await shake_hands();
  const bool must_wait = state_.rates.begin_request(origin_, state_.clock.steady()).has_value();
  bool is_good = false;
  if (!must_wait) is_good = co_await shake_hands();
  state_.rates.end_request(origin_, 0, state_.clock.steady());
  co_return is_good;
}

asio::awaitable<void> Session::run() {
  bool goes_on = co_await greet();
  while (goes_on) goes_on = co_await serve_one();
  if (channel_ && !is_closed_) {
    enter(Phase::channel);
    co_await channel_->run(std::shared_ptr<LiveChannel>(shared_from_this(), channel_.get()));
  } else if (!is_closed_) {
    enter(Phase::farewell);
    co_await wire_.finish();
  }
  close();
}

asio::awaitable<bool> Session::serve_one() {
  HttpRequest request;
  std::optional<Refusal> refusal;
  answer_.reset();
  bytes_sent_ = 0;
  const bool whole = co_await read_request(request, refusal);
  if (!whole && !refusal) co_return false;

  const Method method = request.method;
  std::optional<std::chrono::seconds> wait;
  if (is_limited()) wait = state_.rates.begin_request(origin_, state_.clock.steady());
  if (refusal) {
    keep_alive_ = false;
    answer_ = refusal_response(*refusal);
  } else if (wait) {
    answer_ = later_response(*wait);
  } else {
    ask_handler(std::move(request));
    if (!answer_) co_await wait_for_answer();
    if (answer_ && answer_->channel) take_offer(method);
  }
  bool sent = false;
  if (!is_closed_ && !channel_) sent = co_await write_answer(method);
  if (is_limited()) state_.rates.end_request(origin_, bytes_sent_, state_.clock.steady());
  if (!sent) co_return false;
  co_return keep_alive_;
}

asio::awaitable<bool> Session::fill() {
  const std::size_t had = in_.size();
  in_.resize(had + kReadBytes);
  error_code error;
  const std::size_t got = co_await wire_.read_some(in_.data() + had, kReadBytes, error);
  in_.resize(had + got);
  co_return !error && !is_closed_;
}

asio::awaitable<bool> Session::read_head(RequestHead& head, std::optional<Refusal>& refusal) {
  std::size_t size = 0;
  while (size == 0) {
    const auto scanned = scan_head(in_, state_.options.head_bytes_max);
    if (const auto* refused = std::get_if<Refusal>(&scanned)) {
      refusal = *refused;
      co_return false;
    }
    size = std::get<std::size_t>(scanned);
    if (size > 0) break;
    const bool more = co_await fill();
    if (!more) co_return false;
    if (phase_ == Phase::idle) enter(Phase::request);
    phase_ = Phase::request;  // A first request has its time from the moment of connecting.
  }
  auto parsed = parse_request_head(std::string_view(in_).substr(0, size));
  drop_front(in_, size);
  if (const auto* refused = std::get_if<Refusal>(&parsed)) {
    refusal = *refused;
    co_return false;
  }
  head = std::move(std::get<RequestHead>(parsed));
  co_return true;
}

asio::awaitable<bool> Session::read_body(Bytes& body, std::size_t size,
                                         std::optional<Refusal>& refusal) {
  const std::size_t ready = std::min(size, in_.size());
  append(body, as_bytes(std::string_view(in_).substr(0, ready)));
  drop_front(in_, ready);
  BodyShare share(state_.body_bytes);
  while (body.size() < size) {
    const std::size_t had = body.size();
    // Room for what may arrive next, never for all that is claimed.
    const std::size_t room = std::min(size - had, std::max(kBodyReadBytes, had));
    share.hold(had + room);
    if (state_.body_bytes > state_.options.body_bytes_in_all) {
      refusal = Refusal{503};
      co_return false;
    }
    body.resize(had + room);
    error_code error;
    const std::size_t got = co_await wire_.read_some(body.data() + had, room, error);
    body.resize(had + got);
    if (error || is_closed_) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> Session::read_request(HttpRequest& request, std::optional<Refusal>& refusal) {
  if (phase_ != Phase::greeting) enter(in_.empty() ? Phase::idle : Phase::request);
  RequestHead head;
  const bool has_head = co_await read_head(head, refusal);
  if (!has_head) co_return false;
  keep_alive_ = head.keep_alive && !state_.is_stopping;
  handshake_ = judge_handshake(head);
  request.method = head.method;
  request.path = std::move(head.target.path);
  request.query = std::move(head.target.query);
  request.fields = std::move(head.fields);
  request.peer = arrival_.peer;
  request.peer.key = wire_.peer_key();
  request.has_left = has_left_;
  if (head.content_length > state_.options.body_bytes_max) {
    refusal = Refusal{413};
    co_return false;
  }
  if (head.content_length == 0) co_return true;
  co_return co_await read_body(request.body, head.content_length, refusal);
}

void Session::ask_handler(HttpRequest request) {
  enter(Phase::answering);
  answered_.expires_at(asio::steady_timer::time_point::max());
  // Every copy of the ticket goes with a copy of `respond`: when the last is dropped, it answers.
  auto ticket = std::make_shared<Ticket>(state_.door, weak_from_this(), ++number_);
  Respond respond = [ticket = std::move(ticket)](HttpResponse response) {
    ticket->give(std::move(response));
  };
  state_.handler(std::move(request), std::move(respond));
}

asio::awaitable<void> Session::wait_for_answer() {
  error_code cancelled;  // That is how an answer is announced.
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  while (!answer_ && !is_closed_) co_await answered_.async_wait(token);
}

/// Makes the channel that the handler offers, or an answer that says why there is none.
void Session::take_offer(Method method) {
  const bool is_web_socket = answer_->channel->kind == ChannelKind::web_socket;
  const auto* refusal = std::get_if<Refusal>(&handshake_);
  if (state_.is_stopping || state_.channels >= state_.options.channels_max) {
    answer_ = refusal_response(Refusal{503});
  } else if (is_web_socket && refusal) {
    answer_ = refusal->status == 426 ? upgrade_response() : refusal_response(*refusal);
  } else if (is_web_socket && arrival_.identity) {
    answer_ = text_response(501, "WebSockets are not offered over TLS\n");
  } else if (!write_stream_head(*answer_)) {
    answer_ = refusal_response(Refusal{500});
  } else if (method == Method::head) {
    answer_->channel = nullptr;
  } else {
    ChannelStart start{std::move(*answer_), std::exchange(in_, {}), {}};
    answer_.reset();
    if (is_web_socket) start.key = std::get<std::string>(std::exchange(handshake_, Refusal{}));
    const auto make = is_web_socket ? make_web_socket : make_event_stream;
    channel_ = make(state_, wire_, std::move(start));
  }
}

asio::awaitable<bool> Session::write(const void* bytes, std::size_t size, Follows follows) {
  const char* from = static_cast<const char*>(bytes);
  while (size > 0) {
    enter(Phase::writing);
    std::size_t piece = std::min(size, kWriteBytes);
    while (piece > 0) {
      error_code error;
      std::size_t put = wire_.write_now(from, piece, piece == size ? follows : Follows::more);
      if (put == 0) put = co_await wire_.write_some(from, piece, error);
      if (error || is_closed_) co_return false;
      from += put;
      piece -= put;
      size -= put;
      bytes_sent_ += put;
    }
    if (size > 0) co_await wire_.give_way();
  }
  co_return true;
}

asio::awaitable<bool> Session::send_file(FilePart part) {
  enter(Phase::writing);
  std::size_t put_in_time = 0;
  while (part.size > 0) {
    error_code error;
    const std::size_t put = co_await wire_.send_some(part, error);
    if (error || is_closed_ || put == 0) co_return false;
    part.offset += put;
    part.size -= put;
    bytes_sent_ += put;
    put_in_time += put;
    if (put_in_time < kWriteBytes) continue;
    enter(Phase::writing);
    put_in_time = 0;
    if (part.size > 0) co_await wire_.give_way();
  }
  co_return true;
}

asio::awaitable<bool> Session::write_answer(Method method) {
  const bool closes = !keep_alive_ || state_.is_stopping;
  keep_alive_ = !closes;
  auto head = write_response_head(*answer_, closes ? After::close : After::keep_alive);
  if (!head) {
    answer_ = refusal_response(Refusal{500});
    head = write_response_head(*answer_, closes ? After::close : After::keep_alive);
  }
  // Small answers leave in one packet; large bodies are not copied.
  const Bytes& body = answer_->body;
  const bool has_body = method != Method::head && answer_->status != 204 && answer_->status != 304;
  const std::size_t joined = has_body && !answer_->file ? std::min(body.size(), kReadBytes) : 0;
  head->append(as_text(ByteView(body).first(joined)));
  const bool is_more = has_body && body_bytes_of(*answer_) > joined;
  const bool begun =
      co_await write(head->data(), head->size(), is_more ? Follows::more : Follows::nothing);
  if (!begun || !is_more) co_return begun;
  if (answer_->file) co_return co_await send_file(std::move(*answer_->file));
  co_return co_await write(body.data() + joined, body.size() - joined, Follows::nothing);
}

}  // namespace bmsg::net
