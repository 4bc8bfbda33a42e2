#include "cli/run_inner.h"

#include <CLI/CLI.hpp>

#include "lib/api/web_json.h"
#include "lib/core/check.h"
#include "lib/core/try.h"

namespace bmsg::cli {

Result<InnerEnd> run_inner(const Context& outer, InnerCommand command) {
  Context context(outer.clock, outer.disk, outer.entropy);
  context.options = outer.options;
  context.options.json = true;
  context.options.no_input = true;
  context.options.progress = "off";
  if (outer.passphrase) context.passphrase = outer.passphrase->clone();
  context.inner = std::move(command.parts);
  context.out.keep();
  CLI::App app("", "bmsg");
  app.require_subcommand(1);
  const std::vector<std::string>& words = command.words;
  check(!words.empty(), "a command has a name");
  check(add_named_commands(Command(app), context, {words.front()}), "it is a command of bmsg");
  BMSG_TRY(parse_inner(app, words));
  if (!context.outcome) return Error{Errc::bad_usage, "these words name no command"};
  if (!*context.outcome) return context.outcome->error();
  return InnerEnd{context.outcome->value(), context.out.taken(), context.out.told()};
}

std::string lines_of(const InnerEnd& end) {
  std::string lines = end.results;
  for (const std::string& note : end.notes) lines += api::remark_json(note) + "\n";
  return lines;
}

}  // namespace bmsg::cli
