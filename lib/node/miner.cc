#include "lib/node/miner.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "lib/chain/block_hash.h"
#include "lib/chain/schedule.h"
#include "lib/chain/work.h"
#include "lib/core/codec.h"
#include "lib/core/thread.h"
#include "lib/core/try.h"
#include "lib/crypto/search.h"

namespace bmsg::node {
namespace {

constexpr std::uint64_t kPieceNonces = 1 << 15;  // Some milliseconds of one thread.
constexpr std::chrono::milliseconds kRound{200};

/// One header that all threads search, until the clock moves on.
struct Round {
  Header header;
  Target target;
  std::uint64_t start = 0;
};

double expected_hashes(const Target& target) {
  double share = 0;
  for (std::size_t i = 0; i < 16; ++i)
    share += target.data()[i] * std::pow(2.0, -8.0 * static_cast<double>(i + 1));
  return share > 0 ? 1 / share : HUGE_VAL;
}

std::uint64_t first_word(const Target& target) { return load_be<std::uint64_t>(target.data()); }

/// The time a block may bear now; nullopt while the chain is too far ahead of the clock.
std::optional<UnixSeconds> time_for(const Header& parent, UnixSeconds now) {
  const std::uint64_t time = std::max(parent.time.value + 1, now.value);
  if (time > now.value + kMinedAheadSecondsMax) return std::nullopt;
  return UnixSeconds{time};
}

/// The time from which on some message of the block has expired.
std::uint64_t first_expiry(const Block& block) {
  std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
  for (const Message& message : block.messages) first = std::min(first, message.head.expiry());
  return first;
}

/// Searches one header on several threads for one round.
class Searchers {
 public:
  explicit Searchers(const Round& round) : round_(round) {
    const Bytes bytes = encode(round.header);
    prefix_.assign(bytes.begin(), bytes.end() - kNonceBytes);
  }

  std::optional<std::uint64_t> run(unsigned threads, std::chrono::steady_clock::time_point until,
                                   const Clock& clock, std::stop_token stop) {
    std::vector<std::jthread> others;
    const auto help = [&](const std::stop_token&) { search(until, clock, stop); };
    for (unsigned i = 1; i < threads && start_thread(others, help); ++i) {
    }
    search(until, clock, stop);
    others.clear();  // Joins.
    return found_;
  }
  std::uint64_t hashes() const { return hashes_; }

 private:
  void search(std::chrono::steady_clock::time_point until, const Clock& clock,
              const std::stop_token& stop) {
    const crypto::Search kernel(prefix_, first_word(round_.target));
    while (!over_ && !stop.stop_requested() && clock.steady() < until) {
      const std::uint64_t start = round_.start + kPieceNonces * next_piece_++;
      hashes_ += search_piece(kernel, start);
    }
  }

  /// How many nonces it tried.
  std::uint64_t search_piece(const crypto::Search& kernel, std::uint64_t start) {
    // The kernel compares the first word; a candidate must meet the whole target.
    for (std::uint64_t at = 0; at < kPieceNonces && !over_;) {
      const auto nonce = kernel.find(start + at, kPieceNonces - at);
      if (!nonce) break;
      Header header = round_.header;
      header.nonce = *nonce;
      at = *nonce - start + 1;
      if (chain::meets(chain::hash_of(header), round_.target)) {
        keep(*nonce);
        return at;
      }
    }
    return kPieceNonces;
  }

  void keep(std::uint64_t nonce) {
    const std::lock_guard lock(mutex_);
    if (!found_) found_ = nonce;
    over_ = true;
  }

  const Round& round_;
  Bytes prefix_;
  std::atomic<std::uint64_t> next_piece_ = 0;
  std::atomic<std::uint64_t> hashes_ = 0;
  std::atomic<bool> over_ = false;
  std::mutex mutex_;
  std::optional<std::uint64_t> found_;
};

/// A search over many rounds, and what there is to tell of it.
class Seek {
 public:
  Seek(const Clock& clock, Entropy& entropy, const MiningWish& wish)
      : clock_(clock), entropy_(entropy), wish_(wish), began_(clock.steady()) {}

  /// One round of a header whose bits name a target.
  Result<std::optional<std::uint64_t>> round(const Header& header, const std::stop_token& stop) {
    Round round{header, *chain::target_of(header.bits), 0};
    std::array<std::uint8_t, 8> start{};
    BMSG_TRY(entropy_.fill(start));
    round.start = load_be<std::uint64_t>(start.data());
    Searchers searchers(round);
    const auto nonce =
        searchers.run(std::max(1u, wish_.threads), clock_.steady() + kRound, clock_, stop);
    progress_.hashes += searchers.hashes();
    progress_.seconds = std::chrono::duration<double>(clock_.steady() - began_).count();
    progress_.expected_hashes = expected_hashes(round.target);
    return nonce;
  }
  /// Tells how far it came; false ends the search.
  bool goes_on() const { return !wish_.on_progress || wish_.on_progress(progress_); }

 private:
  const Clock& clock_;
  Entropy& entropy_;
  const MiningWish& wish_;
  std::chrono::steady_clock::time_point began_;
  MiningProgress progress_;
};

/// Sleeps, but no longer than until a stop is asked for.
void wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

Result<std::optional<Block>> mine(const BlockTemplate& work, const chain::ChainRules& chain,
                                  const Clock& clock, Entropy& entropy, const MiningWish& wish,
                                  std::stop_token stop) {
  if (chain.rules.mode == chain::Mode::endorse) {
    return Error{Errc::bad_usage, "blocks of this chain are endorsed, not mined: use bmsg endorse"};
  }
  Block block = work.block;
  Seek seek(clock, entropy, wish);
  const std::uint64_t expiry = first_expiry(block);
  while (!stop.stop_requested()) {
    const auto time = time_for(work.parent, clock.now());
    if (!time) {
      wait(std::chrono::milliseconds(100), stop);
      continue;
    }
    if (time->value >= expiry) break;
    block.header.time = *time;
    block.header.bits = chain::bits_needed(chain.rules, work.parent, *time);
    BMSG_TRY_ASSIGN(const auto nonce, seek.round(block.header, stop));
    if (nonce) {
      block.header.nonce = *nonce;
      (void)seek.goes_on();  // It ends here whatever the answer.
      return std::optional(std::move(block));
    }
    if (!seek.goes_on()) break;
  }
  return std::optional<Block>();
}

Result<std::optional<Block>> find_nonce(Block block, const Clock& clock, Entropy& entropy,
                                        const MiningWish& wish, std::stop_token stop) {
  if (!chain::target_of(block.header.bits)) {
    return Error{Errc::bad_input, "the bits of this block name no target: it is not mined"};
  }
  Seek seek(clock, entropy, wish);
  while (!stop.stop_requested()) {
    BMSG_TRY_ASSIGN(const auto nonce, seek.round(block.header, stop));
    if (nonce) {
      block.header.nonce = *nonce;
      (void)seek.goes_on();  // It ends here whatever the answer.
      return std::optional(std::move(block));
    }
    if (!seek.goes_on()) break;
  }
  return std::optional<Block>();
}

}  // namespace bmsg::node
