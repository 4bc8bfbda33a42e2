#include "cli/peer_view.h"

#include <fmt/format.h>

#include <cstdlib>

#include "cli/network_state.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/core/hex.h"

namespace bmsg::cli {

namespace {

/// Where it is known from, in words.
std::string source_of(const node::Peer& peer) {
  const std::string word(api::peer_source(peer));
  if (!node::is_learned(peer)) return word;
  const std::string by = peer.told_by.empty() ? "" : " from " + shown_line(peer.told_by);
  return word + by +
         (node::is_unproven(peer) ? "; unproven: it has not answered yet"
                                  : fmt::format("; it has answered {} times", peer.exchanges));
}

std::string distance(Height theirs, Height ours) {
  if (theirs == ours) return "as we";
  if (theirs > ours)
    return fmt::format("{} blocks ahead of us: 'bmsg sync'", theirs.value - ours.value);
  return fmt::format("{} blocks behind us", ours.value - theirs.value);
}

/// What is wrong with it, one line for each.
std::string faults_of(const node::Peer& peer, UnixSeconds now) {
  std::string text;
  if (!peer.last_error.empty()) text += fmt::format("error   {}\n", shown_line(peer.last_error));
  if (api::peer_state(peer, now) == "banned") {
    text += fmt::format("banned  until {}; 'bmsg peers unban' calls it again\n",
                        to_rfc3339(peer.not_before));
  } else if (now < peer.not_before) {
    text += fmt::format("waits   until {}, after {} failures\n", to_rfc3339(peer.not_before),
                        peer.failures);
  }
  if (peer.last_seen.value != 0 && std::abs(std::int64_t{peer.clock_ahead}) > kClockOffSeconds) {
    text += fmt::format("clock   {} s {} ours; one of the two is wrong\n",
                        std::abs(std::int64_t{peer.clock_ahead}),
                        peer.clock_ahead > 0 ? "ahead of" : "behind");
  }
  return text;
}

}  // namespace

std::string peer_text(const node::Peer& peer, Height ours, UnixSeconds now) {
  std::string text =
      fmt::format("url     {}\nstate   {}\nnode    {}\n", shown_line(peer.url),
                  api::peer_state(peer, now), peer.key ? to_hex(peer.key->view()) : "-");
  if (api::is_mirror(peer)) text += "kind    mirror: pulled from, given nothing\n";
  text += fmt::format("source  {}\n", source_of(peer));
  if (peer.record)
    text += fmt::format("record  {}, signed {}\n", shown_line(peer.record->host_port),
                        to_rfc3339(peer.record->time));
  text += fmt::format("height  {}\n", peer.height ? fmt::format("{}, {}", peer.height->value,
                                                                distance(*peer.height, ours))
                                                  : std::string("-"));
  text +=
      fmt::format("seen    {}\n", peer.last_seen.value == 0 ? "never" : to_rfc3339(peer.last_seen));
  if (peer.score > 0) text += fmt::format("score   {} of 100\n", peer.score);
  return text + faults_of(peer, now);
}

}  // namespace bmsg::cli
