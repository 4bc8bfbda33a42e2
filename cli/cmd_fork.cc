// bmsg fork: better branches that were kept and not followed.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/command.h"
#include "cli/hooks.h"
#include "cli/prompt.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/node/forks.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kPrefixDigitsMin = 8;

struct Options {
  std::string branch;
  bool yes = false;
};

Result<Done> add_ids(const node::ChainReader& chain, const BlockHash& hash,
                     std::set<MessageId>& ids) {
  BMSG_TRY_ASSIGN(const auto block, chain.block(hash, Bodies::without));
  if (!block) return Error{Errc::try_again, "the branches changed meanwhile; ask again"};
  const auto listed = chain::ids_of(*block);
  ids.insert(listed.begin(), listed.end());
  return done;
}

/// Messages of ours above the fork that the branch does not have.
Result<std::uint64_t> count_returns(const node::ChainReader& chain, const node::Fork& fork) {
  std::set<MessageId> theirs;
  for (BlockHash at = fork.tip.hash;;) {
    BMSG_TRY_ASSIGN(const auto header, chain.header(at));
    if (!header || header->branch == node::Branch::main) break;
    BMSG_TRY(add_ids(chain, at, theirs));
    at = header->sealed.header.previous;
  }
  std::set<MessageId> ours;
  for (std::uint32_t height = fork.base.value + 1; height <= fork.base.value + fork.depth;
       ++height) {
    BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(Height{height}));
    if (hash) BMSG_TRY(add_ids(chain, *hash, ours));
  }
  const auto is_theirs = [&](const MessageId& id) { return theirs.contains(id); };
  return ours.size() - static_cast<std::size_t>(std::ranges::count_if(ours, is_theirs));
}

Result<api::ForkView> view_of(const node::ChainReader& chain, const node::Fork& fork) {
  api::ForkView view{.tip = fork.tip.hash,
                     .height = fork.tip.sealed.header.height,
                     .base = fork.base,
                     .depth = fork.depth,
                     .returns = 0,
                     .time = fork.tip.sealed.header.time,
                     .total_work = fork.tip.total_work};
  BMSG_TRY_ASSIGN(view.returns, count_returns(chain, fork));
  return view;
}

std::string text_of(const api::ForkView& view) {
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}", to_hex(view.tip.view()), view.height.value,
                     view.depth, view.height.value - view.base.value, view.returns,
                     chain::to_decimal(view.total_work), to_rfc3339(view.time));
}

/// For a person, in words.
std::string sentence_of(const api::ForkView& view) {
  return fmt::format(
      "{}: {} blocks from height {} on, the last of {}; it would replace {} blocks and send {} "
      "messages back to the pool",
      block_name(view.height, view.tip), view.height.value - view.base.value, view.base.value + 1,
      to_rfc3339(view.time), view.depth, view.returns);
}

Result<ExitCode> run_list(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto forks, node::find_forks(*chain));
  for (const node::Fork& fork : forks) {
    BMSG_TRY_ASSIGN(const auto view, view_of(*chain, fork));
    if (context.options.json) {
      context.out.line(api::fork_json(view));
    } else {
      context.out.line(context.out.to_terminal() ? sentence_of(view) : text_of(view));
    }
  }
  return forks.empty() ? ExitCode::no : ExitCode::ok;
}

/// The one whose tip begins so; HEIGHT:LAST8, as a person is shown it, is as good.
Result<node::Fork> named_fork(const std::vector<node::Fork>& forks, const std::string& name) {
  const auto fits = [&](const node::Fork& fork) {
    const std::string hash = to_hex(fork.tip.hash.view());
    const bool begins = name.size() >= kPrefixDigitsMin && hash.starts_with(name);
    return begins || name == block_name(fork.tip.sealed.header.height, fork.tip.hash);
  };
  const auto count = std::ranges::count_if(forks, fits);
  if (count == 1) return *std::ranges::find_if(forks, fits);
  if (count > 1)
    return Error{Errc::bad_usage,
                 fmt::format("'{}' begins {} branches; give more of it", shown_line(name), count)};
  return Error{Errc::not_found, fmt::format("no better branch '{}' is kept", shown_line(name)),
               "'bmsg fork list' lists them"};
}

Result<ExitCode> run_accept(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto forks, node::find_forks(*chain));
  BMSG_TRY_ASSIGN(const auto fork, named_fork(forks, options.branch));
  BMSG_TRY_ASSIGN(const auto view, view_of(*chain, fork));
  if (!options.yes) {
    BMSG_TRY(confirm_by_typing(context, sentence_of(view),
                               to_hex(fork.tip.hash.view()).substr(0, kPrefixDigitsMin)));
  }
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  BMSG_TRY_ASSIGN(const auto reorg, session->service().follow(fork.tip.hash));
  BMSG_TRY(session->collect_cards());
  const std::string told = api::reorg_json({reorg.from, reorg.to, reorg.depth, reorg.returned});
  if (context.options.json) {
    context.out.line(told);
  } else {
    context.out.line(to_hex(reorg.to.view()));
    context.out.note(fmt::format("{} blocks were replaced, {} messages returned to the pool",
                                 reorg.depth, reorg.returned.size()));
  }
  BMSG_TRY(context.out.flush());
  tell_hook(context, store, Hook::post_reorg, told);
  return ExitCode::ok;
}

}  // namespace

void add_fork(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command fork = app.add_verb("fork", "Better branches that were kept and not followed");
  fork.require_verb();
  add_command(fork, context, "list", "List them, best first", options, run_list);
  Command accept = add_command(fork, context, "accept", "Follow one of them", options, run_accept);
  accept.add_option("branch", options->branch, "Which, by the hash of its last block")
      .required()
      .type_name("HASH");
  accept.add_flag("--yes", options->yes, "Do not ask");
}

}  // namespace bmsg::cli
