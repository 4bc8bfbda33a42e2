#include "lib/node/lan.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "lib/core/base64.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"

namespace bmsg::node {
namespace {

constexpr std::string_view kMagic = "bmsg1";
constexpr std::size_t kTagDigits = 16;
constexpr std::size_t kKnownMax = 4 * kLanPeersMax;

std::uint64_t seconds(std::chrono::seconds time) {
  return static_cast<std::uint64_t>(time.count());
}

std::string url_of(const std::string& sender, std::uint16_t port) {
  const bool is_v6 = sender.find(':') != std::string::npos;
  std::string url = "https://";
  url.append(is_v6 ? "[" : "").append(sender).append(is_v6 ? "]:" : ":");
  return url.append(std::to_string(port));
}

std::string_view host_of(std::string_view url) { return url.substr(0, url.rfind(':')); }

/// Below 1024 other services listen, and only 443 is one's that speaks TLS first.
bool may_be_called(std::uint16_t port) { return port >= 1024 || port == 443; }

/// It never answered: what it was said to be may be false.
bool has_only_failed(const Peer& peer) { return peer.last_seen.value == 0 && peer.failures > 0; }

bool is_past(UnixSeconds time, UnixSeconds now) {
  return now.value > seconds(kLanForgetAfter) && time.value < now.value - seconds(kLanForgetAfter);
}

}  // namespace

bool is_silent(const Peer& peer, UnixSeconds now) {
  return peer.source == PeerSource::lan && peer.failures > 0 && is_past(peer.added, now) &&
         is_past(peer.last_seen, now);
}

Result<std::vector<std::string>> forget_silent(Service& service, UnixSeconds now) {
  BMSG_TRY_ASSIGN(const auto all, service.peers());
  std::vector<std::string> forgotten;
  for (const Peer& peer : all) {
    if (!is_silent(peer, now)) continue;
    BMSG_TRY(service.remove_peer(peer.url));
    forgotten.push_back(peer.url);
  }
  return forgotten;
}

std::string lan_tag(const ChainId& chain) {
  const Digest digest = crypto::sha512({as_bytes("bmsg1 lan"), chain.view()});
  return to_hex(digest.view()).substr(0, kTagDigits);
}

std::string print_lan_beacon(std::string_view tag, const LanBeacon& beacon) {
  std::string text(kMagic);
  text.append(" ").append(tag).append(" ").append(std::to_string(beacon.port));
  return text.append(" ").append(to_base64url(beacon.key.view()));
}

std::optional<LanBeacon> parse_lan_beacon(std::string_view text, std::string_view tag) {
  const std::string begin = std::string(kMagic).append(" ").append(tag).append(" ");
  if (!text.starts_with(begin)) return std::nullopt;
  text.remove_prefix(begin.size());
  const std::string_view digits = text.substr(0, text.find(' '));
  LanBeacon beacon;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, beacon.port);
  if (error != std::errc() || stop != end || digits.size() == text.size()) return std::nullopt;
  const auto key = from_base64url(text.substr(digits.size() + 1));
  if (!key || key->size() != NodeKey::kSize) return std::nullopt;
  beacon.key = NodeKey::from(*key);
  if (digits.front() == '0') return std::nullopt;
  return beacon;
}

LanPeers::LanPeers(const ChainId& chain, const NodeKey& own) : tag_(lan_tag(chain)), own_(own) {}

bool LanPeers::may_speak(const std::string& sender, UnixSeconds now) {
  const std::uint64_t minute = now.value / 60;
  if (minute != minute_) {
    minute_ = minute;
    settled_ = 0;
    spoken_.clear();
  }
  if (spoken_.size() >= kLanSendersMax && !spoken_.contains(sender)) return false;
  return ++spoken_[sender] <= kLanPerSenderMax;
}

std::optional<Peer> LanPeers::hear(const std::string& sender, std::string_view text,
                                   UnixSeconds now) {
  if (!may_speak(sender, now)) return std::nullopt;
  const auto beacon = parse_lan_beacon(text, tag_);
  if (!beacon || beacon->key == own_ || !may_be_called(beacon->port)) return std::nullopt;
  Peer peer;
  peer.url = url_of(sender, beacon->port);
  peer.key = beacon->key;
  peer.source = PeerSource::lan;
  peer.added = now;
  const auto known = known_.find(peer.url);
  if (known == known_.end() || known->second.key != beacon->key) {
    if (settled_ >= kLanPeersMax) return std::nullopt;  // Each costs a write to disk.
    return peer;
  }
  known->second.heard = now;
  return std::nullopt;
}

LanChange LanPeers::admit(const Peer& heard, const std::vector<Peer>& known) {
  std::size_t all = 0;
  std::size_t of_host = 0;
  const Peer* worst = nullptr;
  const Peer* worst_of_host = nullptr;
  for (const Peer& peer : known) {
    const bool is_lan = peer.source == PeerSource::lan;
    if (peer.url == heard.url) {
      // The same place with another key: only if the first claim has failed.
      const bool is_new = is_lan && peer.key != heard.key && has_only_failed(peer);
      return is_new ? LanChange{{}, heard} : LanChange{};
    }
    // It is known at another place, and answers there.
    if (peer.key == heard.key && peer.last_seen.value != 0 && peer.failures == 0) return {};
    if (!is_lan) continue;
    const bool is_neighbour = host_of(peer.url) == host_of(heard.url);
    ++all;
    of_host += is_neighbour ? 1 : 0;
    if (!has_only_failed(peer)) continue;
    if (worst == nullptr || peer.added < worst->added) worst = &peer;
    if (is_neighbour && (worst_of_host == nullptr || peer.added < worst_of_host->added))
      worst_of_host = &peer;
  }
  if (all < kLanPeersMax && of_host < kLanPeersPerHostMax) return {{}, heard};
  if (of_host >= kLanPeersPerHostMax) worst = worst_of_host;
  if (worst == nullptr) return {};
  return {worst->url, heard};
}

void LanPeers::settle(const Peer& peer, UnixSeconds now) {
  ++settled_;
  if (known_.size() >= kKnownMax && !known_.contains(peer.url)) {
    known_.erase(
        std::ranges::min_element(known_, {}, [](const auto& one) { return one.second.heard; }));
  }
  if (peer.key) known_[peer.url] = {*peer.key, now};
}

std::vector<std::string> LanPeers::silent(const std::vector<Peer>& known, UnixSeconds now) {
  std::erase_if(known_, [&](const auto& one) { return is_past(one.second.heard, now); });
  std::vector<std::string> urls;
  for (const Peer& peer : known) {
    if (is_silent(peer, now) && !known_.contains(peer.url)) urls.push_back(peer.url);
  }
  return urls;
}

}  // namespace bmsg::node
