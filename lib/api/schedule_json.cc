#include "lib/api/schedule_json.h"

#include "lib/api/json_guard.h"

namespace bmsg::api {

std::string schedule_json(const ScheduleView& view) {
  return print_json({{"v", 1},
                     {"type", "schedule"},
                     {"kind", view.kind},
                     {"file", view.file},
                     {"text", view.text}});
}

std::string check_json(const CheckView& view) {
  return print_json({{"v", 1},
                     {"type", "check"},
                     {"name", view.name},
                     {"state", view.state},
                     {"text", view.text},
                     {"next", view.next.empty() ? Json() : Json(view.next)}});
}

}  // namespace bmsg::api
