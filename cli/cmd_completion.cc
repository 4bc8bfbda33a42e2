// bmsg completion: the scripts by which shells complete. And __spec: what the parser knows.

#include "cli/command.h"
#include "cli/spec.h"
#include "completion_scripts.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string shell;
};

Result<ExitCode> run(const Options& options, Context& context) {
  context.out.raw(options.shell == "bash"  ? kBashScript
                  : options.shell == "zsh" ? kZshScript
                                           : kFishScript);
  return ExitCode::ok;
}

/// A line of text for each command; with --json all there is to know.
Result<ExitCode> run_spec(Context& context, const CLI::App& app) {
  for (const api::CommandView& view : command_views(app)) {
    context.out.line(context.options.json ? api::command_json(view)
                                          : (view.name.empty() ? "bmsg" : view.name));
  }
  return ExitCode::ok;
}

}  // namespace

void add_completion(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command completion = add_command(app, context, "completion",
                                   "Print the completion script of a shell", options, run);
  completion.add_option("shell", options->shell, "bash, zsh or fish")
      .required()
      .one_of({"bash", "zsh", "fish"})
      .type_name("SHELL");
  add_command(app, context, "__spec", "Print all commands and options", options,
              [app](const Options&, Context& within) { return run_spec(within, app.app()); })
      .hide();
}

}  // namespace bmsg::cli
