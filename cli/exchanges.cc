#include "cli/exchanges.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "lib/node/block_queue.h"

namespace bmsg::cli {
namespace {

using Turn = std::optional<Exchange>;

/// Calls `work` with each of so many numbers, from `jobs` threads.
void for_each_at_once(std::size_t count, std::size_t jobs,
                      const std::function<void(std::size_t, Progress&)>& work, Context& context) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  while (threads.size() < std::min(jobs, count)) {
    threads.emplace_back([&] {
      Progress shown(context);
      for (std::size_t at = next++; at < count; at = next++) work(at, shown);
    });
  }
}

std::uint64_t pulled(const Exchange& exchange) {
  return exchange.report
             ? exchange.report.value().pulled_blocks + exchange.report.value().pulled_messages
             : 0;
}

/// Adds to a first exchange what a second one with the same peer came to.
void add(Exchange& first, Exchange second) {
  if (!second.report) return;  // The first was whole; the next sync goes on.
  node::SyncReport& sum = first.report.value();
  const node::SyncReport& more = second.report.value();
  sum.pulled_blocks += more.pulled_blocks;
  sum.pushed_blocks += more.pushed_blocks;
  sum.pulled_messages += more.pulled_messages;
  sum.pushed_messages += more.pushed_messages;
  sum.out_of_time = sum.out_of_time || more.out_of_time;
  first.view.pulled_blocks += second.view.pulled_blocks;
  first.view.pushed_blocks += second.view.pushed_blocks;
  first.view.pulled_messages += second.view.pulled_messages;
  first.view.pushed_messages += second.view.pushed_messages;
  first.view.pulled_bytes += second.view.pulled_bytes;
  first.view.pushed_bytes += second.view.pushed_bytes;
  first.peer = std::move(second.peer);
}

}  // namespace

std::vector<Exchange> exchange_with_all(ShortService& local, Context& context,
                                        const StoreDir& store, const std::vector<node::Peer>& peers,
                                        const node::SyncOptions& options, std::size_t jobs) {
  node::BlockQueue queue(context.clock);
  node::SyncOptions shared = options;
  shared.queue = &queue;
  std::vector<Turn> turns(peers.size());
  const auto first = [&](std::size_t at, Progress& shown) {
    turns[at].emplace(exchange_through(local, context, store, peers[at], shared, shown));
  };
  for_each_at_once(peers.size(), jobs, first, context);

  std::uint64_t all = 0;
  for (const Turn& turn : turns) all += pulled(*turn);
  const auto second = [&](std::size_t at, Progress& shown) {
    Exchange& turn = *turns[at];
    if (!turn.report || turn.report.value().out_of_time || all == pulled(turn)) return;
    node::SyncOptions again = options;
    again.cursor = turn.report.value().cursor;
    again.own_cursor = turn.report.value().own_cursor;
    add(turn, exchange_through(local, context, store, turn.peer, again, shown));
  };
  for_each_at_once(peers.size(), jobs, second, context);

  std::vector<Exchange> exchanges;
  for (Turn& turn : turns) exchanges.push_back(std::move(*turn));
  return exchanges;
}

}  // namespace bmsg::cli
