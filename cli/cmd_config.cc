// bmsg config: read and change settings.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/editor.h"
#include "cli/environment.h"
#include "cli/text.h"
#include "lib/api/json_objects.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string key;
  std::string value;
  bool user = false;
  bool system = false;
  bool show_origin = false;
  bool nul = false;
};

constexpr std::size_t kConfigBytesMax = 1 << 20;

/// The store if there is one: settings can be read without.
Result<std::optional<StoreDir>> store_if_any(const Context& context) {
  auto store = context.any_store();
  if (store) return std::optional(std::move(store).value());
  const bool named = !context.options.store.empty();
  if (store.error().code == Errc::not_found && !named) return std::optional<StoreDir>();
  return store.error();
}

void print(Context& context, const Options& options, const std::string& key,
           const Settings& settings) {
  const std::string& value = settings.text(key);
  const auto said = settings.said(key);
  const std::string origin = said ? said->origin : "default";
  if (context.options.json) return context.out.line(api::setting_json(key, value, origin));
  const auto line = [&](const std::string& from, const std::string& text) {
    return options.show_origin ? fmt::format("{}\t{}={}", from, key, text)
                               : fmt::format("{}={}", key, text);
  };
  if (options.nul) return context.out.raw(line(origin, value) + '\0');
  context.out.line(line(shown_line(origin), shown_line(value)));
}

Result<ExitCode> run_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, store_if_any(context));
  BMSG_TRY_ASSIGN(const auto settings, context.settings(store ? &*store : nullptr));
  for (const KnownSetting& known : known_settings()) print(context, options, known.key, settings);
  return ExitCode::ok;
}

Result<ExitCode> run_get(const Options& options, Context& context) {
  BMSG_TRY(check_known(options.key, "config"));
  BMSG_TRY_ASSIGN(const auto store, store_if_any(context));
  BMSG_TRY_ASSIGN(const auto settings, context.settings(store ? &*store : nullptr));
  const std::string& value = settings.text(options.key);
  if (value.empty()) return ExitCode::no;
  if (context.options.json) {
    print(context, options, options.key, settings);
  } else if (options.nul) {
    context.out.raw(value + '\0');
  } else {
    context.out.line(shown_line(value));
  }
  return ExitCode::ok;
}

Result<std::filesystem::path> file_of(const Options& options, const Context& context) {
  if (options.system) return system_config_file();
  if (options.user && user_config_file().empty()) return no_home();
  if (options.user) return user_config_file();
  BMSG_TRY_ASSIGN(const auto store, context.any_store());
  return store.config();
}

/// Also where a file is wrong, or nobody could mend it.
std::chrono::milliseconds patience(const Context& context) {
  const auto set = context.lock_patience(nullptr);
  return set ? set.value() : std::chrono::seconds(10);
}

Result<Done> change_file(const std::filesystem::path& file, const std::string& key,
                         const std::optional<std::string>& value, Context& context) {
  BMSG_TRY(context.disk.make_directory(file.parent_path()));
  BMSG_TRY_ASSIGN(const auto lock, FileLock::take(file.parent_path() / "config.lock", "config",
                                                  patience(context), context.clock));
  BMSG_TRY_ASSIGN(const auto before, context.disk.read(file, kConfigBytesMax));
  const std::string text = edited(before ? to_string(*before) : "", key, value);
  return context.disk.replace(file, as_bytes(text));
}

