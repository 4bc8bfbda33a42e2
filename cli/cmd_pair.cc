// bmsg pair: the same person on a second machine.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/command.h"
#include "cli/fresh_keyring.h"
#include "cli/keyring_file.h"
#include "cli/new_file.h"
#include "cli/passphrase.h"
#include "cli/plumbing.h"
#include "cli/quiet_line.h"
#include "cli/session.h"
#include "cli/take_in.h"
#include "cli/text.h"
#include "lib/api/json_objects.h"
#include "lib/api/pairing_json.h"
#include "lib/core/try.h"
#include "lib/mail/pairing.h"

namespace bmsg::cli {
namespace {

using crypto::SecretBytes;

struct Options {
  std::string file;
  std::string code_file;
  bool no_passphrase = false;
};

bool can_speak(const Context& context) {
  return !context.options.no_input && ::isatty(STDERR_FILENO) == 1;
}

/// File and code are no two halves if they go the same way.
Result<Done> check_ways(const Options& options) {
  if (options.file != "-" || options.code_file != "-") return done;
  return Error{Errc::bad_usage, "'-' is the file or the code, not both"};
}

/// The pair file and its code, each new, and in place only when both are whole.
class Export {
 public:
  Export(Context& context, const Options& options)
      : context_(context),
        options_(options),
        file_(context.disk, options.file),
        code_file_(context.disk, options.code_file) {}

  /// That both can be handed out: before any work is done.
  Result<Done> prepare() {
    BMSG_TRY(check_ways(options_));
    if (options_.code_file.empty() && ::isatty(STDERR_FILENO) != 1) {
      return Error{Errc::bad_usage, "nobody is there to read the code",
                   "--code-file FILE writes it to a file"};
    }
    if (options_.file == "-") {
      BMSG_TRY(check_no_terminal(context_));
    } else {
      BMSG_TRY(file_.open());
    }
    if (writes_code()) BMSG_TRY(code_file_.open());
    return done;
  }

  Result<Done> hand_out(ByteView file, const SecretBytes& code) {
    Bytes line = to_bytes(code.view());
    line.push_back('\n');
    const auto outcome = hand_out_line(file, line);
    crypto::wipe(line);
    return outcome;
  }

 private:
  bool writes_code() const { return !options_.code_file.empty() && options_.code_file != "-"; }

  Result<Done> hand_out_line(ByteView file, ByteView line) {
    if (options_.file != "-") BMSG_TRY(file_.write(file));
    if (writes_code()) {
      BMSG_TRY(code_file_.write(line));
      BMSG_TRY(code_file_.publish());
    }
    if (options_.file != "-") {
      const auto published = file_.publish();
      if (!published && writes_code()) (void)context_.disk.remove(options_.code_file);
      if (!published) return published;
    }
    if (options_.code_file == "-") context_.out.raw(as_text(line));
    if (options_.code_file.empty()) std::cerr << "code " << as_text(line) << std::flush;
    if (options_.file == "-") context_.out.raw(as_text(file));
    return done;
  }

  Context& context_;
  const Options& options_;
  NewFile file_;
  NewFile code_file_;
};

Result<ExitCode> run_export(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  const auto began = context.clock.steady();
  Export target(context, options);
  BMSG_TRY(target.prepare());
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto open, unlock_keyring(context, store));
  const mail::Identity* only = nullptr;
  if (!settings.text("user.identity").empty() || open.keyring.identities.empty()) {
    BMSG_TRY_ASSIGN(only, chosen_identity(context, store, open.keyring));
  }
  BMSG_TRY_ASSIGN(auto contacts, read_contacts(context, store));
  api::SummaryView summary{.command = "pair", .numbers = {}, .texts = {}};
  auto pairing = mail::pairing_of(open.keyring, only, std::move(contacts));
  summary.numbers = {{"identities", static_cast<double>(pairing.keyring.identities.size())},
                     {"contacts", static_cast<double>(pairing.contacts.size())}};
  BMSG_TRY_ASSIGN(const auto json, api::print_pairing(std::move(pairing)));
  BMSG_TRY_ASSIGN(const auto code, mail::make_pair_code(context.entropy));
  BMSG_TRY_ASSIGN(const auto file, mail::seal_pairing(json, code, context.entropy));
  BMSG_TRY(target.hand_out(file, code));
  summary.elapsed = std::chrono::duration<double>(context.clock.steady() - began).count();
  const bool is_free = options.file != "-" && options.code_file != "-";
  if (context.options.json && is_free) context.out.line(api::summary_json(summary));
  return ExitCode::ok;
}

Result<Bytes> read_pair_file(const Context& context, const std::string& file) {
  if (file == "-") {
    if (::isatty(STDIN_FILENO) == 1)
      return Error{Errc::bad_usage, "a pair file is no text to type; name its file"};
    return read_input(mail::kPairFileBytesMax);
  }
  BMSG_TRY_ASSIGN(auto bytes, context.disk.read(file, mail::kPairFileBytesMax));
  if (!bytes) return Error{Errc::not_found, fmt::format("no file '{}'", file)};
  return std::move(*bytes);
}

Result<SecretBytes> read_code(const Context& context, const Options& options) {
  SecretBytes typed;
  if (!options.code_file.empty()) {
    BMSG_TRY_ASSIGN(typed, read_secret_file(options.code_file, "code"));
  } else if (can_speak(context)) {
    BMSG_TRY_ASSIGN(typed, read_quietly("Code of the pair file: "));
  } else {
    return Error{Errc::bad_usage, "nobody is there to type the code",
                 "--code-file FILE reads it from a file, or from standard input with '-'"};
  }
  return mail::read_pair_code(typed.view());
}

Result<ExitCode> run_import(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, rules_now(context, store));
  BMSG_TRY(check_ways(options));
  BMSG_TRY_ASSIGN(const auto file, read_pair_file(context, options.file));
  BMSG_TRY(mail::check_pairing(file));
  BMSG_TRY_ASSIGN(const auto code, read_code(context, options));
  BMSG_TRY_ASSIGN(const auto json, mail::open_pairing(file, code));
  BMSG_TRY_ASSIGN(auto pairing, api::parse_pairing(json));
  BMSG_TRY_ASSIGN(auto asked, keyring_to_fill(context, store, options.no_passphrase));
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), "pair import", patience, context.clock));
  BMSG_TRY_ASSIGN(auto open, reopen_to_fill(context, store, std::move(asked)));
  BMSG_TRY(check_strangers(open.keyring, pairing.keyring));
  std::vector<IdentityKey> added;
  for (const mail::Identity& identity : pairing.keyring.identities)
    added.push_back(identity.address());
  BMSG_TRY(take_in(context, store, rules, open, std::move(pairing)));
  BMSG_TRY(print_identities(context, store, open, added, rules.id));
  return ExitCode::ok;
}

}  // namespace

void add_pair(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command pair = app.add_verb("pair", "Be the same person on a second machine");
  pair.require_verb();
  const auto add = [&](const char* name, const char* says, auto run, const char* file,
                       const char* code) {
    Command command = add_command(pair, context, name, says, options, run);
    command.add_option("file", options->file, file).required().type_name("FILE");
    command.add_option("--code-file", options->code_file, code).type_name("FILE");
    return command;
  };
  add("export", "Write identities and contacts under a one-time code", run_export,
      "A new file, or - for output", "Write the code to a new file, or - for output");
  Command taking =
      add("import", "Become another device of the identities in a file", run_import,
          "What export wrote, or - for input", "Read the code from a file, or - for input");
  add_fresh_keyring_option(taking, options->no_passphrase);
}

}  // namespace bmsg::cli
