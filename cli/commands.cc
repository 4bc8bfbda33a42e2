#include <algorithm>
#include <string_view>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "lib/core/check.h"

namespace bmsg::cli {
namespace {

/// One function of the list in command.h and the commands that it adds.
struct Entry {
  void (*add)(Command app, Context& context);
  std::vector<CommandName> commands;
};

/// In the order in which help shows them.
const std::vector<Entry>& entries() {
  static const std::vector<Entry> table = {
      {add_init, {{"init", "Make a store, of a new chain or an existing one"}}},
      {add_clone, {{"clone", "Make a store of a chain that exists"}}},
      {add_invite, {{"invite", "Print a URI that others clone from"}}},
      {add_id, {{"id", "Show and make identities"}}},
      {add_pair, {{"pair", "Be the same person on a second machine"}}},
      {add_contact, {{"contact", "Name addresses and say how far you trust them"}}},
      {add_room, {{"room", "Share a key with several people"}}},
      {add_send, {{"send", "Seal a message and queue it"}}},
      {add_outbox, {{"outbox", "Show what waits, and why"}}},
      {add_reply, {{"reply", "Answer a message"}}},
      {add_resend, {{"resend", "Send a message of ours again"}}},
      {add_mine, {{"mine", "Put queued messages into a block"}}},
      {add_endorse, {{"endorse", "Propose and sign blocks of a private chain"}}},
      {add_endorsers, {{"endorsers", "Show who endorses, who is late, who signed twice"}}},
      {add_charter, {{"charter", "Change the rules of a private chain"}}},
      {add_inbox, {{"inbox", "List messages, newest first"}}},
      {add_read, {{"read", "Show messages"}}},
      {add_search, {{"search", "Find words in own messages"}}},
      {add_mark, {{"mark", "Change flags of messages"}}},
      {add_watch, {{"watch", "Give out messages and blocks as they come"}}},
      {add_policy, {{"policy", "Say whose signatures messages need here"}}},
      {add_approve, {{"approve", "Sign what a message says"}}},
      {add_export, {{"export", "Write own messages for other programs"}}},
      {add_import, {{"import", "Queue messages from a file"}}},
      {add_forget, {{"forget", "Drop messages here and keep the proof"}}},
      {add_sync, {{"sync", "Exchange blocks and messages with peers"}}},
      {add_peers, {{"peers", "List and change the nodes you know"}}},
      {add_fork, {{"fork", "Better branches that were kept and not followed"}}},
      {add_bundle, {{"bundle", "Sync by file, where there is no network"}}},
      {add_mirror, {{"mirror", "Write the chain as files for a web server"}}},
      {add_serve, {{"serve", "Answer peers and local commands"}}},
      {add_web, {{"web", "Show the mail as a page in a browser"}}},
      {add_status, {{"status", "Say how the store is doing"}}},
      {add_log, {{"log", "List blocks, newest first"}}},
      {add_show, {{"show", "Print one block, message, peer, contact or identity"}}},
      {add_verify, {{"verify", "Check the stored chain again"}}},
      {add_receipt, {{"receipt", "Prove that a message stood in a block, by a file"}}},
      {add_checkpoint, {{"checkpoint", "Sign what the chain looks like, or pin it"}}},
      {add_cosign, {{"cosign", "Sign somebody's checkpoint too"}}},
      {add_config, {{"config", "Read and change settings"}}},
      {add_backup, {{"backup", "Write the store into an archive"}}},
      {add_restore, {{"restore", "Make a store from an archive"}}},
      {add_repair, {{"repair", "Make a damaged store sound again"}}},
      {add_unlock,
       {{"unlock", "Keep the keys open for a while"},
        {"lock", "Forget the keys that unlock keeps"},
        {"passwd", "Change the passphrase"}}},
      {add_hooks, {{"hooks", "Programs of yours that are called"}}},
      {add_schedule, {{"schedule", "Print or install regular work"}}},
      {add_doctor, {{"doctor", "Check machine and store"}}},
      {add_plumbing,
       {{"rev-parse", "Print full ids"},
        {"hash", "Print the id of bytes without storing them"},
        {"submit-block", "Hand a block to the node"}}},
      {add_cat, {{"cat", "Print the bytes of an object"}}},
      {add_seal, {{"seal", "Encrypt standard input"}, {"open", "Decrypt what seal wrote"}}},
      {add_make_block,
       {{"make-block", "Print a block without its work"}, {"pow", "Find the nonce of a block"}}},
      {add_lists,
       {{"rev-list", "List hashes of blocks"},
        {"ls-messages", "List ids of a block's messages"},
        {"ls-peers", "List URLs of peers"},
        {"ls-pool", "List ids of messages that wait for a block"},
        {"count", "Count what the store holds"}}},
      {add_check_header, {{"check-header", "Check a header's own work"}}},
      {add_witness, {{"witness", "The record of the tip beside the database"}}},
      {add_completion, {{"completion", "Print the completion script of a shell"}, {"__spec", ""}}},
      {add_help, {{"help", "Print help on a command"}}},
      {add_version, {{"version", "Print the version"}}},
  };
  return table;
}

/// The commands that a parser has, without the first `skipped`.
std::vector<CommandName> commands_in(const CLI::App& app, std::size_t skipped) {
  std::vector<CommandName> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (skipped > 0) {
      --skipped;
      continue;
    }
    commands.push_back({command->get_name(),
                        command->get_group().empty() ? std::string() : command->get_description()});
  }
  return commands;
}

}  // namespace

std::vector<CommandName> all_commands() {
  std::vector<CommandName> commands;
  for (const Entry& entry : entries())
    commands.insert(commands.end(), entry.commands.begin(), entry.commands.end());
  return commands;
}

void add_commands(Command app, Context& context) {
  std::size_t before = 0;
  for (const Entry& entry : entries()) {
    entry.add(app, context);
    check(commands_in(app.app(), before) == entry.commands,
          "the table of commands says what each of them says of itself");
    before += entry.commands.size();
  }
}

bool add_named_commands(Command app, Context& context, const std::vector<std::string>& words) {
  bool found = false;
  for (const Entry& entry : entries()) {
    const bool named = std::ranges::any_of(entry.commands, [&words](const CommandName& command) {
      return std::ranges::find(words, command.name) != words.end();
    });
    if (named && entry.add == add_completion) return false;  // It tells of every option.
    if (named) entry.add(app, context);
    found = found || named;
  }
  return found;
}

void on_call(Command command, Context& context, const char* name,
             std::function<Result<ExitCode>()> run) {
  command.on_call([&context, name, run = std::move(run)] {
    if (context.command.empty()) context.command = name;
    context.outcome = run();
  });
}

}  // namespace bmsg::cli
