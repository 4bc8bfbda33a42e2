// bmsg id backup and restore: an identity on the day on which its store is lost.

#include <fmt/format.h>
#include <unistd.h>

#include "cli/fresh_keyring.h"
#include "cli/identity_verbs.h"
#include "cli/keyring_file.h"
#include "cli/new_file.h"
#include "cli/passphrase.h"
#include "cli/plumbing.h"
#include "cli/quiet_line.h"
#include "cli/revocation_paper.h"
#include "cli/session.h"
#include "cli/take_in.h"
#include "cli/text.h"
#include "lib/api/pairing_json.h"
#include "lib/core/try.h"
#include "lib/mail/identity_backup.h"

namespace bmsg::cli {
namespace {

using crypto::SecretBytes;

struct Options {
  std::string file;
  std::string passphrase_file;
  std::string name;
  std::string revocation;
  bool with_prekeys = false;
  bool paper = false;
  bool no_passphrase = false;
};

constexpr std::size_t kPaperBytesMax = 2048;

Result<Done> check_ways(const Options& options) {
  if (options.file != "-" || options.passphrase_file != "-") return done;
  return Error{Errc::bad_usage, "'-' is the file or the passphrase, not both"};
}

bool can_ask(const Context& context) {
  if (context.inner.new_passphrase) return true;
  return !context.options.no_input && ::isatty(STDERR_FILENO) == 1;
}

/// What the backup is sealed under, and how slowly.
struct Sealing {
  SecretBytes passphrase;
  crypto::ScryptCost cost = {};
};

Result<Sealing> sealing_for(const Options& options, const Context& context,
                            const OpenKeyring& open) {
  Sealing sealing;
  if (!options.passphrase_file.empty()) {
    BMSG_TRY_ASSIGN(sealing.passphrase, read_secret_file(options.passphrase_file, "passphrase"));
  } else if (open.passphrase.size() != 0) {
    sealing.passphrase = open.passphrase.clone();
    sealing.cost = open.cost;
  } else if (can_ask(context)) {
    BMSG_TRY_ASSIGN(sealing.passphrase, changed_passphrase(context, "the backup", ""));
  } else {
    return Error{Errc::denied, "this store has no passphrase to seal the backup under",
                 "--backup-passphrase-file FILE reads one from a file"};
  }
  if (sealing.passphrase.size() == 0) return Error{Errc::bad_usage, "the passphrase is empty"};
  return sealing;
}

Result<ExitCode> print_paper(Context& context, const mail::Identity& identity) {
  const SecretBytes paper = mail::paper_of(identity.seed);
  context.out.raw(as_text(paper.view()));
  context.out.raw("\n");
  context.out.note(fmt::format("whoever reads this line is '{}'; it brings back no mail",
                               shown_line(identity.name)));
  return ExitCode::ok;
}

Result<ExitCode> run_backup(const Options& options, Context& context) {
  if (options.paper != options.file.empty())
    return Error{Errc::bad_usage, "give a FILE or --paper, and not both"};
  if (options.paper && options.with_prekeys)
    return Error{Errc::bad_usage, "--with-prekeys: there is no room on paper"};
  BMSG_TRY(check_ways(options));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  NewFile file(context.disk, options.file);
  if (options.file == "-") BMSG_TRY(check_no_terminal(context));
  if (!options.paper && options.file != "-") BMSG_TRY(file.open());
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto open, unlock_keyring(context, store));
  const mail::Identity* only = nullptr;
  if (options.paper || !settings.text("user.identity").empty() || open.keyring.identities.empty()) {
    BMSG_TRY_ASSIGN(only, chosen_identity(context, store, open.keyring));
  }
  if (options.paper) return print_paper(context, *only);
  BMSG_TRY_ASSIGN(const auto sealing, sealing_for(options, context, open));
  BMSG_TRY_ASSIGN(auto contacts, read_contacts(context, store));
  const auto prekeys = options.with_prekeys ? mail::Prekeys::copied : mail::Prekeys::left_out;
  BMSG_TRY_ASSIGN(const auto json, api::print_pairing(mail::backup_of(
                                       open.keyring, only, std::move(contacts), prekeys)));
  BMSG_TRY_ASSIGN(const auto bytes,
                  mail::seal_backup(json, sealing.passphrase, sealing.cost, context.entropy));
  if (options.file == "-") {
    context.out.raw(as_text(bytes));
    return ExitCode::ok;
  }
  BMSG_TRY(file.write(bytes));
  BMSG_TRY(file.publish());
  return ExitCode::ok;
}

Result<Bytes> read_backup(const Context& context, const std::string& file) {
  if (file == "-") {
    if (::isatty(STDIN_FILENO) == 1)
      return Error{Errc::bad_usage, "a backup is no text to type; name its file"};
    return read_input(mail::kPairFileBytesMax);
  }
  BMSG_TRY_ASSIGN(auto bytes, context.disk.read(file, mail::kPairFileBytesMax));
  if (!bytes) return Error{Errc::not_found, fmt::format("no file '{}'", file)};
  return std::move(*bytes);
}

/// With the passphrase that is named, or the store's own, or one that somebody types.
Result<SecretBytes> unseal(const Options& options, const Context& context, ByteView file,
                           const OpenKeyring& open) {
  if (!options.passphrase_file.empty()) {
    BMSG_TRY_ASSIGN(const auto named, read_secret_file(options.passphrase_file, "passphrase"));
    return mail::open_backup(file, named);
  }
  if (open.passphrase.size() != 0) {
    auto json = mail::open_backup(file, open.passphrase);
    if (json || json.error().code != Errc::denied) return json;
  }
  if (!can_ask(context)) {
    return Error{Errc::denied, "nobody is there to type the passphrase of the backup",
                 "--backup-passphrase-file FILE reads it from a file"};
  }
  BMSG_TRY_ASSIGN(const auto typed, read_quietly("Passphrase of the backup: "));
  return mail::open_backup(file, typed);
}

Result<SecretBytes> typed_paper(const Options& options, const Context& context) {
  const bool is_terminal = options.file.empty() && ::isatty(STDIN_FILENO) == 1;
  if (is_terminal && !can_ask(context))
    return Error{Errc::bad_usage, "nobody is there to type the paper"};
  if (is_terminal) return read_quietly("The 17 words of the paper: ");
  if (!options.file.empty() && options.file != "-") return read_secret_file(options.file, "paper");
  BMSG_TRY_ASSIGN(auto bytes, read_input(kPaperBytesMax));
  SecretBytes paper = SecretBytes::from(bytes);
  crypto::wipe(bytes);
  return paper;
}

Result<mail::Pairing> from_paper(const Options& options, const Context& context) {
  BMSG_TRY_ASSIGN(const auto name,
                  mail::to_contact_name(options.name.empty() ? "me" : options.name));
  BMSG_TRY_ASSIGN(const auto typed, typed_paper(options, context));
  BMSG_TRY_ASSIGN(auto seed, mail::seed_on_paper(typed.view()));
  mail::Pairing pairing;
  pairing.keyring.identities.push_back(mail::identity_of(std::move(seed), name));
  return pairing;
}

Result<mail::Pairing> from_file(const Options& options, const Context& context,
                                const OpenKeyring& open) {
  BMSG_TRY_ASSIGN(const auto file, read_backup(context, options.file));
  BMSG_TRY(mail::check_backup(file));
  BMSG_TRY_ASSIGN(const auto json, unseal(options, context, file, open));
  return api::parse_identity_backup(json);
}

Result<ExitCode> run_restore(const Options& options, Context& context) {
  if (!options.paper && options.file.empty())
    return Error{Errc::bad_usage, "give a FILE or --paper"};
  if (!options.paper && !options.name.empty())
    return Error{Errc::bad_usage, "--name is for --paper: a backup has names"};
  BMSG_TRY(check_ways(options));
  BMSG_TRY(RevocationPaper::check_way(context, options.revocation));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, rules_now(context, store));
  BMSG_TRY_ASSIGN(auto asked, keyring_to_fill(context, store, options.no_passphrase));
  auto pairing =
      options.paper ? from_paper(options, context) : from_file(options, context, asked.open);
  if (!pairing) return pairing.error();
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), "id restore", patience, context.clock));
  BMSG_TRY_ASSIGN(auto open, reopen_to_fill(context, store, std::move(asked)));
  BMSG_TRY(check_strangers(open.keyring, pairing.value().keyring));
  std::vector<IdentityKey> added;
  std::vector<RevocationPaper> papers;
  for (const mail::Identity& identity : pairing.value().keyring.identities) {
    added.push_back(identity.address());
    const bool is_alone = pairing.value().keyring.identities.size() == 1;
    if (!options.revocation.empty() && !is_alone)
      return Error{Errc::bad_usage, "--revocation: several identities are in this backup"};
    BMSG_TRY(papers.emplace_back(context, options.revocation).write(identity));
  }
  BMSG_TRY(take_in(context, store, rules, open, std::move(pairing).value()));
  for (RevocationPaper& paper : papers) BMSG_TRY(paper.hand_out());
  BMSG_TRY(print_identities(context, store, open, added, rules.id));
  return ExitCode::ok;
}

}  // namespace

