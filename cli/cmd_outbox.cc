// bmsg outbox: what waits, and why.

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/list_form.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/held.h"
#include "lib/mail/outbox.h"
#include "lib/mail/summary.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string ref;
  std::string state;
  bool exit_code = false;
  ListForm form;
};

/// What is needed to tell of a message: where it may stand, and the key to our own note of it.
struct Desk {
  StoreDir store;
  chain::ChainRules rules;
  std::unique_ptr<node::ChainReader> chain;
  mail::Outbox outbox;
  std::optional<OpenKeyring> keyring;  // Without it, names stay unknown.
};

Result<Desk> open_desk(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(auto chain, open_chain(context, store));
  Desk desk{store, rules, std::move(chain), mail::Outbox(context.disk, store.outbox()), {}};
  auto keyring = unlock_keyring(context, store);
  if (keyring) desk.keyring = std::move(keyring).value();
  return desk;
}

Result<api::QueuedView> view_of(Context& context, const Desk& desk,
                                const mail::OutboxEntry& entry) {
  BMSG_TRY_ASSIGN(const auto status,
                  desk.outbox.status(entry, *desk.chain, mail::burial_depth(desk.rules.rules.mode),
                                     context.clock.now()));
  api::QueuedView view;
  view.id = entry.id;
  view.state = mail::name_of(status.state);
  view.height = status.height;
  view.confirmations = status.confirmations;
  view.since = entry.since;
  if (!status.reason.empty()) view.reason = status.reason;
  BMSG_TRY_ASSIGN(const auto file, desk.outbox.read(entry));
  if (!file) return view;
  view.size = file->message.head.encoded_bytes();
  if (!desk.keyring || file->note.empty()) return view;
  const auto note = mail::open_summary(desk.keyring->keyring.archive, entry.id, file->note);
  if (!note) return view;
  for (const mail::Addressee& one : note.value().to)
    view.to.push_back(one.name.empty() ? to_address(one.address) : one.name);
  return view;
}

ListItem item_of(const api::QueuedView& view) {
  const std::string id = to_hex(view.id.view());
  return {api::queued_json(view), id,
          fmt::format("{}\t{}\t{}\t{}\t{}", id, view.state, to_rfc3339(view.since),
                      shown_line(fmt::format("{}", fmt::join(view.to, ","))),
                      shown_line(view.reason.value_or("-")))};
}

void print_one(Context& context, const api::QueuedView& view) {
  const ListItem item = item_of(view);
  context.out.line(context.options.json ? item.json : item.line);
}

/// What a verb says of the message it changed: its id, or with --json where it stands now.
Result<Done> print_changed(Context& context, const Desk& desk, const MessageId& id) {
  if (!context.options.json) {
    context.out.line(to_hex(id.view()));
    return done;
  }
  BMSG_TRY_ASSIGN(const auto entries, desk.outbox.entries());
  for (const mail::OutboxEntry& entry : entries) {
    if (entry.id != id) continue;
    BMSG_TRY_ASSIGN(const auto view, view_of(context, desk, entry));
    print_one(context, view);
    return done;
  }
  api::QueuedView view;
  view.id = id;
  view.state = "cancelled";
  view.since = context.clock.now();
  print_one(context, view);
  return done;
}

Result<std::size_t> print_held(const Options& options, const ListPrinter& printer, Desk& desk) {
  if (!desk.keyring || (!options.state.empty() && options.state != "held")) return std::size_t{0};
  const mail::HeldLetters held(desk.outbox, desk.keyring->keyring.archive);
  BMSG_TRY_ASSIGN(const auto letters, held.all());
  for (const mail::HeldLetter& letter : letters) {
    api::QueuedView view;
    view.id = letter.id;
    view.state = "held";
    view.since = letter.since;
    view.reason = "waits for a card of a recipient";
    for (const mail::Addressee& one : letter.letter.to)
      view.to.push_back(one.name.empty() ? to_address(one.address) : one.name);
    printer.print(item_of(view));
  }
  return letters.size();
}

Result<ExitCode> run_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto printer,
                  ListPrinter::make(context, options.form, api::queued_json(api::QueuedView())));
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(std::size_t shown, print_held(options, printer, desk));
  BMSG_TRY_ASSIGN(const auto entries, desk.outbox.entries());
  for (const mail::OutboxEntry& entry : entries) {
    BMSG_TRY_ASSIGN(const auto view, view_of(context, desk, entry));
    if (!options.state.empty() && view.state != options.state) continue;
    printer.print(item_of(view));
    ++shown;
  }
  return options.exit_code && shown == 0 ? ExitCode::no : ExitCode::ok;
}

