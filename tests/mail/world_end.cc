// The end of a world: the faults stop, and all that was acknowledged comes to whom it was for.

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/ack.h"
#include "lib/node/verifier.h"
#include "tests/mail/world.h"

namespace bmsg::mail {
namespace {

constexpr std::uint64_t kHour = 3600;
constexpr std::size_t kRoundsMax = 4;  // One carries all to all; what comes back goes again.
constexpr std::uint32_t kDeep = 6;

}  // namespace

void World::run(std::size_t events) {
  for (std::size_t i = 0; i < events && !is_broken(); ++i) happen();
  heal();
  if (!is_broken()) agree();
  if (!is_broken()) bury();
  if (!is_broken()) read_all();
  if (!is_broken()) expect_all_read();
  for (Index at = 0; at < kMembers && !is_broken(); ++at) expect_nothing_left(at);
}

/// Clocks are right again, and what was dated ahead is no longer.
void World::heal() {
  note("the faults stop");
  has_faults_ = false;
  side_.clear();
  while (!calls_.empty()) end_call(calls_.back().get());
  clock_.advance(4 * kHour);
  for (Index at = 0; at < kMembers && !is_broken(); ++at) {
    member(at).clock.set_ahead(0);
    expect(wake(at), fmt::format("member {} does not start again", at));
    if (!is_broken()) hand_over(at);
    look_at(at);
  }
}

/// Each calls each, once, in any order.
void World::round() {
  chronicle_.begin_event();
  std::vector<std::pair<Index, Index>> pairs;
  for (Index from = 0; from < kMembers; ++from)
    for (Index to = 0; to < kMembers; ++to)
      if (from != to) pairs.emplace_back(from, to);
  for (std::size_t i = pairs.size() - 1; i > 0; --i) std::swap(pairs[i], pairs[up_to(i)]);
  for (const auto& [from, to] : pairs) {
    SimTransport wire(member(to).service());
    node::SyncOptions options;
    options.cursor = member(from).cursors[to];
    const auto report = node::sync_with(member(from).service(), wire, builder_.chain(),
                                        member(from).clock, options);
    expect(bool(report), fmt::format("member {} says of member {}, though nothing fails: {}", from,
                                     to, report ? "" : report.error().message));
    if (!report) return;
    member(from).cursors[to] = report.value().cursor;
    look_at(from);
    look_at(to);
    if (is_broken()) return;
  }
  note(fmt::format("a round ends at {}", to_hex(member(0).store.tip().value().hash.view())));
}

bool World::same_tips() const {
  return std::ranges::all_of(members_, [&](const auto& one) {
    return one->store.tip().value() == members_.front()->store.tip().value();
  });
}

void World::agree() {
  std::size_t rounds = 0;
  for (; !same_tips() && rounds < kRoundsMax && !is_broken(); ++rounds) round();
  expect(same_tips(), fmt::format("no agreement on the chain after {} rounds", rounds));
  for (Index at = 0; at < kMembers && !is_broken(); ++at) hand_over(at);
  if (!is_broken()) round();
}

/// All that waits comes into blocks that lie deep.
void World::bury() {
  for (std::uint32_t i = 0; i < kDeep + 2 && !is_broken(); ++i) {
    clock_.advance(builder_.chain().rules.interval);
    mine(i % kLight);
    round();
    expect(same_tips(), "a block did not reach all");
  }
}

void World::read_all() {
  // Who keeps heads hears of bodies when she has asked.
  scan(kLight);
  if (!is_broken()) round();
  for (Index at = 0; at < kMembers && !is_broken(); ++at) {
    scan(at);
    if (!is_broken()) acknowledge_some(at, 100);
    if (!is_broken()) run_reader(at);
  }
  // The receipts, in turn.
  for (Index at = 0; at < kMembers && !is_broken(); ++at) hand_over(at);
  if (!is_broken()) round();
  if (!is_broken()) bury();
  if (!is_broken()) scan(kLight);
  if (!is_broken()) round();
  for (Index at = 0; at < kMembers && !is_broken(); ++at) run_reader(at);
}

void World::expect_all_read() {
  for (Index from = 0; from < kMembers; ++from) {
    for (const Promise& promise : member(from).promises) {
      const bool has_expired = has_been(promise.expiry);
      if (has_expired) count("expired");
      if (has_expired || promise.is_dropped || promise.letter >= posts_.size()) continue;
      for (const Index to : readers_of(posts_[promise.letter])) {
        expect(member(to).read.contains(promise.id),
               fmt::format("post {} of member {} did not come to member {}", promise.letter, from,
                           to));
        expect(
            member(to).given.contains(promise.id) || is_broken(),
            fmt::format("post {} was not given to the program of member {}", promise.letter, to));
      }
    }
  }
  for (Index at = 0; at < kMembers; ++at) expect_receipts(at);
  expect_all_granted();
}

void World::expect_receipts(Index at) {
  const WorldMember& reader = member(at);
  for (const MessageId& id : reader.acknowledged) {
    const MailKeys keys = reader.keys();
    const auto sender = index_of(reader.mailbox(keys).item(id).value()->summary.sender).value();
    const auto& told = member(sender).receipts;
    expect(told.contains({id, reader.address()}),
           fmt::format("member {} has no receipt of member {}", sender, at));
    const auto when = mail::acknowledged(member(sender).mail, member(sender).keyring.archive, id,
                                         reader.address());
    expect(when && when.value(), "a receipt that came is not noted");
  }
}

/// What is buried has left the outbox, and nothing of killed sends stays.
void World::expect_nothing_left(Index at) {
  WorldMember& one = member(at);
  for (const OutboxEntry& entry : one.outbox().entries().value()) {
    const auto expiry = find_expiry(at, entry.id);
    expect(entry.place == OutboxPlace::failed || (expiry && *expiry <= one.clock.now().value),
           fmt::format("the outbox of member {} keeps what is buried", at));
  }
  clock_.advance(kOutboxLeftoverSeconds + kHour);
  if (!is_broken()) hand_over(at);
  expect(one.leftovers() == 0, fmt::format("member {} keeps leftovers of killed sends", at));
  node::VerifyWish wish;
  wish.depth = node::Depth::full;
  const auto report = node::verify(one.store, builder_.chain(), wish).value();
  expect(report.faults.empty(), fmt::format("member {} does not verify: {}", at,
                                            report.faults.empty() ? "" : report.faults[0].detail));
}

}  // namespace bmsg::mail
