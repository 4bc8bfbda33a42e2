#include "cli/deliver.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "cli/hooks.h"
#include "cli/keyring_file.h"
#include "cli/mining.h"
#include "cli/peering.h"
#include "cli/session.h"
#include "lib/chain/block_hash.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

/// Those of our messages that no block of the best chain holds yet.
Result<std::size_t> count_unmined(Context& context, const StoreDir& store, const Queued& queued) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  std::size_t left = 0;
  for (const mail::Sent& sent : queued.sent) {
    BMSG_TRY_ASSIGN(const auto places, chain->places_of(sent.id));
    const bool mined = std::ranges::any_of(
        places, [](const auto& place) { return place.branch == node::Branch::main; });
    if (!mined) ++left;
  }
  return left;
}

}  // namespace

void wait_for_work(Context& context, const StoreDir& store) {
  constexpr std::chrono::milliseconds kLook{500};
  const auto before = context.disk.list(store.outbox() / "new");
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(kLook);
    const auto now = context.disk.list(store.outbox() / "new");
    if (now && before && now.value() != before.value()) return;
  }
}

Result<std::size_t> relay(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto peers, peers_to_call(context, store));
  std::size_t took = 0;
  for (const node::Peer& peer : peers) {
    if (context.clock.now() < peer.not_before) continue;
    Progress shown(context);
    const Exchange exchange = exchange_with(
        context, store, peer, {.direction = node::SyncOptions::Direction::both}, shown);
    if (exchange.report) ++took;
    // The block is ours and stored; a peer that cannot be told is only worth a remark.
    if (!exchange.report)
      context.out.note(fmt::format("{}: {}", peer.url, exchange.report.error().message));
    BMSG_TRY(remember(context, store, exchange));
  }
  return took;
}

Result<ExitCode> deliver_now(Context& context, const StoreDir& store, const Queued& queued,
                             std::optional<std::chrono::seconds> limit) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto threads, settings.number("mine.threads"));
  BMSG_TRY_ASSIGN(const auto usual, settings.seconds("mine.timeout"));
  if (!limit && usual > 0) limit = std::chrono::seconds(usual);
  MineOne wish{.threads = threads_for(threads), .bury = 0, .deadline = {}, .on_progress = {}};
  if (limit) wish.deadline = context.clock.steady() + *limit;
  for (;;) {
    BMSG_TRY_ASSIGN(const std::size_t left, count_unmined(context, store, queued));
    if (left == 0) break;
    BMSG_TRY_ASSIGN(const auto mined, mine_one(context, store, wish, std::stop_token()));
    if (mined.end == Mined::End::block) {
      tell_hook(context, store, Hook::post_mine, mined_json(mined));
      continue;
    }
    if (mined.end == Mined::End::out_of_time) {
      return Error{Errc::try_again, "the message is queued; no block was found in the time given",
                   "'bmsg mine' goes on"};
    }
    // Nothing to mine and not mined: it was refused, or does not fit yet.
    BMSG_TRY_ASSIGN(const std::size_t still, count_unmined(context, store, queued));
    if (still == 0) break;
    return Error{Errc::try_again,
                 "the message is queued; no block has taken it yet ('bmsg outbox' says why)"};
  }
  BMSG_TRY(relay(context, store));
  return ExitCode::ok;
}

}  // namespace bmsg::cli
