// bmsg send: queue a message. Takes no lock of the store and writes no database.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/command.h"
#include "cli/deliver.h"
#include "cli/editor.h"
#include "cli/plumbing.h"
#include "cli/send_lines.h"
#include "cli/send_options.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "cli/wait.h"
#include "lib/api/json_objects.h"
#include "lib/core/address.h"
#include "lib/core/descriptor.h"
#include "lib/core/hex.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

using Options = SendOptions;

constexpr std::size_t kBodyBytesMax = 64u << 20;  // Far above any limit of a chain: told, not cut.

/// Half a text is none: what cannot be read to its end is not sent.
Result<std::string> read_input() {
  std::string text;
  char piece[65536];
  while (text.size() <= kBodyBytesMax) {
    const ssize_t got = ::read(STDIN_FILENO, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Error{Errc::io, fmt::format("cannot read standard input: {}", std::strerror(errno)),
                   "check what it is connected to"};
    }
    if (got == 0) break;
    text.append(piece, static_cast<std::size_t>(got));
  }
  return text;
}

Result<std::string> read_named(const Context& context, const std::string& file) {
  if (file == "-") return read_input();
  BMSG_TRY(check_no_directory(file));
  BMSG_TRY_ASSIGN(const auto bytes, context.disk.read(file, kBodyBytesMax));
  if (!bytes) return Error{Errc::not_found, fmt::format("no file '{}'", file)};
  return to_string(*bytes);
}

bool takes_pipe(const Options& options) {
  return std::ranges::find(options.attachments, "-") != options.attachments.end();
}

Result<std::string> body_of(const Options& options, const Context& context) {
  if (!options.texts.empty()) return fmt::format("{}", fmt::join(options.texts, "\n\n"));
  if (!options.file.empty()) return read_named(context, options.file);
  // A file needs no words beside it, and a pipe that is attached has none left for them.
  if (!options.attachments.empty() && (takes_pipe(options) || ::isatty(STDIN_FILENO) == 1))
    return std::string();
  if (::isatty(STDIN_FILENO) != 1) return read_input();
  if (context.options.no_input)
    return Error{Errc::bad_usage, "no text: give -m, -F or standard input"};
  return edit_text(
      context, fmt::format("\n# Write the message to {}; lines that begin with # are left out.\n",
                           fmt::join(options.to, ", ")));
}

Result<std::vector<std::string>> recipients(const Options& options, const Context& context) {
  std::vector<std::string> all = options.to;
  if (options.to_file.empty()) return all;
  BMSG_TRY_ASSIGN(const auto text, read_named(context, options.to_file));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) all.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

api::QueuedView view_of(const Queued& queued) {
  api::QueuedView view;
  view.state = queued.held ? "held" : "queued";
  for (const mail::Addressee& one : queued.to) view.to.push_back(to_address(one.address));
  if (queued.held) view.reason = "waits for a card of a recipient";
  if (!queued.key.empty()) view.key = queued.key;
  return view;
}

}  // namespace

std::vector<api::QueuedView> queued_views(const Context& context, const Queued& queued) {
  std::vector<api::QueuedView> views;
  api::QueuedView view = view_of(queued);
  view.since = context.clock.now();
  if (queued.held) {
    view.id = *queued.held;
    views.push_back(view);
  }
  for (const mail::Sent& sent : queued.sent) {
    view.id = sent.id;
    view.size = sent.bytes;
    view.stamp_ms = sent.stamp_ms;
    view.to.clear();
    for (const mail::Addressee& one : sent.to) view.to.push_back(to_address(one.address));
    views.push_back(view);
  }
  return views;
}

void print_queued(Context& context, const Queued& queued) {
  for (const api::QueuedView& view : queued_views(context, queued))
    context.out.line(context.options.json ? api::queued_json(view) : to_hex(view.id.view()));
}

SendPolicy policy_of(const SendOptions& options) {
  return {.sign = !options.no_sign,
          .hold = options.hold,
          .require_verified = options.require_verified,
          .stale = options.stale ? mail::Stale::allowed : mail::Stale::refused};
}

