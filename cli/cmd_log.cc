// bmsg log: the history of the chain, newest first.

#include <fmt/format.h>

#include <algorithm>

#include "cli/block_range.h"
#include "cli/block_view.h"
#include "cli/branch_graph.h"
#include "cli/command.h"
#include "cli/list_form.h"
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
  bool graph = false;
  bool all = false;
  bool messages = false;
  bool reverse = false;
  std::string since;
  ListForm form;
};

/// One run of the command: what is shown, and how much of it was.
class History {
 public:
  History(const Options& options, Context& context, const node::ChainReader& chain,
          ListPrinter printer)
      : options_(options),
        context_(context),
        chain_(chain),
        printer_(std::move(printer)),
        left_(options.count == 0 ? SIZE_MAX : options.count) {}

  Result<Done> show() {
    BMSG_TRY_ASSIGN(auto range, block_range(chain_, options_.range));
    if (!options_.since.empty()) {
      BMSG_TRY_ASSIGN(since_, parse_time(options_.since, context_.clock.now()));
    }
    if (options_.all) {
      BMSG_TRY_ASSIGN(branches_, side_branches(chain_));
    }
    if (options_.reverse) return show_upwards(range);
    BMSG_TRY(show_above(range));
    return visit_headers(chain_, range, Order::newest_first, [&](const auto& stored) {
      const bool old = stored.sealed.header.time < since_;
      return old ? Result<bool>(false) : show_height(stored);
    });
  }

 private:
  Result<Done> show_upwards(const BlockRange& range) {
    BMSG_TRY(visit_headers(chain_, range, Order::oldest_first, [&](const auto& stored) {
      const bool old = stored.sealed.header.time < since_;
      return old ? Result<bool>(true) : show_height(stored);
    }));
    return show_above(range);
  }

  /// Blocks of other branches that are higher than the best chain, where that is shown to its end.
  Result<Done> show_above(const BlockRange& range) {
    BMSG_TRY_ASSIGN(const auto tip, chain_.tip());
    if (range.last != tip.height.value) return done;
    std::uint32_t top = range.last;
    for (const SideBranch& branch : branches_) top = std::max(top, branch.last());
    for (std::uint32_t i = 1; i <= top - range.last; ++i) {
      BMSG_TRY(show_sides(options_.reverse ? range.last + i : top + 1 - i));
    }
    return done;
  }

  Result<bool> show_height(const node::StoredHeader& stored) {
    const std::uint32_t height = stored.sealed.header.height.value;
    BMSG_TRY(print(stored, 0));
    BMSG_TRY(show_sides(height));
    const std::string joins = options_.graph ? graph_joins(branches_, height) : std::string();
    if (!joins.empty() && left_ > 0 && !context_.options.json) context_.out.line(joins);
    return left_ > 0;
  }

  Result<Done> show_sides(std::uint32_t height) {
    for (std::size_t i = 0; i < branches_.size(); ++i) {
      const SideBranch& branch = branches_[i];
      const bool here = branch.first() <= height && height <= branch.last();
      if (here) BMSG_TRY(print(branch.blocks[branch.last() - height], i + 1));
    }
    return done;
  }

  Result<Done> print(const node::StoredHeader& stored, std::size_t column) {
    if (left_ == 0 || stored.sealed.header.time < since_) return done;
    --left_;
    auto view = block_view(stored);
    if (options_.messages) {
      BMSG_TRY_ASSIGN(view.ids, ids_of_block(chain_, stored.hash));
    }
    const bool is_text =
        !context_.options.json && !options_.form.nul && options_.form.format.empty();
    if (is_text && options_.graph) {
      print_in_graph(stored, view, column);
    } else if (is_text && !options_.oneline) {
      context_.out.raw(block_text(view));
    } else {
      printer_.print({api::block_json(view), to_hex(stored.hash.view()), block_line(stored)});
    }
    return done;
  }

  void print_in_graph(const node::StoredHeader& stored, const api::BlockView& view,
                      std::size_t column) {
    const std::uint32_t height = stored.sealed.header.height.value;
    context_.out.line(graph_mark(branches_, column, height) + block_line(stored));
    for (const MessageId& id : view.ids) context_.out.line("|   " + to_hex(id.view()));
  }

  const Options& options_;
  Context& context_;
  const node::ChainReader& chain_;
  ListPrinter printer_;
  std::size_t left_;
  UnixSeconds since_;
  std::vector<SideBranch> branches_;
};

Result<ExitCode> run(const Options& options, Context& context) {
  if (options.graph && options.reverse)
    return Error{Errc::bad_usage, "--graph is drawn from the tip downwards, without --reverse"};
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto printer,
                  ListPrinter::make(context, options.form, api::block_json(api::BlockView())));
  context.allow_pager();
  BMSG_TRY(History(options, context, *chain, printer).show());
  return ExitCode::ok;
}

}  // namespace

void add_log(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command log = add_command(app, context, "log", "List blocks, newest first", options, run);
  log.add_option("range", options->range, "After block A up to B").type_name("A..B");
  log.add_option("-n", options->count, "At most so many").type_name("N").from_one();
  log.add_flag("--oneline", options->oneline, "One line each");
  log.add_flag("--graph", options->graph, "One line each, with the branches drawn before it");
  log.add_flag("--all", options->all, "Other branches too");
  log.add_flag("--messages", options->messages, "With the ids of their messages");
  log.add_flag("--reverse", options->reverse, "Oldest first");
  add_list_options(log, options->form);
  log.add_option("--since", options->since, "Not older than this").type_name("TIME");
}

}  // namespace bmsg::cli
