// bmsg sync: exchange blocks and messages with peers.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "cli/branch_text.h"
#include "cli/command.h"
#include "cli/compose.h"
#include "cli/exchanges.h"
#include "cli/hooks.h"
#include "cli/network_state.h"
#include "cli/outbox_desk.h"
#include "cli/peering.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/store_blobs.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/gossip.h"
#include "lib/core/try.h"
#include "lib/net/address.h"
#include "lib/node/peer_book.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::vector<std::string> peers;
  bool pull = false;
  bool push = false;
  std::string topic;
  std::string timeout;
  std::uint64_t bytes_max = 0;
  bool dry_run = false;
  std::size_t require = 0;
  int jobs = 4;
};

/// What became of all peers together.
struct Tally {
  std::size_t worked = 0;
  std::size_t failed = 0;
  bool stopped_by_policy = false;
  bool out_of_time = false;
  std::vector<Error> errors;
  std::vector<Error> strangers;      // Of peers that nobody gave.
  std::vector<std::string> reasons;  // Why it was not all well, for whoever hears of nothing else.
};

constexpr std::size_t kBannedTold = 4;

bool is_banned(const node::Peer& peer, UnixSeconds now) {
  return peer.score >= node::kBanScore && !node::may_call(peer, now);
}

Result<std::vector<node::Peer>> listed_peers(const Options& options, Context& context,
                                             const StoreDir& store, ShortService& local) {
  if (!options.dry_run) return local.peers();
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  return chain->peers();
}

/// If anybody is banned: nobody else is there to be called.
Result<Done> refuse_if_banned(const std::vector<node::Peer>& listed, UnixSeconds now) {
  std::string named;
  std::size_t banned = 0;
  for (const node::Peer& peer : listed) {
    if (!is_banned(peer, now)) continue;
    if (++banned <= kBannedTold) named += fmt::format("{}{}", banned > 1 ? ", " : "", peer.url);
  }
  if (banned == 0) return done;
  if (banned > kBannedTold) named += fmt::format(" and {} more", banned - kBannedTold);
  return Error{
      Errc::unreachable, fmt::format("no peer is called, for these are banned: {}", named),
      "'bmsg peers unban URL' lifts a ban, and 'bmsg sync URL' calls that peer in any case"};
}

Result<std::vector<node::Peer>> chosen_peers(const Options& options, Context& context,
                                             const StoreDir& store, ShortService& local) {
  if (options.peers.empty()) {
    BMSG_TRY_ASSIGN(auto called, peers_to_call(context, store));
    const UnixSeconds now = context.clock.now();
    std::erase_if(called, [&](const node::Peer& peer) { return is_banned(peer, now); });
    if (!called.empty()) return called;
    BMSG_TRY_ASSIGN(const auto listed, listed_peers(options, context, store, local));
    BMSG_TRY(refuse_if_banned(listed, now));
    return called;
  }
  BMSG_TRY_ASSIGN(const auto known, listed_peers(options, context, store, local));
  std::vector<node::Peer> chosen;
  for (const std::string& url : options.peers) {
    const auto at = std::ranges::find(known, url, &node::Peer::url);
    if (const auto address = net::parse_address(url); at == known.end() && !address)
      return Error{Errc::bad_usage, address.error().message};
    node::Peer peer;
    peer.url = url;
    chosen.push_back(at == known.end() ? peer : *at);
  }
  return chosen;
}

Result<node::SyncOptions> sync_options(const Options& options, Context& context,
                                       const StoreDir& store) {
  using Direction = node::SyncOptions::Direction;
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto limit, options.timeout.empty() ? settings.seconds("sync.timeout")
                                                            : parse_duration(options.timeout));
  node::SyncOptions sync;
  if (options.pull != options.push)
    sync.direction = options.pull ? Direction::pull : Direction::push;
  if (limit > 0) sync.deadline = context.clock.steady() + std::chrono::seconds(limit);
  sync.bytes_max = options.bytes_max;
  if (!options.topic.empty()) sync.topic = topic_of(options.topic);
  return sync;
}

