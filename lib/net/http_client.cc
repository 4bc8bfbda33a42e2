#include "lib/net/http_client.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>

#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/net/beast_parsers.h"
#include "lib/net/connector.h"
#include "lib/net/loop.h"

namespace bmsg::net {
namespace {

constexpr std::size_t kReadBytes = 65536;

std::string host_of(const Address& address) {
  const bool is_web = address.scheme == Scheme::http || address.scheme == Scheme::https;
  return is_web ? host_field(address) : "localhost";
}

/// What a request asks for at an address: its target behind the path there.
std::string target_at(const Address& address, const std::string& target) {
  const bool is_below = is_mirror(address) && address.path != "/";
  return is_below ? address.path + target : target;
}

/// A request as bytes, with what its answer may be.
struct Question {
  Bytes bytes;
  Method method;
  std::size_t response_bytes_max;
};

/// What became of it.
struct Outcome {
  std::optional<Error> failure;
  HttpResponse response;
  bool is_silent = true;  // Not one byte came back.
};

}  // namespace

class HttpClient::Impl {
 public:
  Impl(Address address, ClientOptions options)
      : connector_(loop_, std::move(address), std::move(options)) {}

  void adopt(Descriptor connected) {
    wire_ = std::make_unique<Wire>(loop_);
    wire_->adopt(std::move(connected), AF_UNIX);
    is_single_ = true;
  }

  Result<HttpResponse> request(const OutgoingRequest& request, const RequestLimits& limits);
  void cancel();
  void drop_request();

  std::optional<NodeKey> peer_key;
  std::atomic<std::uint64_t> bytes_in = 0;  // Read while a request runs, too.
  std::atomic<std::uint64_t> bytes_out = 0;

 private:
  Outcome run(const Question& question, std::chrono::milliseconds deadline);
  asio::awaitable<void> perform(const Question& question, Outcome& outcome);
  asio::awaitable<void> open(Outcome& outcome);
  asio::awaitable<void> exchange(const Question& question, Outcome& outcome);
  asio::awaitable<void> send(const Bytes& bytes);
  asio::awaitable<void> receive(ResponseParser& parser, Outcome& outcome);
  void interrupt();
  Error broken(Errc code, const std::string& cause) const {
    return Error{code, fmt::format("{}: {}", to_string(connector_.address()), cause)};
  }

  Error turned_away() const;
  Error cancelled() const { return broken(Errc::try_again, "the request was cancelled"); }
  Error late(std::chrono::milliseconds deadline, bool was_open) const;

  asio::io_context loop_{1};
  Connector connector_;
  std::unique_ptr<Wire> wire_;
  bool is_single_ = false;
  bool is_open_ = false;  // The request has got past open().
  bool is_late_ = false;  // The deadline has passed: nothing is tried again.
  std::atomic<bool> is_cancelled_ = false;
  std::atomic<std::uint64_t> number_ = 0;  // Of the request that runs, or ran last.
  bool is_dropped_ = false;                // This one.
};

void HttpClient::Impl::interrupt() {
  connector_.interrupt();
  if (wire_) wire_->close();
}

void HttpClient::Impl::cancel() {
  is_cancelled_ = true;
  (void)connector_.door()->post([this] { interrupt(); });  // No loop: no request either.
}

void HttpClient::Impl::drop_request() {
  if (is_single_) return;
  // The loop may get to it when another request runs: that one is not meant.
  (void)connector_.door()->post([this, meant = number_.load()] {
    if (meant != number_) return;
    is_dropped_ = true;
    interrupt();
  });
}

asio::awaitable<void> HttpClient::Impl::open(Outcome& outcome) {
  is_open_ = false;
  if (is_cancelled_ || is_dropped_) {
    outcome.failure = cancelled();
    co_return;
  }
  wire_ = std::make_unique<Wire>(loop_);
  co_await connector_.open(*wire_, outcome.failure);
  if (const auto key = wire_->peer_key()) peer_key = key;
  is_open_ = !outcome.failure;
  if (outcome.failure) wire_->close();  // No later request goes to whom this one did not.
}

asio::awaitable<void> HttpClient::Impl::send(const Bytes& bytes) {
  error_code error;
  std::size_t sent = 0;
  // A server that refuses closes while we still send; its answer then says more than our error.
  while (sent < bytes.size() && !error) {
    sent += co_await wire_->write_some(&bytes[sent], bytes.size() - sent, error);
  }
  bytes_out += sent;
}

asio::awaitable<void> HttpClient::Impl::receive(ResponseParser& parser, Outcome& outcome) {
  Bytes in;
  error_code error;
  while (!parser.is_done() && !outcome.failure) {
    const std::size_t had = in.size();
    in.resize(had + kReadBytes);
    const std::size_t got = co_await wire_->read_some(&in[had], kReadBytes, error);
    in.resize(had + got);
    bytes_in += got;
    if (got > 0) outcome.is_silent = false;
    const bool is_end = error == asio::error::eof;
    if (error && !is_end) {
      outcome.failure =
          is_turned_away(error) ? turned_away() : broken(Errc::unreachable, error.message());
      break;
    }
    const auto taken = parser.take(in);
    if (!taken) {
      outcome.failure = broken(taken.error().code, taken.error().message);
      break;
    }
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(taken.value()));
    if (in.size() > 2 * kReadBytes) outcome.failure = broken(Errc::protocol, "endless line");
    if (!is_end || parser.is_done()) continue;
    const auto ended = parser.take_end();
    if (!ended) outcome.failure = broken(ended.error().code, ended.error().message);
    break;
  }
  // Bytes beyond the answer belong to nothing that was asked.
  if (outcome.failure || error || !parser.keep_alive() || !in.empty()) wire_->close();
}

