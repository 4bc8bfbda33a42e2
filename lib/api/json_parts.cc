#include "lib/api/json_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "lib/core/base64.h"
#include "lib/mail/text.h"

namespace bmsg::api {
namespace {

constexpr std::uint64_t kSecondsMax = 253402300799;  // The end of year 9999.

}  // namespace

std::string rfc3339(UnixSeconds time) {
  const auto seconds = static_cast<std::int64_t>(std::min(time.value, kSecondsMax));
  const std::chrono::sys_seconds point{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(point - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int(date.year()),
                     unsigned(date.month()), unsigned(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

void add_body(Json& json, const Bytes& body) {
  const bool is_text = mail::is_utf8(as_text(body));
  json["body"] = is_text ? Json(as_text(body)) : Json();
  if (!is_text) json["body_base64"] = to_base64(body);
}

}  // namespace bmsg::api
