// How a store is doing, as JSON. Source: bmsg-json(5), "state".

#include "lib/api/json_guard.h"
#include "lib/api/json_objects.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"

namespace bmsg::api {

std::string state_json(const StateView& view) {
  Json json{{"v", 1}, {"type", "state"}};
  json["path"] = view.path;
  json["chain"] = view.chain;
  json["chain_id"] = to_hex(view.chain_id.view());
  json["mode"] = view.mode;
  json["light"] = view.light;
  json["height"] = view.height.value;
  json["tip"] = to_hex(view.tip.view());
  json["tip_age_s"] = view.tip_age;
  json["total_work"] = chain::to_decimal(view.total_work);
  json["verified_height"] = view.verified.value;
  json["pool"] = Json{{"messages", view.pool_messages}, {"bytes", view.pool_bytes}};
  json["outbox"] = Json::object();
  for (const auto& [state, count] : view.outbox) json["outbox"][state] = count;
  json["unread"] = view.unread ? Json(*view.unread) : Json();
  json["peers"] =
      Json{{"ok", view.peers_ok}, {"bad", view.peers_bad}, {"unproven", view.peers_unproven}};
  json["serve_pid"] = view.serve_pid ? Json(*view.serve_pid) : Json();
  json["free_bytes"] = view.free_bytes;
  json["blobs"] =
      Json{{"own", view.blobs_own}, {"kept", view.blobs_kept}, {"quota", view.blob_quota}};
  json["endorsers"] = Json();
  if (view.endorsers) {
    json["endorsers"] = Json{{"needed", view.endorsers->needed},
                             {"of", view.endorsers->of},
                             {"present", view.endorsers->present},
                             {"late", view.endorsers->late}};
  }
  json["attention"] = Json::array();
  for (const AttentionView& one : view.attention) {
    json["attention"].push_back(Json{{"name", one.name},
                                     {"text", one.text},
                                     {"next", one.next.empty() ? Json() : Json(one.next)}});
  }
  return print_json(json);
}

}  // namespace bmsg::api
