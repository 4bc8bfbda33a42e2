// The objects `schedule` and `check` of bmsg-json(5).

#pragma once

#include <string>

namespace bmsg::api {

struct ScheduleView {
  std::string kind;  // "cron" or "systemd".
  std::string file;  // "crontab", or the path of a unit.
  std::string text;
};
std::string schedule_json(const ScheduleView& view);

struct CheckView {
  std::string name;
  std::string state;  // "ok", "warn" or "fail".
  std::string text;
  std::string next;  // What to do; empty: null.
};
std::string check_json(const CheckView& view);

}  // namespace bmsg::api
