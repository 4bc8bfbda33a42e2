#include "lib/api/repair_json.h"

#include "lib/api/json_guard.h"

namespace bmsg::api {

std::string repaired_json(const RepairedView& view) {
  return print_json({{"v", 1},
                     {"type", "repaired"},
                     {"state", view.state},
                     {"kind", view.kind},
                     {"id", view.id.empty() ? Json() : Json(view.id)},
                     {"text", view.text.empty() ? Json() : Json(view.text)}});
}

}  // namespace bmsg::api
