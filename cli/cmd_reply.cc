// bmsg reply: answer a message.

#include "cli/send_options.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::shared_ptr<SendOptions> send = std::make_shared<SendOptions>();
  std::string ref = "@";
  bool all = false;
};

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  SendOptions send = *options.send;
  if (send.no_sign) return Error{Errc::bad_usage, "an answer is signed: --no-sign is for send"};
  send.reply_to = options.ref;
  send.reply = options.all ? Reply::all : Reply::sender;
  return send_one(send, store, context);
}

}  // namespace

void add_reply(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command reply = add_command(app, context, "reply", "Answer a message", options, run);
  reply.add_option("ref", options->ref, "Which; @ is the newest").type_name("REF");
  reply.add_flag("--all", options->all, "Everybody who has written in the conversation");
  add_send_options(reply, options->send);
}

}  // namespace bmsg::cli
