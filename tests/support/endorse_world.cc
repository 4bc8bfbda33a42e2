#include "tests/support/endorse_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "lib/chain/evidence.h"
#include "tests/support/seed.h"
#include "tests/support/sim_network.h"

namespace bmsg {
namespace {

constexpr const char* kLogFile = "/disk/endorser.log";
constexpr unsigned kLostPercent = 10;  // Requests, while lines fail.

}  // namespace

void EndorseTally::add(const EndorseTally& other) {
  for (const auto field : {&EndorseTally::runs, &EndorseTally::missed, &EndorseTally::written,
                           &EndorseTally::proposed, &EndorseTally::blocks, &EndorseTally::rivals})
    this->*field += other.*field;
  waits.insert(waits.end(), other.waits.begin(), other.waits.end());
  for (const auto& [name, count] : other.faults) faults[name] += count;
}

EndorseWorld::Member::Member(const ChainBuilder& builder, const Clock& world, Index index,
                             std::uint64_t seed_of_entropy)
    : clock(world),
      store(builder.rules_text()),
      entropy(seed_of_entropy),
      seed(endorser_seed(index)),
      key(relabel<EndorserKey>(crypto::public_key_of(seed))) {
  start(builder);
  const auto begun = node::EndorserLog::begin(disk, kLogFile, key);
  check(bool(begun), "no log");
}

void EndorseWorld::Member::start(const ChainBuilder& builder) {
  node = node::Node::make({.store = store,
                           .chain = builder.chain(),
                           .clock = clock,
                           .entropy = entropy,
                           .outbox = nullptr,
                           .key = {},
                           .agent = "sim"})
             .value();
}

EndorseWorld::EndorseWorld(std::uint64_t seed)
    : clock(kEasyGenesisTime + 1'000 * 600),
      builder(endorse_rules_text(kNeeded, kEndorsers)),
      numbers_(seed) {
  for (Index i = 0; i < kEndorsers; ++i) {
    members_.push_back(std::make_unique<Member>(builder, clock, i, numbers_()));
    members_.back()->phase = up_to(kCron - 1);
  }
}

std::uint64_t EndorseWorld::up_to(std::uint64_t most) { return number_up_to(numbers_, most); }

void EndorseWorld::expect(bool holds, const std::string& what) {
  if (!holds && failure_.empty())
    failure_ = fmt::format("at {}: {}", clock.now().value - kEasyGenesisTime, what);
}

void EndorseWorld::run(std::uint64_t seconds, std::uint64_t write_gap) {
  const std::uint64_t end = clock.now().value + seconds;
  std::uint64_t next_write = write_gap == 0 ? end : clock.now().value + up_to(2 * write_gap);
  std::multimap<std::uint64_t, Index> wakes;
  for (Index i = 0; i < kEndorsers; ++i)
    wakes.emplace(clock.now().value + 1 + members_[i]->phase, i);
  while (failure_.empty() && wakes.begin()->first < end) {
    const auto [when, who] = *wakes.begin();
    wakes.erase(wakes.begin());
    wakes.emplace(when + kCron, who);
    for (; next_write < when; next_write += 1 + up_to(2 * write_gap)) {
      clock.set(next_write);
      write(static_cast<Index>(up_to(kEndorsers - 1)));
    }
    clock.set(when);
    if (asleep_.contains(who)) continue;
    const bool misses = up_to(99) < kMissedPercent;
    ++(misses ? tally_.missed : tally_.runs);
    if (!misses) wake(who);
  }
  clock.set(end);
}

void EndorseWorld::write(Index at) {
  const UnixSeconds when = std::min(clock.now(), members_[at]->clock.now());
  const auto message = builder.public_message(fmt::format("message {}", tally_.written++), when);
  const auto outcome = node(at).submit_messages({message}, node::Origin::own).value().front();
  expect(outcome.verdict == node::Verdict::accepted, "an own message was not taken");
  waiting_.push_back({outcome.id, clock.now()});
  written_.push_back(outcome.id);
}

bool EndorseWorld::sync_with_all(Index at) {
  bool is_whole = true;
  for (Index other = 0; other < kEndorsers; ++other) {
    if (other == at || is_cut(at, other)) continue;
    SimTransport wire(node(other));
    if (machines_fail_) wire.lose(kLostPercent, numbers_);
    const Member& member = *members_[at];
    const auto report = node::sync_with(node(at), wire, builder.chain(), member.clock, {});
    expect(report || machines_fail_, fmt::format("node {} says of node {}: {}", at, other,
                                                 report ? "" : report.error().message));
    const std::uint64_t lost = wire.traffic.lost_before + wire.traffic.lost_after;
    if (lost > 0) tally_.faults["lost requests"] += lost;
    is_whole = is_whole && report;
  }
  return is_whole;
}

void EndorseWorld::let_fail(bool machines, bool clocks) {
  machines_fail_ = machines;
  clocks_fail_ = clocks;
  if (clocks) return;
  for (const auto& member : members_) member->clock.set_ahead(0);
}

void EndorseWorld::set_clock(Member& member) {
  if (!clocks_fail_ || up_to(9) > 0) return;
  const std::int64_t most = up_to(1) == 0 ? 200 : kWrongMost;
  const auto drawn = static_cast<std::int64_t>(up_to(static_cast<std::uint64_t>(2 * most)));
  member.clock.set_ahead(up_to(2) == 0 ? 0 : drawn - most);
  ++tally_.faults["clocks set"];
}

EndorseWorld::Armed EndorseWorld::arm(Member& member) {
  if (!machines_fail_) return Armed::nothing;
  const auto drawn = up_to(99);
  if (drawn < 16) {
    member.disk.cut_at(1 + up_to(5));  // An entry of the log is as many changes.
    return drawn < 8 ? Armed::power : Armed::process;
  }
  if (drawn < 24) {
    const auto failing = up_to(1) == 0 ? CutDisk::Failing::once : CutDisk::Failing::from_then_on;
    member.disk.fail_at(1 + up_to(6), up_to(1) == 0 ? EIO : ENOSPC, failing);
    return Armed::disk;
  }
  if (drawn >= 32) return Armed::nothing;
  member.store.fail_apply(static_cast<std::uint32_t>(up_to(3)));
  return Armed::store;
}

void EndorseWorld::settle(Member& member, Armed armed, bool has_failed) {
  const bool is_off = member.disk.is_off();
  if (armed == Armed::disk && member.disk.failures() > 0) ++tally_.faults["disk errors"];
  if (armed == Armed::store && has_failed) ++tally_.faults["store errors"];
  member.disk.heal();
  member.store.fail_apply(UINT32_MAX);
  if (is_off && armed == Armed::power) {
    const auto tail = static_cast<CutDisk::Tail>(up_to(3));
    member.disk.reboot(tail, static_cast<CutDisk::Names>(up_to(3)), numbers_);
    ++tally_.faults["power cuts"];
  } else if (is_off) {
    member.disk.restart();
    ++tally_.faults["kills"];
  }
  // Whoever failed has ended; cron starts another.
  if (is_off || has_failed) member.start(builder);
}

void EndorseWorld::wake(Index at) {
  Member& member = *members_[at];
  set_clock(member);
  const Armed armed = arm(member);
  settle(member, armed, !run_once(at));
  note_sealed(at);
}

bool EndorseWorld::run_once(Index at) {
  Member& member = *members_[at];
  bool is_whole = sync_with_all(at);
  // Each run is a process of its own, which reads its log again.
  auto log = node::EndorserLog::open(member.disk, kLogFile, member.key, member.clock.now());
  expect(log || machines_fail_, "a good log cannot be read");
  if (!log) return false;
  const auto report = node::endorse({.service = *member.node,
                                     .chain = builder.chain(),
                                     .clock = member.clock,
                                     .seed = member.seed,
                                     .key = member.key,
                                     .log = log.value()},
                                    false);
  expect(!log.value().is_new(), "a good log is taken for a damaged one");
  expect(report || machines_fail_, report ? "" : report.error().message);
  if (!report) return false;
  expect(!report.value().log_was_old || cheats_.contains(at), "a good log is taken for an old one");
  for (const node::EndorsedBlock& one : report.value().blocks) {
    if (!one.proposed) continue;
    ++tally_.proposed;
    proposed_.insert(one.hash);
  }
  if (!report.value().blocks.empty() && !member.disk.is_off()) is_whole &= sync_with_all(at);
  return is_whole;
}

void EndorseWorld::note_sealed(Index at) {
  std::erase_if(waiting_, [&](const Written& one) {
    const auto places = store(at).places_of(one.id).value();
    if (places.empty()) return false;
    tally_.waits.push_back(clock.now().value - one.when.value);
    return true;
  });
  tally_.blocks = std::max<std::uint64_t>(tally_.blocks, tip(at).height.value);
  tally_.rivals = proposed_.size() - std::min<std::uint64_t>(proposed_.size(), tally_.blocks);
}

std::map<std::uint32_t, std::set<BlockHash>> EndorseWorld::sealed() const {
  std::map<std::uint32_t, std::set<BlockHash>> all;
  for (const auto& member : members_) {
    for (const auto& [hash, record] : member->store.records().blocks) {
      const SealedHeader& sealed = record.header.sealed;
      if (sealed.header.height.value > 0 && sealed.seal.size() >= kNeeded)
        all[sealed.header.height.value].insert(hash);
    }
  }
  return all;
}

std::size_t EndorseWorld::left_behind(Index at) const {
  return static_cast<std::size_t>(std::ranges::count_if(written_, [&](const MessageId& id) {
    return std::ranges::none_of(
        members_[at]->store.places_of(id).value(),
        [](const node::MessagePlace& place) { return place.branch == node::Branch::main; });
  }));
}

std::set<EndorseWorld::Index> EndorseWorld::caught() const {
  std::set<Index> all;
  for (const auto& member : members_) {
    for (const chain::Evidence& one : member->store.evidence().value()) {
      const auto key = chain::check_evidence(one);
      check(bool(key), "evidence that does not hold");
      all.insert(*node::endorser_index(builder.chain().rules, key.value()));
    }
  }
  return all;
}

}  // namespace bmsg