Result<ExitCode> send_dry(Sender& sender, const SendRequest& request, Context& context) {
  BMSG_TRY_ASSIGN(const auto estimate, sender.estimate(request));
  if (context.options.json) {
    context.out.line(
        api::summary_json({.command = "send",
                           .numbers = {{"bytes", static_cast<double>(estimate.bytes)},
                                       {"recipients", static_cast<double>(estimate.to.size())},
                                       {"chunks", static_cast<double>(estimate.files.chunks)},
                                       {"hashes", static_cast<double>(estimate.files.hashes)}},
                           .texts = {},
                           .elapsed = 0}));
    return ExitCode::ok;
  }
  const std::string files =
      estimate.files.chunks > 0 ? "; files: " + work_text(estimate.files) : "";
  const std::string pipe = estimate.has_pipe ? "; and a pipe of unknown length" : "";
  std::string whom = estimate.room.empty() ? "everybody" : "the room " + shown_line(estimate.room);
  if (!estimate.to.empty()) whom = fmt::format("{} recipients", estimate.to.size());
  context.out.line(
      fmt::format("would queue {} bytes for {}{}{}", estimate.bytes, whom, files, pipe));
  return ExitCode::ok;
}

namespace {

/// What to wait for; a fault of its words is told before anything is sent.
Result<std::optional<WaitWish>> wish_of(const Options& options) {
  if (!options.timeout.empty()) BMSG_TRY(parse_duration(options.timeout));
  if (options.wait.empty() && !options.timeout.empty() && !options.now)
    return Error{Errc::bad_usage, "--timeout is for --wait and --now"};
  if (options.wait.empty()) return std::optional<WaitWish>();
  BMSG_TRY_ASSIGN(auto wish, parse_wait(options.wait));
  if (wish.goal == WaitGoal::read && (options.open || options.no_sign))
    return Error{Errc::bad_usage, "--wait read needs recipients and a signature"};
  return std::optional(std::move(wish));
}

}  // namespace

Result<ExitCode> send_one(const Options& options, const StoreDir& store, Context& context) {
  if (takes_pipe(options) && (options.file == "-" || options.to_file == "-"))
    return Error{Errc::bad_usage, "-a - takes all of standard input; give the rest by file"};
  BMSG_TRY_ASSIGN(const auto to, recipients(options, context));
  BMSG_TRY_ASSIGN(const auto files, attachment_wishes(options.attachments, options.attach_name));
  BMSG_TRY_ASSIGN(auto body, body_of(options, context));
  if (body.empty() && options.allow_empty == "skip" && options.attachments.empty())
    return ExitCode::ok;
  if (body.empty() && options.allow_empty.empty() && options.attachments.empty()) {
    return Error{Errc::bad_usage, "the message is empty; --allow-empty sends it all the same"};
  }
  const SendRequest request{
      .to = to,
      .body = std::move(body),
      .subject = options.subject,
      .audience = options.open ? mail::Audience::open : mail::Audience::sealed,
      .topic = options.topic,
      .reply_to = options.reply_to,
      .reply = options.reply,
      .expires = options.expires,
      .key = options.key,
      .once = options.once,
      .ask_ack = options.ask_ack || options.wait == "read",
      .attachments = files};
  BMSG_TRY_ASSIGN(const auto wish, wish_of(options));
  BMSG_TRY_ASSIGN(auto sender, Sender::open(context, store, policy_of(options)));
  if (options.dry_run) return send_dry(sender, request, context);
  BMSG_TRY_ASSIGN(const auto queued, sender.send(request, std::stop_token()));
  print_queued(context, queued);
  // It is durable now: whatever comes after, its id has been told.
  BMSG_TRY(context.out.flush());
  std::optional<std::chrono::seconds> timeout;
  if (!options.timeout.empty()) {
    BMSG_TRY_ASSIGN(const std::uint64_t seconds, parse_duration(options.timeout));
    timeout = std::chrono::seconds(seconds);
  }
  ExitCode outcome = ExitCode::ok;
  if (options.now && !queued.held) {
    BMSG_TRY_ASSIGN(outcome, deliver_now(context, store, queued, timeout));
  } else {
    poke_node(store);
  }
  if (!wish || outcome != ExitCode::ok) return outcome;
  return wait_for(context, store, sender.keyring(), queued, *wish, timeout);
}

