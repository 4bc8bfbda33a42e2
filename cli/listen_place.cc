#include "cli/listen_place.h"

#include <fmt/format.h>

#include "cli/environment.h"
#include "cli/node_key.h"
#include "lib/core/try.h"
#include "lib/net/service_manager.h"

namespace bmsg::cli {
namespace {

Result<net::Address> listen_address(const std::string& text, chain::Access access) {
  const bool has_scheme = text.find("://") != std::string::npos || text.starts_with("unix:");
  if (has_scheme) return net::parse_address(text);
  BMSG_TRY_ASSIGN(auto address, net::parse_address("https://" + text));
  if (net::is_loopback(address.host) && access == chain::Access::open)
    address.scheme = net::Scheme::http;
  return address;
}

Result<Done> give_identity(net::Listener& place, const crypto::SecretBytes& seed) {
  if (place.address.scheme != net::Scheme::https) return done;
  BMSG_TRY_ASSIGN(place.identity, tls_identity_of(seed));
  return done;
}

}  // namespace

Result<net::Listener> listen_place(const std::string& text, chain::Access access) {
  auto address = listen_address(text, access);
  if (!address)
    return Error{Errc::bad_usage, fmt::format("--listen '{}': {}", text, address.error().message)};
  if (address.value().scheme == net::Scheme::ssh)
    return Error{Errc::bad_usage,
                 fmt::format("--listen '{}': ssh listens by itself; it calls --stdio", text)};
  if (net::is_mirror(address.value()))
    return Error{Errc::bad_usage, fmt::format("--listen '{}': a listener has no path", text)};
  net::Listener place{address.value()};
  if (place.address.scheme == net::Scheme::http && !net::is_loopback(place.address.host)) {
    return Error{Errc::bad_usage,
                 fmt::format("--listen '{}': plain http is for loopback only; use https", text)};
  }
  return place;
}

bool lets_all_in(const net::Listener& place, chain::Access access) {
  return place.address.scheme == net::Scheme::http && access == chain::Access::members;
}

Result<std::vector<net::Listener>> listeners(const ListenWish& wish,
                                             std::vector<std::string> wanted,
                                             const Settings& settings) {
  BMSG_TRY_ASSIGN(auto places, net::inherited_listeners(from_environment("LISTEN_FDS"),
                                                        from_environment("LISTEN_PID")));
  for (net::Listener& place : places) {
    const bool is_plain = place.address.scheme == net::Scheme::http;
    if (is_plain && wish.access == chain::Access::members)
      place.address.scheme = net::Scheme::https;
    BMSG_TRY(give_identity(place, wish.seed));
  }
  if (wanted.empty() && places.empty()) wanted.push_back(settings.text("serve.listen"));
  for (const std::string& text : wanted) {
    BMSG_TRY_ASSIGN(auto place, listen_place(text, wish.access));
    if (lets_all_in(place, wish.access))
      wish.context.out.warn(text + " lets in all on this machine, members or not");
    BMSG_TRY(give_identity(place, wish.seed));
    places.push_back(std::move(place));
  }
  net::Listener local;
  local.address.scheme = net::Scheme::unix_socket;
  local.address.path = (wish.store.run() / "node.sock").string();
  local.stale = net::Stale::replace;  // The caller holds the lock: whatever lies there is nobody's.
  places.push_back(std::move(local));
  return places;
}

}  // namespace bmsg::cli
