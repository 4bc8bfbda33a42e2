#include "lib/net/wire.h"

#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace bmsg::net {
namespace {

using Stream = asio::ssl::stream<Wire::Socket&>;

constexpr std::size_t kSendBytesMax = std::size_t{1} << 20;  // A moment of the loop's thread.
constexpr std::size_t kTlsPieceBytes = 65536;

constexpr long kCertificateBytesMax = 16384;  // Of a node; its own has some hundred.

void harden(SSL_CTX* context, int least_version) {
  SSL_CTX_set_min_proto_version(context, least_version);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // An idle connection keeps no buffers.
}

Error unusable(const error_code& cause) {
  return Error{Errc::bad_input, "cannot use the node's certificate: " + cause.message()};
}

std::optional<NodeKey> key_in(X509* certificate) {
  EVP_PKEY* const key = certificate ? X509_get0_pubkey(certificate) : nullptr;
  if (!key || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) return std::nullopt;
  NodeKey raw;
  std::size_t size = NodeKey::kSize;
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 || size != NodeKey::kSize) {
    return std::nullopt;
  }
  return raw;
}

bool has_event(Wire::Socket& socket, short events) {
  pollfd state{.fd = socket.native_handle(), .events = events, .revents = 0};
  return ::poll(&state, 1, 0) > 0;
}

}  // namespace

struct Wire::Tls {
  Tls(Socket& socket, std::shared_ptr<TlsIdentity> shown)
      : identity(std::move(shown)), stream(socket, identity->context().ssl) {}

  std::shared_ptr<TlsIdentity> identity;
  Stream stream;
};

TlsIdentity::TlsIdentity(std::unique_ptr<Context> context) : context_(std::move(context)) {}
TlsIdentity::~TlsIdentity() = default;

std::optional<NodeKey> TlsIdentity::key() const {
  return key_in(SSL_CTX_get0_certificate(context_->ssl.native_handle()));
}

Result<std::shared_ptr<TlsIdentity>> TlsIdentity::load(std::string_view certificate_pem,
                                                       ByteView private_key_pem) {
  auto context = std::make_unique<Context>();
  harden(context->ssl.native_handle(), TLS1_3_VERSION);
  SSL_CTX_set_max_cert_list(context->ssl.native_handle(), kCertificateBytesMax);
  const asio::const_buffer certificate(certificate_pem.data(), certificate_pem.size());
  const asio::const_buffer key(private_key_pem.data(), private_key_pem.size());
  error_code error;
  context->ssl.use_certificate_chain(certificate, error);
  if (error) return unusable(error);
  context->ssl.use_private_key(key, asio::ssl::context::pem, error);
  if (error) return unusable(error);
  return std::make_shared<TlsIdentity>(std::move(context));
}

std::shared_ptr<TlsIdentity> anonymous_identity(Trust trust) {
  auto context = std::make_unique<TlsIdentity::Context>();
  const bool is_web = trust == Trust::authorities;
  harden(context->ssl.native_handle(), is_web ? TLS1_2_VERSION : TLS1_3_VERSION);
  error_code ignored;  // Without authorities every certificate is refused, and that is said then.
  if (is_web) context->ssl.set_default_verify_paths(ignored);
  return std::make_shared<TlsIdentity>(std::move(context));
}

bool Door::post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (!loop_) return false;
  asio::post(*loop_, std::move(work));
  return true;
}

bool Door::is_inside() {
  const std::lock_guard lock(mutex_);
  return loop_ != nullptr && loop_->get_executor().running_in_this_thread();
}