namespace {

/// An option of one message, given where each line has its own; empty: none.
std::string_view option_of_one(const Options& options) {
  if (!options.wait.empty()) return "--wait";
  if (options.now) return "--now";
  if (!options.texts.empty()) return "-m";
  if (!options.file.empty()) return "-F";
  if (!options.subject.empty()) return "-s";
  if (!options.attachments.empty()) return "-a";
  if (options.open) return "--public";
  if (!options.topic.empty()) return "--topic";
  if (!options.reply_to.empty()) return "--reply-to";
  if (!options.key.empty()) return "--key";
  if (!options.to_file.empty()) return "--to-file";
  return options.to.empty() ? "" : "a recipient";
}

/// Words that say two things at once, of which one would be dropped.
Result<Done> check_words(const Options& options) {
  const std::string_view one = option_of_one(options);
  if (options.lines && !one.empty()) {
    return Error{Errc::bad_usage,
                 fmt::format("{} is for one message; with --stdin each line says its own", one),
                 "'bmsg-json(5), Input of send' lists what a line may say"};
  }
  if (!options.texts.empty() && !options.file.empty())
    return Error{Errc::bad_usage, "-m and -F both give the text; give one of them"};
  if (!options.topic.empty() && !options.open && !options.lines)
    return Error{Errc::bad_usage, "--topic is for public messages; give --public too"};
  return done;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY(check_words(options));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  if (options.lines) return send_lines(STDIN_FILENO, options, store, context);
  return send_one(options, store, context);
}

Result<ExitCode> run_import(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  if (options.file == "-") return send_lines(STDIN_FILENO, options, store, context);
  BMSG_TRY(check_no_directory(options.file));
  const Descriptor file(::open(options.file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file)
    return Error{code_of(errno, Errc::not_found),
                 fmt::format("cannot open '{}': {}", options.file, std::strerror(errno))};
  return send_lines(file.number(), options, store, context);
}

}  // namespace

void add_import(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command import =
      add_command(app, context, "import", "Queue messages from a file", options, run_import);
  import.add_option("file", options->file, "JSON Lines, or - for input")
      .required()
      .type_name("FILE");
  import.add_flag("--dry-run", options->dry_run, "Check and estimate only");
}

void add_send_options(Command send, const std::shared_ptr<SendOptions>& options) {
  send.add_option("-m", options->texts, "The text; again for another paragraph")
      .type_name("TEXT")
      .may_be_empty()
      .one_value_each();
  send.add_option("-F", options->file, "Take the text from a file, or - for input")
      .type_name("FILE");
  send.add_option("-s", options->subject, "The subject").type_name("SUBJECT").may_be_empty();
  send.add_option("-a", options->attachments, "Send a file along, or - for input; again for more")
      .type_name("FILE")
      .one_value_each();
  send.add_option("--attach-name", options->attach_name, "What the recipients see it called")
      .type_name("NAME");
  send.add_option("--expires", options->expires, "How long others keep it (30d)").type_name("DUR");
  Parameter key =
      send.add_option("--key", options->key, "Your word for this send: a repeat sends nothing");
  key.type_name("KEY");
  send.add_option("--once", options->once, "Send the same letter once within this time")
      .type_name("DUR")
      .excludes(key);
  send.add_flag("--ask-ack", options->ask_ack, "Ask to be told when it was read");
  send.add_option("--wait", options->wait, "Until queued, pooled, relayed=N, mined=N or read")
      .type_name("STATE");
  send.add_option("--timeout", options->timeout, "Wait, or mine, no longer than this")
      .type_name("DUR");
  send.add_flag("--hold", options->hold, "Wait here for a card that is missing");
  send.add_flag("--stale", options->stale, "Use an expired card if there is no other");
  send.add_flag("--no-sign", options->no_sign, "Anonymous, and no readable copy is kept");
  send.add_flag("--require-verified", options->require_verified,
                "Refuse recipients that were not verified");
  send.add_flag("--now", options->now, "Mine it into a block and sync");
  send.add_flag("--dry-run", options->dry_run, "Check and estimate only");
  send.add_flag("--allow-empty{yes}", options->allow_empty,
                "Send an empty text, or =skip to send none")
      .one_of({"skip", "yes"});
}

void add_send(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command send = add_command(app, context, "send", "Seal a message and queue it", options, run);
  send.add_option("to", options->to, "Names, groups or addresses").type_name("NAME|ADDRESS");
  add_send_options(send, options);
  send.add_flag("--public", options->open, "For everybody to read; no recipients");
  send.add_option("--topic", options->topic, "Topic of a public message").type_name("TOPIC");
  send.add_option("--reply-to", options->reply_to, "The message that this answers")
      .type_name("REF");
  send.add_option("--to-file", options->to_file, "Recipients, one a line").type_name("FILE");
  send.add_flag("--stdin", options->lines, "Messages as JSON Lines on standard input");
}

}  // namespace bmsg::cli
