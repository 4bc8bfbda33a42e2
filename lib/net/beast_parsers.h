// Beast's HTTP parser, behind two small doors, so that no other file has to compile it. Internal to
// lib/net. No socket.

#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "lib/core/result.h"
#include "lib/net/http_message.h"
#include "lib/net/http_syntax.h"

namespace bmsg::net {

/// Whether Beast reads the same method, number of fields and body length in `head` as we did.
bool beast_agrees(std::string_view head, const RequestHead& ours);

/// Reads one response from bytes as they come: Content-Length, chunked, or until the end.
/// Errors: Errc::protocol for what no honest server sends, past `body_bytes_max` too. The body
/// grows
///         as its bytes arrive, never by what a length claims.
class ResponseParser {
 public:
  ResponseParser(Method asked, std::size_t body_bytes_max);
  ~ResponseParser();

  /// Takes what it can from the front of `bytes` and returns how much; the rest is given again
  /// with more behind it.
  Result<std::size_t> take(ByteView bytes);
  /// The peer has closed. Only an answer without a length may end that way.
  Result<Done> take_end();

  bool is_done() const;
  /// Whether the connection may carry another request after this answer.
  bool keep_alive() const;
  HttpResponse take_response();

 private:
  class Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace bmsg::net
