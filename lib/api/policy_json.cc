#include "lib/api/policy_json.h"

#include "lib/core/hex.h"

namespace bmsg::api {

std::string policy_json(const PolicyView& view) {
  return print_json({{"v", 1},
                     {"type", "policy"},
                     {"name", view.name},
                     {"kind", view.room ? "room" : "topic"},
                     {"topic", view.topic ? Json(to_hex(view.topic->view())) : Json()},
                     {"room", view.room ? Json(*view.room) : Json()},
                     {"rule", view.rule},
                     {"rule_addresses", view.rule_addresses},
                     {"persons", view.persons}});
}

Json approvals_json(const ApprovalsView& view) {
  Json json{{"pending", view.pending}, {"have", view.have}, {"needed", view.needed}};
  json["by"] = Json::array();
  for (const ApprovalsView::Signer& one : view.by) {
    json["by"].push_back({{"address", one.address},
                          {"name", one.name ? Json(*one.name) : Json()},
                          {"id", one.id ? Json(to_hex(one.id->view())) : Json()},
                          {"note", one.note.empty() ? Json() : Json(one.note)}});
  }
  return json;
}

}  // namespace bmsg::api
