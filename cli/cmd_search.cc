// bmsg search: find words in own messages.

#include "cli/command.h"
#include "cli/mail_filter.h"
#include "cli/mail_list.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::vector<std::string> terms;
  MailFilter filter;
  std::size_t count = 0;  // 0: no limit.
  bool bodies = false;
  bool exit_code = false;
  ListForm form;
};

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto list, MailList::make(context, options.form,
                                                  options.bodies ? Bodies::with : Bodies::without));
  BMSG_TRY_ASSIGN(auto phrases, mail::Phrases::make(options.terms));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
  BMSG_TRY_ASSIGN(auto filter, list_filter(options.filter, *room, context, store));
  if (!options.filter.sent) filter.direction.reset();
  filter.phrases = std::move(phrases);
  BMSG_TRY_ASSIGN(const auto items,
                  room->box().list(filter, options.count > 0 ? options.count : SIZE_MAX));
  BMSG_TRY(list.print(store, *room, items));
  return options.exit_code && items.empty() ? ExitCode::no : ExitCode::ok;
}

}  // namespace

void add_search(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command search = add_command(app, context, "search", "Find words in own messages", options, run);
  search.add_option("terms", options->terms, "What subject or text must have, all of it")
      .required()
      .type_name("TERM");
  add_filter_options(search, options->filter);
  search.add_option("-n", options->count, "At most so many").type_name("N").from_one();
  search.add_flag("--bodies", options->bodies, "With --json: texts too");
  search.add_flag("--exit-code", options->exit_code, "Exit 1 if there is none");
  add_list_options(search, options->form);
}

}  // namespace bmsg::cli