void add_id_backup(Command id, Context& context) {
  const auto options = std::make_shared<Options>();
  Command backup = add_command(id, context, "backup", "Write identities and contacts for a bad day",
                               options, run_backup);
  backup.add_option("file", options->file, "A new file, or - for output").type_name("FILE");
  backup.add_flag("--with-prekeys", options->with_prekeys, "And what opens mail of the last weeks");
  backup.add_flag("--paper", options->paper, "Print one identity as words to write down");
  backup
      .add_option("--backup-passphrase-file", options->passphrase_file,
                  "Read the passphrase of the backup from a file, or - for input")
      .type_name("FILE");
}

void add_id_restore(Command id, Context& context) {
  const auto options = std::make_shared<Options>();
  Command restore = add_command(id, context, "restore",
                                "Be the identities of a backup, as a new "
                                "device",
                                options, run_restore);
  restore.add_option("file", options->file, "What backup wrote, or - for input").type_name("FILE");
  restore.add_flag("--paper", options->paper, "Read words that were written down");
  restore.add_option("--name", options->name, "With --paper: the name of the identity (me)")
      .type_name("NAME");
  restore
      .add_option("--revocation", options->revocation,
                  "Write the revocation to a file, or - for output")
      .type_name("FILE");
  restore
      .add_option("--backup-passphrase-file", options->passphrase_file,
                  "Read the passphrase of the backup from a file, or - for input")
      .type_name("FILE");
  add_fresh_keyring_option(restore, options->no_passphrase);
}

}  // namespace bmsg::cli
