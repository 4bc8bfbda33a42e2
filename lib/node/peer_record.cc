#include "lib/node/peer_record.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "lib/core/base64.h"
#include "lib/core/big_endian.h"
#include "lib/core/bytes.h"
#include "lib/core/check.h"
#include "lib/core/try.h"
#include "lib/crypto/sign.h"

namespace bmsg::node {
namespace {

constexpr std::string_view kLabel = "bmsg1 peer";
constexpr std::size_t kHostBytesMax = 253;
constexpr std::size_t kHostLabelBytesMax = 63;

Error bad(std::string_view what) {
  return Error{Errc::bad_input, std::string("peer record: ").append(what)};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_label_char(char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; }

/// Decimal digits without zeros in front.
template <class Number>
std::optional<Number> decimal(std::string_view text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  if (text.empty() || !is_digit(text.front()) || (text.front() == '0' && text.size() > 1))
    return std::nullopt;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

/// Takes the part before the first `mark`, and the mark.
std::string_view next_part(std::string_view& text, char mark) {
  const std::string_view part = text.substr(0, text.find(mark));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

bool is_v4(std::string_view host) {
  for (int parts = 0; parts < 4; ++parts) {
    if (host.empty() || !decimal<std::uint8_t>(next_part(host, '.'))) return false;
  }
  return host.empty();
}

/// A literal in its usual spelling: another one of the same place would be another record.
bool is_v6(const std::string& host) {
  in6_addr bytes{};
  std::array<char, INET6_ADDRSTRLEN> usual{};
  return ::inet_pton(AF_INET6, host.c_str(), &bytes) == 1 &&
         ::inet_ntop(AF_INET6, &bytes, usual.data(), usual.size()) != nullptr &&
         host == usual.data();
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kHostLabelBytesMax &&
         std::ranges::all_of(label, is_label_char) && label.front() != '-' && label.back() != '-';
}

bool is_name(std::string_view host) {
  if (host.empty() || host.size() > kHostBytesMax || host.back() == '.') return false;
  std::string_view label;
  while (!host.empty()) {
    label = next_part(host, '.');
    if (!is_label(label)) return false;
  }
  return !is_digit(label.front());  // Else resolvers may take it for a number.
}

bool is_host(std::string_view host) {
  if (host.starts_with('['))
    return host.ends_with(']') && is_v6(std::string(host.substr(1, host.size() - 2)));
  const bool is_dotted = is_v4(host) && !host.ends_with('.');
  return is_dotted || is_name(host);
}

Bytes signed_bytes(const ChainId& chain, std::string_view host_port, UnixSeconds time) {
  Bytes bytes = to_bytes(kLabel);
  append(bytes, chain.view());
  append(bytes, as_bytes(host_port));
  append_be(bytes, time.value);
  return bytes;
}

template <class Fixed>
std::optional<Fixed> fixed_from_base64url(std::string_view text) {
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->size() != Fixed::kSize) return std::nullopt;
  return Fixed::from(*bytes);
}

}  // namespace

bool is_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_host(text.substr(0, colon))) return false;
  const auto port = decimal<std::uint16_t>(text.substr(colon + 1));
  return port && *port > 0;
}

std::string print_peer_record(const PeerRecord& record) {
  std::string line = record.host_port;
  line.append(" ").append(to_base64url(record.key.view()));
  line.append(" ").append(std::to_string(record.time.value));
  return line.append(" ").append(to_base64url(record.signature.view()));
}

Result<PeerRecord> parse_peer_record(std::string_view line) {
  if (line.size() > kPeerRecordBytesMax) return bad("longer than 512 bytes");
  if (std::ranges::count(line, ' ') != 3) return bad("not HOST:PORT NODEKEY TIME SIG");
  const std::string_view host_port = next_part(line, ' ');
  if (!is_host_port(host_port)) return bad("no such HOST:PORT");
  const auto key = fixed_from_base64url<NodeKey>(next_part(line, ' '));
  if (!key) return bad("the node key is not 32 bytes in base64url");
  const auto time = decimal<std::uint64_t>(next_part(line, ' '));
  if (!time) return bad("the time is no decimal number");
  const auto signature = fixed_from_base64url<Signature>(line);
  if (!signature) return bad("the signature is not 64 bytes in base64url");
  return PeerRecord{std::string(host_port), *key, UnixSeconds{*time}, *signature};
}

PeerRecord sign_peer_record(const crypto::SecretBytes& seed, const ChainId& chain,
                            const std::string& host_port, UnixSeconds time) {
  check(is_host_port(host_port), "a peer record without a HOST:PORT");
  return {host_port, relabel<NodeKey>(crypto::public_key_of(seed)), time,
          crypto::sign(seed, signed_bytes(chain, host_port, time))};
}

Result<Done> check_peer_record(const PeerRecord& record, const ChainId& chain, UnixSeconds now) {
  const auto ahead = static_cast<std::uint64_t>(kPeerRecordAheadMax.count());
  const auto age = static_cast<std::uint64_t>(kPeerRecordAgeMax.count());
  if (record.time > now && record.time.value - now.value > ahead)
    return bad("its time is in the future");
  if (record.time < now && now.value - record.time.value > age) return bad("older than 14 days");
  const Bytes text = signed_bytes(chain, record.host_port, record.time);
  if (crypto::verify(relabel<IdentityKey>(record.key), text, record.signature)) return done;
  return bad("its node has not signed this for this chain");
}

std::string print_peer_records(const std::vector<PeerRecord>& records) {
  std::string lines;
  for (const PeerRecord& record : records) lines.append(print_peer_record(record)).append("\n");
  return lines;
}

Result<std::vector<PeerRecord>> parse_peer_records(std::string_view lines, std::size_t max) {
  std::vector<PeerRecord> records;
  while (!lines.empty()) {
    if (records.size() == max) return bad("more of them than may come at once");
    if (lines.find('\n') == std::string_view::npos) return bad("the last line has no end");
    BMSG_TRY_ASSIGN(auto record, parse_peer_record(next_part(lines, '\n')));
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace bmsg::node
