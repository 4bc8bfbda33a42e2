#include "cli/peer_view.h"

#include <fmt/format.h>

#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/core/hex.h"

namespace bmsg::cli {

std::string peer_text(const node::Peer& peer, UnixSeconds now) {
  const auto state = api::peer_state(peer, now);
  std::string text = fmt::format("url     {}\nstate   {}\nnode    {}\n", shown_line(peer.url),
                                 state, peer.key ? to_hex(peer.key->view()) : "-");
  text += fmt::format("height  {}\nseen    {}\n",
                      peer.height ? std::to_string(peer.height->value) : "-",
                      peer.last_seen.value == 0 ? "never" : to_rfc3339(peer.last_seen));
  if (!peer.last_error.empty()) text += fmt::format("error   {}\n", shown_line(peer.last_error));
  if (now < peer.not_before)
    text += fmt::format("waits   until {}, after {} failures\n", to_rfc3339(peer.not_before),
                        peer.failures);
  return text;
}

}  // namespace bmsg::cli
