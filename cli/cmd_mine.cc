// bmsg mine: proof of work for what is queued.

#include <fmt/format.h>
#include <sched.h>

#include <cmath>

#include "cli/command.h"
#include "cli/deliver.h"
#include "cli/hooks.h"
#include "cli/keyring_file.h"
#include "cli/mining.h"
#include "cli/outbox_desk.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/search.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::uint64_t count = 1;
  std::string bury;
  std::string timeout;
  std::uint64_t threads = 0;
  bool if_work = false;
  bool allow_empty = false;
  bool loop = false;
  bool idle = false;
  bool no_relay = false;
  bool require_relay = false;
  bool dry_run = false;
};

constexpr double kNinetyFive = 3.0;  // −ln 0.05: 95 % of searches end within so many means.

void show_progress(Progress& shown, const node::MiningProgress& progress,
                   const node::BlockTemplate& work) {
  const auto status = mining_status(progress);
  shown.update(
      fmt::format("mining #{} · {} messages · {:.1f} MH/s · {} · mean {}, 95 % within {}",
                  work.block.header.height.value, work.block.header.count, status.rate / 1e6,
                  to_span(progress.seconds), to_span(*status.expected), to_span(*status.p95)),
      status);
}

Result<MineOne> wish_of(const Options& options, Context& context, const StoreDir& store,
                        Progress& shown) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto threads, settings.number("mine.threads"));
  BMSG_TRY_ASSIGN(const auto limit, options.timeout.empty() ? settings.seconds("mine.timeout")
                                                            : parse_duration(options.timeout));
  MineOne wish{.threads = threads_for(options.threads == 0 ? threads : options.threads),
               .allow_empty = options.allow_empty,
               .deadline = {},
               .on_progress = {}};
  BMSG_TRY_ASSIGN(const auto bury, settings.number("mine.bury"));
  wish.bury = static_cast<std::uint32_t>(bury);
  if (!options.bury.empty()) {
    BMSG_TRY_ASSIGN(const auto given, parse_duration(options.bury));  // A plain number.
    wish.bury = static_cast<std::uint32_t>(std::min<std::uint64_t>(given, UINT32_MAX));
  }
  if (limit > 0) wish.deadline = context.clock.steady() + std::chrono::seconds(limit);
  wish.on_progress = [&shown](const auto& progress, const auto& work) {
    show_progress(shown, progress, work);
  };
  return wish;
}

/// A second's measurement, and what the next block would cost.
Result<ExitCode> run_dry(Context& context, const StoreDir& store, const MineOne& wish) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY(check_is_mined(rules));
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  BMSG_TRY_ASSIGN(const auto work, session->service().block_template({.bury = wish.bury}));
  const crypto::Search search(Bytes(kHeaderBytes - kNonceBytes), 0);
  constexpr std::uint64_t kPiece = 1 << 20;
  const auto began = context.clock.steady();
  std::uint64_t tried = 0;
  double seconds = 0;
  while (seconds < 1) {
    (void)search.find(tried, kPiece);  // Only its time counts.
    tried += kPiece;
    seconds = std::chrono::duration<double>(context.clock.steady() - began).count();
  }
  const double rate = wish.threads * static_cast<double>(tried) / seconds;
  const auto target = chain::target_of(work.block.header.bits);
  const double mean = target ? std::stod(chain::to_decimal(chain::work_of(*target))) / rate : 0;
  if (context.options.json) {
    context.out.line(api::status_json({.phase = "mine",
                                       .finished = tried,
                                       .total = std::nullopt,
                                       .rate = rate,
                                       .elapsed = seconds,
                                       .expected = mean,
                                       .p95 = kNinetyFive * mean}));
    return ExitCode::ok;
  }
  context.out.line(fmt::format("{} messages wait; {:.1f} MH/s; mean {}, 95 % within {}",
                               work.block.header.count, rate / 1e6, to_span(mean),
                               to_span(kNinetyFive * mean)));
  return ExitCode::ok;
}

void print(Context& context, const Mined& mined) {
  context.out.line(context.options.json ? mined_json(mined) : to_hex(mined.hash.view()));
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY(refuse_light(store, "to make blocks of"));
  std::optional<Progress> progress(std::in_place, context);
  BMSG_TRY_ASSIGN(const auto wish, wish_of(options, context, store, *progress));
  if (options.dry_run) return run_dry(context, store, wish);
  tidy_outbox(context, store);
  const sched_param lowest{};
  if (options.idle) (void)::sched_setscheduler(0, SCHED_IDLE, &lowest);  // Politeness only.
  const auto began = context.clock.steady();
  ExitCode outcome = ExitCode::ok;
  std::uint64_t blocks = 0;
  api::SummaryView summary{.command = "mine", .numbers = {}, .texts = {}};
  double hashes = 0;
  double messages = 0;
  while (options.loop || blocks < options.count) {
    BMSG_TRY_ASSIGN(const auto mined, mine_one(context, store, wish, std::stop_token()));
    hashes += static_cast<double>(mined.hashes);
    if (mined.end == Mined::End::out_of_time) outcome = ExitCode::try_again;
    if (mined.end == Mined::End::no_work && options.loop) {
      wait_for_work(context, store);
      continue;
    }
    if (mined.end != Mined::End::block) break;
    ++blocks;
    messages += mined.block->header.count;
    print(context, mined);
    BMSG_TRY(context.out.flush());
    tell_hook(context, store, Hook::post_mine, mined_json(mined));
    if (!options.no_relay) {
      std::size_t relayed = 0;
      if (mined.has_peers) {
        BMSG_TRY_ASSIGN(relayed, relay(context, store));
      }
      if (options.require_relay && relayed == 0)
        return Error{Errc::unreachable, "no peer took the block"};
    }
  }
  progress.reset();
  summary.ok = outcome == ExitCode::ok;
  summary.elapsed = std::chrono::duration<double>(context.clock.steady() - began).count();
  summary.numbers = {{"blocks", static_cast<double>(blocks)},
                     {"hashes", hashes},
                     {"rate", summary.elapsed > 0 ? hashes / summary.elapsed : 0},
                     {"messages", messages}};
  if (context.options.json) context.out.line(api::summary_json(summary));
  if (outcome == ExitCode::try_again)
    return Error{Errc::try_again, "no block was found in the time given; nothing is lost"};
  return outcome;
}

}  // namespace

void add_mine(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command mine =
      add_command(app, context, "mine", "Put queued messages into a block", options, run);
  mine.add_option("-n", options->count, "How many blocks (1)").type_name("COUNT");
  mine.add_option("--bury", options->bury, "Blocks to put on top of a message (6)").type_name("N");
  mine.add_option("--timeout", options->timeout, "Give up after this long").type_name("DUR");
  mine.add_option("--threads", options->threads, "Threads that search (all)").type_name("N");
  mine.add_flag("--if-work", options->if_work, "Only if there is work; this is the default");
  mine.add_flag("--allow-empty", options->allow_empty, "Mine even if nothing waits");
  mine.add_flag("--loop", options->loop, "Go on until interrupted");
  mine.add_flag("--idle", options->idle, "Use only time that nobody else wants");
  mine.add_flag("--no-relay", options->no_relay, "Do not tell the peers");
  mine.add_flag("--require-relay", options->require_relay, "Fail if no peer took the block");
  add_progress_option(mine, context);
  mine.add_flag("--dry-run", options->dry_run, "Measure and estimate only");
}

}  // namespace bmsg::cli
