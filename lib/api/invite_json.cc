#include "lib/api/invite_json.h"

#include "lib/api/json_guard.h"
#include "lib/core/hex.h"

namespace bmsg::api {

std::string invite_json(const InviteView& view) {
  Json checkpoint;
  if (view.checkpoint) {
    checkpoint = Json{{"height", view.checkpoint->height.value},
                      {"hash", to_hex(view.checkpoint->hash.view())}};
  }
  return print_json({{"v", 1},
                     {"type", "invite"},
                     {"uri", view.uri},
                     {"host", view.host},
                     {"chain", to_hex(view.chain.view())},
                     {"node", to_hex(view.node.view())},
                     {"checkpoint", checkpoint},
                     {"card", view.card},
                     {"room", view.room},
                     {"dht", view.dht}});
}

}  // namespace bmsg::api
