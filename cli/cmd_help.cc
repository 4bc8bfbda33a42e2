// bmsg help: the list of commands, or the manual page of one.

#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/report.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string topic;
};

/// Replaces this process by man(1); comes back only if that is impossible.
void open_page(const std::string& page) {
  if (::isatty(STDOUT_FILENO) != 1) return;
  ::execlp("man", "man", page.c_str(), nullptr);
}

std::string list_of_commands(const CLI::App& app) {
  std::string text = app.get_description() + "\n\nusage: bmsg [OPTIONS] COMMAND [ARGUMENTS]\n\n";
  for (const CommandName& command : all_commands()) {
    if (command.summary.empty()) continue;
    text += fmt::format("  {:<14} {}\n", command.name, command.summary);
  }
  text += "\n'bmsg COMMAND --help' says more; the first steps are in README.md and bmsg(1).";
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
    open_page("bmsg-" + options.topic);
    context.out.raw(command->help());
    return ExitCode::ok;
  }
  return no_help(options.topic);
}

}  // namespace

void add_help(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      app, context, "help", "Print help on a command", options,
      [&app](const Options& given, Context& within) { return run(given, within, app); });
  command->add_option("topic", options->topic, "A command")->type_name("COMMAND");
}

}  // namespace bmsg::cli
