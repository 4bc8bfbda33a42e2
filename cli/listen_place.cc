#include "cli/listen_place.h"

#include <fmt/format.h>

#include "lib/core/try.h"

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

}  // namespace bmsg::cli
