#include "lib/net/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "lib/core/bytes.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::net {
namespace {

using V4 = std::array<std::uint8_t, 4>;
using V6 = std::array<std::uint8_t, 16>;

/// A literal; what stands behind a zero byte the system would not look at.
template <class Bytes>
std::optional<Bytes> parse_literal(int family, std::string_view text) {
  Bytes bytes;
  const std::string terminated(text);
  const bool is_one = text.find('\0') == std::string_view::npos &&
                      ::inet_pton(family, terminated.c_str(), bytes.data()) == 1;
  return is_one ? std::optional(bytes) : std::nullopt;
}

std::optional<V4> parse_v4(std::string_view text) { return parse_literal<V4>(AF_INET, text); }
std::optional<V6> parse_v6(std::string_view text) { return parse_literal<V6>(AF_INET6, text); }

/// The IPv4 address inside ::ffff:a.b.c.d.
std::optional<V4> mapped_v4(const V6& bytes) {
  static constexpr std::array<std::uint8_t, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!std::equal(kPrefix.begin(), kPrefix.end(), bytes.begin())) return std::nullopt;
  return V4{bytes[12], bytes[13], bytes[14], bytes[15]};
}

std::optional<V4> as_v4(std::string_view text) {
  if (const auto v4 = parse_v4(text)) return v4;
  const auto v6 = parse_v6(text);
  return v6 ? mapped_v4(*v6) : std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; }

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && std::ranges::all_of(label, is_name_char) &&
         label.front() != '-' && label.back() != '-';
}

/// A name of labels. The last must not look like a number: getaddrinfo() takes "127.1" and
/// "0x7f.1" for IPv4 addresses, and a check for loopback would have passed them as names.
bool is_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return !is_digit(label.front());
    name.remove_prefix(dot + 1);
  }
}

bool is_path_char(char c) {
  return is_name_char(c) || (c >= 'A' && c <= 'Z') ||
         std::string_view("/._~!$&'()*+,;=:@%").find(c) != std::string_view::npos;
}

bool is_url_path(std::string_view path) {
  const std::string closed = std::string(path) + "/";
  const auto lacks = [&](const char* odd) { return closed.find(odd) == std::string::npos; };
  return std::ranges::all_of(path, is_path_char) && (path.empty() || lacks("//")) &&
         lacks("/../") && lacks("/./");
}

Error bad(std::string_view text, const char* cause) {
  return Error{Errc::bad_input, fmt::format("'{}' is no address: {}", text, cause)};
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return made;
}

/// The usual spelling of a host, so that two addresses of one place compare equal.
std::optional<std::string> canonical_host(std::string_view host) {
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return std::nullopt;
    const auto bytes = parse_v6(host.substr(1, host.size() - 2));
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (!bytes || !::inet_ntop(AF_INET6, bytes->data(), text.data(), text.size())) {
      return std::nullopt;
    }
    return std::string(text.data());
  }
  if (parse_v4(host)) return std::string(host);
  std::string name = lower(host);
  return is_name(name) ? std::optional(std::move(name)) : std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end || text.empty() || text.size() > 5) return std::nullopt;
  return port;
}

std::uint16_t usual_port(Scheme scheme) { return scheme == Scheme::https ? 443 : 80; }

Result<Address> parse_unix(std::string_view text, std::string_view path) {
  if (path.empty()) return bad(text, "no path after 'unix:'");
  if (path.find('\0') != std::string_view::npos) return bad(text, "a zero byte in the path");
  return Address{.scheme = Scheme::unix_socket, .host = {}, .port = 0, .path = std::string(path)};
}

Result<Address> parse_url(std::string_view text, Scheme scheme, std::string_view rest) {
  const auto slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  std::string_view path = slash == std::string_view::npos ? "" : rest.substr(slash);
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
  if (!has_port && path.empty()) return bad(text, "no port (as in https://host:5512)");
  const auto host = canonical_host(authority.substr(0, has_port ? colon : authority.size()));
  if (!host) return bad(text, "no such host is possible");
  const auto port =
      has_port ? parse_port(authority.substr(colon + 1)) : std::optional(usual_port(scheme));
  if (!port) return bad(text, "a port is a number from 0 to 65535");
  // Behind a port the '/' alone is a habit of typing; without one nothing else makes it an address.
  const bool is_root = !has_port && path == "/";
  if (path.ends_with('/') && !is_root) path.remove_suffix(1);
  if (!is_root && !is_url_path(path))
    return bad(text, "a character or part that no path here may have");
  return Address{.scheme = scheme, .host = *host, .port = *port, .path = std::string(path)};
}

