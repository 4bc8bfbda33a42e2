#include "cli/spec.h"

#include <CLI/CLI.hpp>

namespace bmsg::cli {
namespace {

/// The words between the braces of "WHEN:{auto,always,never}".
std::vector<std::string> choices_in(const std::string& type) {
  const auto open = type.find('{');
  const auto close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

void add_views(const CLI::App& app, const std::string& name, std::vector<api::CommandView>& views) {
  api::CommandView view{.name = name,
                        .says = app.get_description(),
                        .hidden = app.get_group().empty(),
                        .options = {},
                        .arguments = {},
                        .commands = {}};
  for (const CLI::Option* option : parameters_of(app, Parameters::options))
    view.options.push_back(parameter_view(*option));
  for (const CLI::Option* option : parameters_of(app, Parameters::arguments))
    view.arguments.push_back(parameter_view(*option));
  for (const CLI::App* command : commands_of(app)) view.commands.push_back(command->get_name());
  views.push_back(std::move(view));
  for (const CLI::App* command : commands_of(app))
    add_views(*command, name.empty() ? command->get_name() : name + " " + command->get_name(),
              views);
}

}  // namespace

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<const CLI::Option*> parameters_of(const CLI::App& app, Parameters which) {
  return app.get_options([which](const CLI::Option* option) {
    const bool is_hidden = option->get_group().empty();
    return !is_hidden && option->get_positional() == (which == Parameters::arguments);
  });
}

api::ParameterView parameter_view(const CLI::Option& option) {
  api::ParameterView view;
  if (option.get_positional()) {
    view.names = {option.get_name(true)};
  } else {
    for (const std::string& name : option.get_snames()) view.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) view.names.push_back("--" + name);
  }
  if (option.get_items_expected_max() > 0) {
    const std::string type = option.get_type_name();
    view.value = type.substr(0, type.find(":{"));
    view.choices = choices_in(type);
  }
  view.says = option.get_description();
  view.required = option.get_required();
  view.repeats = option.get_items_expected_max() > 1;
  return view;
}

std::vector<api::CommandView> command_views(const CLI::App& app) {
  std::vector<api::CommandView> views;
  add_views(app, "", views);
  return views;
}

}  // namespace bmsg::cli
