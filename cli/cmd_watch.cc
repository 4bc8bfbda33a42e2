// bmsg watch: give out messages and blocks as they come.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/compose.h"
#include "cli/mail_filter.h"
#include "cli/watch.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  WatchWish wish;
  std::string topic;
  MailFilter filter;
  std::string since;
  std::string cursor;
  std::string program;
  std::string timeout;
  std::uint64_t heartbeat = 0;  // Seconds; 0: none.
};

/// What was asked for in words, understood.
Result<WatchWish> wish_of(const Options& options, const Context& context) {
  WatchWish wish = options.wish;
  if (!wish.sealed && !wish.open && !wish.blocks) wish.sealed = wish.open = true;
  if (!options.topic.empty()) wish.topic = topic_of(options.topic);
  if (!options.program.empty()) wish.program = {options.program};
  wish.program.insert(wish.program.end(), context.program_words.begin(),
                      context.program_words.end());
  if (!options.timeout.empty()) {
    BMSG_TRY_ASSIGN(const auto seconds, parse_duration(options.timeout));
    wish.timeout = std::chrono::seconds(seconds);
  }
  if (options.heartbeat > 0) wish.heartbeat = std::chrono::seconds(options.heartbeat);
  if (wish.parked && options.cursor.empty())
    return Error{Errc::bad_usage, "--parked delivers what a reader has parked: name it, --cursor"};
  return wish;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto wish, wish_of(options, context));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto lock, take_reader(context, store, options.cursor));
  const bool only_blocks = !wish.sealed && !wish.open && !wish.parked;
  BMSG_TRY_ASSIGN(
      const auto watched,
      WatchedStore::open(context, store, only_blocks ? WatchKeys::none : WatchKeys::needed,
                         wish.pooled ? WatchedPart::pool : WatchedPart::blocks));
  if (!only_blocks) {
    BMSG_TRY_ASSIGN(const auto filter,
                    list_filter(options.filter, *watched->room(), context, store));
    wish.sender = filter.sender;
    if (!options.filter.room.empty()) {
      BMSG_TRY_ASSIGN(wish.room, room_id_of(*watched->room(), options.filter.room));
    }
  }
  if (wish.parked) {
    BMSG_TRY_ASSIGN(const auto reader, mail::find_reader(watched->index(), options.cursor));
    if (!reader)
      return Error{Errc::not_found, fmt::format("there is no reader '{}'", options.cursor)};
  }
  BMSG_TRY_ASSIGN(const auto cursor, Cursor::open(context, store, *watched, options.cursor,
                                                  std::move(lock), options.since));
  return Watch(context, store, wish, *watched, *cursor).run();
}

void add_choices(Command watch, Options& options) {
  WatchWish& wish = options.wish;
  watch.add_flag("--messages", wish.sealed, "Messages sealed to us");
  watch.add_flag("--public", wish.open, "Public messages");
  watch.add_flag("--blocks", wish.blocks, "Blocks");
  watch.add_option("--topic", options.topic, "Only messages of this topic").type_name("TOPIC");
  watch.add_option("--from", options.filter.from, "Only from this contact or address")
      .type_name("NAME");
  watch.add_option("--room", options.filter.room, "Only what was posted to this room")
      .type_name("ROOM");
  watch.add_flag("--pooled", wish.pooled, "Before they are in a block, too");
  watch.add_option("--since", options.since, "Where to begin: a time, a message, all or now")
      .type_name("TIME|REF");
}

void add_endings(Command watch, Options& options) {
  WatchWish& wish = options.wish;
  watch.add_flag("--drain", wish.drain, "End when nothing is left");
  watch.add_option("--count", wish.count, "End after so many").type_name("N").from_one();
  watch.add_option("--timeout", options.timeout, "End after this time").type_name("DUR");
  watch.add_option("--heartbeat", options.heartbeat, "Say something after so much silence")
      .between(1, 86400)
      .type_name("SEC");
}

}  // namespace

void add_watch(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command watch =
      add_command(app, context, "watch", "Give out messages and blocks as they come", options, run);
  add_choices(watch, *options);
  watch.add_option("--cursor", options->cursor, "Remember under this name what was handled")
      .type_name("READER");
  Parameter program =
      watch.add_option("--exec", options->program, "Call this for each message; the rest is its")
          .type_name("PROGRAM");
  watch.add_option("--tries", options->wish.tries, "How often before a message is parked")
      .between(1, 1'000'000)
      .type_name("N")
      .needs(program);
  watch.add_flag("--stop-on-error", options->wish.stop_on_error, "End instead of parking")
      .needs(program);
  watch.add_flag("--parked", options->wish.parked, "Deliver what was parked, and end");
  add_endings(watch, *options);
}

}  // namespace bmsg::cli
