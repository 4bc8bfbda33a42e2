// bmsg outbox: what waits, and why.

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/list_form.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/standing.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/held.h"
#include "lib/mail/outbox.h"
#include "lib/mail/send_key.h"
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
  std::optional<Standings> standings;  // With it: who has acknowledged.
};

Result<Desk> open_desk(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(auto chain, open_chain(context, store));
  Desk desk{store, rules, std::move(chain), mail::Outbox(context.disk, store.outbox()), {}, {}};
  auto keyring = unlock_keyring(context, store);
  if (!keyring) return desk;
  desk.keyring = std::move(keyring).value();
  BMSG_TRY_ASSIGN(auto standings, Standings::open(context, store, &desk.keyring->keyring));
  desk.standings.emplace(std::move(standings));
  return desk;
}

/// Whether everybody it went to has acknowledged it; told only of what a block holds or held.
Result<Done> look_for_acks(const Desk& desk, const std::vector<mail::Addressee>& to,
                           api::QueuedView& view) {
  std::size_t others = 0;
  std::size_t read = 0;
  for (const mail::Addressee& one : to) {
    if (desk.standings->is_ours(one.address)) continue;
    ++others;
    BMSG_TRY_ASSIGN(const bool by_them, desk.standings->is_read_by(view.id, one.address));
    read += by_them ? 1 : 0;
  }
  if (read == 0) return done;
  if (read == others) view.state = "read";
  view.reason = fmt::format("acknowledged by {} of {}", read, others);
  return done;
}

void fill_status(api::QueuedView& view, const mail::OutboxStatus& status) {
  view.state = mail::name_of(status.state);
  view.height = status.height;
  view.confirmations = status.confirmations;
  view.relayed_to = status.relayed_to;
  if (!status.reason.empty()) view.reason = status.reason;
}

Result<Done> fill_note(const Desk& desk, const mail::Summary& note, api::QueuedView& view) {
  for (const mail::Addressee& one : note.to)
    view.to.push_back(one.name.empty() ? to_address(one.address) : one.name);
  return look_for_acks(desk, note.to, view);
}

Result<api::QueuedView> view_of(Context& context, const Desk& desk,
                                const mail::OutboxEntry& entry) {
  BMSG_TRY_ASSIGN(const auto status,
                  desk.outbox.status(entry, *desk.chain, mail::burial_depth(desk.rules.rules.mode),
                                     context.clock.now()));
  api::QueuedView view;
  view.id = entry.id;
  view.since = entry.since;
  fill_status(view, status);
  BMSG_TRY_ASSIGN(const auto file, desk.outbox.read(entry));
  if (!file) return view;
  view.size = file->message.head.encoded_bytes();
  if (!desk.keyring || file->note.empty()) return view;
  const auto note = mail::open_summary(desk.keyring->keyring.archive, entry.id, file->note);
  if (note) BMSG_TRY(fill_note(desk, note.value(), view));
  return view;
}

/// One that was sent and has left the outbox since: the mail index remembers it.
Result<api::QueuedView> view_of_buried(const Desk& desk, const std::string& ref) {
  const Error none{Errc::not_found, fmt::format("no message '{}' in the outbox", ref)};
  if (!desk.standings) return none;
  BMSG_TRY_ASSIGN(const auto id, find_message(*desk.chain, desk.standings->index(), ref));
  BMSG_TRY_ASSIGN(const auto item, desk.standings->mailbox().item(id));
  if (!item || item->summary.direction != mail::Direction::out) return none;
  BMSG_TRY_ASSIGN(const auto status, desk.standings->status_of(id));
  if (!status) return none;
  api::QueuedView view;
  view.id = id;
  view.since = item->time();
  view.size = item->summary.bytes;
  fill_status(view, *status);
  BMSG_TRY(fill_note(desk, item->summary, view));
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

/// nullopt: none begins so.
Result<std::optional<mail::OutboxEntry>> entry_like(const Desk& desk, const std::string& ref) {
  BMSG_TRY_ASSIGN(const auto entries, desk.outbox.entries());
  std::vector<mail::OutboxEntry> fitting;
  for (const mail::OutboxEntry& entry : entries) {
    if (to_hex(entry.id.view()).starts_with(ref)) fitting.push_back(entry);
  }
  if (ref.size() < 8 || fitting.empty()) return std::optional<mail::OutboxEntry>();
  if (fitting.size() > 1)
    return Error{Errc::bad_usage,
                 fmt::format("'{}' fits {} messages of the outbox", ref, fitting.size())};
  return std::optional(fitting.front());
}

Result<mail::OutboxEntry> find_entry(const Desk& desk, const std::string& ref) {
  BMSG_TRY_ASSIGN(const auto entry, entry_like(desk, ref));
  if (!entry) return Error{Errc::not_found, fmt::format("no message '{}' in the outbox", ref)};
  return *entry;
}

Result<ExitCode> run_show(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(const auto entry, entry_like(desk, options.ref));
  auto view = entry ? view_of(context, desk, *entry) : view_of_buried(desk, options.ref);
  if (!view) return view.error();
  print_one(context, view.value());
  return ExitCode::ok;
}

/// A letter that waits for a card; false if none begins so.
Result<bool> cancel_held(Desk& desk, const std::string& ref, Context& context) {
  if (!desk.keyring || ref.size() < 8) return false;
  mail::HeldLetters held(desk.outbox, desk.keyring->keyring.archive);
  BMSG_TRY_ASSIGN(const auto letters, held.all());
  for (const mail::HeldLetter& letter : letters) {
    if (!to_hex(letter.id.view()).starts_with(ref)) continue;
    BMSG_TRY(held.remove(letter.id));
    context.out.line(to_hex(letter.id.view()));
    return true;
  }
  return false;
}

Result<ExitCode> run_cancel(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(const bool was_held, cancel_held(desk, options.ref, context));
  if (was_held) return ExitCode::ok;
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
  // What a killed send left is finished, what a lost block had goes again.
  BMSG_TRY(mail::SendKeys(desk.outbox).sweep(context.clock.now()));
  BMSG_TRY(desk.outbox.return_lost(*desk.chain, context.clock.now()));
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
  outbox->add_option("--state", options->state, "Only messages in this state")
      ->type_name("S")
      ->check(CLI::IsMember(
          {"held", "queued", "pooled", "relayed", "mined", "buried", "read", "failed", "expired"}));
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
