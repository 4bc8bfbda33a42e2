// bmsg help: the list of commands, or the manual page of one.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/manual.h"
#include "cli/report.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string topic;
};

std::string list_of_commands(const CLI::App& app) {
  std::string text = app.get_description() + "\n\nusage: bmsg [OPTIONS] COMMAND [ARGUMENTS]\n\n";
  for (const CommandName& command : all_commands()) {
    if (command.summary.empty()) continue;
    text += fmt::format("  {:<14} {}\n", command.name, command.summary);
  }
  text += "\n'bmsg COMMAND --help' says more; 'bmsg help tutorial' has the first steps.";
  return text;
}

Error no_help(const std::string& topic) {
  std::vector<std::string> names;
  for (const CommandName& command : all_commands()) names.push_back(command.name);
  const std::string near = nearest(topic, names);
  return {Errc::not_found, fmt::format("no help on '{}'{}", topic,
                                       near.empty() ? "" : ", did you mean '" + near + "'")};
}

/// The parser knows the topic: it is a word of the command line.
Result<ExitCode> run(const Options& options, Context& context, const CLI::App& app) {
  if (options.topic.empty()) {
    context.allow_pager();
    context.out.line(list_of_commands(app));
    return ExitCode::ok;
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() != options.topic) continue;
    if (context.out.to_terminal() && !context.options.no_pager) open_page("bmsg-" + options.topic);
    context.out.raw(command->help());
    return ExitCode::ok;
  }
  const auto page = page_of_topic(options.topic);
  if (!page) return no_help(options.topic);
  open_page(*page);
  return Error{Errc::not_found, fmt::format("the page {} is not installed", *page),
               "'man man/PAGE.7' shows one from the sources"};
}

}  // namespace

void add_help(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command command = add_command(
      app, context, "help", "Print help on a command", options,
      [app](const Options& given, Context& within) { return run(given, within, app.app()); });
  command.add_option("topic", options->topic, "A command, or tutorial, security, exit-codes ...")
      .type_name("COMMAND");
}

}  // namespace bmsg::cli
