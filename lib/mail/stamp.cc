#include "lib/mail/stamp.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/thread.h"
#include "lib/crypto/search.h"

namespace bmsg::mail {
namespace {

// Between two looks at the stop token: about 20 ms of one core.
constexpr std::uint64_t kStep = 1u << 17;
constexpr std::uint64_t kNone = ~std::uint64_t{0};
// A stamp that is sooner found than another thread's first range is worth starting.
constexpr std::uint64_t kNeededForThreads = kStep / 4;

/// One worker: takes the next range until a nonce at or below all that is left was found.
void search_ranges(const crypto::Search& search, std::atomic<std::uint64_t>& next,
                   std::atomic<std::uint64_t>& best, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const std::uint64_t start = next.fetch_add(kStep);
    if (start >= best.load()) return;
    const auto found = search.find(start, kStep);
    if (!found) continue;
    std::uint64_t known = best.load();
    while (*found < known && !best.compare_exchange_weak(known, *found)) {
    }
    return;
  }
}

}  // namespace

std::optional<std::uint64_t> find_stamp(const MessageHead& head, const chain::ChainRules& chain,
                                        unsigned threads, std::stop_token stop) {
  const std::uint64_t needed = chain::stamp_needed(chain, head);
  if (needed == 0) return 0;
  const crypto::Search search(chain::id_of(head).view(), chain::stamp_limit(needed));

  std::atomic<std::uint64_t> next = 0;
  std::atomic<std::uint64_t> best = kNone;
  std::vector<std::jthread> others;
  const auto help = [&](const std::stop_token&) { search_ranges(search, next, best, stop); };
  if (needed < kNeededForThreads) threads = 1;
  for (unsigned i = 1; i < threads && start_thread(others, help); ++i) {
  }
  search_ranges(search, next, best, stop);
  others.clear();  // Joins: a lower range may still hold a lower nonce.
  return best.load() == kNone ? std::nullopt : std::optional(best.load());
}

}  // namespace bmsg::mail
