#include "lib/api/comparison_json.h"

#include "lib/api/json_guard.h"

namespace bmsg::api {

std::string comparison_json(const ComparisonView& view) {
  return print_json({{"v", 1},
                     {"type", "comparison"},
                     {"with", view.with},
                     {"relation", view.relation},
                     {"common", view.common.value},
                     {"height", view.height.value},
                     {"their_height", view.their_height.value},
                     {"settled", view.settled}});
}

}  // namespace bmsg::api
