// bmsg version: versions of the program and of what it is built from.

#include "cli/command.h"
#include "lib/api/json_objects.h"

namespace bmsg::cli {
namespace {

struct Options {};

Result<ExitCode> run(const Options&, Context& context) {
  if (context.options.json) {
    context.out.line(api::version_json(BMSG_VERSION));
  } else {
    context.out.line("bmsg " BMSG_VERSION);
  }
  return ExitCode::ok;
}

}  // namespace

void add_version(Command app, Context& context) {
  add_command(app, context, "version", "Print the version", std::make_shared<Options>(), run);
}

}  // namespace bmsg::cli
