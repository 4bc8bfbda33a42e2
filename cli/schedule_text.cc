#include "cli/schedule_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/text.h"
#include "lib/core/check.h"
#include "lib/core/try.h"
#include "units.h"

namespace bmsg::cli {
namespace {

struct Job {
  std::string_view name;
  std::string_view cron;  // When, for cron; the timer says it for systemd.
};

constexpr std::array<Job, 3> kJobs = {
    {{"sync", "*/5 * * * *"}, {"mine", "*/15 * * * *"}, {"endorse", "*/5 * * * *"}}};

constexpr std::string_view kStart = "ExecStart=@BMSG@ ";
constexpr std::string_view kBackupService = "bmsg-backup.service";

/// Whether a job is for this store: each store makes blocks in one way, or in none.
bool is_wanted(std::string_view job, const ScheduleWish& wish) {
  if (job == "mine") return wish.work == BlockWork::mine;
  if (job == "endorse") return wish.work == BlockWork::endorse;
  return job != "backup" || !wish.backup.empty();
}

/// "mine" of "bmsg-mine.timer"; empty for "bmsg.service".
std::string_view job_of(std::string_view unit) {
  const auto begin = unit.find('-');
  if (begin == std::string_view::npos) return {};
  return unit.substr(begin + 1, unit.find('.') - begin - 1);
}

/// What the service of a job runs, behind program and store: cron runs the same.
std::string words_of(const Job& job) {
  for (const UnitTemplate& unit : kUnitTemplates) {
    const auto at = unit.text.find(kStart);
    if (unit.name != fmt::format("bmsg-{}.service", job.name) || at == std::string_view::npos)
      continue;
    const auto words = unit.text.substr(at + kStart.size());
    return std::string(words.substr(0, words.find('\n')));
  }
  check(false, "every job has a unit that starts bmsg");
  return {};
}

Result<Done> check_path(const std::string& path) {
  if (shown_line(path) == path) return done;
  return Error{Errc::bad_usage,
               fmt::format("'{}' fits into no schedule: control characters, or not UTF-8", path)};
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

/// `text` with each of `letters` twice, which means the letter itself.
std::string doubled(const std::string& text, std::string_view letters) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (letters.find(c) != std::string_view::npos) out += c;
  }
  return out;
}

/// A word of a list. Source: systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers".
std::string unit_quoted(const std::string& word) {
  std::string out = "\"";
  for (const char c : doubled(word, "%")) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// The same behind the first word of ExecStart=, where "$" begins a variable.
std::string command_quoted(const std::string& word) { return unit_quoted(doubled(word, "$")); }

std::string begin_mark(const std::string& store) { return "# bmsg begin " + store + "\n"; }
std::string end_mark(const std::string& store) { return "# bmsg end " + store + "\n"; }

struct Value {
  std::string_view mark;
  std::string text;
};

/// `text` with values in place of their marks. In one pass: a path may hold what looks like a mark.
std::string filled(std::string_view text, const std::vector<Value>& values) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto value = std::ranges::find_if(
        values, [rest = text.substr(at)](const Value& one) { return rest.starts_with(one.mark); });
    if (value == values.end()) {
      out += text[at++];
      continue;
    }
    out += value->text;
    at += value->mark.size();
  }
  return out;
}

std::string text_of(const UnitTemplate& unit, const ScheduleWish& wish) {
  const bool is_first_word = unit.text.find(kStart) != std::string_view::npos;
  const std::string program =
      is_first_word ? unit_quoted(wish.program) : command_quoted(wish.program);
  std::string writable = unit_quoted(wish.store);
  if (unit.name == kBackupService) writable += " " + unit_quoted(wish.backup);
  return unit_mark(wish.store) +
         filled(unit.text, {{"@BMSG@", program + " -C " + command_quoted(wish.store)},
                            {"@NAME@", "'" + doubled(wish.store, "%") + "'"},
                            {"@STORE@", doubled(wish.store, "%")},
                            {"@WRITABLE@", writable},
                            {"@BACKUP@", command_quoted(wish.backup)}});
}

}  // namespace

Result<std::string> crontab_block(const ScheduleWish& wish) {
  BMSG_TRY(check_paths(wish));
  const std::string start =
      fmt::format("{} -C {}", cron_quoted(wish.program), cron_quoted(wish.store));
  std::string text = begin_mark(wish.store);
  for (const Job& job : kJobs) {  // Results are no news; errors are.
    if (is_wanted(job.name, wish))
      text += fmt::format("{} {} {} >/dev/null\n", job.cron, start, words_of(job));
  }
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

std::vector<std::string> all_unit_names() {
  std::vector<std::string> names;
  for (const UnitTemplate& unit : kUnitTemplates) names.emplace_back(unit.name);
  return names;
}

Result<std::vector<Unit>> systemd_units(const ScheduleWish& wish) {
  BMSG_TRY(check_paths(wish));
  std::vector<Unit> units;
  for (const UnitTemplate& unit : kUnitTemplates) {
    if (is_wanted(job_of(unit.name), wish))
      units.push_back({std::string(unit.name), text_of(unit, wish)});
  }
  return units;
}

}  // namespace bmsg::cli
