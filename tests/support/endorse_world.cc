#include "tests/support/endorse_world.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/evidence.h"
#include "tests/support/seed.h"
#include "tests/support/sim_network.h"

namespace bmsg {
namespace {

constexpr const char* kLogFile = "endorser.log";

}  // namespace

void EndorseTally::add(const EndorseTally& other) {
  for (const auto field : {&EndorseTally::runs, &EndorseTally::missed, &EndorseTally::written,
                           &EndorseTally::proposed, &EndorseTally::blocks, &EndorseTally::rivals})
    this->*field += other.*field;
  waits.insert(waits.end(), other.waits.begin(), other.waits.end());
}

EndorseWorld::Member::Member(const ChainBuilder& builder, const Clock& clock, Index index,
                             std::uint64_t seed_of_entropy)
    : store(builder.rules_text()),
      entropy(seed_of_entropy),
      seed(endorser_seed(index)),
      key(relabel<EndorserKey>(crypto::public_key_of(seed))) {
  node = node::Node::make({.store = store,
                           .chain = builder.chain(),
                           .clock = clock,
                           .entropy = entropy,
                           .outbox = nullptr,
                           .key = {},
                           .agent = "sim"})
             .value();
  const auto begun = node::EndorserLog::begin(disk, kLogFile, key);
  check(bool(begun), "no log");
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
  const auto message =
      builder.public_message(fmt::format("message {}", tally_.written++), clock.now());
  const auto outcome = node(at).submit_messages({message}, node::Origin::own).value().front();
  expect(outcome.verdict == node::Verdict::accepted, "an own message was not taken");
  waiting_.push_back({outcome.id, clock.now()});
}

void EndorseWorld::sync_with_all(Index at) {
  for (Index other = 0; other < kEndorsers; ++other) {
    if (other == at || is_cut(at, other)) continue;
    SimTransport wire(node(other));
    const auto report = node::sync_with(node(at), wire, builder.chain(), clock, {});
    expect(bool(report), fmt::format("node {} says of node {}: {}", at, other,
                                     report ? "" : report.error().message));
  }
}

void EndorseWorld::wake(Index at) {
  Member& member = *members_[at];
  sync_with_all(at);
  // Each run is a process of its own, which reads its log again.
  auto log = node::EndorserLog::open(member.disk, kLogFile, member.key, clock.now()).value();
  const auto report = node::endorse({.service = *member.node,
                                     .chain = builder.chain(),
                                     .clock = clock,
                                     .seed = member.seed,
                                     .key = member.key,
                                     .log = log},
                                    false);
  expect(bool(report), report ? "" : report.error().message);
  if (!report) return;
  expect(!log.is_new(), "a good log is taken for a damaged one");
  expect(!report.value().log_was_old || cheats_.contains(at), "a good log is taken for an old one");
  for (const node::EndorsedBlock& one : report.value().blocks) {
    if (!one.proposed) continue;
    ++tally_.proposed;
    proposed_.insert(one.hash);
  }
  if (!report.value().blocks.empty()) sync_with_all(at);
  note_sealed(at);
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
