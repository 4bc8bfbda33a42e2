#include "lib/api/charter_json.h"

#include "lib/api/json_guard.h"
#include "lib/api/json_parts.h"
#include "lib/core/hex.h"

namespace bmsg::api {
namespace {

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

std::string charter_json(const CharterView& view) {
  Json json{{"v", 1},
            {"type", "charter"},
            {"chain_id", to_hex(view.chain.view())},
            {"version", view.version},
            {"rules", to_hex(view.rules.view())},
            {"needed", or_null(view.needed)},
            {"signers", Json::array()},
            {"changes", Json::array()},
            {"height", view.height ? Json(view.height->value) : Json()},
            {"hash", view.block ? Json(to_hex(view.block->view())) : Json()},
            {"time", view.time ? Json(rfc3339(*view.time)) : Json()},
            {"id", view.message ? Json(to_hex(view.message->view())) : Json()},
            {"text", or_null(view.text)}};
  for (const EndorserKey& key : view.signers) json["signers"].push_back(to_hex(key.view()));
  for (const chain::RuleChange& one : view.changes)
    json["changes"].push_back(
        Json{{"key", one.key}, {"from", or_null(one.from)}, {"to", or_null(one.to)}});
  return print_json(json);
}

}  // namespace bmsg::api
