// What every command is given, and the list of commands.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/parser.h"
#include "cli/settings.h"
#include "cli/store_dir.h"
#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/core/entropy.h"
#include "lib/core/log.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::api {
struct StatusView;
}

namespace bmsg::cli {

/// What a command gets from the one that runs it in the same process (run_inner.h).
struct InnerParts {
  std::optional<std::string> input = {};                       // In place of standard input.
  std::optional<crypto::SecretBytes> new_passphrase = {};      // In place of asking for it twice.
  std::function<void(const api::StatusView&)> on_status = {};  // How far long work is.
  std::stop_token stop = {};                                   // Ends long work.
};

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
  /// Of the keyring, kept by a command that goes on: asked for once.
  std::optional<crypto::SecretBytes> passphrase = {};
  InnerParts inner = {};

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
void add_commands(Command app, Context& context);

/// Adds only those whose names are among the words of the command line: all of them cost a
/// millisecond. False if none was added, or if one of the words asks about other commands.
bool add_named_commands(Command app, Context& context, const std::vector<std::string>& words);

/// Lets `run` answer for a command.
void on_call(Command command, Context& context, const char* name,
             std::function<Result<ExitCode>()> run);

/// Adds one command whose options live in `Options` and whose work is `run`. Returns it for more.
template <class Options, class Run>
Command add_command(Command app, Context& context, const char* name, const char* says,
                    std::shared_ptr<Options> options, Run run) {
  const Command command = app.add_verb(name, says);
  on_call(command, context, name,
          [options, &context, run] { return run(*options, context); });  // It keeps the options.
  return command;
}

// One for each command; cli/cmd_NAME.cc.
void add_init(Command app, Context& context);
void add_clone(Command app, Context& context);
void add_invite(Command app, Context& context);
void add_id(Command app, Context& context);
void add_pair(Command app, Context& context);
void add_contact(Command app, Context& context);
void add_room(Command app, Context& context);
void add_send(Command app, Context& context);
void add_outbox(Command app, Context& context);
void add_reply(Command app, Context& context);
void add_resend(Command app, Context& context);
void add_mine(Command app, Context& context);
void add_endorse(Command app, Context& context);
void add_endorsers(Command app, Context& context);
void add_charter(Command app, Context& context);
void add_inbox(Command app, Context& context);
void add_read(Command app, Context& context);
void add_watch(Command app, Context& context);
void add_policy(Command app, Context& context);
void add_approve(Command app, Context& context);
void add_search(Command app, Context& context);
void add_mark(Command app, Context& context);
void add_sync(Command app, Context& context);
void add_serve(Command app, Context& context);
void add_web(Command app, Context& context);
void add_peers(Command app, Context& context);
void add_forget(Command app, Context& context);
void add_fork(Command app, Context& context);
void add_bundle(Command app, Context& context);
void add_status(Command app, Context& context);
void add_log(Command app, Context& context);
void add_show(Command app, Context& context);
void add_verify(Command app, Context& context);
void add_receipt(Command app, Context& context);
void add_checkpoint(Command app, Context& context);
void add_cosign(Command app, Context& context);
void add_config(Command app, Context& context);
void add_plumbing(Command app, Context& context);
void add_cat(Command app, Context& context);
void add_seal(Command app, Context& context);
void add_make_block(Command app, Context& context);
void add_lists(Command app, Context& context);
void add_check_header(Command app, Context& context);
void add_witness(Command app, Context& context);
void add_mirror(Command app, Context& context);
void add_export(Command app, Context& context);
void add_import(Command app, Context& context);
void add_backup(Command app, Context& context);
void add_restore(Command app, Context& context);
void add_repair(Command app, Context& context);
void add_unlock(Command app, Context& context);
void add_hooks(Command app, Context& context);
void add_schedule(Command app, Context& context);
void add_doctor(Command app, Context& context);
void add_completion(Command app, Context& context);
void add_help(Command app, Context& context);
void add_version(Command app, Context& context);

}  // namespace bmsg::cli
