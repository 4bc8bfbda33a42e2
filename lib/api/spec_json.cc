#include "lib/api/spec_json.h"

#include "lib/api/json_guard.h"

namespace bmsg::api {
namespace {

Json parameters(const std::vector<ParameterView>& views) {
  Json all = Json::array();
  for (const ParameterView& view : views) {
    all.push_back(Json{{"names", view.names},
                       {"value", view.value.empty() ? Json() : Json(view.value)},
                       {"choices", view.choices},
                       {"says", view.says},
                       {"required", view.required},
                       {"repeats", view.repeats}});
  }
  return all;
}

}  // namespace

std::string command_json(const CommandView& view) {
  return print_json(Json{{"v", 1},
                         {"type", "command"},
                         {"name", view.name},
                         {"says", view.says},
                         {"hidden", view.hidden},
                         {"options", parameters(view.options)},
                         {"arguments", parameters(view.arguments)},
                         {"commands", view.commands}});
}

}  // namespace bmsg::api