asio::awaitable<void> HttpClient::Impl::exchange(const Question& question, Outcome& outcome) {
  ResponseParser parser(question.method, question.response_bytes_max);
  co_await send(question.bytes);
  co_await receive(parser, outcome);
  if (!outcome.failure) outcome.response = parser.take_response();
}

asio::awaitable<void> HttpClient::Impl::perform(const Question& question, Outcome& outcome) {
  const bool is_reused = is_single_ || (wire_ && !wire_->has_news());
  is_open_ = is_reused;
  if (!is_reused) co_await open(outcome);
  if (outcome.failure) co_return;
  co_await exchange(question, outcome);
  // The server may have closed an idle connection just as we wrote. Only what changes nothing is
  // asked a second time: it may have been read after all.
  const bool is_safe = question.method == Method::get || question.method == Method::head;
  if (!outcome.failure || !is_reused || !outcome.is_silent || !is_safe || is_single_) co_return;
  if (is_late_ || is_cancelled_ || is_dropped_) co_return;
  outcome = Outcome{};
  co_await open(outcome);
  if (!outcome.failure) co_await exchange(question, outcome);
}

Error HttpClient::Impl::turned_away() const {
  const auto key = connector_.own_key();
  Error error =
      broken(Errc::denied, key ? fmt::format("it lets in members only, and our node key is no "
                                             "member's: {}",
                                             to_hex(key->view()))
                               : "it lets in members only, and no node key of ours was shown");
  error.hint = key ? "give that key to whoever runs it, for the setting serve.allow there"
                   : "this store's chain is open, so what answers there is on another one";
  return error;
}

Error HttpClient::Impl::late(std::chrono::milliseconds deadline, bool was_open) const {
  const double seconds = static_cast<double>(deadline.count()) / 1000;
  if (was_open) return broken(Errc::unreachable, fmt::format("no answer within {} s", seconds));
  return Error{Errc::unreachable,
               fmt::format("cannot reach {}: {} took longer than {} s",
                           to_string(connector_.address()), connector_.stage(), seconds)};
}

Outcome HttpClient::Impl::run(const Question& question, std::chrono::milliseconds deadline) {
  Outcome outcome;
  bool is_over = false;
  is_late_ = false;
  loop_.restart();
  asio::co_spawn(loop_, perform(question, outcome), [&is_over](const std::exception_ptr& escaped) {
    end_coroutine(escaped);
    is_over = true;
  });
  loop_.run_for(deadline);
  if (is_over) return outcome;
  is_late_ = true;
  const bool was_open = is_open_;
  interrupt();
  loop_.restart();
  loop_.run();  // Everything that waits returns at once now; the frames end here, not later.
  if (outcome.failure || !is_over) outcome.failure = late(deadline, was_open);
  return outcome;
}

Result<HttpResponse> HttpClient::Impl::request(const OutgoingRequest& request,
                                               const RequestLimits& limits) {
  OutgoingRequest full = request;
  full.target = target_at(connector_.address(), request.target);
  auto bytes = write_request(full, host_of(connector_.address()));
  if (!bytes) return broken(Errc::bad_input, "a request that cannot be sent");
  if (is_cancelled_) return cancelled();
  ++number_;
  is_dropped_ = false;
  const Question question{std::move(*bytes), request.method, limits.response_bytes_max};
  Outcome outcome = run(question, limits.deadline);
  if (outcome.failure && (is_cancelled_ || is_dropped_)) return cancelled();
  if (outcome.failure) return *outcome.failure;
  return std::move(outcome.response);
}

Result<Proxy> parse_proxy(std::string_view text) {
  constexpr std::string_view kScheme = "socks5h://";
  if (text.starts_with(kScheme)) {
    const auto address = parse_address("http://" + std::string(text.substr(kScheme.size())));
    if (address && address.value().path.empty()) {
      return Proxy{address.value().host, address.value().port};
    }
  }
  return Error{Errc::bad_input, fmt::format("'{}' is no proxy: socks5h://HOST:PORT is one", text)};
}

HttpClient::HttpClient(Address address, ClientOptions options)
    : impl_(make_with_loop<Impl>(std::move(address), std::move(options))) {}
std::unique_ptr<HttpClient> HttpClient::over(Descriptor connected, Address address) {
  auto client = std::make_unique<HttpClient>(std::move(address));
  if (client->impl_) client->impl_.value()->adopt(std::move(connected));
  return client;
}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::request(const OutgoingRequest& request,
                                         const RequestLimits& limits) {
  if (!impl_) return impl_.error();
  return impl_.value()->request(request, limits);
}
std::optional<NodeKey> HttpClient::peer_key() const {
  return impl_ ? impl_.value()->peer_key : std::nullopt;
}
std::uint64_t HttpClient::bytes_in() const { return impl_ ? impl_.value()->bytes_in.load() : 0; }
std::uint64_t HttpClient::bytes_out() const { return impl_ ? impl_.value()->bytes_out.load() : 0; }
void HttpClient::cancel() {
  if (impl_) impl_.value()->cancel();
}
void HttpClient::drop_request() {
  if (impl_) impl_.value()->drop_request();
}

}  // namespace bmsg::net