/// Whether only strangers say that somebody is there: nobody named it, then or now.
bool is_strangers_word(const node::Peer& peer, const Options& options) {
  const bool is_lan = peer.source == node::PeerSource::lan;
  return options.peers.empty() && (node::is_learned(peer) || is_lan);
}

/// The peer's words may be in it: whoever shows it sanitises it.
std::string failure_of(const Exchange& exchange) {
  const std::string& cause = exchange.report.error().message;
  const bool named = cause.find(exchange.peer.url) != std::string::npos;
  return named ? cause : fmt::format("{}: {}", exchange.peer.url, cause);
}

void tell(Context& context, const Exchange& exchange, const Options& options) {
  if (context.options.json) return context.out.line(api::sync_json(exchange.view));
  if (!exchange.report) {
    const std::string line = failure_of(exchange);
    if (is_strangers_word(exchange.peer, options)) return context.out.note(line);
    return context.out.warn(line);
  }
  const node::SyncReport& report = exchange.report.value();
  if (report.reorg && report.reorg->depth > 0)
    context.out.warn(fmt::format("{}: {}", exchange.peer.url, reorg_text(*report.reorg)));
  if (std::abs(report.clock_ahead) > kClockOffSeconds) {
    context.out.warn(fmt::format("{}: its clock is {} s {} ours; one of the two is wrong",
                                 exchange.peer.url, std::abs(report.clock_ahead),
                                 report.clock_ahead > 0 ? "ahead of" : "behind"));
  }
  if (report.stopped_by_policy)
    context.out.warn(fmt::format("{}: {}", exchange.peer.url, kNotFollowed));
  if (report.withheld_bodies > 0)
    context.out.warn(
        fmt::format("{}: bodies that its blocks name were not given: {}; others are asked",
                    exchange.peer.url, report.withheld_bodies));
  context.out.note(fmt::format("{}: +{} blocks, -{}, {} messages, {} ms", exchange.peer.url,
                               report.pulled_blocks, report.pushed_blocks,
                               report.pulled_messages + report.pushed_messages, report.latency_ms));
}

void count(Tally& tally, const Exchange& exchange, const Options& options) {
  if (!exchange.report) {
    const Error& error = exchange.report.error();
    // That strangers are away or lie is no news; that nobody is left would be.
    const bool counts =
        !is_strangers_word(exchange.peer, options) || api::is_our_failure(error.code);
    (counts ? tally.errors : tally.strangers).push_back(error);
    tally.reasons.push_back(failure_of(exchange));
    return;
  }
  ++tally.worked;
  if (exchange.report.value().stopped_by_policy)
    tally.reasons.push_back(fmt::format("{}: {}", exchange.peer.url, kNotFollowed));
  tally.stopped_by_policy = tally.stopped_by_policy || exchange.report.value().stopped_by_policy;
  tally.out_of_time = tally.out_of_time || exchange.report.value().out_of_time;
}

/// Nobody else is there. That a stranger lied asks nothing of anybody: he is away like others.
void count_strangers(Tally& tally) {
  for (Error& error : tally.strangers) {
    if (error.code == Errc::denied || error.code == Errc::bad_input) error.code = Errc::unreachable;
    tally.errors.push_back(std::move(error));
  }
}

bool all_are(const Tally& tally, Errc code) {
  return std::ranges::all_of(tally.errors, [&](const Error& error) { return error.code == code; });
}

/// One number for all peers: the worst that needs somebody.
Result<ExitCode> verdict(const Tally& tally, const Options& options) {
  for (const Error& error : tally.errors) {
    const bool is_ours = api::is_our_failure(error.code);
    if (is_ours || error.code == Errc::bad_input || error.code == Errc::denied) return error;
  }
  if (tally.stopped_by_policy) return ExitCode::partial;
  if (tally.worked < options.require) {
    return Error{Errc::unreachable,
                 fmt::format("{} of {} peers answered, {} were asked for", tally.worked,
                             tally.worked + tally.failed, options.require)};
  }
  if (tally.worked > 0 && tally.failed > 0) return ExitCode::partial;
  if (tally.out_of_time)
    return Error{Errc::try_again, "the time ran out; what came is kept, and the next sync goes on"};
  if (tally.failed == 0) return ExitCode::ok;
  if (all_are(tally, Errc::protocol) || all_are(tally, Errc::bad_config) ||
      all_are(tally, Errc::try_again))
    return exit_code_of(tally.errors.front().code);
  return ExitCode::unavailable;
}

