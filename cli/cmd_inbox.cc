// bmsg inbox: list messages that are mine.

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/listing.h"
#include "cli/mailroom.h"
#include "cli/message_view.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

struct Options {
  bool unread = false;
  bool sent = false;
  bool all = false;
  std::string from;
  std::string since;
  std::string until;
  std::string thread;
  std::string sort = "time";
  std::size_t count = 0;  // 0: no limit.
  bool bodies = false;
  bool exit_code = false;
  bool nul = false;
};

Result<Bytes> sender_named(const Mailroom& room, const std::string& name) {
  if (const auto address = from_address(name)) return to_bytes(address->view());
  const mail::Contact* contact = room.contacts().find(name);
  if (contact != nullptr && contact->address) return to_bytes(contact->address->view());
  return Error{Errc::no_recipient, fmt::format("no contact '{}'", name)};
}

Result<mail::ListFilter> filter_of(const Options& options, const Mailroom& room,
                                   const Context& context, const StoreDir& store) {
  mail::ListFilter filter;
  filter.direction = options.sent ? mail::Direction::out : mail::Direction::in;
  if (options.unread) filter.flag = "unread";
  if (!options.all) filter.without_flag = "archived";
  if (!options.from.empty()) {
    BMSG_TRY_ASSIGN(filter.sender, sender_named(room, options.from));
  }
  if (!options.since.empty()) {
    BMSG_TRY_ASSIGN(filter.since, parse_time(options.since, context.clock.now()));
  }
  if (!options.until.empty()) {
    BMSG_TRY_ASSIGN(filter.until, parse_time(options.until, context.clock.now()));
  }
  if (!options.thread.empty()) {
    BMSG_TRY_ASSIGN(const auto ref, listed_ref(context, store, options.thread));
    BMSG_TRY_ASSIGN(const auto id, find_message(room.chain(), &room.index(), ref));
    BMSG_TRY_ASSIGN(const auto item, room.box().item(id));
    filter.thread = item ? item->thread() : prefix_of<mail::ThreadId>(id);
    filter.direction.reset();
  }
  return filter;
}

void sort_items(std::vector<mail::MailItem>& items, const std::string& by) {
  if (by == "size")
    std::ranges::stable_sort(items, std::ranges::greater{},
                             [](const auto& one) { return one.summary.bytes; });
  if (by == "from")
    std::ranges::stable_sort(items, std::ranges::less{},
                             [](const auto& one) { return one.summary.sender; });
}

Result<Done> print(const Options& options, Context& context, const Mailroom& room,
                   const mail::MailItem& item, std::size_t number) {
  if (options.nul) {
    context.out.raw(to_hex(item.id.view()) + '\0');
    return done;
  }
  if (!context.options.json) {
    context.out.line(
        context.out.to_terminal()
            ? fitted(message_row(room, item, number, context.clock.now()), context.out.columns())
            : message_line(room, item));
    return done;
  }
  if (!options.bodies) {
    context.out.line(api::message_json(message_view(room, item)));
    return done;
  }
  BMSG_TRY_ASSIGN(const auto text, room.box().read(item.id));
  context.out.line(api::message_json(text ? message_view(room, *text) : message_view(room, item)));
  return done;
}

/// Without the key: what is known to be mine, as locked.
Result<ExitCode> list_locked(Context& context, const StoreDir& store, const Error& why) {
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open_read_only(store.mail(), options));
  BMSG_TRY_ASSIGN(const auto entries, index->newest(std::nullopt, SIZE_MAX));
  for (const mail::MailEntry& entry : entries) {
    context.out.line(
        fmt::format("{}\tlocked\t{}", to_hex(entry.id.view()), to_rfc3339(entry.time)));
  }
  return why;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  auto opened = Mailroom::open(context, store);
  if (!opened && opened.error().code == Errc::denied && !context.options.json) {
    return list_locked(context, store, opened.error());
  }
  if (!opened) return opened.error();
  const Mailroom& room = *opened.value();
  BMSG_TRY_ASSIGN(const auto filter, filter_of(options, room, context, store));
  const bool cut_early = options.count > 0 && options.sort == "time";
  BMSG_TRY_ASSIGN(auto items, room.box().list(filter, cut_early ? options.count : SIZE_MAX));
  sort_items(items, options.sort);
  if (options.count > 0 && items.size() > options.count) items.resize(options.count);
  std::vector<MessageId> listed;
  for (const mail::MailItem& item : items) {
    listed.push_back(item.id);
    BMSG_TRY(print(options, context, room, item, listed.size()));
  }
  BMSG_TRY(keep_listing(context, store, listed));
  return options.exit_code && items.empty() ? ExitCode::no : ExitCode::ok;
}

}  // namespace

void add_inbox(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* inbox = add_command(app, context, "inbox", "List messages, newest first", options, run);
  inbox->add_flag("--unread", options->unread, "Only those not read yet");
  inbox->add_flag("--sent", options->sent, "What was sent instead of what came");
  inbox->add_flag("--all", options->all, "Archived ones too");
  inbox->add_option("--from", options->from, "Only from this contact or address")
      ->type_name("NAME");
  inbox->add_option("--since", options->since, "Not older than this")->type_name("TIME");
  inbox->add_option("--until", options->until, "Older than this")->type_name("TIME");
  inbox->add_option("--thread", options->thread, "Only the conversation of this message")
      ->type_name("REF");
  inbox->add_option("--sort", options->sort, "time, from or size")
      ->check(CLI::IsMember({"time", "from", "size"}))
      ->type_name("BY");
  inbox->add_option("-n", options->count, "At most so many")->type_name("N");
  inbox->add_flag("--bodies", options->bodies, "With --json: texts too");
  inbox->add_flag("--exit-code", options->exit_code, "Exit 1 if there is none");
  inbox->add_flag("-z", options->nul, "Ids only, ended by NUL");
}

}  // namespace bmsg::cli
