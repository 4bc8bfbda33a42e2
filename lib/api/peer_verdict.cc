#include "lib/api/gossip.h"
#include "lib/net/address.h"
#include "lib/node/peer_book.h"

namespace bmsg::api {
namespace {

std::optional<node::Misdeed> misdeed_of(Errc code) {
  if (code == Errc::bad_input) return node::Misdeed::broken_rule;
  if (code == Errc::protocol || code == Errc::bad_config) return node::Misdeed::false_claim;
  return std::nullopt;
}

/// On this machine a proxy may stand for many: limited, never banned.
bool is_local(const std::string& url) {
  const auto address = net::parse_address(url);
  return !address || address.value().scheme == net::Scheme::unix_socket ||
         address.value().scheme == net::Scheme::ssh || net::is_loopback(address.value().host);
}

}  // namespace

bool is_our_failure(Errc code) {
  return code == Errc::io || code == Errc::corrupt || code == Errc::locked ||
         code == Errc::no_resource;
}

node::Peer after_error(node::Peer peer, const Error& error, UnixSeconds now,
                       const node::SyncReport& so_far) {
  auto misdeed = misdeed_of(error.code);
  if (misdeed && so_far.lacks_work) misdeed = node::Misdeed::false_work;
  if (misdeed && !is_local(peer.url)) peer = node::penalise(std::move(peer), *misdeed, now);
  return node::after_failure(std::move(peer), now, error.message);
}

node::Peer after_exchange(node::Peer peer, const node::SyncReport& done, UnixSeconds now) {
  // Bodies that were not given may have been forgotten there, as anybody may.
  return node::after_success(
      std::move(peer), now,
      {std::chrono::milliseconds(done.latency_ms), done.peer.tip.height, done.clock_ahead});
}

}  // namespace bmsg::api
