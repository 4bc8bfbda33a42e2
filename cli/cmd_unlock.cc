// bmsg unlock, lock, passwd: the passphrase of a store, kept for a while or changed.

#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/key_agent.h"
#include "cli/keyring_file.h"
#include "cli/passphrase.h"
#include "cli/settings.h"
#include "lib/api/json_objects.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string timeout = "15m";
  std::string new_file;
  bool no_passphrase = false;
};

void print_done(Context& context) {
  if (!context.options.json) return;
  context.out.line(
      api::summary_json({.command = context.command, .numbers = {}, .texts = {}, .elapsed = 0}));
}

Result<ExitCode> run_unlock(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto seconds, parse_duration(options.timeout));
  if (seconds == 0) return Error{Errc::bad_usage, "--timeout 0: use 'bmsg lock'"};
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto open, unlock_keyring(context, store));
  if (open.passphrase.size() == 0) {
    context.out.note("the keys of this store are behind no passphrase; 'bmsg passwd' sets one");
    return ExitCode::ok;
  }
  BMSG_TRY(context.out.flush());  // Nothing is left that both processes would write.
  const auto longest = std::chrono::seconds(std::chrono::years(10));
  BMSG_TRY(start_agent(context, store, std::move(open.passphrase),
                       std::min(std::chrono::seconds(seconds), longest)));
  print_done(context);
  return ExitCode::ok;
}

Result<ExitCode> run_lock(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const bool stopped, stop_agent(context, store));
  if (!stopped) context.out.note("nothing was unlocked");
  print_done(context);
  return ExitCode::ok;
}

Result<crypto::SecretBytes> chosen_passphrase(const Options& options, const Context& context,
                                              const StoreDir& store) {
  if (options.no_passphrase) return crypto::SecretBytes();
  BMSG_TRY_ASSIGN(auto chosen,
                  changed_passphrase(context, store.root().string(), options.new_file));
  if (chosen.size() > 0) return chosen;
  return Error{Errc::bad_usage,
               "an empty passphrase is none; --no-passphrase says that you mean it"};
}

Result<ExitCode> run_passwd(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  // Asked for before the lock is taken: a person may take long.
  BMSG_TRY_ASSIGN(auto known, unlock_keyring(context, store));
  BMSG_TRY_ASSIGN(auto chosen, chosen_passphrase(options, context, store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), context.command, patience, context.clock));
  BMSG_TRY_ASSIGN(auto open, reopen_keyring(context, store, std::move(known.passphrase)));
  open.cost = chosen.size() == 0 ? mail::kNoPassphraseCost : crypto::ScryptCost{};
  open.passphrase = std::move(chosen);
  BMSG_TRY(save_keyring(context, store, open));
  BMSG_TRY(stop_agent(context, store));
  print_done(context);
  return ExitCode::ok;
}

}  // namespace

void add_unlock(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command unlock =
      add_command(app, context, "unlock", "Keep the keys open for a while", options, run_unlock);
  unlock.add_option("--timeout", options->timeout, "For how long (15m)").type_name("DUR");
  add_command(app, context, "lock", "Forget the keys that unlock keeps", options, run_lock);
  Command passwd =
      add_command(app, context, "passwd", "Change the passphrase", options, run_passwd);
  passwd
      .add_option("--new-passphrase-file", options->new_file,
                  "Read the new one from a file, or - for input")
      .type_name("FILE");
  passwd.add_flag("--no-passphrase", options->no_passphrase, "Put the keys behind none");
}

}  // namespace bmsg::cli