Result<mail::OutboxEntry> find_entry(const Desk& desk, const std::string& ref) {
  BMSG_TRY_ASSIGN(const auto entries, desk.outbox.entries());
  std::vector<mail::OutboxEntry> fitting;
  for (const mail::OutboxEntry& entry : entries) {
    if (to_hex(entry.id.view()).starts_with(ref)) fitting.push_back(entry);
  }
  if (ref.size() < 8 || fitting.empty())
    return Error{Errc::not_found, fmt::format("no message '{}' in the outbox", ref)};
  if (fitting.size() > 1)
    return Error{Errc::bad_usage,
                 fmt::format("'{}' fits {} messages of the outbox", ref, fitting.size())};
  return fitting.front();
}

Result<ExitCode> run_show(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(const auto entry, find_entry(desk, options.ref));
  BMSG_TRY_ASSIGN(const auto view, view_of(context, desk, entry));
  print_one(context, view);
  return ExitCode::ok;
}

Result<ExitCode> run_cancel(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(const auto entry, find_entry(desk, options.ref));
  auto cancelled = desk.outbox.cancel(entry.id);
  if (!cancelled && cancelled.error().code == Errc::exists) {
    return Error{Errc::unreachable,
                 "a node has it already; what others hold cannot be called back"};
  }
  if (!cancelled) return cancelled.error();
  BMSG_TRY(print_changed(context, desk, entry.id));
  return ExitCode::ok;
}

Result<ExitCode> run_retry(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(const auto entry, find_entry(desk, options.ref));
  BMSG_TRY(desk.outbox.retry(entry.id));
  poke_node(desk.store);
  BMSG_TRY(print_changed(context, desk, entry.id));
  return ExitCode::ok;
}

/// Seals what was held and hands everything to the node now.
Result<ExitCode> run_flush(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  if (desk.keyring) {
    BMSG_TRY_ASSIGN(const auto* identity,
                    chosen_identity(context, desk.store, desk.keyring->keyring));
    mail::CardDirectory cards(context.disk, desk.store.cards(), desk.rules.id);
    for (;;) {
      BMSG_TRY_ASSIGN(const auto collected, cards.collect(*desk.chain));
      if (!collected.more) break;
    }
    mail::HeldLetters held(desk.outbox, desk.keyring->keyring.archive);
    const mail::SendContext sending{.chain = desk.rules,
                                    .cards = cards,
                                    .outbox = desk.outbox,
                                    .clock = context.clock,
                                    .entropy = context.entropy,
                                    .keyring = &desk.keyring->keyring,
                                    .identity = identity,
                                    .threads = threads_for(0)};
    BMSG_TRY_ASSIGN(const auto released, held.release(sending, std::stop_token()));
    for (const auto& one : released) {
      for (const mail::Sent& sent : one.sent) BMSG_TRY(print_changed(context, desk, sent.id));
    }
  }
  BMSG_TRY_ASSIGN(const auto session, open_node(context, desk.store));
  BMSG_TRY(session->service().take_outbox());
  BMSG_TRY(session->collect_cards());
  return ExitCode::ok;
}

}  // namespace

void add_outbox(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* outbox = add_command(app, context, "outbox", "Show what waits, and why", options,
                                 [](const Options& given, Context& within) -> Result<ExitCode> {
                                   if (within.outcome)
                                     return *within.outcome;  // A verb below has run.
                                   return run_list(given, within);
                                 });
  outbox->require_subcommand(0, 1);
  outbox->fallthrough();
  outbox->add_option("--state", options->state, "Only messages in this state")->type_name("S");
  outbox->add_flag("--exit-code", options->exit_code, "Exit 1 if there is none");
  add_list_options(*outbox, options->form);
  const auto add = [&](const char* name, const char* says, auto work) {
    return add_command(*outbox, context, name, says, options, work);
  };
  add("list", "List messages", run_list);
  const auto with_ref = [&](CLI::App* verb) {
    verb->add_option("ref", options->ref, "Which")->required()->type_name("REF");
  };
  with_ref(add("show", "Print one", run_show));
  with_ref(add("cancel", "Take one back that no node has", run_cancel));
  with_ref(add("retry", "Try one again that failed", run_retry));
  add("flush", "Hand everything to the node now", run_flush);
}

}  // namespace bmsg::cli
