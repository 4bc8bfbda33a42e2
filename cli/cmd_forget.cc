// bmsg forget: drop bodies here and keep heads, so that the chain still proves itself.

#include <fmt/format.h>

#include <optional>

#include "cli/command.h"
#include "cli/forget_asking.h"
#include "cli/forget_chunks.h"
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
  std::uint64_t bytes = 0;   // Of their bodies.
  std::uint64_t freed = 0;   // On the disk.
  std::uint64_t chunks = 0;  // Of files.
  std::uint64_t asked = 0;   // Requests to others.
  bool whole = true;
  bool cut_short = false;             // Not all that was to go has gone.
  std::optional<Error> no_room = {};  // What the disk did not take.
};

/// What goes, and the files that chunks of it lie in.
struct Work {
  std::unique_ptr<StoreBlobs> blobs;
  ForgetPlan plan;
  ChunkPlan files;
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

std::string chunks_text(std::uint64_t chunks) {
  return chunks == 0 ? "" : fmt::format(", {} chunks of files", chunks);
}

std::string consequence(const Work& work) {
  const ForgetPlan& plan = work.plan;
  std::string words = fmt::format("{}, {} bytes{}: the content goes from this store for good",
                                  counted(plan.messages.size()), plan.bytes(),
                                  chunks_text(work.files.chunks.size()));
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
                                                    {"chunks", double(outcome.chunks)},
                                                    {"asked", double(outcome.asked)}},
                                        .texts = {},
                                        .elapsed = seconds}));
  } else if (!dry_run) {
    context.out.line(fmt::format("{} forgotten, {} bytes{}; {} bytes came back to the file system",
                                 counted(outcome.messages), outcome.bytes,
                                 chunks_text(outcome.chunks), outcome.freed));
    if (outcome.asked > 0)
      context.out.line(fmt::format("{} sent to ask others for the same", counted(outcome.asked)));
  }
}

std::uint64_t used_bytes(const StoreDir& store) {
  return disk_bytes(store.chain()) + disk_bytes(store.mail()) + disk_bytes(store.blobs());
}

Result<Done> drop(Context& context, node::Service& service, const ForgetPlan& plan,
                  Outcome& outcome) {
  const UnixSeconds now = context.clock.now();
  std::size_t next = 0;  // Both lists are in one order.
  return drop_bodies(service, plan, [&](const std::vector<MessageId>& gone) {
    for (const MessageId& id : gone) {
      while (next < plan.messages.size() && plan.messages[next].id != id) ++next;
      const std::uint64_t bytes = next < plan.messages.size() ? plan.messages[next].bytes : 0;
      outcome.bytes += bytes;
      ++outcome.messages;
      if (context.options.json)
        context.out.line(api::forgotten_json({id, node::name_of(plan.rule), now, bytes}));
    }
  });
}

/// Whether it was the disk, which is told last: until then all is done that can be.
bool is_noted(const Result<Done>& step, Outcome& outcome) {
  if (step || step.error().code != Errc::io) return false;
  outcome.whole = false;
  if (!outcome.no_room) outcome.no_room = step.error();
  return true;
}

/// Chunks first, while the messages are here that say which they are, then bodies, then the index,
/// and room at last: whoever is killed between two of these does the rest by the same command.
Result<Outcome> forget(Context& context, const StoreDir& store, Work& work) {
  const std::uint64_t before = used_bytes(store);
  Outcome outcome;
  {
    BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
    BMSG_TRY_ASSIGN(outcome.chunks,
                    mail::remove_chunks(work.blobs->directory(), work.files.chunks));
    const auto dropped = drop(context, session->service(), work.plan, outcome);
    outcome.cut_short = !dropped;
    if (!dropped && !is_noted(dropped, outcome)) return dropped.error();
    const auto unlisted = forget_in_index(context, store);
    if (!unlisted && !is_noted(unlisted, outcome)) return unlisted.error();
    const auto given_back = session->service().give_back_room();
    if (!given_back && !is_noted(given_back, outcome)) {
      outcome.whole = false;
      context.out.warn(
          fmt::format("forgotten, but the room is not given back: {}", given_back.error().message));
    }
  }
  if (work.files.unknown) outcome.whole = false;
  const std::uint64_t after = used_bytes(store);
  outcome.freed = before - std::min(before, after);
  return outcome;
}

Error no_room(const Outcome& outcome, std::size_t planned) {
  const std::string what =
      outcome.cut_short ? fmt::format("{} of {} forgotten", outcome.messages, counted(planned))
                        : std::string("forgotten, but the room is not given back");
  return Error{outcome.no_room->code, fmt::format("{}: {}", what, outcome.no_room->message),
               "once the disk has room, give the same command again"};
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY(check_given(options.given));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  if (options.given.foreign) BMSG_TRY(refuse_light(store, "of others to forget"));
  const auto began = context.clock.steady();
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  std::unique_ptr<Mailroom> room;
  Work work;
  BMSG_TRY_ASSIGN(work.blobs, open_blobs(context, store));
  BMSG_TRY_ASSIGN(work.plan, plan_forgetting(context, store, rules, options.given, room));
  BMSG_TRY_ASSIGN(work.files, plan_chunks(context, store, *work.blobs, work.plan, room));
  if (work.files.unknown)
    context.out.warn(fmt::format("chunks of files that go along stay until they expire: {}",
                                 work.files.unknown->message));
  const ForgetPlan& plan = work.plan;
  std::vector<ForgetLetter> letters;
  if (options.given.ask_peers) {
    BMSG_TRY_ASSIGN(letters, forget_letters(context, *room, plan));
  }
  Outcome outcome{.messages = plan.messages.size(),
                  .bytes = plan.bytes(),
                  .chunks = work.files.chunks.size(),
                  .no_room = {}};
  if (options.dry_run) {
    print_plan(context, plan);
  } else {
    if (!options.yes && !plan.messages.empty())
      BMSG_TRY(confirm_by_typing(context, consequence(work), kTyped));
    // First: once they are forgotten here, nobody knows whom to ask.
    std::size_t asked = 0;
    if (!letters.empty()) {
      BMSG_TRY_ASSIGN(asked, ask_peers(context, store, *room, letters));
    }
    BMSG_TRY_ASSIGN(outcome, forget(context, store, work));
    outcome.asked = asked;
  }
  const double seconds = std::chrono::duration<double>(context.clock.steady() - began).count();
  print(context, outcome, options.dry_run, seconds);
  if (outcome.no_room) return no_room(outcome, plan.messages.size());
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
