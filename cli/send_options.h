// The options of send and reply, and the one way from them to queued messages.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/compose.h"
#include "lib/api/json_objects.h"

namespace bmsg::cli {

struct SendOptions {
  std::vector<std::string> texts;
  std::string file;
  std::vector<std::string> attachments;  // -a
  std::string attach_name;
  std::string subject;
  bool open = false;  // --public
  std::string topic;
  std::string reply_to;
  Reply reply = Reply::none;
  std::string expires;
  std::string key;
  std::string once;
  bool ask_ack = false;
  std::string wait;
  std::string timeout;
  bool hold = false;
  bool stale = false;
  bool no_sign = false;
  bool require_verified = false;
  bool now = false;
  bool dry_run = false;
  std::string allow_empty;  // Empty: not allowed; "yes" or "skip".
  std::string to_file;
  bool lines = false;  // --stdin
  std::vector<std::string> to;
};

/// Those that say what is sent and how, but not to whom.
void add_send_options(Command command, const std::shared_ptr<SendOptions>& options);

/// Sends one message, prints its ids and waits if it was asked to.
Result<ExitCode> send_one(const SendOptions& options, const StoreDir& store, Context& context);

/// One object for each message that was queued, or for the letter that is held.
std::vector<api::QueuedView> queued_views(const Context& context, const Queued& queued);

/// What of it holds for all messages of the command.
SendPolicy policy_of(const SendOptions& options);

/// Tells what sending it would take, and sends nothing.
Result<ExitCode> send_dry(Sender& sender, const SendRequest& request, Context& context);

/// Prints ids or `queued` objects.
void print_queued(Context& context, const Queued& queued);

}  // namespace bmsg::cli
