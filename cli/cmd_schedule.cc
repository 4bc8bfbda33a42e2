// bmsg schedule: regular work, by cron or by systemd.

#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/prompt.h"
#include "cli/run_program.h"
#include "cli/schedule_text.h"
#include "cli/session.h"
#include "lib/api/schedule_json.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  bool cron = false;
  bool systemd = false;
  std::optional<std::string> install;  // "cron", "systemd", or "" for what else says so.
  std::optional<std::string> remove;
  bool yes = false;
  std::string backup;
};

/// What is meant by the options together.
struct Wish {
  bool cron = false;
  bool systemd = false;
  ScheduleWish what;
};

constexpr std::size_t kUnitBytesMax = 65536;

Result<ScheduleWish> paths_of(const Options& options, const StoreDir& store) {
  std::error_code reason;
  const fs::path program = fs::read_symlink("/proc/self/exe", reason);
  if (reason)
    return Error{Errc::no_resource, "cannot find out where this program lies: " + reason.message()};
  const auto whole = [](const fs::path& path) {
    return path.empty() ? std::string() : whole_path(path).string();
  };
  std::string root = whole(store.root());
  if (root.size() > 1 && root.ends_with('/')) root.pop_back();
  return ScheduleWish{program.string(), root, whole(options.backup)};
}

/// What 'bmsg mine' or 'bmsg endorse' would refuse, turn after turn, is not begun.
Result<BlockWork> work_of(const Context& context, const StoreDir& store) {
  std::error_code unread;
  if (fs::exists(store.light(), unread)) return BlockWork::none;
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  if (rules.rules.mode == chain::Mode::pow) return BlockWork::mine;
  return fs::exists(store.endorser_key(), unread) ? BlockWork::endorse : BlockWork::none;
}

Result<Wish> wish_of(const Options& options, const Context& context, const StoreDir& store) {
  if (options.install && options.remove)
    return Error{Errc::bad_usage, "--install and --remove exclude each other"};
  const std::string named = options.install.value_or("") + options.remove.value_or("");
  Wish wish{.cron = options.cron || named == "cron",
            .systemd = options.systemd || named == "systemd",
            .what = {}};
  if (options.remove && !wish.cron && !wish.systemd)
    wish.cron = wish.systemd = true;
  else if (wish.cron == wish.systemd)
    return Error{Errc::bad_usage, "schedule takes one of --cron and --systemd"};
  BMSG_TRY_ASSIGN(wish.what, paths_of(options, store));
  if (!options.remove) {
    BMSG_TRY_ASSIGN(wish.what.work, work_of(context, store));
  }
  std::error_code unknown;  // Then it is as good as none.
  if (!options.backup.empty() && !options.remove && !fs::is_directory(wish.what.backup, unknown))
    return Error{Errc::not_found, fmt::format("no directory '{}'", options.backup),
                 "make it first: 'bmsg backup' writes into no other"};
  return wish;
}

Result<Done> consent(const Options& options, Context& context, const std::string& consequence) {
  if (options.yes) return done;
  return confirm_by_typing(context, consequence, "yes");
}

Result<std::string> read_crontab() {
  ProgramCall call{.words = {"crontab", "-l"}, .output = ProgramOutput::results};
  const auto table = run_program(call);
  if (table.end == ProgramEnd::not_started)
    return Error{Errc::exists, "there is no program 'crontab' here; --systemd makes timers"};
  if (table.succeeded()) return table.output;
  call.output = ProgramOutput::everything;
  const auto listed = run_program(call);  // Again, for what it complains of.
  // Nobody has written one yet. Of any other failure it would be wrong to think so: what is there
  // would be replaced.
  const bool is_absent = listed.output.find("no crontab for") != std::string::npos ||
                         listed.output.find("No such file") != std::string::npos;
  if (is_absent) return std::string();
  return Error{Errc::denied,
               fmt::format("'crontab -l' {}: {}", words_for(listed),
                           listed.output.substr(0, listed.output.find('\n'))),
               "'bmsg schedule --cron' prints the lines, for 'crontab -e'"};
}

