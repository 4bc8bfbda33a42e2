// bmsg inbox: list messages that are mine.

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "cli/command.h"
#include "cli/cursor.h"
#include "cli/mail_filter.h"
#include "cli/mail_list.h"
#include "cli/progress.h"
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
  std::string cursor;
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

/// Whether a choice or a form is asked for that only the key can give.
bool needs_key(const Options& options, const Context& context) {
  const MailFilter& filter = options.filter;
  const bool chooses = filter.unread || filter.sent || options.all || options.exit_code;
  const bool has_form = context.options.json || options.bodies || !options.form.format.empty();
  const bool names = std::ranges::any_of(
      std::initializer_list<std::string_view>{filter.from, filter.since, filter.until,
                                              filter.thread, filter.room, options.cursor},
      [](std::string_view word) { return !word.empty(); });
  return chooses || has_form || names || options.sort != "time";
}

/// Without the key: what is known to be ours, as locked. What no person wrote has no time.
Result<ExitCode> list_locked(const Options& options, Context& context, const StoreDir& store,
                             const Error& why) {
  const storage::OpenOptions open{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open_read_only(store.mail(), open));
  BMSG_TRY_ASSIGN(auto entries, index->newest(std::nullopt, SIZE_MAX));
  std::erase_if(entries, [](const mail::MailEntry& entry) { return entry.time.value == 0; });
  if (options.count > 0 && entries.size() > options.count) entries.resize(options.count);
  BMSG_TRY_ASSIGN(const auto printer, ListPrinter::make(context, options.form, ""));
  for (const mail::MailEntry& entry : entries) {
    const std::string id = to_hex(entry.id.view());
    printer.print({"", id, fmt::format("{}\tlocked\t{}", id, to_rfc3339(entry.time))});
  }
  return why;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto list, MailList::make(context, options.form,
                                                  options.bodies ? Bodies::with : Bodies::without));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  auto opened = Mailroom::open(context, store);
  if (!opened && opened.error().code == Errc::denied && !needs_key(options, context))
    return list_locked(options, context, store, opened.error());
  if (!opened) return opened.error();
  const Mailroom& room = *opened.value();
  BMSG_TRY_ASSIGN(auto filter, list_filter(options.filter, room, context, store));
  if (!options.all) filter.without_flag = "archived";
  const bool cut_early = options.count > 0 && options.sort == "time" && options.cursor.empty();
  BMSG_TRY_ASSIGN(auto items, room.box().list(filter, cut_early ? options.count : SIZE_MAX));
  if (!options.cursor.empty()) {
    BMSG_TRY_ASSIGN(items, not_handled(room, options.cursor, std::move(items)));
  }
  sort_items(items, options.sort);
  if (options.count > 0 && items.size() > options.count) items.resize(options.count);
  BMSG_TRY(list.print(store, room, items));
  if (room.absent() > 0)
    context.out.warn(fmt::format("{} message{} of yours {} not here yet: run 'bmsg sync'",
                                 room.absent(), room.absent() == 1 ? "" : "s",
                                 room.absent() == 1 ? "is" : "are"));
  return options.exit_code && items.empty() ? ExitCode::no : ExitCode::ok;
}

}  // namespace

void add_inbox(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command inbox = add_command(app, context, "inbox", "List messages, newest first", options, run);
  add_filter_options(inbox, options->filter);
  inbox.add_flag("--all", options->all, "Archived ones too");
  inbox.add_option("--sort", options->sort, "time, from or size")
      .one_of({"time", "from", "size"})
      .type_name("BY");
  inbox.add_option("-n", options->count, "At most so many").type_name("N").from_one();
  inbox.add_flag("--bodies", options->bodies, "With --json: texts too");
  inbox.add_option("--cursor", options->cursor, "Only what this reader has not handled")
      .type_name("READER");
  inbox.add_flag("--exit-code", options->exit_code, "Exit 1 if there is none");
  add_progress_option(inbox, context);
  add_list_options(inbox, options->form);
}

}  // namespace bmsg::cli
