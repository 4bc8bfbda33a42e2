// bmsg forget: drop bodies here and keep heads, so that the chain still proves itself.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/forget_asking.h"
#include "cli/forgetting.h"
#include "cli/prompt.h"
#include "cli/session.h"
#include "lib/api/json_objects.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  ForgetGiven given;
  bool dry_run = false;
  bool yes = false;
};

constexpr const char* kTyped = "forget";

/// What came of it, for people and programs.
struct Outcome {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;  // Of their bodies.
  std::uint64_t freed = 0;  // On the disk.
  std::uint64_t asked = 0;  // Requests to others.
  bool whole = true;
};

Result<Done> check_given(const ForgetGiven& given) {
  const int wishes = (given.refs.empty() ? 0 : 1) + (given.expired ? 1 : 0) +
                     (given.older_than.empty() ? 0 : 1) + (given.from.empty() ? 0 : 1);
  if (wishes != 1) {
    return Error{Errc::bad_usage, "give messages, or one of --expired, --older-than and --from"};
  }
  const bool by_rule = given.expired || !given.older_than.empty();
  if (given.foreign && !by_rule)
    return Error{Errc::bad_usage, "--foreign is for --expired and --older-than"};
  if (given.ask_peers && given.refs.empty())
    return Error{Errc::bad_usage, "--ask-peers is for messages that are named"};
  return done;
}

std::string counted(std::uint64_t count) {
  return fmt::format("{} {}", count, count == 1 ? "message" : "messages");
}

std::string consequence(const ForgetPlan& plan) {
  std::string words = fmt::format("{}, {} bytes: the content goes from this store for good",
                                  counted(plan.messages.size()), plan.bytes());
  if (plan.unexpired() > 0) {
    words += fmt::format("; {} have not expired, so that a newcomer needs them of another node",
                         plan.unexpired());
  }
  return words;
}

void print_plan(Context& context, const ForgetPlan& plan) {
  for (const node::Forgettable& one : plan.messages) {
    if (context.options.json) {
      context.out.line(
          api::forgotten_json({one.id, node::name_of(plan.rule), std::nullopt, one.bytes}));
    } else {
      context.out.line(to_hex(one.id.view()));
    }
  }
}

void print(Context& context, const Outcome& outcome, bool dry_run, double seconds) {
  if (context.options.json) {
    context.out.line(api::summary_json({.command = "forget",
                                        .ok = outcome.whole,
                                        .numbers = {{"messages", double(outcome.messages)},
                                                    {"bytes", double(outcome.bytes)},
                                                    {"freed", double(outcome.freed)},
                                                    {"asked", double(outcome.asked)}},
                                        .texts = {},
                                        .elapsed = seconds}));
  } else if (!dry_run) {
    context.out.line(fmt::format("{} forgotten, {} bytes; {} bytes came back to the file system",
                                 counted(outcome.messages), outcome.bytes, outcome.freed));
    if (outcome.asked > 0)
      context.out.line(fmt::format("{} sent to ask others for the same", counted(outcome.asked)));
  }
}

/// Bodies first, then the index, and room at last: whoever is killed between two of these does the
/// rest by the same command.
Result<Outcome> forget(Context& context, const StoreDir& store, const ForgetPlan& plan) {
  const std::uint64_t before = disk_bytes(store.chain()) + disk_bytes(store.mail());
  Outcome outcome;
  {
    BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
    const UnixSeconds now = context.clock.now();
    std::size_t next = 0;  // Both lists are in one order.
    BMSG_TRY(drop_bodies(session->service(), plan, [&](const std::vector<MessageId>& gone) {
      for (const MessageId& id : gone) {
        while (next < plan.messages.size() && plan.messages[next].id != id) ++next;
        const std::uint64_t bytes = next < plan.messages.size() ? plan.messages[next].bytes : 0;
        outcome.bytes += bytes;
        ++outcome.messages;
        if (context.options.json)
          context.out.line(api::forgotten_json({id, node::name_of(plan.rule), now, bytes}));
      }
    }));
    BMSG_TRY(forget_in_index(context, store));
    const auto given_back = session->service().give_back_room();
    outcome.whole = bool(given_back);
    if (!given_back) {
      context.out.warn(
          fmt::format("forgotten, but the room is not given back: {}", given_back.error().message));
    }
  }
  const std::uint64_t after = disk_bytes(store.chain()) + disk_bytes(store.mail());
  outcome.freed = before - std::min(before, after);
  return outcome;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY(check_given(options.given));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  if (options.given.foreign) BMSG_TRY(refuse_light(store, "of others to forget"));
  const auto began = context.clock.steady();
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  std::unique_ptr<Mailroom> room;
  BMSG_TRY_ASSIGN(const auto plan, plan_forgetting(context, store, rules, options.given, room));
  std::vector<ForgetLetter> letters;
  if (options.given.ask_peers) {
    BMSG_TRY_ASSIGN(letters, forget_letters(context, *room, plan));
  }
  Outcome outcome{.messages = plan.messages.size(), .bytes = plan.bytes()};
  if (options.dry_run) {
    print_plan(context, plan);
  } else {
    if (!options.yes && !plan.messages.empty())
      BMSG_TRY(confirm_by_typing(context, consequence(plan), kTyped));
    // First: once they are forgotten here, nobody knows whom to ask.
    std::size_t asked = 0;
    if (!letters.empty()) {
      BMSG_TRY_ASSIGN(asked, ask_peers(context, store, *room, letters));
    }
    BMSG_TRY_ASSIGN(outcome, forget(context, store, plan));
    outcome.asked = asked;
  }
  const double seconds = std::chrono::duration<double>(context.clock.steady() - began).count();
  print(context, outcome, options.dry_run, seconds);
  return outcome.whole ? ExitCode::ok : ExitCode::partial;
}

}  // namespace

void add_forget(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command forget =
      add_command(app, context, "forget", "Drop messages here and keep the proof", options, run);
  forget.add_option("refs", options->given.refs, "Which").type_name("REF");
  forget.add_flag("--expired", options->given.expired, "All whose time has run out");
  forget.add_option("--older-than", options->given.older_than, "All that are older")
      .type_name("TIME");
  forget.add_option("--from", options->given.from, "All of this contact or address")
      .type_name("NAME");
  forget.add_flag("--foreign", options->given.foreign, "Spare what is ours");
  forget.add_flag("--ask-peers", options->given.ask_peers, "Ask others to do the same");
  forget.add_flag("-n,--dry-run", options->dry_run, "Only list what would go");
  forget.add_flag("--yes", options->yes, "Do not ask");
}

}  // namespace bmsg::cli