Result<Done> change_crontab(const Options& options, Context& context, const std::string& store,
                            const std::string& block) {
  BMSG_TRY_ASSIGN(const auto before, read_crontab());
  std::string after = without_block(before, store);
  if (!after.empty() && !after.ends_with('\n')) after += '\n';
  after += block;
  if (after == before) return done;
  BMSG_TRY(
      consent(options, context,
              fmt::format("your crontab will {}",
                          block.empty() ? "lose these lines" : "have these lines:\n" + block)));
  const auto changed =
      run_program({.words = {"crontab", "-"}, .input = after, .output = ProgramOutput::results});
  if (changed.succeeded()) return done;
  return Error{Errc::denied, "crontab refused the new table; 'crontab -e' edits it by hand"};
}

Result<ExitCode> run_cron(const Options& options, Context& context, const ScheduleWish& wish) {
  BMSG_TRY_ASSIGN(const auto block, crontab_block(wish));
  if (options.install || options.remove) {
    BMSG_TRY(change_crontab(options, context, wish.store, options.install ? block : ""));
    return ExitCode::ok;
  }
  context.options.json ? context.out.line(api::schedule_json({"cron", "crontab", block}))
                       : context.out.raw(block);
  return ExitCode::ok;
}

Result<fs::path> unit_directory() {
  const auto config = user_config_directory();
  if (config.empty()) return no_home();
  return config / "systemd" / "user";
}

enum class Owner { nobody, us, others };

/// Whose unit lies there: only what this command wrote for this store may be replaced and removed.
Result<Owner> owner_of(const Context& context, const fs::path& file, const std::string& store) {
  BMSG_TRY_ASSIGN(const auto text, context.disk.read(file, kUnitBytesMax));
  if (!text) return Owner::nobody;
  return as_text(*text).starts_with(unit_mark(store)) ? Owner::us : Owner::others;
}

/// Has the user's manager do it. Where there is none, somebody must be told.
bool systemctl(std::vector<std::string> words, const std::vector<std::string>& units = {}) {
  words.insert(words.begin(), {"systemctl", "--user"});
  words.insert(words.end(), units.begin(), units.end());
  return run_program({.words = words, .output = ProgramOutput::results}).succeeded();
}

/// Stops and removes those of `names` that are ours. False if they could not be stopped.
Result<bool> take_away(Context& context, const std::vector<std::string>& names,
                       const std::string& store) {
  BMSG_TRY_ASSIGN(const fs::path directory, unit_directory());
  std::vector<std::string> ours;
  for (const std::string& name : names) {
    BMSG_TRY_ASSIGN(const auto owner, owner_of(context, directory / name, store));
    if (owner == Owner::us) ours.push_back(name);
  }
  if (ours.empty()) return true;
  const bool stopped = systemctl({"disable", "--now"}, ours);
  for (const std::string& name : ours) BMSG_TRY(context.disk.remove(directory / name));
  return systemctl({"daemon-reload"}) && stopped;
}