bool is_user(std::string_view user) {
  const auto fits = [](char c) {
    return is_name_char(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
  };
  return !user.empty() && user.size() <= 64 && user.front() != '-' &&
         std::ranges::all_of(user, fits);
}

Result<Address> parse_ssh(std::string_view text, std::string_view rest) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos || slash + 1 == rest.size())
    return bad(text, "no directory (as in ssh://host/srv/bmsg)");
  std::string_view authority = rest.substr(0, slash);
  Address address{.scheme = Scheme::ssh, .host = {}, .port = kSshPort, .path = {}};
  address.path = std::string(rest.substr(slash));
  const bool has_control = std::ranges::any_of(
      address.path, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  if (has_control) return bad("ssh://", "a control character in the directory");
  if (const auto at = authority.find('@'); at != std::string_view::npos) {
    if (!is_user(authority.substr(0, at))) return bad(text, "no such user is possible");
    address.user = std::string(authority.substr(0, at));
    authority.remove_prefix(at + 1);
  }
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && !authority.ends_with(']')) {
    const auto port = parse_port(authority.substr(colon + 1));
    if (!port || *port == 0) return bad(text, "a port is a number from 1 to 65535");
    address.port = *port;
    authority = authority.substr(0, colon);
  }
  const auto host = canonical_host(authority);
  if (!host) return bad(text, "no such host is possible");
  address.host = *host;
  return address;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  if (text.size() > 2048) return bad(text.substr(0, 40), "too long");
  if (text.starts_with("unix:")) return parse_unix(text, text.substr(5));
  if (text.starts_with("http://")) return parse_url(text, Scheme::http, text.substr(7));
  if (text.starts_with("https://")) return parse_url(text, Scheme::https, text.substr(8));
  if (text.starts_with("ssh://")) return parse_ssh(text, text.substr(6));
  return bad(text, "it starts with none of http://, https://, ssh://, unix:");
}

std::string host_and_port(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), address.host, address.port);
}

std::string host_field(const Address& address) {
  const bool is_usual = is_mirror(address) && address.port == usual_port(address.scheme);
  if (!is_usual) return host_and_port(address);
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]", address.host) : address.host;
}

std::string to_string(const Address& address) {
  if (address.scheme == Scheme::unix_socket) return "unix:" + address.path;
  if (address.scheme == Scheme::ssh) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return fmt::format("ssh://{}{}{}{}{}", address.user, address.user.empty() ? "" : "@",
                       v6 ? fmt::format("[{}]", address.host) : address.host,
                       address.port == kSshPort ? "" : fmt::format(":{}", address.port),
                       address.path);
  }
  const char* const scheme = address.scheme == Scheme::http ? "http" : "https";
  return fmt::format("{}://{}{}", scheme, host_field(address), address.path);
}

bool is_mirror(const Address& address) {
  const bool is_web = address.scheme == Scheme::http || address.scheme == Scheme::https;
  return is_web && !address.path.empty();
}

bool is_literal(std::string_view host) { return parse_v4(host) || parse_v6(host); }

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  if (const auto v4 = as_v4(host)) return (*v4)[0] == 127;
  const auto v6 = parse_v6(host);
  return v6 && *v6 == V6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}

bool is_public(std::string_view host) {
  if (const auto v4 = parse_v4(host)) {
    const std::uint8_t a = (*v4)[0], b = (*v4)[1], c = (*v4)[2];
    const bool is_private = a == 10 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168);
    const bool is_special = a == 0 || a == 127 || a >= 224 || (a == 169 && b == 254) ||
                            (a == 100 && b >= 64 && b < 128) || (a == 192 && b == 0 && c == 0) ||
                            (a == 198 && (b == 18 || b == 19)) || (a == 192 && b == 88 && c == 99);
    const bool is_example = (a == 192 && b == 0 && c == 2) || (a == 198 && b == 51 && c == 100) ||
                            (a == 203 && b == 0 && c == 113);
    return !is_private && !is_special && !is_example;
  }
  // Only 2000::/3 is given out. 2002::/16 (6to4) and 2001::/23 (Teredo and more of that kind) hide
  // IPv4 addresses or lead nowhere; 2001:db8::/32 and 3fff::/20 are for examples.
  const auto v6 = parse_v6(host);
  if (!v6 || ((*v6)[0] & 0xe0) != 0x20) return false;
  const auto begins = [&](std::uint8_t a, std::uint8_t b) {
    return (*v6)[0] == a && (*v6)[1] == b;
  };
  const bool is_special = begins(0x20, 0x01) && (*v6)[2] < 2;
  const bool is_example = (begins(0x20, 0x01) && (*v6)[2] == 0x0d && (*v6)[3] == 0xb8) ||
                          (begins(0x3f, 0xff) && (*v6)[2] < 0x10);
  return !is_special && !is_example && !begins(0x20, 0x02);
}

bool is_allowed_peer(const Address& address) {
  return address.scheme != Scheme::http || is_loopback(address.host) ||
         address.host.ends_with(".onion");
}

std::string network_of(std::string_view host) {
  if (const auto v4 = as_v4(host)) return fmt::format("{}.{}.0.0/16", (*v4)[0], (*v4)[1]);
  if (const auto v6 = parse_v6(host)) {
    const auto part = [&](std::size_t i) { return (*v6)[i] << 8 | (*v6)[i + 1]; };
    return fmt::format("{:x}:{:x}::/32", part(0), part(2));
  }
  const auto top = host.rfind('.');
  if (top == std::string_view::npos || top == 0) return std::string(host);
  if (host.substr(top) == ".onion") return "onion";
  const auto second = host.rfind('.', top - 1);
  return std::string(second == std::string_view::npos ? host : host.substr(second + 1));
}

Origin origin_of(std::string_view ip) {
  if (const auto v4 = as_v4(ip)) {
    return Origin{to_hex(*v4), to_hex(ByteView(*v4).first(3))};
  }
  if (const auto v6 = parse_v6(ip)) {
    return Origin{to_hex(ByteView(*v6).first(8)), to_hex(ByteView(*v6).first(6))};
  }
  return Origin{std::string(ip), std::string(ip)};
}

}  // namespace bmsg::net
