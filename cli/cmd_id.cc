// bmsg id: who I am here.

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/fresh_keyring.h"
#include "cli/identity_verbs.h"
#include "cli/identity_view.h"
#include "cli/keyring_file.h"
#include "cli/list_form.h"
#include "cli/passphrase.h"
#include "cli/prompt.h"
#include "cli/qr.h"
#include "cli/revocation_paper.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/api/json_objects.h"
#include "lib/chain/block_hash.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sign.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string name;
  bool words = false;
  bool qr = false;
  bool node = false;
  std::string card;  // A file, or - for standard output.
  bool wants_card = false;
  std::string revocation;
  bool no_passphrase = false;
  bool yes = false;
  ListForm form;
};

Result<Done> print_identity(Context& context, const StoreDir& store, const OpenKeyring& open,
                            const mail::Identity& identity, const ChainId& chain) {
  if (!context.options.json) {
    context.out.line(to_address(identity.address()));
    return done;
  }
  BMSG_TRY_ASSIGN(const auto view, identity_view(context, store, open, identity, chain));
  context.out.line(api::identity_json(view));
  return done;
}

Result<Done> write_card(Context& context, const StoreDir& store, const mail::Identity& identity,
                        const ChainId& chain, const std::string& file) {
  BMSG_TRY_ASSIGN(const auto card, own_card(context, store, identity, chain));
  const std::string line = mail::to_text(card);
  if (file.empty() || file == "-") {
    context.out.line(line);
    return done;
  }
  return context.disk.create(file, as_bytes(line + "\n"));  // Whatever was there is not ours.
}

Result<ExitCode> run_show(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  if (options.node) {
    BMSG_TRY_ASSIGN(const auto seed, read_node_seed(context, store));
    context.out.line(to_hex(crypto::public_key_of(seed).view()));
    return ExitCode::ok;
  }
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto open, unlock_keyring(context, store));
  const mail::Identity* identity = options.name.empty() ? nullptr : open.keyring.find(options.name);
  if (identity == nullptr && !options.name.empty()) {
    return Error{Errc::not_found, fmt::format("no identity '{}' in this store", options.name)};
  }
  if (identity == nullptr) {
    BMSG_TRY_ASSIGN(identity, chosen_identity(context, store, open.keyring));
  }
  if (options.wants_card) {
    BMSG_TRY(write_card(context, store, *identity, rules.id, options.card));
    return ExitCode::ok;
  }
  if (options.words) {
    context.out.line(fingerprint_of(identity->address()));
    return ExitCode::ok;
  }
  if (options.qr) {
    context.out.raw(qr_code(to_address(identity->address())));
    return ExitCode::ok;
  }
  BMSG_TRY(print_identity(context, store, open, *identity, rules.id));
  return ExitCode::ok;
}

Result<ExitCode> run_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto open, unlock_keyring(context, store));
  BMSG_TRY_ASSIGN(auto printer, ListPrinter::make(context, options.form,
                                                  api::identity_json(api::IdentityView())));
  for (const mail::Identity& identity : open.keyring.identities) {
    BMSG_TRY_ASSIGN(const auto view, identity_view(context, store, open, identity, rules.id));
    const std::string address = to_address(identity.address());
    printer.add_row({api::identity_json(view), address,
                     fmt::format("{}\t{}", shown_line(identity.name), address)});
  }
  printer.print_rows();
  return ExitCode::ok;
}

Result<ExitCode> run_new(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, rules_now(context, store));
  BMSG_TRY_ASSIGN(const auto name, mail::to_contact_name(options.name));
  BMSG_TRY(RevocationPaper::check_way(context, options.revocation));
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), "id new", patience, context.clock));
  BMSG_TRY_ASSIGN(auto asked, keyring_to_fill(context, store, options.no_passphrase));
  BMSG_TRY_ASSIGN(auto open, asked.is_fresh ? reopen_to_fill(context, store, std::move(asked))
                                            : Result<OpenKeyring>(std::move(asked.open)));
  if (open.keyring.find(name) != nullptr) {
    return Error{Errc::exists, fmt::format("there is an identity '{}' already", name)};
  }
  BMSG_TRY_ASSIGN(auto identity, mail::make_identity(name, 0, context.entropy));
  RevocationPaper paper(context, options.revocation);
  BMSG_TRY(paper.write(identity));
  open.keyring.identities.push_back(std::move(identity));
  BMSG_TRY(issue_card(context, store, open, name, rules));
  BMSG_TRY(paper.hand_out());
  poke_node(store);
  BMSG_TRY(print_identity(context, store, open, *open.keyring.find(name), rules.id));
  return ExitCode::ok;
}