Result<ExitCode> install_units(const Options& options, Context& context, const ScheduleWish& wish) {
  BMSG_TRY_ASSIGN(const fs::path directory, unit_directory());
  BMSG_TRY_ASSIGN(const auto units, systemd_units(wish));
  auto stale = all_unit_names();
  std::vector<std::string> timers;
  for (const Unit& unit : units) {
    const fs::path file = directory / unit.name;
    BMSG_TRY_ASSIGN(const auto owner, owner_of(context, file, wish.store));
    if (owner == Owner::others)
      return Error{Errc::exists,
                   fmt::format("'{}' is there already and not of this store", file.string())};
    if (unit.name.ends_with(".timer")) timers.push_back(unit.name);
    std::erase(stale, unit.name);
  }
  BMSG_TRY(consent(options, context,
                   fmt::format("units of bmsg in '{}' will be written, {} started",
                               directory.string(), fmt::join(timers, " "))));
  BMSG_TRY(context.disk.make_directory(directory));
  for (const Unit& unit : units)
    BMSG_TRY(context.disk.replace(directory / unit.name, as_bytes(unit.text)));
  BMSG_TRY_ASSIGN(const bool is_rid, take_away(context, stale, wish.store));
  if (is_rid && systemctl({"daemon-reload"}) && systemctl({"enable", "--now"}, timers)) {
    context.out.note(
        "they run while you are logged in; 'loginctl enable-linger' has them run always");
    return ExitCode::ok;
  }
  context.out.warn(
      fmt::format("the units are written, but no systemd of yours answers; when one does: "
                  "systemctl --user daemon-reload && systemctl --user enable --now {}",
                  fmt::join(timers, " ")));
  return ExitCode::partial;
}

Result<ExitCode> remove_units(const Options& options, Context& context, const ScheduleWish& wish) {
  BMSG_TRY_ASSIGN(const fs::path directory, unit_directory());
  const auto names = all_unit_names();
  bool is_any = false;
  for (const std::string& name : names) {
    BMSG_TRY_ASSIGN(const auto owner, owner_of(context, directory / name, wish.store));
    is_any = is_any || owner == Owner::us;
  }
  if (!is_any) return ExitCode::ok;
  BMSG_TRY(consent(
      options, context,
      fmt::format("units of bmsg in '{}' will be stopped and removed", directory.string())));
  BMSG_TRY_ASSIGN(const bool stopped, take_away(context, names, wish.store));
  if (stopped) return ExitCode::ok;
  context.out.warn(
      "the units are removed, but no systemd of yours answers; what it has started goes on");
  return ExitCode::partial;
}

Result<ExitCode> run_systemd(const Options& options, Context& context, const ScheduleWish& wish) {
  if (options.install) return install_units(options, context, wish);
  if (options.remove) return remove_units(options, context, wish);
  BMSG_TRY_ASSIGN(const fs::path directory, unit_directory());
  BMSG_TRY_ASSIGN(const auto units, systemd_units(wish));
  for (const Unit& unit : units) {
    const std::string file = (directory / unit.name).string();
    context.options.json ? context.out.line(api::schedule_json({"systemd", file, unit.text}))
                         : context.out.line(fmt::format("# {}\n{}", file, unit.text));
  }
  return ExitCode::ok;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto wish, wish_of(options, context, store));
  if (!wish.cron) return run_systemd(options, context, wish.what);
  if (!wish.systemd) return run_cron(options, context, wish.what);
  BMSG_TRY_ASSIGN(const auto outcome, run_systemd(options, context, wish.what));
  if (read_crontab()) BMSG_TRY(run_cron(options, context, wish.what));  // Else nothing is in it.
  return outcome;
}

}  // namespace

void add_schedule(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command schedule =
      add_command(app, context, "schedule", "Print or install regular work", options, run);
  schedule.add_flag("--cron", options->cron, "As lines of a crontab");
  schedule.add_flag("--systemd", options->systemd, "As units of systemd");
  const auto place = [schedule](const char* name, std::optional<std::string>& value,
                                const char* says) {
    schedule
        .add_taker(
            name, [&value](const std::string& kind) { value = kind; }, says)
        .value_optional("")
        .type_name("[cron|systemd]")
        .one_of({"cron", "systemd", ""});
  };
  place("--install", options->install, "Write it there and start it, after asking");
  place("--remove", options->remove, "Take it away again, after asking");
  schedule.add_flag("--yes", options->yes, "Do not ask");
  schedule.add_option("--backup", options->backup, "A backup each night into this, too")
      .type_name("DIR");
}

}  // namespace bmsg::cli
