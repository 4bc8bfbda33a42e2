// Plumbing: make-block and pow, the first two steps of mine over standard input and output.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/plumbing.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/settings.h"
#include "cli/times.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"
#include "lib/node/miner.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string file = "-";
  std::uint64_t threads = 0;
  std::string timeout;
};

Result<ExitCode> run_make_block(const Options&, Context& context) {
  BMSG_TRY(check_no_terminal(context));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  if (rules.rules.mode == chain::Mode::endorse)
    return Error{Errc::bad_usage, "blocks of this chain are endorsed, not mined: use bmsg endorse"};
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  BMSG_TRY(session->service().take_outbox());
  BMSG_TRY(session->collect_cards());
  BMSG_TRY_ASSIGN(const auto work, session->service().block_template({}));
  BMSG_TRY(print_bytes(context, encode(work.block)));
  return ExitCode::ok;
}

Result<ExitCode> run_pow(const Options& options, Context& context) {
  BMSG_TRY(check_no_terminal(context));
  BMSG_TRY_ASSIGN(const auto bytes, read_object(context, options.file));
  BMSG_TRY_ASSIGN(auto block, decode_block(bytes));
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (!options.timeout.empty()) {
    BMSG_TRY_ASSIGN(const auto limit, parse_duration(options.timeout));
    deadline = context.clock.steady() + std::chrono::seconds(limit);
  }
  std::optional<Progress> shown(std::in_place, context);
  const node::MiningWish wish{
      .threads = threads_for(options.threads), .on_progress = [&](const auto& progress) {
        const double rate =
            progress.seconds > 0 ? static_cast<double>(progress.hashes) / progress.seconds : 0;
        shown->update(fmt::format("{} hashes in {}, {:.0f} on average", progress.hashes,
                                  to_span(progress.seconds), progress.expected_hashes),
                      {.phase = "pow",
                       .finished = progress.hashes,
                       .total = std::nullopt,
                       .rate = rate,
                       .expected = std::nullopt,
                       .p95 = std::nullopt});
        return !deadline || context.clock.steady() < *deadline;
      }};
  BMSG_TRY_ASSIGN(const auto found, node::find_nonce(std::move(block), context.clock,
                                                     context.entropy, wish, std::stop_token()));
  shown.reset();
  if (!found) return Error{Errc::try_again, "no nonce was found in the time given"};
  BMSG_TRY(print_bytes(context, encode(*found)));
  return ExitCode::ok;
}

}  // namespace

void add_make_block(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  add_command(app, context, "make-block", "Print a block without its work", options,
              run_make_block);
  Command pow = add_command(app, context, "pow", "Find the nonce of a block", options, run_pow);
  pow.add_option("file", options->file, "A block; else standard input").type_name("FILE");
  pow.add_option("--threads", options->threads, "Threads that search (all)").type_name("N");
  pow.add_option("--timeout", options->timeout, "Give up after this long").type_name("DUR");
}

}  // namespace bmsg::cli