/// With -q nobody was told as it went; but an exit code that wants somebody says why.
void tell_quiet(Context& context, const Tally& tally, ExitCode code) {
  if (!context.options.quiet || context.options.json) return;
  if (code == ExitCode::ok || code == ExitCode::try_again) return;
  for (const std::string& reason : tally.reasons)
    context.out.tell(fmt::format("bmsg: error: {}\n", shown_line(reason)));
}

std::string summary_of(const Tally& tally, double elapsed) {
  return api::summary_json(
      {.command = "sync",
       .ok = tally.failed == 0,
       .numbers = {{"peers_ok", double(tally.worked)}, {"peers_failed", double(tally.failed)}},
       .texts = {},
       .elapsed = elapsed});
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  const auto began = context.clock.steady();
  if (options.pull && options.push)
    return Error{Errc::bad_usage, "--pull and --push exclude each other: without both, it is both"};
  std::error_code unread;
  if (!options.topic.empty() && !std::filesystem::exists(store.light(), unread))
    return Error{Errc::bad_usage, "--topic is for light stores; this one gets every topic"};
  ShortService local(context, store);
  if (!options.dry_run) {
    tidy_outbox(context, store);
    BMSG_TRY(local.take_outbox());
  }
  BMSG_TRY_ASSIGN(const auto peers, chosen_peers(options, context, store, local));
  if (peers.empty() && options.require > 0)
    return Error{Errc::unreachable, "no peers yet, so none can answer",
                 "'bmsg peers add URL' adds one"};
  if (peers.empty()) context.out.note("no peers yet; 'bmsg peers add URL' adds one");
  Tally tally;
  std::string told;  // To the hook.
  if (options.dry_run) {
    for (const node::Peer& peer : peers)
      context.out.line(context.options.json ? api::peer_json(peer, context.clock.now())
                                            : shown_line(peer.url));
  } else {
    BMSG_TRY_ASSIGN(const auto sync, sync_options(options, context, store));
    for (const Exchange& exchange : exchange_with_all(local, context, store, peers, sync,
                                                      static_cast<std::size_t>(options.jobs))) {
      count(tally, exchange, options);
      tell(context, exchange, options);
      told += api::sync_json(exchange.view) + "\n";
      BMSG_TRY(keep(local, exchange));
    }
    if (const auto blobs = open_blobs(context, store)) blobs.value()->sweep(context);
    if (tally.worked == 0) count_strangers(tally);
    tally.failed = tally.errors.size();
    BMSG_TRY(local.release());
  }
  const double elapsed = std::chrono::duration<double>(context.clock.steady() - began).count();
  const std::string summary = summary_of(tally, elapsed);
  if (context.options.json) context.out.line(summary);
  BMSG_TRY(context.out.flush());
  if (!options.dry_run && !peers.empty())
    tell_hook(context, store, Hook::post_sync, told + summary);
  const auto code = verdict(tally, options);
  if (code) tell_quiet(context, tally, code.value());
  return code;
}

}  // namespace

void add_sync(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command sync =
      add_command(app, context, "sync", "Exchange blocks and messages with peers", options, run);
  sync.add_option("peers", options->peers, "Only these").type_name("PEER");
  sync.add_flag("--pull", options->pull, "Only fetch");
  sync.add_flag("--push", options->push, "Only give");
  sync.add_option("--topic", options->topic, "Light store: public messages of it, too")
      .type_name("TOPIC");
  sync.add_option("--timeout", options->timeout, "Longest time for the round").type_name("DUR");
  sync.add_option("--jobs", options->jobs, "Peers to talk to at once (4)")
      .between(1, 64)
      .type_name("N");
  sync.add_option("--max-bytes", options->bytes_max, "Stop after so many bytes")
      .as_size()
      .type_name("N");
  add_progress_option(sync, context);
  sync.add_flag("--dry-run", options->dry_run, "Say who would be asked");
  sync.add_option("--require", options->require, "Fail unless so many peers answered")
      .type_name("N");
}

}  // namespace bmsg::cli
