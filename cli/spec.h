// What the parser knows of commands, options and arguments.

#pragma once

#include <vector>

#include "cli/parser.h"
#include "lib/api/spec_json.h"

namespace bmsg::cli {

/// One option or argument as the parser has it.
api::ParameterView parameter_view(const CLI::Option& option);

/// The program, then its commands and their verbs, each before what is below it.
std::vector<api::CommandView> command_views(const CLI::App& app);

/// The commands that may follow `app`, in the order of help.
std::vector<const CLI::App*> commands_of(const CLI::App& app);

/// Options of `app` itself, without hidden ones, or the arguments that stand by place.
enum class Parameters { options, arguments };
std::vector<const CLI::Option*> parameters_of(const CLI::App& app, Parameters which);

}  // namespace bmsg::cli
