#include "lib/api/invite.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/core/base64.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/net/address.h"

namespace bmsg::api {
namespace {

constexpr std::string_view kScheme = "bmsg://";
constexpr std::size_t kNameLettersMax = 32;  // Of a parameter.

using View = std::string_view;

Error bad(View part, View cause) {
  return Error{Errc::bad_input, fmt::format("the invite is malformed: {}: {}", part, cause)};
}

struct Parameter {
  View name;
  View value;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

bool is_name(View name) {
  const auto is_allowed = [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= kNameLettersMax && std::ranges::all_of(name, is_allowed);
}

bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// What RFC 3986 lets stand in a query or fragment, but for '&', which parts parameters.
bool is_value(View value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool is_plain = is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
    if (is_plain || View("-._~!$'()*+,;=:@/?").find(c) != View::npos) continue;
    const bool is_escape = c == '%' && i + 2 < value.size() && is_hex_digit(value[i + 1]) &&
                           is_hex_digit(value[i + 2]);
    if (!is_escape) return false;
    i += 2;
  }
  return true;
}

/// "name=value&name=value"; `where` is what a complaint calls it.
Result<std::vector<Parameter>> parameters(View text, View where) {
  std::vector<Parameter> found;
  for (;;) {
    const auto end = text.find('&');
    const View one = text.substr(0, end);
    const auto equals = one.find('=');
    if (equals == View::npos) return bad(where, "a parameter without '='");
    const Parameter parameter{one.substr(0, equals), one.substr(equals + 1)};
    if (!is_name(parameter.name)) return bad(where, "a parameter with an impossible name");
    if (!is_value(parameter.value)) return bad(parameter.name, "a character that may not be there");
    found.push_back(parameter);
    if (end == View::npos) return found;
    text.remove_prefix(end + 1);
  }
}

template <class Fixed>
Result<Fixed> fixed(View text, View part) {
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->size() != Fixed::kSize)
    return bad(part, fmt::format("not {} bytes in base64url", Fixed::kSize));
  return Fixed::from(*bytes);
}

Result<InviteCheckpoint> parse_checkpoint(View text) {
  const auto dot = text.find('.');
  if (dot == View::npos) return bad("cp", "not HEIGHT.ID32");
  const View digits = text.substr(0, dot);
  InviteCheckpoint checkpoint;
  const char* const end = digits.data() + digits.size();
  const auto [stop, failed] = std::from_chars(digits.data(), end, checkpoint.height.value);
  const bool is_plain = !digits.empty() && (digits == "0" || digits.front() != '0');
  if (failed != std::errc() || stop != end || !is_plain) return bad("cp", "no such height");
  BMSG_TRY_ASSIGN(checkpoint.tail, fixed<BlockTail>(text.substr(dot + 1), "cp"));
  return checkpoint;
}

/// Keeps a part that may be there once.
template <class Value>
Result<Done> keep_once(std::optional<Value>& kept, Result<Value> value, View part) {
  if (kept) return bad(part, "it is there twice");
  BMSG_TRY_ASSIGN(kept, std::move(value));
  return done;
}

Result<Done> take_query(Invite& invite, View text) {
  BMSG_TRY_ASSIGN(const auto given, parameters(text, "what follows '?'"));
  for (const auto& [name, value] : given) {
    if (name == "node") BMSG_TRY(keep_once(invite.node, fixed<NodeKey>(value, name), name));
    if (name == "cp") BMSG_TRY(keep_once(invite.checkpoint, parse_checkpoint(value), name));
    // What stands here reaches whoever sees the request.
    if (name == "card" || name == "room" || name == "dht")
      return bad(name, "it stands before '#', and belongs behind it");
  }
  return done;
}

Result<Done> take_fragment(Invite& invite, View text) {
  BMSG_TRY_ASSIGN(const auto given, parameters(text, "what follows '#'"));
  for (const auto& [name, value] : given) {
    if (name == "card") {
      auto bytes = from_base64url(value);
      if (!bytes || bytes->empty()) return bad(name, "not base64url");
      BMSG_TRY(keep_once(invite.card, Result<Bytes>(std::move(*bytes)), name));
    }
    if (name == "room") BMSG_TRY(keep_once(invite.room, fixed<InviteRoom>(value, name), name));
    if (name == "dht") BMSG_TRY(keep_once(invite.dht, fixed<DiscoverySecret>(value, name), name));
    // Skipped, an invite would prove less than it was meant to.
    if (name == "node" || name == "cp")
      return bad(name, "it stands behind '#', and belongs before it");
  }
  return done;
}

bool has_port(View text) {
  const auto colon = text.rfind(':');
  return colon != View::npos && !text.ends_with(']');
}

Result<InviteHost> parse_host(View text) {
  const std::string whole =
      has_port(text) ? std::string(text) : fmt::format("{}:{}", text, kInvitePort);
  if (whole.find('/') != std::string::npos)
    return Error{Errc::bad_input, "give HOST:PORT and nothing else"};
  BMSG_TRY_ASSIGN(auto address, net::parse_address("https://" + whole));
  if (address.port == 0) return Error{Errc::bad_input, "a port is a number from 1 to 65535"};
  return InviteHost{std::move(address.host), address.port};
}

net::Address address_of(const InviteHost& at) {
  net::Address address;
  address.scheme = net::Scheme::https;
  address.host = at.host;
  address.port = at.port;
  return address;
}

}  // namespace

BlockTail tail_of(const BlockHash& hash) {
  return BlockTail::from(hash.view().last(BlockTail::kSize));
}

bool looks_like_invite(std::string_view text) { return text.starts_with("bmsg:"); }

std::string print_invite_host(const InviteHost& at) { return net::host_and_port(address_of(at)); }

std::string print_invite(const Invite& invite) {
  std::string text = fmt::format("{}{}/{}", kScheme, print_invite_host(invite.at),
                                 to_base64url(invite.chain.view()));
  char before = '?';
  if (invite.node) {
    text += fmt::format("{}node={}", before, to_base64url(invite.node->view()));
    before = '&';
  }
  if (const auto& cp = invite.checkpoint)
    text += fmt::format("{}cp={}.{}", before, cp->height.value, to_base64url(cp->tail.view()));
  before = '#';
  if (invite.card) {
    text += fmt::format("{}card={}", before, to_base64url(*invite.card));
    before = '&';
  }
  if (invite.room) {
    text += fmt::format("{}room={}", before, to_base64url(invite.room->view()));
    before = '&';
  }
  if (invite.dht) text += fmt::format("{}dht={}", before, to_base64url(invite.dht->view()));
  return text;
}

Result<Invite> parse_invite(std::string_view text) {
  if (text.size() > kInviteBytesMax)
    return bad("its length", fmt::format("more than {} characters", kInviteBytesMax));
  if (!text.starts_with(kScheme)) return bad("its beginning", "not bmsg://");
  text.remove_prefix(kScheme.size());
  Invite invite;
  if (const auto hash = text.find('#'); hash != View::npos) {
    BMSG_TRY(take_fragment(invite, text.substr(hash + 1)));
    text = text.substr(0, hash);
  }
  if (const auto mark = text.find('?'); mark != View::npos) {
    BMSG_TRY(take_query(invite, text.substr(mark + 1)));
    text = text.substr(0, mark);
  }
  const auto slash = text.find('/');
  if (slash == View::npos) return bad("the chain", "there is none");
  BMSG_TRY_ASSIGN(invite.chain, fixed<ChainId>(text.substr(slash + 1), "the chain"));
  const View authority = text.substr(0, slash);
  auto at = parse_host(authority);
  if (!at) return bad("the host", "not HOST:PORT, with a port from 1 to 65535");
  invite.at = std::move(at).value();
  // A second spelling of a place would be a second text for the same invite.
  const std::string usual = print_invite_host(invite.at);
  const View spelling = View(usual).substr(0, has_port(authority) ? View::npos : usual.rfind(':'));
  if (authority != spelling) return bad("the host", "not in its usual spelling");
  return invite;
}

Result<InviteHost> parse_invite_host(std::string_view text) { return parse_host(text); }

std::vector<std::string> urls_of(const InviteHost& at) {
  net::Address address = address_of(at);
  std::vector<std::string> urls{net::to_string(address)};
  address.scheme = net::Scheme::http;
  if (net::is_allowed_peer(address)) urls.push_back(net::to_string(address));
  return urls;
}

Height checkpoint_height(Height tip) {
  for (const std::uint32_t depth : {kReorgDepthMax, kCheckpointShallow}) {
    if (tip.value >= depth) return Height{tip.value - depth};
  }
  return Height{0};
}

}  // namespace bmsg::api
