// What every command is given, and the list of commands.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/store_dir.h"
#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/core/entropy.h"
#include "lib/core/log.h"
#include "lib/core/result.h"

namespace bmsg::cli {

/// Options that stand before or after any command. Source: bmsg(1).
struct GlobalOptions {
  std::string store;
  std::string identity;
  std::vector<std::string> settings;  // "key=value" of -c.
  bool json = false;
  bool quiet = false;
  int verbose = 0;
  bool no_input = false;
  bool no_pager = false;
  std::string color;
  std::string lock_timeout;
  std::string log_file;
  std::string passphrase_file;
  int passphrase_fd = -1;
  std::string passphrase_command;
  std::string progress = "auto";  // Of the commands that take long.
};

/// What a command works with: options, the outside world, and the way to answer.
/// Threads: one.
class Context {
 public:
  Context(const Clock& system_clock, Disk& system_disk, Entropy& system_entropy)
      : clock(system_clock), disk(system_disk), entropy(system_entropy) {}

  GlobalOptions options;
  Output out;
  const Clock& clock;
  Disk& disk;
  Entropy& entropy;
  std::string command;                      // Its name, for locks and summaries.
  std::vector<std::string> program_words;   // What follows the program of --exec.
  std::optional<Result<ExitCode>> outcome;  // Set by the command that ran.

  /// The store that the options and the environment name.
  /// Errors: as find_store(); Errc::bad_config if a file of settings is wrong.
  Result<StoreDir> store() const;
  /// The same whatever its settings say: for those who mend them.
  Result<StoreDir> any_store() const { return find_store(options.store, disk); }
  /// Settings of all files, the environment and -c; `store` may be null.
  Result<Settings> settings(const StoreDir* store) const;
  /// Lets long output at a terminal go through the pager, if the user has one.
  void allow_pager();
  /// How long to wait for a lock.
  Result<std::chrono::milliseconds> lock_patience(const StoreDir* store) const;
};

/// A command and what it says of itself in a line; empty if help does not list it.
struct CommandName {
  std::string name;
  std::string summary;
  bool operator==(const CommandName&) const = default;
};

/// All of them, in the order in which help shows them; needs no parser.
std::vector<CommandName> all_commands();

/// Adds every command to the parser, in the order in which help shows them.
void add_commands(CLI::App& app, Context& context);

/// Adds only those whose names are among the words of the command line: all of them cost a
/// millisecond. False if none was added, or if one of the words asks about other commands.
bool add_named_commands(CLI::App& app, Context& context, const std::vector<std::string>& words);

/// Adds one command whose options live in `Options` and whose work is `run`. Returns it for more.
template <class Options, class Run>
CLI::App* add_command(CLI::App& app, Context& context, const char* name, const char* says,
                      std::shared_ptr<Options> options, Run run) {
  CLI::App* command = app.add_subcommand(name, says);
  command->callback([options, &context, run, name] {  // The callback keeps the options alive.
    if (context.command.empty()) context.command = name;
    context.outcome = run(*options, context);
  });
  return command;
}

// One for each command; cli/cmd_NAME.cc.
void add_init(CLI::App& app, Context& context);
void add_id(CLI::App& app, Context& context);
void add_contact(CLI::App& app, Context& context);
void add_send(CLI::App& app, Context& context);
void add_outbox(CLI::App& app, Context& context);
void add_reply(CLI::App& app, Context& context);
void add_resend(CLI::App& app, Context& context);
void add_mine(CLI::App& app, Context& context);
void add_inbox(CLI::App& app, Context& context);
void add_read(CLI::App& app, Context& context);
void add_watch(CLI::App& app, Context& context);
void add_search(CLI::App& app, Context& context);
void add_mark(CLI::App& app, Context& context);
void add_sync(CLI::App& app, Context& context);
void add_serve(CLI::App& app, Context& context);
void add_peers(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_log(CLI::App& app, Context& context);
void add_show(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_plumbing(CLI::App& app, Context& context);
void add_cat(CLI::App& app, Context& context);
void add_seal(CLI::App& app, Context& context);
void add_make_block(CLI::App& app, Context& context);
void add_lists(CLI::App& app, Context& context);
void add_check_header(CLI::App& app, Context& context);
void add_witness(CLI::App& app, Context& context);
void add_export(CLI::App& app, Context& context);
void add_import(CLI::App& app, Context& context);
void add_backup(CLI::App& app, Context& context);
void add_restore(CLI::App& app, Context& context);
void add_repair(CLI::App& app, Context& context);
void add_unlock(CLI::App& app, Context& context);
void add_hooks(CLI::App& app, Context& context);
void add_schedule(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);
void add_help(CLI::App& app, Context& context);
void add_version(CLI::App& app, Context& context);

}  // namespace bmsg::cli