Result<ExitCode> run_use(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto open, unlock_keyring(context, store));
  const mail::Identity* chosen = open.keyring.find(options.name);
  if (chosen == nullptr) {
    return Error{Errc::not_found, fmt::format("no identity '{}' in this store", options.name)};
  }
  BMSG_TRY(choose_identity(context, store, *chosen));
  return ExitCode::ok;
}

Result<ExitCode> run_rm(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), "id rm", patience, context.clock));
  BMSG_TRY_ASSIGN(auto open, unlock_keyring(context, store));
  const mail::Identity* identity = open.keyring.find(options.name);
  if (identity == nullptr) {
    return Error{Errc::not_found, fmt::format("no identity '{}' in this store", options.name)};
  }
  const std::string address = to_address(identity->address());
  if (!options.yes) {
    BMSG_TRY(confirm_by_typing(
        context, fmt::format("mail to '{}' can never be read again", options.name), address));
  }
  BMSG_TRY_ASSIGN(const bool was_chosen, is_chosen(context, store, *identity));
  if (was_chosen) BMSG_TRY(choose_none(context, store));
  std::erase_if(open.keyring.identities,
                [&](const mail::Identity& one) { return &one == identity; });
  BMSG_TRY(save_keyring(context, store, open));
  return ExitCode::ok;
}

void add_show_options(Command command, const std::shared_ptr<Options>& options) {
  command.add_flag("--words", options->words, "The fingerprint, to read aloud");
  command.add_flag("--qr", options->qr, "The address as a QR code");
  command.add_flag("--node", options->node, "The store's node key instead");
  command
      .add_taker(
          "--card",
          [options](const std::string& file) {
            options->wants_card = true;
            options->card = file;
          },
          "Write the newest card, to a file or standard output")
      .value_optional("-")
      .type_name("FILE");
}

}  // namespace

void add_id(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command id = add_command(app, context, "id", "Show and make identities", options,
                           [](const Options& given, Context& within) -> Result<ExitCode> {
                             if (within.outcome) return *within.outcome;  // A verb below has run.
                             return run_show(given, within);
                           });
  id.allow_verb();
  add_show_options(id, options);
  const auto add = [&](const char* name, const char* says, auto work) {
    return add_command(id, context, name, says, options, work);
  };
  Command show = add("show", "Print one identity", run_show);
  show.add_option("name", options->name, "Which").type_name("NAME");
  add_show_options(show, options);
  add_list_options(add("list", "List identities", run_list), options->form);
  Command make = add("new", "Make an identity", run_new);
  make.add_option("name", options->name, "Its name, which its card shows")
      .required()
      .type_name("NAME");
  make.add_option("--revocation", options->revocation,
                  "Write the revocation to a file, or - for output")
      .type_name("FILE");
  add_fresh_keyring_option(make, options->no_passphrase);
  Command use = add("use", "Choose the identity of this store", run_use);
  use.add_option("name", options->name, "Which").required().type_name("NAME").may_be_empty();
  Command rm = add("rm", "Forget an identity for good", run_rm);
  rm.add_option("name", options->name, "Which").required().type_name("NAME");
  rm.add_flag("--yes", options->yes, "Do not ask");
  add_id_set(id, context);
  add_id_device(id, context);
  add_id_revoke(id, context);
  add_id_succeed(id, context);
  add_id_backup(id, context);
  add_id_restore(id, context);
}

}  // namespace bmsg::cli
