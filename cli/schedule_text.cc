#include "cli/schedule_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Job {
  std::string name;
  std::string cron;      // When, for cron.
  std::string calendar;  // When, for systemd.
  std::vector<std::string> words;
};

std::vector<Job> jobs() {
  return {{"sync", "*/5 * * * *", "*:0/5", {"sync", "-q", "--timeout", "4m"}},
          {"mine",
           "*/15 * * * *",
           "*:0/15",
           {"mine", "-q", "--if-work", "--timeout", "12m", "--idle"}}};
}

Result<Done> check_path(const std::string& path) {
  const bool fits = std::ranges::all_of(
      path, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; });
  if (fits) return done;
  return Error{Errc::bad_usage, "a path with control characters fits into no schedule"};
}

Result<Done> check_paths(const ScheduleWish& wish) {
  BMSG_TRY(check_path(wish.program));
  BMSG_TRY(check_path(wish.store));
  return check_path(wish.backup);
}

/// For the shell that cron starts; to cron itself a "%" would be the end of the line.
std::string cron_quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '%') {
      out += "\\%";
    } else {
      out += c;
    }
  }
  return out + "'";
}

/// A word of ExecStart=. Source: systemd.service(5), "Command lines".
std::string unit_quoted(const std::string& word) {
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
    if (c == '%' || c == '$') out += c;
  }
  return out + "\"";
}

std::string begin_mark(const std::string& store) { return "# bmsg begin " + store + "\n"; }
std::string end_mark(const std::string& store) { return "# bmsg end " + store + "\n"; }

std::string service_text(const ScheduleWish& wish, const Job& job) {
  return fmt::format(
      "{}[Unit]\nDescription=bmsg {} of {}\nDocumentation=man:bmsg-{}(1)\n\n"
      "[Service]\nType=oneshot\nExecStart={} -C {} {}\nSuccessExitStatus=75\nNice=19\n"
      "CPUSchedulingPolicy=idle\nNoNewPrivileges=yes\nLimitCORE=0\n",
      unit_mark(wish.store), job.name, wish.store, job.name, unit_quoted(wish.program),
      unit_quoted(wish.store), fmt::join(job.words, " "));
}

std::string timer_text(const ScheduleWish& wish, const Job& job) {
  return fmt::format(
      "{}[Unit]\nDescription=bmsg {} of {}\n\n"
      "[Timer]\nOnCalendar={}\nRandomizedDelaySec=60\nPersistent=true\n\n"
      "[Install]\nWantedBy=timers.target\n",
      unit_mark(wish.store), job.name, wish.store, job.calendar);
}

}  // namespace

Result<std::string> crontab_block(const ScheduleWish& wish) {
  BMSG_TRY(check_paths(wish));
  const std::string start =
      fmt::format("{} -C {}", cron_quoted(wish.program), cron_quoted(wish.store));
  std::string text = begin_mark(wish.store);
  for (const Job& job : jobs())  // Results are no news; errors are.
    text += fmt::format("{} {} {} >/dev/null\n", job.cron, start, fmt::join(job.words, " "));
  if (!wish.backup.empty()) {
    text += fmt::format("30 3 * * * {} backup -q {}/bmsg-$(date +\\%F).tar\n", start,
                        cron_quoted(wish.backup));
  }
  return text + end_mark(wish.store);
}

std::string without_block(const std::string& crontab, const std::string& store) {
  const auto begin = crontab.find(begin_mark(store));
  const bool at_line = begin == 0 || (begin != std::string::npos && crontab[begin - 1] == '\n');
  const auto end = at_line ? crontab.find("\n" + end_mark(store), begin) : std::string::npos;
  if (end == std::string::npos) return crontab;
  return crontab.substr(0, begin) + crontab.substr(end + 1 + end_mark(store).size());
}

std::string unit_mark(const std::string& store) {
  return fmt::format("# bmsg schedule of {}\n", store);
}

Result<std::vector<Unit>> systemd_units(const ScheduleWish& wish) {
  BMSG_TRY(check_paths(wish));
  std::vector<Unit> units;
  for (const Job& job : jobs()) {
    units.push_back({fmt::format("bmsg-{}.service", job.name), service_text(wish, job)});
    units.push_back({fmt::format("bmsg-{}.timer", job.name), timer_text(wish, job)});
  }
  return units;
}

}  // namespace bmsg::cli
