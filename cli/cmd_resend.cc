// bmsg resend: seal what was sent again, to the newest cards.

#include "cli/send_options.h"
#include "cli/session.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string ref;
};

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto sender, Sender::open(context, store, {}));
  if (sender.keyring() == nullptr)
    return Error{Errc::denied, "what was sent is read with a key: send.sign is false here"};
  BMSG_TRY_ASSIGN(const auto queued, sender.resend(options.ref, std::stop_token()));
  print_queued(context, queued);
  BMSG_TRY(context.out.flush());
  poke_node(store);
  return ExitCode::ok;
}

}  // namespace

void add_resend(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command resend =
      add_command(app, context, "resend", "Send a message of ours again", options, run);
  resend.add_option("ref", options->ref, "Which").required().type_name("REF");
}

}  // namespace bmsg::cli
