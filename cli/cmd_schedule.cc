// bmsg schedule: regular work, by cron or by systemd.

#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/environment.h"
#include "cli/prompt.h"
#include "cli/run_program.h"
#include "cli/schedule_text.h"
#include "lib/api/schedule_json.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  bool cron = false;
  bool systemd = false;
  bool install = false;
  bool remove = false;
  bool yes = false;
  std::string backup;
};

constexpr std::size_t kUnitBytesMax = 65536;

Result<ScheduleWish> wish_of(const Options& options, const StoreDir& store) {
  std::error_code reason;
  const fs::path program = fs::read_symlink("/proc/self/exe", reason);
  if (reason)
    return Error{Errc::no_resource, "cannot find out where this program lies: " + reason.message()};
  const auto whole = [](const fs::path& path) {
    return path.empty() ? std::string() : fs::absolute(path).lexically_normal().string();
  };
  std::string root = whole(store.root());
  if (root.size() > 1 && root.ends_with('/')) root.pop_back();
  return ScheduleWish{program.string(), root, whole(options.backup)};
}

Result<Done> consent(const Options& options, Context& context, const std::string& consequence) {
  if (options.yes) return done;
  return confirm_by_typing(context, consequence, "yes");
}

Result<std::string> read_crontab() {
  const auto listed = run_program({"crontab", "-l"}, {});
  if (listed.status == 127)
    return Error{Errc::exists, "there is no program 'crontab' here; --systemd makes timers"};
  return listed.status == 0 ? listed.output : std::string();  // 1: nobody has written one yet.
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
  if (run_program({"crontab", "-"}, after).status == 0) return done;
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

fs::path unit_directory() {
  const std::string config = from_environment("XDG_CONFIG_HOME");
  const fs::path base =
      config.empty() ? fs::path(from_environment("HOME")) / ".config" : fs::path(config);
  return base / "systemd" / "user";
}

/// Only what this command wrote for this store may be replaced or removed.
Result<Done> check_ours(const Context& context, const fs::path& file, const std::string& store) {
  BMSG_TRY_ASSIGN(const auto text, context.disk.read(file, kUnitBytesMax));
  if (!text || as_text(*text).starts_with(unit_mark(store))) return done;
  return Error{Errc::exists,
               fmt::format("'{}' is there already and not of this store", file.string())};
}

Result<Done> change_units(const Options& options, Context& context, const ScheduleWish& wish,
                          const std::vector<Unit>& units) {
  const fs::path directory = unit_directory();
  for (const Unit& unit : units) BMSG_TRY(check_ours(context, directory / unit.name, wish.store));
  BMSG_TRY(consent(options, context,
                   fmt::format("units of bmsg in '{}' will be {}", directory.string(),
                               options.install ? "written" : "removed")));
  BMSG_TRY(context.disk.make_directory(directory));
  for (const Unit& unit : units) {
    const fs::path file = directory / unit.name;
    BMSG_TRY(options.install ? context.disk.replace(file, as_bytes(unit.text))
                             : context.disk.remove(file));
  }
  context.out.note(options.install
                       ? "now: systemctl --user daemon-reload && systemctl --user enable --now "
                         "bmsg-sync.timer bmsg-mine.timer"
                       : "now: systemctl --user daemon-reload");
  return done;
}

Result<ExitCode> run_systemd(const Options& options, Context& context, const ScheduleWish& wish) {
  BMSG_TRY_ASSIGN(const auto units, systemd_units(wish));
  if (options.install || options.remove) {
    BMSG_TRY(change_units(options, context, wish, units));
    return ExitCode::ok;
  }
  for (const Unit& unit : units) {
    const std::string file = (unit_directory() / unit.name).string();
    context.options.json ? context.out.line(api::schedule_json({"systemd", file, unit.text}))
                         : context.out.line(fmt::format("# {}\n{}", file, unit.text));
  }
  return ExitCode::ok;
}

Result<ExitCode> run(const Options& options, Context& context) {
  if (options.cron == options.systemd)
    return Error{Errc::bad_usage, "schedule takes one of --cron and --systemd"};
  if (options.install && options.remove)
    return Error{Errc::bad_usage, "--install and --remove exclude each other"};
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto wish, wish_of(options, store));
  return options.cron ? run_cron(options, context, wish) : run_systemd(options, context, wish);
}

}  // namespace

void add_schedule(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* schedule =
      add_command(app, context, "schedule", "Print or install regular work", options, run);
  schedule->add_flag("--cron", options->cron, "As lines of a crontab");
  schedule->add_flag("--systemd", options->systemd, "As units of systemd");
  schedule->add_flag("--install", options->install, "Write it there, after asking");
  schedule->add_flag("--remove", options->remove, "Take it away again, after asking");
  schedule->add_flag("--yes", options->yes, "Do not ask");
  schedule->add_option("--backup", options->backup, "With --cron: a backup each night into this")
      ->type_name("DIR");
}

}  // namespace bmsg::cli