Result<ExitCode> change(const Options& options, Context& context,
                        const std::optional<std::string>& value) {
  // What no bmsg knows may be taken out, or nobody could mend a file.
  if (value) BMSG_TRY(check_known(options.key, "config"));
  if (value) BMSG_TRY(check_value(options.key, *value));
  if (value) BMSG_TRY(check_writable(options.key, *value));
  if (value && !options.user && !options.system && !counts_in_store(options.key))
    return Error{Errc::bad_usage, fmt::format("'{}' does not count in a store", options.key),
                 "set it with --user"};
  BMSG_TRY_ASSIGN(const auto file, file_of(options, context));
  const auto changed = change_file(file, options.key, value, context);
  if (!changed && changed.error().code == Errc::denied)  // No question of keys or passphrases.
    return Error{Errc::exists, changed.error().message, "check the owner and mode of the place"};
  BMSG_TRY(changed);
  if (context.options.json && check_known(options.key, "config")) {
    BMSG_TRY_ASSIGN(const auto store, store_if_any(context));
    BMSG_TRY_ASSIGN(const auto settings, context.settings(store ? &*store : nullptr));
    print(context, options, options.key, settings);
  }
  return ExitCode::ok;
}

const char* place_of(const Options& options) {
  return options.system ? "system" : options.user ? "user" : "store";
}

Result<ExitCode> run_path(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto file, file_of(options, context));
  context.out.line(context.options.json
                       ? api::setting_json("path", file.string(), place_of(options))
                       : shown_line(file.string()));
  return ExitCode::ok;
}

/// What somebody wrote must be good for every command, or none could be run to mend it.
Result<Done> check_text(const std::string& text, const std::string& origin) {
  Settings written;
  BMSG_TRY(written.add_text(text, origin));
  for (const auto& [key, value] : written.all()) {
    const auto checked = check_value(key, value.text);
    if (!checked) return Error{Errc::bad_config, origin + ": " + checked.error().message};
  }
  return done;
}

/// The editor gets a copy: the file changes when that is good, and at once.
Result<ExitCode> run_edit(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto file, file_of(options, context));
  BMSG_TRY(context.disk.make_directory(file.parent_path()));
  BMSG_TRY_ASSIGN(const auto lock, FileLock::take(file.parent_path() / "config.lock", "config",
                                                  patience(context), context.clock));
  BMSG_TRY_ASSIGN(const auto bytes, context.disk.read(file, kConfigBytesMax));
  const std::string before = bytes ? to_string(*bytes) : std::string();
  BMSG_TRY_ASSIGN(const auto after, edit_whole(context, before));
  if (after == before) return ExitCode::ok;
  BMSG_TRY(check_text(after, file.string()));
  BMSG_TRY(context.disk.replace(file, as_bytes(after)));
  return ExitCode::ok;
}

void add_places(Command command, const std::shared_ptr<Options>& options) {
  command.add_flag("--user", options->user, "The user's file instead of the store's");
  command.add_flag("--system", options->system, "The system's file instead of the store's");
}

}  // namespace

void add_config(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command config = app.add_verb("config", "Read and change settings");
  config.require_verb();
  const auto add = [&](const char* name, const char* says, auto work) {
    return add_command(config, context, name, says, options, work);
  };
  Command list = add("list", "Print all settings", run_list);
  list.add_flag("--show-origin", options->show_origin, "Say where each value is from");
  list.add_flag("-z", options->nul, "End records with NUL");
  Command get = add("get", "Print one setting", run_get);
  get.add_option("key", options->key, "Which").required().type_name("KEY");
  get.add_flag("-z", options->nul, "End the value with NUL");
  Command set = add("set", "Change one setting", [](const Options& given, Context& within) {
    return change(given, within, given.value);
  });
  set.add_option("key", options->key, "Which").required().type_name("KEY");
  set.add_option("value", options->value, "To what").required().type_name("VALUE").may_be_empty();
  add_places(set, options);
  Command unset = add(
      "unset", "Go back to the default of one setting",
      [](const Options& given, Context& within) { return change(given, within, std::nullopt); });
  unset.add_option("key", options->key, "Which").required().type_name("KEY");
  add_places(unset, options);
  add_places(add("edit", "Open the file in an editor", run_edit), options);
  add_places(add("path", "Print the name of the file", run_path), options);
}

}  // namespace bmsg::cli
