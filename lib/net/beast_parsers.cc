#include "lib/net/beast_parsers.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <limits>
#include <utility>

namespace bmsg::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using Text = boost::beast::string_view;

constexpr std::uint32_t kResponseHeadBytesMax = 16384;
/// Room for a body is made for so much of it at most before it comes.
constexpr std::uint64_t kBodyBytesAtOnce = 4u << 20;

std::string_view view_of(Text text) { return {text.data(), text.size()}; }

std::string lower(Text text) {
  std::string made(text);
  for (char& c : made) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return made;
}

/// Notes what Beast makes of a request head.
class RequestWitness final : public http::basic_parser<true> {
 public:
  std::string method;
  std::size_t fields = 0;

 private:
  void on_request_impl(http::verb, Text name, Text, int, error_code&) override {
    method = std::string(name);
  }
  void on_response_impl(int, Text, int, error_code&) override {}
  void on_field_impl(http::field, Text, Text, error_code&) override { ++fields; }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}
};

Error broken(const std::string& cause) {
  return Error{Errc::protocol, "the answer is not proper HTTP: " + cause};
}

}  // namespace

bool beast_agrees(std::string_view head, const RequestHead& ours) {
  RequestWitness witness;
  witness.header_limit(static_cast<std::uint32_t>(head.size()) + 1);
  // boost::none would do for "none", but 1.74 compares it as if it were less than every length.
  witness.body_limit(std::numeric_limits<std::uint64_t>::max());
  error_code error;
  const std::size_t taken = witness.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error || taken != head.size() || !witness.is_header_done() || witness.chunked()) return false;
  const std::uint64_t length = witness.content_length().value_or(0);
  return head.starts_with(witness.method + " ") && witness.fields == ours.fields.size() &&
         length == ours.content_length;
}

/// Collects a response; everything that is refused is refused as soon as the head is whole.
class ResponseParser::Reader final : public http::basic_parser<false> {
 public:
  HttpResponse response;
  std::string refused;  // Why, if our own rules say no.

 private:
  void on_request_impl(http::verb, Text, Text, int, error_code&) override {}
  void on_response_impl(int code, Text, int, error_code&) override { response.status = code; }

  void on_field_impl(http::field, Text name, Text value, error_code&) override {
    if (in_body_) return;  // A trailer: nothing that we ask has one that matters.
    response.fields.push_back({lower(name), std::string(value)});
  }

  void on_header_impl(error_code& error) override {
    const auto encoding = find_field(response.fields, "content-encoding");
    const auto transfer = find_field(response.fields, "transfer-encoding");
    const auto length = find_field(response.fields, "content-length");
    if (encoding && *encoding != "identity") refused = "it is compressed, though not asked to be";
    if (transfer && *transfer != "chunked") refused = "an unknown transfer coding";
    if (length && length->find_first_not_of("0123456789") != length->npos) refused = "odd length";
    if (response.status < 200) refused = "an interim answer";
    if (!refused.empty()) error = http::make_error_code(http::error::bad_value);
    response.content_type = std::string(find_field(response.fields, "content-type").value_or(""));
    in_body_ = true;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    // Memory that is not touched costs nothing, should less come than was said.
    response.body.reserve(std::min<std::uint64_t>(length.value_or(0), kBodyBytesAtOnce));
  }
  std::size_t on_body_impl(Text body, error_code&) override {
    append(response.body, as_bytes(view_of(body)));
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code& error) override {
    return on_body_impl(body, error);
  }
  void on_finish_impl(error_code&) override {}

  bool in_body_ = false;
};

ResponseParser::ResponseParser(Method asked, std::size_t body_bytes_max)
    : reader_(std::make_unique<Reader>()) {
  reader_->header_limit(kResponseHeadBytesMax);
  reader_->body_limit(static_cast<std::uint64_t>(body_bytes_max));
  reader_->eager(true);
  reader_->skip(asked == Method::head);
}

ResponseParser::~ResponseParser() = default;

Result<std::size_t> ResponseParser::take(ByteView bytes) {
  error_code error;
  const std::size_t taken = reader_->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (!error || error == http::error::need_more) return taken;
  if (error == http::error::body_limit) {
    return Error{Errc::protocol, "the answer is longer than what was asked for can be"};
  }
  return broken(reader_->refused.empty() ? error.message() : reader_->refused);
}

Result<Done> ResponseParser::take_end() {
  error_code error;
  // A line that breaks is nobody's lie.
  if (!reader_->got_some())
    return Error{Errc::unreachable, "closed before the first byte of an answer"};
  reader_->put_eof(error);
  if (error) return Error{Errc::unreachable, "closed before the end of the answer"};
  return done;
}

bool ResponseParser::is_done() const { return reader_->is_done(); }
bool ResponseParser::keep_alive() const { return reader_->keep_alive(); }
HttpResponse ResponseParser::take_response() { return std::move(reader_->response); }

}  // namespace bmsg::net
