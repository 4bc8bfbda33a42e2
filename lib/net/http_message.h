// What goes over HTTP, as values: a request as the handler sees it, and a response.

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/descriptor.h"
#include "lib/core/ids.h"

namespace bmsg::net {

struct ChannelOffer;

enum class Method { get, head, post, put, del, options };

/// One header field. Names of received fields are in lower case.
struct Field {
  std::string name;
  std::string value;

  bool operator==(const Field&) const = default;
};
using Fields = std::vector<Field>;

/// The first field of that name (lower case); nullopt if there is none. A view into `fields`.
inline std::optional<std::string_view> find_field(const Fields& fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

/// Who asks, as the kernel and TLS tell it; nothing that the request itself claims.
struct Peer {
  std::string address;  // An IP literal; "unix" for a unix socket.
  bool is_loopback = false;
  bool is_unix = false;
  std::optional<std::uint32_t> uid;  // Of the caller, as the kernel names it (http_server.h).
  std::optional<NodeKey> key;        // TLS, if the client showed an Ed25519 certificate.
};

/// A request that kept every rule of syntax.
/// Shape: `path` is percent-decoded UTF-8 without control characters, starts with '/', has no
///        empty, "." or ".." segment; a '/' in it was one on the wire. In `query` each name occurs
///        once, and '+' stood for a space.
struct HttpRequest {
  Method method = Method::get;
  std::string path;
  std::map<std::string, std::string, std::less<>> query;
  Fields fields;
  Bytes body;
  Peer peer;
  std::shared_ptr<const std::atomic<bool>> has_left{};  // Its caller; null: nobody looks.

  /// Whether an answer still reaches somebody.
  bool is_awaited() const { return !has_left || !*has_left; }
};

/// Bytes of a file that nobody changes while they are held.
struct FilePart {
  std::shared_ptr<const Descriptor> file;
  std::uint64_t offset = 0;
  std::size_t size = 0;
};

/// An answer. The server adds Content-Length and Connection; `fields` must not name them.
struct HttpResponse {
  int status = 200;
  std::string content_type;  // Empty: none is sent.
  Fields fields;             // In a response that was received: all fields, names in lower case.
  Bytes body;
  /// Of the server alone: the connection becomes a channel (channel.h), to which `status`,
  /// `content_type` and `body` do not apply.
  std::shared_ptr<const ChannelOffer> channel{};
  /// Of the server alone: what is sent in place of `body`, without reading it where that goes.
  std::optional<FilePart> file{};
};

/// How long the body of an answer is.
inline std::size_t body_bytes_of(const HttpResponse& response) {
  return response.file ? response.file->size : response.body.size();
}

inline HttpResponse text_response(int status, std::string_view text,
                                  std::string_view content_type = "text/plain; charset=utf-8") {
  return HttpResponse{status, std::string(content_type), {}, to_bytes(text)};
}

}  // namespace bmsg::net
