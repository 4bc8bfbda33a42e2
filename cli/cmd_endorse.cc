// bmsg endorse: sync, propose, sign. Once, as from cron, or again and again.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>
#include <thread>

#include "cli/block_view.h"
#include "cli/command.h"
#include "cli/endorser_key.h"
#include "cli/exchanges.h"
#include "cli/peering.h"
#include "cli/session.h"
#include "cli/short_service.h"
#include "lib/api/json_objects.h"
#include "lib/core/file_lock.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/node/endorser.h"

namespace bmsg::cli {
namespace {

struct Options {
  bool watch = false;
  std::string timeout;
  bool dry_run = false;
};

constexpr std::size_t kJobs = 4;
constexpr std::chrono::seconds kLookMost{10};  // Between two looks of --watch.

/// All that an endorsing command has at hand.
struct Desk {
  Context& context;
  const StoreDir& store;
  chain::ChainRules chain;
  crypto::SecretBytes seed;
  ShortService service;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  bool reached_nobody = false;  // There are peers, and none answered the last time.

  bool is_late() const { return deadline && context.clock.steady() >= *deadline; }
};

/// Who does not answer is told; an endorser works with what it has.
Result<Done> sync(Desk& desk) {
  BMSG_TRY_ASSIGN(const auto peers, peers_to_call(desk.context, desk.store));
  if (peers.empty()) return done;
  const node::SyncOptions options{.deadline = desk.deadline};
  const auto exchanges =
      exchange_with_all(desk.service, desk.context, desk.store, peers, options, kJobs);
  desk.reached_nobody = true;
  for (const Exchange& one : exchanges) {
    BMSG_TRY(keep(desk.service, one));
    if (one.report) {
      desk.reached_nobody = false;
    } else {
      desk.context.out.note(fmt::format("{}: {}", one.peer.url, one.report.error().message));
    }
  }
  return desk.service.release();
}

Result<Done> print(Desk& desk, const node::EndorsedBlock& made) {
  Context& context = desk.context;
  if (!context.options.json) {
    context.out.line(to_hex(made.hash.view()));
    return context.out.flush();
  }
  BMSG_TRY_ASSIGN(auto block, desk.service.proposal(made.hash));
  if (!block) {
    BMSG_TRY_ASSIGN(block, desk.service.block(made.hash, Bodies::without));
  }
  if (!block) return Error{Errc::try_again, "the chain changed while it was read"};
  api::BlockView view;
  view.hash = made.hash;
  view.header = block->header;
  view.messages = block->header.count;
  for (const Message& message : block->messages) view.size += message.head.encoded_bytes();
  view.seals = block->seal.size();
  view.branch = made.sealed ? "main" : "proposal";
  context.out.line(api::block_json(view));
  return context.out.flush();
}

/// What a dry run finds is all that it is for, whoever reads it.
void tell_dry(const Context& context, std::string_view text) {
  if (context.out.noise() != Noise::quiet) context.out.tell(fmt::format("bmsg: {}\n", text));
}

/// One go: what has come, what is to be signed, and where it goes.
Result<std::size_t> work(Desk& desk, node::EndorserLog& log, bool dry) {
  BMSG_TRY(sync(desk));
  BMSG_TRY(desk.service.take_outbox());
  const node::EndorserParts parts{.service = desk.service,
                                  .chain = desk.chain,
                                  .clock = desk.context.clock,
                                  .seed = desk.seed,
                                  .key = endorser_key_of(desk.seed),
                                  .log = log};
  BMSG_TRY_ASSIGN(const auto report, node::endorse(parts, dry));
  if (report.log_was_old)
    desk.context.out.warn(
        "the store is an older copy: this key has signed what its log does not know; until the "
        "present turn is over nothing is signed");
  for (const node::EndorsedBlock& one : report.blocks) {
    if (dry) {
      tell_dry(desk.context, fmt::format("would {} block {}", one.proposed ? "propose" : "sign",
                                         one.height.value));
      continue;
    }
    const char* what = one.sealed ? "sealed" : one.proposed ? "proposed" : "signed";
    desk.context.out.note(fmt::format("{} block {}", what, one.height.value));
    BMSG_TRY(print(desk, one));
  }
  if (!report.waits_for.empty()) {
    dry ? tell_dry(desk.context, report.waits_for) : desk.context.out.note(report.waits_for);
  }
  BMSG_TRY(desk.service.release());
  if (dry || report.blocks.empty()) return report.blocks.size();
  BMSG_TRY(sync(desk));
  const auto is_sealed = [](const node::EndorsedBlock& one) { return one.sealed; };
  if (std::ranges::any_of(report.blocks, is_sealed)) {
    BMSG_TRY_ASSIGN(const auto session, open_node(desk.context, desk.store));
    BMSG_TRY(session->collect_cards());
  }
  return report.blocks.size();
}

/// Somebody else is at work in the store, or on the disk: nothing that a later look does not find.
bool is_busy(const Error& error) {
  return error.code == Errc::locked || error.code == Errc::try_again;
}

/// Who is waited for must find the store free.
Result<Done> wait_for_others(Desk& desk, const Error& error) {
  desk.context.out.note(fmt::format("{}; the next look tries again", error.message));
  const auto released = desk.service.release();
  return released || is_busy(released.error()) ? Result<Done>(done) : released;
}

Result<crypto::SecretBytes> seed_of(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(auto seed, read_endorser_seed(context, store));
  if (seed) return std::move(*seed);
  return Error{Errc::denied, "this store has no endorser key",
               "'bmsg endorsers key --new' makes one"};
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY(refuse_light(store, "to make blocks of"));
  BMSG_TRY_ASSIGN(auto rules, read_rules(context, store));
  if (rules.rules.mode == chain::Mode::pow)
    return Error{Errc::bad_usage, "blocks of this chain are mined, not endorsed: use bmsg mine"};
  BMSG_TRY_ASSIGN(auto seed, seed_of(context, store));
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY(context.disk.make_directory(store.run()));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.endorser_lock(), "endorse", patience, context.clock));
  BMSG_TRY_ASSIGN(auto log, node::EndorserLog::open(context.disk, store.endorser_log(),
                                                    endorser_key_of(seed), context.clock.now()));
  if (log.is_new())
    context.out.note("nothing is known of what this key signed before: the present turn is left");
  Desk desk{context, store, std::move(rules), std::move(seed), ShortService(context, store), {}};
  BMSG_TRY_ASSIGN(const auto limit, options.timeout.empty() ? Result<std::uint64_t>(0)
                                                            : parse_duration(options.timeout));
  if (limit > 0) desk.deadline = context.clock.steady() + std::chrono::seconds(limit);
  const std::chrono::seconds pause = std::clamp(
      std::chrono::seconds(desk.chain.rules.interval / 10), std::chrono::seconds(1), kLookMost);
  for (;;) {
    const auto worked = work(desk, log, options.dry_run);
    const bool is_last = !options.watch || options.dry_run || desk.is_late();
    if (!worked && (is_last || !is_busy(worked.error()))) return worked.error();
    if (!worked) BMSG_TRY(wait_for_others(desk, worked.error()));
    if (is_last) break;
    std::this_thread::sleep_for(pause);
  }
  if (desk.reached_nobody)
    return Error{Errc::unreachable, "no peer was reached: the others do not know of it yet",
                 "'bmsg sync' tells them"};
  return ExitCode::ok;
}

}  // namespace

void add_endorse(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command endorse = add_command(app, context, "endorse",
                                "Propose and sign blocks of a private chain", options, run);
  endorse.add_flag("--watch", options->watch, "Go on until interrupted");
  endorse.add_option("--timeout", options->timeout, "End after this long").type_name("DUR");
  endorse.add_flag("--dry-run", options->dry_run, "Say what is to be done, and do nothing");
}

}  // namespace bmsg::cli
