// Plumbing: rev-list, ls-messages, ls-peers, ls-pool, count.

#include <fmt/format.h>

#include "cli/block_range.h"
#include "cli/block_view.h"
#include "cli/command.h"
#include "cli/plumbing.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string range;
  std::string block;
  bool nul = false;
  bool reverse = false;
};

Result<std::unique_ptr<node::ChainReader>> chain_of(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  return open_chain(context, store);
}

Result<ExitCode> run_rev_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto chain, chain_of(context));
  BMSG_TRY_ASSIGN(const auto range, block_range(*chain, options.range));
  const auto order = options.reverse ? Order::oldest_first : Order::newest_first;
  BMSG_TRY(visit_headers(*chain, range, order, [&](const auto& stored) -> Result<bool> {
    context.options.json ? context.out.line(api::block_json(block_view(stored)))
                         : print_item(context, to_hex(stored.hash.view()), options.nul);
    return true;
  }));
  return ExitCode::ok;
}

void print_message(const Options& options, Context& context, const MessageId& id,
                   const Message& message) {
  context.options.json ? context.out.line(api::object_json(object_view(id, message)))
                       : print_item(context, to_hex(id.view()), options.nul);
}

Result<ExitCode> run_ls_messages(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto chain, chain_of(context));
  BMSG_TRY_ASSIGN(const auto stored, find_block(*chain, options.block));
  BMSG_TRY_ASSIGN(const auto ids, ids_of_block(*chain, stored.hash));
  BMSG_TRY_ASSIGN(const auto block, chain->block(stored.hash, Bodies::with));
  for (std::size_t i = 0; i < ids.size(); ++i)
    print_message(options, context, ids[i], block->messages[i]);
  return ExitCode::ok;
}

Result<ExitCode> run_ls_pool(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto chain, chain_of(context));
  BMSG_TRY_ASSIGN(const auto pool, chain->pool(0));
  for (const node::PooledMessage& pooled : pool)
    print_message(options, context, pooled.id, pooled.message);
  return ExitCode::ok;
}

Result<ExitCode> run_ls_peers(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto chain, chain_of(context));
  BMSG_TRY_ASSIGN(const auto peers, chain->peers());
  for (const node::Peer& peer : peers) {
    context.options.json
        ? context.out.line(api::peer_json(peer, context.clock.now()))
        : print_item(context, options.nul ? peer.url : shown_line(peer.url), options.nul);
  }
  return ExitCode::ok;
}

Result<ExitCode> run_count(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(const auto reading, open_reading(context));
  const node::ChainReader& chain = *reading.chain;
  BMSG_TRY_ASSIGN(const auto range, block_range(chain, {}));
  std::uint64_t messages = 0;
  BMSG_TRY(visit_headers(chain, range, Order::oldest_first, [&](const auto& one) -> Result<bool> {
    messages += one.sealed.header.count;
    return true;
  }));
  BMSG_TRY_ASSIGN(const auto pool, chain.pool(0));
  BMSG_TRY_ASSIGN(const auto mine, reading.mail->count());
  BMSG_TRY_ASSIGN(const auto peers, chain.peers());
  const std::vector<std::pair<std::string, double>> numbers = {
      {"blocks", static_cast<double>(range.last) + 1},
      {"messages", static_cast<double>(messages)},
      {"pool", static_cast<double>(pool.size())},
      {"mine", static_cast<double>(mine)},
      {"peers", static_cast<double>(peers.size())}};
  if (context.options.json) {
    context.out.line(
        api::summary_json({.command = "count", .numbers = numbers, .texts = {}, .elapsed = 0}));
    return ExitCode::ok;
  }
  for (const auto& [name, number] : numbers)
    context.out.line(fmt::format("{} {:.0f}", name, number));
  return ExitCode::ok;
}

}  // namespace

void add_lists(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* says, auto run) {
    Command command = add_command(app, context, name, says, options, run);
    command.add_flag("-z", options->nul, "End each with NUL");
    return command;
  };
  Command rev_list = add("rev-list", "List hashes of blocks", run_rev_list);
  rev_list.add_option("range", options->range, "After block A up to B").type_name("A..B");
  rev_list.add_flag("--reverse", options->reverse, "Oldest first");
  Command messages = add("ls-messages", "List ids of a block's messages", run_ls_messages);
  messages.add_option("block", options->block, "Which").required().type_name("BLOCK");
  add("ls-peers", "List URLs of peers", run_ls_peers);
  add("ls-pool", "List ids of messages that wait for a block", run_ls_pool);
  add_command(app, context, "count", "Count what the store holds", options, run_count);
}

}  // namespace bmsg::cli
