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
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_group().empty()) continue;
    text += fmt::format("  {:<14} {}\n", command->get_name(), command->get_description());
  }
  text += "\n'bmsg COMMAND --help' says more; the first steps are in README.md and bmsg(1).";
  return text;
}

Result<ExitCode> run(const Options& options, Context& context, const CLI::App& app) {
  if (options.topic.empty()) {
    context.allow_pager();
    context.out.line(list_of_commands(app));
    return ExitCode::ok;
  }
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
    if (command->get_name() != options.topic) continue;
    open_page("bmsg-" + options.topic);
    context.out.raw(command->help());
    return ExitCode::ok;
  }
  const std::string near = nearest(options.topic, names);
  return Error{Errc::not_found, fmt::format("no help on '{}'{}", options.topic,
                                            near.empty() ? "" : ", did you mean '" + near + "'")};
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
