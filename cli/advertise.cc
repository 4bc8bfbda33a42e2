#include "cli/advertise.h"

#include <fmt/format.h>

#include <memory>

#include "lib/api/peer_places.h"

namespace bmsg::cli {

Result<std::string> advertised_place(const std::string& given, const Settings& settings) {
  const bool is_option = !given.empty();
  const std::string place = is_option ? given : settings.text("serve.advertise");
  if (place.empty() || api::judge_place(place)) return place;
  return Error{is_option ? Errc::bad_usage : Errc::bad_config,
               fmt::format("{} '{}': others would not call there",
                           is_option ? "--advertise" : "serve.advertise:", place),
               "give HOST:PORT with a public address or name, and port 443 or one from 1024"};
}

std::function<std::optional<node::PeerRecord>(UnixSeconds)> record_maker(
    const std::string& place, const ChainId& chain, const crypto::SecretBytes& seed) {
  constexpr std::uint64_t kHour = 3'600;
  if (place.empty()) return [](UnixSeconds) { return std::optional<node::PeerRecord>(); };
  const auto own = std::make_shared<crypto::SecretBytes>(seed.clone());
  // Whole hours: what says nothing new is not told again.
  return [place, chain, own](UnixSeconds now) {
    const UnixSeconds hour{now.value - now.value % kHour};
    return std::optional(node::sign_peer_record(*own, chain, place, hour));
  };
}

}  // namespace bmsg::cli
