#include "cli/serve_lan.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/hooks.h"
#include "lib/api/json_objects.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

const net::MulticastGroup kGroup{.v4 = "239.255.55.12", .v6 = "ff02::5512", .port = 5512};

constexpr std::chrono::seconds kFirst{1};      // A neighbour may be starting, too.
constexpr std::chrono::seconds kFoundRest{2};  // A flood must not have us call everybody at once.

bool is_everywhere(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

/// Whether somebody on a local network could call there.
bool can_be_called(const net::Address& place) {
  return place.scheme == net::Scheme::https &&
         (is_everywhere(place.host) || net::is_own_network(place.host));
}

/// The port at which `ours`, an address of this machine, is listened at; 0: none.
std::uint16_t port_at(const std::string& ours, const std::vector<net::Address>& places) {
  const char* const everywhere = ours.find(':') == std::string::npos ? "0.0.0.0" : "::";
  const auto place = std::ranges::find_if(places, [&](const net::Address& one) {
    return one.scheme == net::Scheme::https && (one.host == ours || one.host == everywhere);
  });
  return place == places.end() ? std::uint16_t{0} : place->port;
}

}  // namespace

Result<std::unique_ptr<net::Multicast>> ServeLan::open_group(
    const std::vector<net::Address>& places) {
  if (std::ranges::none_of(places, can_be_called)) {
    return Error{Errc::bad_config, "the local network is to find a node that does not listen there",
                 "say where with --listen, 0.0.0.0:5512 for one"};
  }
  return net::Multicast::open(kGroup);
}

ServeLan::ServeLan(const Context& context, StoreDir store, node::Service& service, Log& log,
                   LanWish wish, std::unique_ptr<net::Multicast> group)
    : context_(context.clock, context.disk, context.entropy),
      store_(std::move(store)),
      service_(service),
      log_(log),
      wish_(std::move(wish)),
      peers_(wish_.chain, wish_.key),
      group_(std::move(group)) {
  context_.options = context.options;
  context_.command = context.command;
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

ServeLan::~ServeLan() {
  thread_.request_stop();
  group_->wake();
}

void ServeLan::work(const std::stop_token& stop) {
  using Moment = std::chrono::steady_clock::time_point;
  (void)group_->attach();  // To hear those who answer at once.
  Moment next_shout = context_.clock.steady() + kFirst;
  Moment next_found{};
  while (!stop.stop_requested()) {
    const Moment now = context_.clock.steady();
    if (has_found_ && now >= next_found) {
      has_found_ = false;
      next_found = now + kFoundRest;
      wish_.found();
      next_shout = now;  // So that those who have just come hear us, too.
    }
    if (now >= next_shout) {
      shout();
      drop_silent();
      next_shout = now + node::kLanBeaconEvery;
    }
    const Moment until = has_found_ ? std::min(next_found, next_shout) : next_shout;
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until - context_.clock.steady());
    for (const net::Datagram& datagram : group_->receive(std::max(rest, rest.zero())))
      hear(datagram);
  }
}

void ServeLan::shout() {
  const std::string tag = node::lan_tag(wish_.chain);
  for (const std::string& ours : group_->attach()) {
    const std::uint16_t port = port_at(ours, wish_.places);
    if (port == 0) continue;
    const bool was_sent = group_->send(ours, node::print_lan_beacon(tag, {port, wish_.key}));
    if (!was_sent) log_.write(LogLevel::debug, "nothing can be sent on the network of " + ours);
  }
}

void ServeLan::hear(const net::Datagram& datagram) {
  const UnixSeconds now = context_.clock.now();
  const auto heard = peers_.hear(datagram.sender, as_text(datagram.bytes), now);
  if (!heard) return;
  if (wish_.admits && !wish_.admits(*heard->key)) return;  // It would be handed the chain.
  const auto known = service_.peers();
  if (!known)
    return log_.write(LogLevel::warning, "cannot read the peers: " + known.error().message);
  const bool is_known = std::ranges::any_of(known.value(), [&](const node::Peer& peer) {
    return peer.url == heard->url && peer.key == heard->key;
  });
  if (!is_known && !node::LanPeers::admit(*heard, known.value()).put) return;
  peers_.settle(*heard, now);
  if (is_known) return;
  const auto taken = take(*heard);
  if (!taken)
    return log_.write(LogLevel::warning, "cannot take a neighbour: " + taken.error().message);
  if (!taken.value()) return;
  log_.write(LogLevel::info, "heard on the local network: " + heard->url);
  has_found_ = true;
}

/// False where it is not wanted any more.
Result<bool> ServeLan::take(const node::Peer& heard) {
  BMSG_TRY(ask_hook(context_, store_, Hook::pre_accept_peer,
                    api::peer_json(heard, context_.clock.now())));
  // The hook took its time: somebody may have given or removed peers meanwhile.
  BMSG_TRY_ASSIGN(const auto known, service_.peers());
  const node::LanChange change = node::LanPeers::admit(heard, known);
  if (!change.put) return false;
  if (change.remove) {
    peers_.forget(*change.remove);
    BMSG_TRY(service_.remove_peer(*change.remove));
  }
  BMSG_TRY(service_.put_peer(*change.put));
  return true;
}

void ServeLan::drop_silent() {
  const auto known = service_.peers();
  if (!known) return;
  for (const std::string& url : peers_.silent(known.value(), context_.clock.now())) {
    if (service_.remove_peer(url))
      log_.write(LogLevel::info, "neither heard nor reached for a day, forgotten: " + url);
  }
}

}  // namespace bmsg::cli
