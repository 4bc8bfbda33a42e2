// A TLS identity: the certificate and key that one side shows. Made from PEM that lib/crypto
// writes.

#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::net {

/// Shared, because connections that are still open use it after its owner has gone; OpenSSL counts
/// its users the same way.
/// Shape:   TLS 1.3 only, no tickets, no resumption, no 0-RTT (it would replay what was sent).
/// Threads: any; it does not change.
/// Source:  bmsg-protocol(7), "Peer authentication".
class TlsIdentity {
 public:
  /// Errors: Errc::bad_input if the two do not parse or do not belong together.
  static Result<std::shared_ptr<TlsIdentity>> load(std::string_view certificate_pem,
                                                   ByteView private_key_pem);
  struct Context;  // asio::ssl's, known to lib/net/wire.h alone.
  explicit TlsIdentity(std::unique_ptr<Context> context);
  ~TlsIdentity();
  Context& context() { return *context_; }

  /// The node key that the certificate shows; nullopt if it shows none.
  std::optional<NodeKey> key() const;

 private:
  std::unique_ptr<Context> context_;
};

}  // namespace bmsg::net
