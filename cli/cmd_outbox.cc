// bmsg outbox: what waits, and why.

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/outbox_desk.h"
#include "cli/release.h"
#include "cli/session.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/send_key.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string ref;
  std::string state;
  bool exit_code = false;
  ListForm form;
};

void print_one(Context& context, const Desk& desk, const api::QueuedView& view) {
  const ListItem item = item_of(desk, view);
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
    print_one(context, desk, view);
    return done;
  }
  api::QueuedView view;
  view.id = id;
  view.state = "cancelled";
  view.since = context.clock.now();
  print_one(context, desk, view);
  return done;
}

Result<std::size_t> print_held(const Options& options, Context& context, ListPrinter& printer,
                               Desk& desk) {
  if (!options.state.empty() && options.state != "held") return std::size_t{0};
  BMSG_TRY_ASSIGN(const auto views, held_views(desk));
  for (const api::QueuedView& view : views) printer.add_row(row_of(context, desk, view));
  return views.size();
}

Result<ExitCode> run_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto printer,
                  ListPrinter::make(context, options.form, api::queued_json(api::QueuedView())));
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(std::size_t shown, print_held(options, context, printer, desk));
  BMSG_TRY_ASSIGN(const auto entries, desk.outbox.entries());
  for (const mail::OutboxEntry& entry : entries) {
    BMSG_TRY_ASSIGN(const auto view, view_of(context, desk, entry));
    if (!options.state.empty() && view.state != options.state) continue;
    printer.add_row(row_of(context, desk, view));
    ++shown;
  }
  printer.print_rows();
  return options.exit_code && shown == 0 ? ExitCode::no : ExitCode::ok;
}

Result<Done> show_held(Context& context, Desk& desk, const mail::HeldName& held) {
  BMSG_TRY_ASSIGN(const auto views, held_views(desk));
  const auto view = std::ranges::find(views, held.id, &api::QueuedView::id);
  if (view != views.end()) print_one(context, desk, *view);
  return done;
}

Result<ExitCode> run_show(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(const auto held, held_like(desk, options.ref));
  if (held) {
    BMSG_TRY(show_held(context, desk, *held));
    return ExitCode::ok;
  }
  BMSG_TRY_ASSIGN(const auto names, now_named(desk, options.ref));
  for (const std::string& name : names) {
    BMSG_TRY_ASSIGN(const auto entry, entry_like(desk, name));
    auto view = entry ? view_of(context, desk, *entry) : view_of_buried(desk, name);
    if (!view) return view.error();
    print_one(context, desk, view.value());
  }
  return ExitCode::ok;
}

Result<ExitCode> run_cancel(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(const auto held, held_like(desk, options.ref));
  if (held) {
    BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&desk.store));
    const auto cancelled = mail::cancel_held(desk.outbox, held->id, patience, context.clock);
    if (cancelled) {
      BMSG_TRY(print_changed(context, desk, held->id));
      return ExitCode::ok;
    }
    if (cancelled.error().code != Errc::not_found) return cancelled.error();
  }
  // What was held may have been sent just now: it has its own id then.
  BMSG_TRY_ASSIGN(const auto names, now_named(desk, held ? to_hex(held->id.view()) : options.ref));
  for (const std::string& name : names) {
    BMSG_TRY_ASSIGN(const auto entry, find_entry(desk, name));
    auto cancelled = desk.outbox.cancel(entry.id);
    if (!cancelled && cancelled.error().code == Errc::exists) {
      return Error{Errc::unreachable,
                   "a node has it already; what others hold cannot be called back",
                   "'bmsg outbox show ID' says how far it is"};
    }
    if (!cancelled) return cancelled.error();
    BMSG_TRY(print_changed(context, desk, entry.id));
  }
  return ExitCode::ok;
}

/// Seals what was held and can be sealed now. Without the key it stays, and that is told.
Result<std::vector<mail::HeldLetters::Released>> release(Context& context, const Desk& desk) {
  if (desk.keyring) return release_held(context, desk.store, desk.rules, desk.keyring->keyring);
  BMSG_TRY_ASSIGN(const auto names, mail::held_names(desk.outbox));
  if (names.empty()) return std::vector<mail::HeldLetters::Released>();
  return Error{
      Errc::denied,
      fmt::format("{} held messages are sealed with the key, which is locked", names.size()),
      "name a passphrase, or run 'bmsg unlock' first"};
}

Result<ExitCode> run_retry(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  BMSG_TRY_ASSIGN(const auto held, held_like(desk, options.ref));
  if (held) BMSG_TRY(release(context, desk));
  BMSG_TRY_ASSIGN(const auto still, held_like(desk, options.ref));
  if (still) {
    return Error{Errc::try_again, fmt::format("it {} still", kHeldReason),
                 "'bmsg sync' may bring the card"};
  }
  BMSG_TRY_ASSIGN(const auto names, now_named(desk, held ? to_hex(held->id.view()) : options.ref));
  for (const std::string& name : names) {
    BMSG_TRY_ASSIGN(const auto entry, find_entry(desk, name));
    BMSG_TRY(desk.outbox.retry(entry.id));
    poke_node(desk.store);
    BMSG_TRY(print_changed(context, desk, entry.id));
  }
  return ExitCode::ok;
}

/// Seals what was held and hands everything to the node now.
Result<ExitCode> run_flush(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(auto desk, open_desk(context));
  const auto released = release(context, desk);
  if (!released && released.error().code != Errc::denied) return released.error();
  if (released) {
    for (const auto& one : released.value()) {
      for (const mail::Sent& sent : one.sent) BMSG_TRY(print_changed(context, desk, sent.id));
    }
  }
  // What a killed send left is finished, what a lost block had goes again.
  BMSG_TRY(mail::SendKeys(desk.outbox).sweep(context.clock.now()));
  BMSG_TRY(desk.outbox.return_lost(*desk.chain, context.clock.now()));
  BMSG_TRY_ASSIGN(const auto session, open_node(context, desk.store));
  BMSG_TRY(session->service().take_outbox());
  BMSG_TRY(session->collect_cards());
  if (!released) return released.error();  // All else has gone.
  return ExitCode::ok;
}

}  // namespace

void add_outbox(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command outbox = add_command(app, context, "outbox", "Show what waits, and why", options,
                               [](const Options& given, Context& within) -> Result<ExitCode> {
                                 if (within.outcome)
                                   return *within.outcome;  // A verb below has run.
                                 return run_list(given, within);
                               });
  outbox.allow_verb();
  outbox.add_option("--state", options->state, "Only messages in this state")
      .type_name("S")
      .one_of(
          {"held", "queued", "pooled", "relayed", "mined", "buried", "read", "failed", "expired"});
  outbox.add_flag("--exit-code", options->exit_code, "Exit 1 if there is none");
  add_list_options(outbox, options->form);
  const auto add = [&](const char* name, const char* says, auto work) {
    return add_command(outbox, context, name, says, options, work);
  };
  add("list", "List messages", run_list);
  const auto with_ref = [&](Command verb) {
    verb.add_option("ref", options->ref, "Which").required().type_name("REF");
  };
  with_ref(add("show", "Print one", run_show));
  with_ref(add("cancel", "Take one back that no node has", run_cancel));
  with_ref(add("retry", "Try one again that failed", run_retry));
  add("flush", "Hand everything to the node now", run_flush);
}

}  // namespace bmsg::cli
