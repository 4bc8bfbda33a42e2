// bmsg log: the history of the chain, newest first.

#include <fmt/format.h>

#include <algorithm>

#include "cli/block_view.h"
#include "cli/command.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/times.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::size_t count = 0;  // 0: no limit.
  std::string range;
  bool oneline = false;
  bool all = false;
  bool messages = false;
  bool reverse = false;
  std::string since;
};

constexpr std::uint32_t kBatch = 1024;

struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

/// "A..B" is after A up to B, as in git.
Result<Range> range_of(const Options& options, const node::ChainReader& chain) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  Range range{0, tip.height.value};
  if (options.range.empty()) return range;
  const auto dots = options.range.find("..");
  const std::string from = options.range.substr(0, dots);
  const std::string to = dots == std::string::npos ? from : options.range.substr(dots + 2);
  if (dots == std::string::npos)
    return Error{Errc::bad_usage, fmt::format("'{}' is no range A..B", options.range)};
  if (!from.empty()) {
    BMSG_TRY_ASSIGN(const auto block, find_block(chain, from));
    range.first = block.sealed.header.height.value + 1;
  }
  if (!to.empty()) {
    BMSG_TRY_ASSIGN(const auto block, find_block(chain, to));
    range.last = block.sealed.header.height.value;
  }
  return range;
}

Result<Done> print(const Options& options, Context& context, const node::ChainReader& chain,
                   const node::StoredHeader& stored) {
  auto view = block_view(stored);
  if (options.messages) {
    BMSG_TRY_ASSIGN(view.ids, ids_of_block(chain, stored.hash));
  }
  if (context.options.json) {
    context.out.line(api::block_json(view));
  } else if (options.oneline) {
    context.out.line(block_line(stored));
  } else {
    context.out.raw(block_text(view));
  }
  return done;
}

/// Blocks of other branches, by height downwards.
Result<Done> print_sides(const Options& options, Context& context, const node::ChainReader& chain) {
  BMSG_TRY_ASSIGN(const auto tips, chain.tips());
  for (const node::StoredHeader& tip : tips) {
    for (auto at = tip; at.branch == node::Branch::side;) {
      BMSG_TRY(print(options, context, chain, at));
      BMSG_TRY_ASSIGN(const auto parent, chain.header(at.sealed.header.previous));
      if (!parent) break;
      at = *parent;
    }
  }
  return done;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto range, range_of(options, *chain));
  UnixSeconds since;
  if (!options.since.empty()) {
    BMSG_TRY_ASSIGN(since, parse_time(options.since, context.clock.now()));
  }
  if (options.all) BMSG_TRY(print_sides(options, context, *chain));
  std::size_t left = options.count == 0 ? SIZE_MAX : options.count;
  if (range.first > range.last) return ExitCode::ok;
  std::uint32_t total = range.last - range.first + 1;
  if (left < total && options.reverse) total = static_cast<std::uint32_t>(left);
  // Batches from the end that is shown first.
  for (std::uint32_t shown = 0; shown < total && left > 0;) {
    const auto batch =
        static_cast<std::uint32_t>(std::min<std::size_t>({kBatch, total - shown, left}));
    const std::uint32_t from =
        options.reverse ? range.first + shown : range.last - shown - batch + 1;
    BMSG_TRY_ASSIGN(auto headers, chain->headers(Height{from}, batch));
    if (headers.empty()) break;
    if (!options.reverse) std::ranges::reverse(headers);
    for (const node::StoredHeader& stored : headers) {
      const bool old = stored.sealed.header.time < since;
      if (old && !options.reverse) return ExitCode::ok;
      if (!old) BMSG_TRY(print(options, context, *chain, stored));
    }
    shown += batch;
    left -= batch;
  }
  return ExitCode::ok;
}

}  // namespace

void add_log(CLI::App& app, Context& context) {
  const auto options = std::make_shared<Options>();
  CLI::App* log = add_command(app, context, "log", "List blocks, newest first", options, run);
  log->add_option("range", options->range, "After block A up to B")->type_name("A..B");
  log->add_option("-n", options->count, "At most so many")->type_name("N");
  log->add_flag("--oneline", options->oneline, "One line each");
  log->add_flag("--all", options->all, "Other branches too");
  log->add_flag("--messages", options->messages, "With the ids of their messages");
  log->add_flag("--reverse", options->reverse, "Oldest first");
  log->add_option("--since", options->since, "Not older than this")->type_name("TIME");
}

}  // namespace bmsg::cli
