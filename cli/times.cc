#include "cli/times.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>

#include "cli/settings.h"
#include "lib/api/json_parts.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::uint64_t kSecondsMax = 253402300799;  // The end of year 9999.

std::string in_words(std::uint64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86400) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

/// Digits wherever the longer form has them: a format would take signs and blanks for them, too.
bool has_digits(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  if (text.size() > kForm.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' && !is_digit) return false;
  }
  return true;
}

std::optional<UnixSeconds> parse_calendar(const std::string& text) {
  if (!has_digits(text)) return std::nullopt;
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int used = 0;
  const bool date = text.size() == 10 &&
                    std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &used) == 3;
  const bool full =
      text.size() == 20 && std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &year, &month,
                                       &day, &hour, &minute, &second, &used) == 6;
  if ((!date && !full) || static_cast<std::size_t>(used) != text.size()) return std::nullopt;
  const std::chrono::year_month_day calendar{std::chrono::year(year),
                                             std::chrono::month(static_cast<unsigned>(month)),
                                             std::chrono::day(static_cast<unsigned>(day))};
  if (!calendar.ok() || year < 1970 || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(calendar).time_since_epoch().count();
  return UnixSeconds{static_cast<std::uint64_t>(days) * 86400 +
                     static_cast<std::uint64_t>(hour * 3600 + minute * 60 + second)};
}

}  // namespace

std::string to_rfc3339(UnixSeconds time) {
  if (time.value > kSecondsMax) return fmt::format("@{}", time.value);
  return api::rfc3339(time);
}

std::string to_relative(UnixSeconds time, UnixSeconds now) {
  if (time.value > now.value) return "in " + in_words(time.value - now.value);
  return in_words(now.value - time.value) + " ago";
}

Result<UnixSeconds> parse_time(const std::string& text, UnixSeconds now) {
  if (text.starts_with('@')) {
    std::uint64_t seconds = 0;
    const auto [end, failed] = std::from_chars(text.data() + 1, text.data() + text.size(), seconds);
    if (failed == std::errc() && end == text.data() + text.size()) return UnixSeconds{seconds};
  }
  if (const auto calendar = parse_calendar(text)) return *calendar;
  if (const auto ago = parse_duration(text)) {
    return UnixSeconds{now.value - std::min(ago.value(), now.value)};
  }
  return Error{
      Errc::bad_usage,
      fmt::format("'{}' is no time: give 2h, 2026-11-22, 2026-11-22T14:03:00Z or @UNIX", text)};
}

std::string to_span(double seconds) {
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace bmsg::cli
