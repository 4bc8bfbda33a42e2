#include "lib/node/whole_check.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_rules.h"
#include "lib/core/thread.h"

namespace bmsg::node {
namespace {

// A unit ends with the block that reaches one of these.
constexpr std::size_t kUnitBlocks = 64;
constexpr std::uint64_t kUnitBytes = 512 << 10;

constexpr unsigned kIndexParts = 16;
constexpr std::size_t kSharedMax = 4096;  // Ids with several places; more is no usual chain.

}  // namespace

WholeCheck::WholeCheck(const InOrder& order, bool whole)
    : store_(*order.store), threads_(std::max(1U, order.threads)), key_(order.key), whole_(whole) {}

bool WholeCheck::read_index(const std::stop_token& stop) {
  if (!whole_) return true;
  std::atomic<unsigned> next = 0;
  const auto work = [&](const std::stop_token&) {
    PlaceSum sum;
    for (unsigned part = next++; part < kIndexParts && !stop.stop_requested(); part = next++)
      read_index_part(static_cast<std::uint8_t>(part), sum);
    const std::lock_guard lock(mutex_);
    in_index_.add(sum);
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads_ && start_thread(others, work); ++i) {
  }
  work({});
  others.clear();
  return !is_odd_;
}

void WholeCheck::read_index_part(std::uint8_t part, PlaceSum& sum) {
  constexpr unsigned kWidth = 256 / kIndexParts;
  PlaceBatch batch(key_);
  std::vector<IdStart> shared;
  const auto visit = [&](ByteView id, std::span<const KeptPlace> places) {
    for (const KeptPlace& place : places) {
      if (place.branch == Branch::main) batch.add(id, place.number, place.index, sum);
    }
    if (places.size() < 2 || shared.size() > kSharedMax) return;
    std::ranges::copy(id, shared.emplace_back().begin());
  };
  const auto first = static_cast<std::uint8_t>(part * kWidth);
  const auto last = static_cast<std::uint8_t>(first + kWidth - 1);
  const auto read = store_.places(first, last, visit);
  batch.finish(sum);
  const std::lock_guard lock(mutex_);
  shared_.insert(shared.begin(), shared.end());
  if (!read || shared_.size() > kSharedMax) is_odd_ = true;
}

void WholeCheck::use(const chain::ChainRules& rules) {
  const std::lock_guard lock(mutex_);
  if (!rules_ || rules_->tag != rules.tag) rules_ = std::make_shared<chain::ChainRules>(rules);
}

void WholeCheck::add(std::span<const StoredHeader> blocks) {
  while (!blocks.empty()) {
    std::size_t count = 0;
    for (std::uint64_t bytes = 0;
         count < blocks.size() && count < kUnitBlocks && bytes < kUnitBytes; ++count)
      bytes += blocks[count].bytes;
    const std::lock_guard lock(mutex_);
    Unit& unit = units_.emplace_back();
    unit.from = blocks.front().sealed.header.height;
    for (const StoredHeader& one : blocks.first(count)) unit.hashes.push_back(one.hash);
    blocks = blocks.subspan(count);
  }
  while (helpers_.size() + 1 < threads_ && helpers_.size() + 1 < units_.size() &&
         start_thread(helpers_, [this](const std::stop_token& stop) { help(stop); })) {
  }
  added_.notify_all();
}

/// Checks itself until there is nothing left to take, then waits for the oldest finding.
BlockFinding WholeCheck::take() {
  std::unique_lock lock(mutex_);
  bmsg::check(!units_.empty(), "took a block that was not added");
  while (!units_.front().findings) {
    if (!may_take()) {
      checked_.wait(lock, [&] { return units_.front().findings.has_value(); });
      break;
    }
    Unit& unit = units_[next_++];
    const Rules rules = rules_;
    lock.unlock();
    check(unit, rules);
    lock.lock();
  }
  Unit& unit = units_.front();
  BlockFinding finding = std::move((*unit.findings)[taken_++]);
  if (taken_ < unit.hashes.size()) return finding;
  in_blocks_.add(unit.sum);
  units_.pop_front();
  --next_;
  taken_ = 0;
  lock.unlock();
  added_.notify_all();  // There is room ahead.
  return finding;
}

void WholeCheck::help(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (added_.wait(lock, stop, [&] { return may_take(); })) {
    if (stop.stop_requested()) return;
    // A place in a deque stays where it is while others come and go at the ends.
    Unit& unit = units_[next_++];
    const Rules rules = rules_;
    lock.unlock();
    check(unit, rules);
    lock.lock();
    checked_.notify_one();
  }
}

/// What cannot be read is left to the slow way.
void WholeCheck::check(Unit& unit, const Rules& rules) {
  std::vector<BlockFinding> findings(unit.hashes.size());
  const auto read = store_.blocks(unit.from, static_cast<std::uint32_t>(findings.size()));
  PlaceSum sum;
  if (read && read.value().blocks.size() == findings.size()) {
    const auto& [kept, blocks] = read.value();
    const auto digests = chain::digests_of(blocks);
    PlaceBatch places(key_);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (kept[i].hash == unit.hashes[i])
        findings[i] = judge(kept[i], blocks[i], digests[i], *rules);
      for (std::uint32_t at = 0; whole_ && at < digests[i].ids.size(); ++at)
        places.add(digests[i].ids[at].view().first(BulkReader::kIdBytes), kept[i].number, at, sum);
    }
    places.finish(sum);
  }
  const std::lock_guard lock(mutex_);
  unit.sum = sum;
  unit.findings = std::move(findings);
}

BlockFinding WholeCheck::judge(const KeptBlock& kept, const Block& block,
                               const chain::BlockDigests& digests,
                               const chain::ChainRules& rules) const {
  BlockFinding finding{.is_clean = false, .rules = rules.tag, .absent = {}};
  for (std::size_t i = 0; i < block.messages.size(); ++i) {
    const Message& message = block.messages[i];
    // What it brings changes the rules for those above.
    if (message.head.suite == Suite::charter) return finding;
    if (!message.body) finding.absent.push_back({digests.ids[i], message.head.expiry()});
  }
  const auto nowhere = [](const MessageId&) { return false; };  // is_placed() finds it.
  finding.is_clean =
      !chain::find_violation(block, digests, rules, nowhere) && is_placed(kept, digests.ids);
  return finding;
}

bool WholeCheck::is_placed(const KeptBlock& kept, const std::vector<MessageId>& ids) const {
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    if (whole_) {
      IdStart start;
      if (shared_.empty()) return true;
      std::ranges::copy(ids[i].view().first(start.size()), start.begin());
      if (shared_.contains(start)) return false;
      continue;
    }
    const auto only = store_.stands_only_at(ids[i], kept.number, i);
    if (!only || !only.value()) return false;
  }
  return true;
}

}  // namespace bmsg::node