void Door::close() {
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

Wire::Wire(asio::io_context& loop) : socket_(loop) {}
Wire::~Wire() = default;

void Wire::adopt(Descriptor descriptor, int family) {
  error_code error;
  socket_.assign(asio::generic::stream_protocol(family, 0), descriptor.number(), error);
  if (error) return;                         // The socket stays closed, and the first read says so.
  (void)descriptor.release();                // Owned by the socket from here.
  socket_.native_non_blocking(true, error);  // So it is already, from where it was accepted.
}

bool is_turned_away(const error_code& error) {
  if (error.category() != asio::error::get_ssl_category()) return false;
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
  return reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE || reason == SSL_R_TLSV1_ALERT_ACCESS_DENIED ||
         reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED;
}

/// The handshake proves that the other side has the key. Names, dates and issuers mean nothing, so
/// whatever OpenSSL finds wrong with the certificate, the key decides.
void Wire::judge_by(JudgeKey judge) {
  tls_->stream.set_verify_callback([this, judge = std::move(judge)](
                                       bool, asio::ssl::verify_context& seen) {
    X509_STORE_CTX* const state = seen.native_handle();
    if (X509_STORE_CTX_get_error_depth(state) != 0) return true;  // What else was sent along.
    claimed_ = key_in(X509_STORE_CTX_get_current_cert(state));
    if (judge(claimed_)) return true;
    has_turned_away_ = true;
    X509_STORE_CTX_set_error(state, X509_V_ERR_CERT_REJECTED);  // "bad certificate", on the wire.
    return false;
  });
}

asio::awaitable<void> Wire::accept_tls(std::shared_ptr<TlsIdentity> identity, JudgeKey judge,
                                       error_code& error) {
  tls_ = std::make_unique<Tls>(socket_, std::move(identity));
  if (judge) {
    tls_->stream.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    judge_by(std::move(judge));
  } else {
    tls_->stream.set_verify_mode(asio::ssl::verify_none);
  }
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await tls_->stream.async_handshake(asio::ssl::stream_base::server, token);
  const bool is_ssl = error && error.category() == asio::error::get_ssl_category();
  if (is_ssl && ERR_GET_REASON(static_cast<unsigned long>(error.value())) ==
                    SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
    has_turned_away_ = true;
}

asio::awaitable<void> Wire::connect_tls(std::shared_ptr<TlsIdentity> identity, Trust trust,
                                        const std::string& name, JudgeKey judge,
                                        error_code& error) {
  tls_ = std::make_unique<Tls>(socket_, std::move(identity));
  tls_->stream.set_verify_mode(asio::ssl::verify_peer);
  if (trust == Trust::authorities) {
    SSL_set_tlsext_host_name(tls_->stream.native_handle(), name.c_str());
    tls_->stream.set_verify_callback([this, name](bool is_good, asio::ssl::verify_context& seen) {
      const bool fits = asio::ssl::host_name_verification(name)(is_good, seen);
      if (fits || !refusal_.empty()) return fits;
      const int reason = X509_STORE_CTX_get_error(seen.native_handle());
      refusal_ = is_good ? "its certificate is for another name than '" + name + "'"
                         : std::string("its certificate: ") + X509_verify_cert_error_string(reason);
      return false;
    });
  } else {
    judge_by(std::move(judge));
  }
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await tls_->stream.async_handshake(asio::ssl::stream_base::client, token);
}

asio::awaitable<std::size_t> Wire::read_some(void* bytes, std::size_t size, error_code& error) {
  const asio::mutable_buffer buffer(bytes, size);
  auto token = asio::redirect_error(asio::use_awaitable, error);
  std::size_t got = 0;
  if (tls_) {
    got = co_await tls_->stream.async_read_some(buffer, token);
  } else {
    got = co_await socket_.async_read_some(buffer, token);
  }
  co_return got;
}

asio::awaitable<std::size_t> Wire::write_some(const void* bytes, std::size_t size,
                                              error_code& error) {
  const asio::const_buffer buffer(bytes, size);
  auto token = asio::redirect_error(asio::use_awaitable, error);
  std::size_t put = 0;
  if (tls_) {
    put = co_await tls_->stream.async_write_some(buffer, token);
  } else {
    put = co_await socket_.async_write_some(buffer, token);
  }
  co_return put;
}

std::size_t Wire::write_now(const void* bytes, std::size_t size, Follows follows) {
  if (tls_ || !socket_.is_open()) return 0;
  const int more = follows == Follows::more ? MSG_MORE : 0;
  const ssize_t put =
      ::send(socket_.native_handle(), bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL | more);
  return put > 0 ? static_cast<std::size_t>(put) : 0;  // What is wrong, write_some() tells.
}

asio::awaitable<std::size_t> Wire::send_some(const FilePart& part, error_code& error) {
  if (tls_) {
    Bytes piece(std::min(part.size, kTlsPieceBytes));
    const ssize_t got =
        ::pread(part.file->number(), piece.data(), piece.size(), static_cast<off_t>(part.offset));
    if (got <= 0) error = asio::error::eof;
    if (error) co_return 0;
    co_return co_await write_some(piece.data(), static_cast<std::size_t>(got), error);
  }
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!error && socket_.is_open()) {
    off_t at = static_cast<off_t>(part.offset);
    const ssize_t put = ::sendfile(socket_.native_handle(), part.file->number(), &at,
                                   std::min(part.size, kSendBytesMax));
    if (put > 0) co_return static_cast<std::size_t>(put);
    if (put == 0) error = asio::error::eof;
    if (put < 0 && errno == EAGAIN) {
      co_await socket_.async_wait(Socket::wait_write, token);
    } else if (put < 0 && errno != EINTR) {
      error = error_code(errno, boost::system::system_category());
    }
  }
  co_return 0;
}

asio::awaitable<void> Wire::give_way() {
  co_await asio::post(socket_.get_executor(), asio::use_awaitable);
}

asio::awaitable<void> Wire::end_sending() {
  error_code error;  // Whoever has gone already needs no farewell.
  auto token = asio::redirect_error(asio::use_awaitable, error);
  if (tls_) co_await tls_->stream.async_shutdown(token);
  socket_.shutdown(Socket::shutdown_send, error);
}

asio::awaitable<void> Wire::finish() {
  co_await end_sending();
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  std::array<char, 4096> dropped;
  const asio::mutable_buffer buffer(dropped.data(), dropped.size());
  while (!error) co_await socket_.async_read_some(buffer, token);
}

void Wire::close() {
  error_code ignored;  // Closing twice is no fault.
  socket_.close(ignored);
}

bool Wire::is_abandoned() { return !socket_.is_open() || has_event(socket_, POLLRDHUP); }
bool Wire::has_news() { return !socket_.is_open() || has_event(socket_, POLLIN | POLLRDHUP); }

std::optional<NodeKey> Wire::peer_key() {
  if (!tls_) return std::nullopt;
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      SSL_get1_peer_certificate(tls_->stream.native_handle()), &X509_free);
  return key_in(certificate.get());
}

}  // namespace bmsg::net
