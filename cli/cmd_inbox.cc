// bmsg inbox: list messages that are mine.

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/list_form.h"
#include "cli/listing.h"
#include "cli/mail_filter.h"
#include "cli/mailroom.h"
#include "cli/message_view.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

struct Options {
  MailFilter filter;
  bool all = false;
  std::string sort = "time";
  std::size_t count = 0;  // 0: no limit.
  bool bodies = false;
  bool exit_code = false;
  ListForm form;
};

void sort_items(std::vector<mail::MailItem>& items, const std::string& by) {
  if (by == "size")
    std::ranges::stable_sort(items, std::ranges::greater{},
                             [](const auto& one) { return one.summary.bytes; });
  if (by == "from")
    std::ranges::stable_sort(items, std::ranges::less{},
                             [](const auto& one) { return one.summary.sender; });
}

std::string line_of(const Context& context, const Mailroom& room, const mail::MailItem& item,
                    std::size_t number) {
  if (!context.out.to_terminal()) return message_line(room, item);
  const std::string row =
      fitted(message_row(room, item, number, context.clock.now()), context.out.columns());
  return item.flags.contains("unread") ? context.out.painted(row, Paint::strong) : row;
}

Result<Done> print(const Options& options, const Context& context, const ListPrinter& printer,
                   const Mailroom& room, const mail::MailItem& item, std::size_t number) {
  auto view = message_view(room, item);
  if (options.bodies) {
    BMSG_TRY_ASSIGN(const auto text, room.box().read(item.id));
    if (text) view = message_view(room, *text);
  }
  printer.print(
      {api::message_json(view), to_hex(item.id.view()), line_of(context, room, item, number)});
  return done;
}

/// A message with the members that a list has.
api::MessageView sample_of(const Options& options) {
  api::MessageView sample;
  if (options.bodies) sample.body = Bytes();
  return sample;
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
  BMSG_TRY_ASSIGN(const auto printer,
                  ListPrinter::make(context, options.form, api::message_json(sample_of(options))));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  auto opened = Mailroom::open(context, store);
  if (!opened && opened.error().code == Errc::denied && !context.options.json) {
    return list_locked(context, store, opened.error());
  }
  if (!opened) return opened.error();
  const Mailroom& room = *opened.value();
  BMSG_TRY_ASSIGN(auto filter, list_filter(options.filter, room, context, store));
  if (!options.all) filter.without_flag = "archived";
  const bool cut_early = options.count > 0 && options.sort == "time";
  BMSG_TRY_ASSIGN(auto items, room.box().list(filter, cut_early ? options.count : SIZE_MAX));
  sort_items(items, options.sort);
  if (options.count > 0 && items.size() > options.count) items.resize(options.count);
  context.allow_pager();
  std::vector<MessageId> listed;
  for (const mail::MailItem& item : items) {
    listed.push_back(item.id);
    BMSG_TRY(print(options, context, printer, room, item, listed.size()));
  }
  BMSG_TRY(keep_listing(context, store, listed));
  return options.exit_code && items.empty() ? ExitCode::no : ExitCode::ok;
}

}  // namespace

void add_inbox(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* inbox = add_command(app, context, "inbox", "List messages, newest first", options, run);
  add_filter_options(*inbox, options->filter);
  inbox->add_flag("--all", options->all, "Archived ones too");
  inbox->add_option("--sort", options->sort, "time, from or size")
      ->check(CLI::IsMember({"time", "from", "size"}))
      ->type_name("BY");
  inbox->add_option("-n", options->count, "At most so many")->type_name("N");
  inbox->add_flag("--bodies", options->bodies, "With --json: texts too");
  inbox->add_flag("--exit-code", options->exit_code, "Exit 1 if there is none");
  add_list_options(*inbox, options->form);
}

}  // namespace bmsg::cli
