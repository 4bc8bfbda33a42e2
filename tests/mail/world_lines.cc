// The lines of a world: calls that are lost, cut and repeated, and a partition.

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/hex.h"
#include "tests/mail/world.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kCallsMax = 6;

std::string short_of(const BlockHash& hash) { return to_hex(hash.view()).substr(0, 8); }

}  // namespace

void World::spoil(SimTransport& wire) {
  if (chance(40)) wire.lose(static_cast<unsigned>(up_to(30)), numbers_);
  if (chance(15)) wire.cut_after(up_to(12));
  if (chance(30)) wire.repeat_puts(30, numbers_);
  if (chance(8)) wire.silence(chance(50), chance(50));
}

void World::begin_call() {
  if (calls_.size() >= kCallsMax) return;
  const Index from = up_to(kMembers - 1);
  const Index to = (from + 1 + up_to(kMembers - 2)) % kMembers;
  if (!is_up(from, to) || !wake(from) || !wake(to)) return;
  auto call = std::make_unique<Call>();
  call->from = from;
  call->to = to;
  call->wire = std::make_unique<SimTransport>(member(to).service());
  spoil(*call->wire);
  using Way = node::SyncOptions::Direction;
  node::SyncOptions options;
  if (chance(20)) options.direction = chance(50) ? Way::pull : Way::push;
  if (chance(5)) options.bytes_max = 500 + up_to(5000);
  if (chance(5)) options.deadline = clock_.steady() + std::chrono::seconds(1 + up_to(600));
  options.cursor = member(from).cursors[to];
  call->session = std::make_unique<node::SyncSession>(
      member(from).service(), *call->wire, builder_.chain(), member(from).clock, options);
  note(fmt::format("{} calls {}", from, to));
  calls_.push_back(std::move(call));
  count("calls");
}

/// The store of either end may fail meanwhile, and that process may die of it.
void World::step_call() {
  if (calls_.empty()) return begin_call();
  Call& call = *calls_[up_to(calls_.size() - 1)];
  const Index from = call.from;
  const Index to = call.to;
  const Index failing = chance(50) ? from : to;
  const bool fails = has_faults_ && chance(12);
  if (fails) member(failing).store.fail_apply(static_cast<std::uint32_t>(up_to(1)));
  const auto more = call.session->step();
  if (fails) member(failing).store.fail_apply(UINT32_MAX);
  note(fmt::format("{}>{} {} {} {}", from, to,
                   !more          ? more.error().message
                   : more.value() ? "goes on"
                                  : "ends",
                   short_of(member(from).store.tip().value().hash),
                   short_of(member(to).store.tip().value().hash)));
  look_at(from);
  look_at(to);
  if (more && more.value()) return;
  count(more ? "calls that ended" : "calls that failed");
  if (fails && !more && more.error().code == Errc::io) count("store errors");
  // Nobody here lies, so nobody may be called a liar.
  expect(
      more || fails || more.error().code == Errc::unreachable ||
          more.error().code == Errc::try_again,
      fmt::format("member {} says of member {}: {}", from, to, more ? "" : more.error().message));
  member(from).cursors[to] = call.session->report().cursor;
  end_call(&call);
  if (fails && !more && chance(50)) kill(failing);
}

void World::end_call(const Call* call) {
  const auto found = std::ranges::find(calls_, call, [](const auto& one) { return one.get(); });
  const SimTraffic& traffic = (*found)->wire->traffic;
  count("requests lost", traffic.lost_before);
  count("answers lost", traffic.lost_after);
  count("lines cut", traffic.cut);
  count("lines dead one way", traffic.one_way);
  count("puts repeated", traffic.repeated);
  (*found)->session.reset();  // Before what it borrows.
  calls_.erase(found);
}

/// Before a process ends: what it asked is over, and who asked it hears no more.
void World::end_calls_of(Index at) {
  for (;;) {
    const auto own = std::ranges::find(calls_, at, [](const auto& call) { return call->from; });
    if (own == calls_.end()) break;
    end_call(own->get());
  }
  for (const auto& call : calls_)
    if (call->to == at) call->wire->hang_up();
}

void World::flip_partition() {
  note(side_.empty() ? "the world parts" : "the world is whole");
  if (!side_.empty()) return side_.clear();
  side_.assign(kMembers, false);
  for (std::size_t left = kMembers / 2; left > 0;) {
    const Index at = up_to(kMembers - 1);
    if (side_[at]) continue;
    side_[at] = true;
    --left;
  }
  count("partitions");
  for (const auto& call : calls_)
    if (!is_up(call->from, call->to)) call->wire->hang_up();
}

}  // namespace bmsg::mail
