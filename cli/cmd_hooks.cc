// bmsg hooks: programs of the user's that are called at certain moments.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/hooks.h"
#include "cli/list_form.h"
#include "cli/listing.h"
#include "cli/message_program.h"
#include "cli/prompt.h"
#include "cli/text.h"
#include "lib/api/hook_json.h"
#include "lib/api/json_objects.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string name;
  std::string message;
  bool yes = false;
  ListForm form;
};

Hook hook_of(const Options& options) {
  const auto hook = hook_named(options.name);
  check(hook.has_value(), "the parser lets no other names through");
  return *hook;
}

Result<api::HookView> view_of(const Context& context, const StoreDir& store, Hook hook) {
  BMSG_TRY_ASSIGN(const auto state, state_of(context, store, hook));
  api::HookView view;
  view.name = name_of(hook);
  view.state = name_of(state.kind);
  view.path = path_of(store, hook).string();
  view.reason = state.reason;
  return view;
}

Result<ExitCode> run_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto printer,
                  ListPrinter::make(context, options.form, api::hook_json(api::HookView())));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  for (const Hook hook : all_hooks()) {
    BMSG_TRY_ASSIGN(const auto view, view_of(context, store, hook));
    const std::string line =
        fmt::format("{}\t{}\t{}", view.name, view.state,
                    view.reason.empty() ? std::string("-") : shown_line(view.reason));
    printer.add_row({api::hook_json(view), view.name, line});
  }
  printer.print_rows();
  return ExitCode::ok;
}

Result<ExitCode> print_hook(Context& context, const StoreDir& store, Hook hook) {
  BMSG_TRY_ASSIGN(const auto view, view_of(context, store, hook));
  context.out.line(context.options.json ? api::hook_json(view) : view.name);
  return ExitCode::ok;
}

Result<ExitCode> run_enable(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  const Hook hook = hook_of(options);
  auto callable = check_callable(store, hook);
  if (!callable && callable.error().code == Errc::denied) {
    Error error = callable.error();
    error.code = Errc::exists;  // As for a file that may not be made.
    return error;
  }
  BMSG_TRY(callable);
  BMSG_TRY_ASSIGN(const auto before, state_of(context, store, hook));
  if (before.kind == HookState::Kind::enabled) return print_hook(context, store, hook);
  if (!options.yes) {
    const std::string consequence = fmt::format("'{}' will be run by other commands of this store",
                                                path_of(store, hook).string());
    BMSG_TRY(confirm_by_typing(context, consequence, options.name));
  }
  BMSG_TRY(enable(context, store, hook));
  return print_hook(context, store, hook);
}

Result<ExitCode> run_disable(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY(disable(context, store, hook_of(options)));
  return print_hook(context, store, hook_of(options));
}

/// Something like what the hook will be given.
std::string sample_for(const Context& context, Hook hook) {
  const UnixSeconds now = context.clock.now();
  switch (hook) {
    case Hook::pre_send: {
      mail::Letter letter;
      letter.to = {{IdentityKey(), "nobody"}};
      letter.content.subject = "test";
      letter.content.content = to_bytes("A test of the hook.\n");
      return api::letter_json(letter, std::nullopt);
    }
    case Hook::post_receive: {
      api::MessageView message;
      message.time = message.expires = now;
      message.kind = "text";
      message.subject = "test";
      message.body = to_bytes("A test of the hook.\n");
      message.trust = "unknown";
      message.signature = "absent";
      return api::message_json(message);
    }
    case Hook::post_mine: {
      api::BlockView block;
      block.branch = "main";
      return api::block_json(block);
    }
    case Hook::post_sync:
      return api::sync_json({.peer = "http://127.0.0.1:5512", .error = std::nullopt}) + "\n" +
             api::summary_json({.command = "sync", .numbers = {}, .texts = {}});
    case Hook::post_reorg:
      return api::reorg_json({});
    case Hook::pre_accept_peer: {
      node::Peer peer;
      peer.url = "http://127.0.0.1:5512";
      return api::peer_json(peer, now);
    }
  }
  return {};
}

/// The letter that a message was, as it would be sent again.
std::string letter_of(const mail::MailText& text) {
  mail::Letter letter;
  letter.content = text.opened.content;
  letter.audience = text.item.summary.audience;
  letter.to = text.item.summary.to;
  letter.topic = text.item.summary.topic;
  return api::letter_json(letter, text.item.summary.identity());
}

/// What the hook is called with.
Result<ProgramCall> trial_of(const Options& options, Context& context, const StoreDir& store) {
  const Hook hook = hook_of(options);
  ProgramCall call;
  if (options.message.empty()) {
    call.input = sample_for(context, hook) + "\n";
    return call;
  }
  if (hook != Hook::pre_send && hook != Hook::post_receive)
    return Error{Errc::bad_usage, fmt::format("'{}' is not given a message", options.name)};
  BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
  BMSG_TRY_ASSIGN(const auto ref, listed_ref(context, store, options.message));
  BMSG_TRY_ASSIGN(const auto id, room->find(ref));
  BMSG_TRY_ASSIGN(const auto text, room->box().read(id));
  if (!text)
    return Error{Errc::denied, fmt::format("message {} is not for you", to_hex(id.view()))};
  if (hook == Hook::post_receive) return message_call({}, store, *room, *text);
  call.input = letter_of(*text) + "\n";
  return call;
}

Result<ExitCode> run_test(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  const Hook hook = hook_of(options);
  if (is_within_hook())
    return Error{Errc::bad_usage, "a hook runs already, and none is called from one"};
  BMSG_TRY(check_callable(store, hook));
  BMSG_TRY_ASSIGN(auto call, trial_of(options, context, store));
  BMSG_TRY_ASSIGN(const auto result, run_hook(context, store, hook, std::move(call)));
  if (context.options.json) {
    BMSG_TRY_ASSIGN(auto view, view_of(context, store, hook));
    view.trial = {.ok = result.succeeded(), .code = std::nullopt, .output = result.output};
    if (result.end == ProgramEnd::exited) view.trial->code = result.status;
    context.out.line(api::hook_json(view));
  } else {
    context.out.raw(shown(result.output));
    if (!result.output.empty() && !result.output.ends_with('\n')) context.out.raw("\n");
    context.out.line(fmt::format("{} {}", name_of(hook), words_for(result)));
  }
  return result.succeeded() ? ExitCode::ok : ExitCode::no;
}

}  // namespace

void add_hooks(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command hooks = add_command(app, context, "hooks", "Programs of yours that are called", options,
                              [](const Options& given, Context& within) -> Result<ExitCode> {
                                if (within.outcome)
                                  return *within.outcome;  // A verb below has run.
                                return run_list(given, within);
                              });
  hooks.allow_verb();
  add_list_options(hooks, options->form);
  std::vector<std::string> names;
  for (const Hook hook : all_hooks()) names.emplace_back(name_of(hook));
  const auto add = [&](const char* name, const char* says, auto work) {
    return add_command(hooks, context, name, says, options, work);
  };
  const auto with_name = [&](Command verb) {
    verb.add_option("name", options->name, "Which").required().one_of(names).type_name("HOOK");
    return verb;
  };
  add("list", "List hooks and whether they are called", run_list);
  with_name(add("enable", "Have a hook called from now on", run_enable))
      .add_flag("--yes", options->yes, "Do not ask");
  with_name(add("disable", "Do without a hook", run_disable));
  with_name(add("test", "Call a hook now, enabled or not", run_test))
      .add_option("--message", options->message, "Give it this message, not an invented one")
      .type_name("REF");
}

}  // namespace bmsg::cli
