#include "lib/api/peer_places.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/try.h"
#include "lib/net/address.h"

namespace bmsg::api {
namespace {

constexpr std::uint16_t kPortMin = 1024;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::string_view kHere = "local";  // Callers of this machine, and pipes.

/// A name that only a public resolver can know; what is not of this kind is somebody's own network.
bool is_public_name(std::string_view host) {
  if (net::is_loopback(host) || host.find('.') == std::string_view::npos) return false;
  constexpr std::string_view kOwn[] = {".localhost", ".local", ".internal", ".home.arpa", ".lan"};
  return std::ranges::none_of(kOwn, [&](std::string_view end) { return host.ends_with(end); });
}

}  // namespace

bool is_peer_port(std::uint16_t port) { return port >= kPortMin || port == kHttpsPort; }

std::optional<std::string> judge_place(std::string_view host_port) {
  const auto address = net::parse_address(fmt::format("https://{}", host_port));
  if (!address || net::host_and_port(address.value()) != host_port) return std::nullopt;
  const auto& [scheme, host, port, path, user] = address.value();
  const bool is_good = net::is_literal(host) ? net::is_public(host) : is_public_name(host);
  if (!is_good || !is_peer_port(port)) return std::nullopt;
  return net::network_of(host);
}

std::string teller_of(const std::string& url) {
  const auto address = net::parse_address(url);
  const bool has_host = address && address.value().scheme != net::Scheme::unix_socket;
  if (!has_host || net::is_loopback(address.value().host)) return std::string(kHere);
  return net::network_of(address.value().host);
}

std::string teller_of(const net::Peer& caller) {
  return caller.is_unix || caller.is_loopback ? std::string(kHere)
                                              : net::network_of(caller.address);
}

TransportOptions reach_of(const node::Peer& peer, TransportOptions options) {
  options.expected_key = peer.key;
  options.reach = node::is_learned(peer) ? net::Reach::public_only : net::Reach::anywhere;
  return options;
}

std::optional<node::PeerRecord> own_record(node::Service& service) {
  const auto info = service.info();
  const auto records = service.peer_records();
  if (!info || !records || records.value().empty()) return std::nullopt;
  const node::PeerRecord& first = records.value().front();
  return first.key == info.value().node ? std::optional(first) : std::nullopt;
}

void prepare_trade(node::SyncOptions& options, node::Service& service, const node::Peer& peer,
                   UnixSeconds now) {
  const bool is_known = peer.added.value != 0;
  if (!is_known || !node::may_ask_records(peer, now)) return;
  options.ask_records = true;
  options.own_record = own_record(service);
}

Result<Done> finish_trade(const node::SyncReport& report, node::Service& service,
                          const std::string& url) {
  if (!report.asked_records) return done;
  BMSG_TRY(service.learn_peers(report.records,
                               {.source = node::PeerSource::learned, .by = teller_of(url)}));
  return done;
}

}  // namespace bmsg::api
