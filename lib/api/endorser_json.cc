#include "lib/api/endorser_json.h"

#include "lib/api/json_guard.h"
#include "lib/api/json_parts.h"
#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"

namespace bmsg::api {

std::string endorser_json(const node::EndorserStanding& standing, bool is_own,
                          std::uint32_t looked_at) {
  Json json{{"v", 1},
            {"type", "endorser"},
            {"index", standing.index},
            {"key", to_hex(standing.key.view())},
            {"own", is_own},
            {"signed", standing.signed_blocks},
            {"of", looked_at},
            {"last_height", standing.last ? Json(standing.last->value) : Json()},
            {"last_time", standing.last_time ? Json(rfc3339(*standing.last_time)) : Json()},
            {"late", standing.late},
            {"signed_twice", standing.signed_twice}};
  return print_json(json);
}

std::string endorser_key_json(const EndorserKey& key) {
  return print_json(Json{{"v", 1}, {"type", "endorser_key"}, {"key", to_hex(key.view())}});
}

std::string evidence_json(const chain::Evidence& evidence, const EndorserKey& key,
                          const std::optional<std::string>& text,
                          const std::optional<MessageId>& posted) {
  return print_json(Json{{"v", 1},
                         {"type", "evidence"},
                         {"chain_id", to_hex(evidence.chain.view())},
                         {"endorser", to_hex(key.view())},
                         {"height", evidence.first.height.value},
                         {"blocks", Json::array({to_hex(chain::hash_of(evidence.first).view()),
                                                 to_hex(chain::hash_of(evidence.second).view())})},
                         {"text", text ? Json(*text) : Json()},
                         {"posted", posted ? Json(to_hex(posted->view())) : Json()}});
}

}  // namespace bmsg::api
