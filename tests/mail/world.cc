#include "tests/mail/world.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/node/miner.h"
#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

constexpr std::uint64_t kHour = 3600;
constexpr std::int64_t kSkewMax = 3 * 3600;
// Who forgets leaves what the others' clocks may still let them need.
constexpr std::uint64_t kForgetMargin = 12 * kHour;
constexpr int kReasons[] = {EIO, ENOSPC, EDQUOT, EMFILE};

constexpr const char* kTails[] = {"lost", "kept", "torn", "garbled"};

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what))
    text.replace(at, what.size(), by);
  return text;
}

/// Of a failure, without the directory and the process that are others in each run.
std::string said(const WorldMember& one, const Error& error) {
  const std::string text = replaced(error.message, one.temp.path().string(), "~");
  return replaced(text, fmt::format(".{}'", ::getpid()), ".pid'");
}

}  // namespace

World::World(std::uint64_t seed)
    : numbers_(seed), clock_(kEasyGenesisTime + 1'000 * 600), builder_(pow_rules_text()) {
  std::vector<Card> cards;
  for (Index i = 0; i < kMembers; ++i) {
    const auto keeps = i == kLight ? node::Keeps::heads : node::Keeps::all;
    members_.push_back(std::make_unique<WorldMember>(builder_, clock_, numbers_(),
                                                     fmt::format("member {}", i), keeps));
    cards.push_back(members_.back()->make_first_card());
  }
  for (const auto& one : members_) {
    CardDirectory known(one->disk, one->temp.path() / "cards", builder_.chain().id);
    for (const Card& card : cards) check(bool(known.put(card)), "a card is not kept");
  }
  make_room_of_keeper();
}

std::uint64_t World::up_to(std::uint64_t most) { return number_up_to(numbers_, most); }

std::optional<World::Index> World::index_of(ByteView address) const {
  for (Index i = 0; i < kMembers; ++i)
    if (std::ranges::equal(members_[i]->address().view(), address)) return i;
  return std::nullopt;
}

/// By the clock of anybody.
bool World::has_been(std::uint64_t time) const {
  return std::ranges::any_of(members_, [&](const auto& one) { return one->latest >= time; });
}

void World::look_at(Index at) {
  WorldMember& one = member(at);
  const auto seen = one.look();
  expect(seen.fault.empty(), fmt::format("member {}: {}", at, seen.fault));
  if (seen.left > 0) count("reorgs");
  if (seen.left > 1) count("deep reorgs");
  const BlockHash tip = one.store.tip().value().hash;
  const auto [known, is_new] = tip_of_.emplace(one.set_of_blocks(), tip);
  expect(known->second == tip, fmt::format("member {} has another tip of the same blocks", at));
}

World::Armed World::arm(WorldMember& one) {
  if (!has_faults_) return Armed::nothing;
  const auto drawn = up_to(99);
  if (drawn < 12) {
    one.disk.cut_at(1 + up_to(drawn < 6 ? 6 : 40));
    return Armed::cut;
  }
  if (drawn < 20) {
    const auto failing = chance(50) ? CutDisk::Failing::once : CutDisk::Failing::from_then_on;
    one.disk.fail_at(1 + up_to(40), kReasons[up_to(std::size(kReasons) - 1)], failing);
    return Armed::disk;
  }
  if (drawn >= 25) return Armed::nothing;
  one.store.fail_apply(static_cast<std::uint32_t>(up_to(1)));
  return Armed::store;
}

bool World::settle(Index at, const std::string& what, Armed armed, const Result<Done>& result,
                   const std::set<Errc>& refusals) {
  WorldMember& one = member(at);
  note(fmt::format("{} {}: {}", at, what, result ? "done" : said(one, result.error())));
  if (one.disk.is_off()) {
    cut_power(at);
    return false;
  }
  const bool has_failed = armed == Armed::disk && one.disk.failures() > 0;
  if (has_failed) count("disk errors", one.disk.failures());
  if (armed == Armed::store && !result && result.error().code == Errc::io) count("store errors");
  one.disk.heal();
  if (armed == Armed::store) one.store.fail_apply(UINT32_MAX);
  if (!has_failed && armed != Armed::store) {
    const bool is_fine = result || refusals.contains(result.error().code);
    expect(is_fine, fmt::format("member {} cannot {}, though nothing fails: {}", at, what,
                                is_fine ? "" : said(one, result.error())));
  } else if (!result && chance(40)) {
    kill(at);
    return false;
  }
  return bool(result);
}

bool World::attempt(Index at, const std::string& what, const Act& act,
                    const std::set<Errc>& refusals) {
  if (!wake(at)) return false;
  const Armed armed = arm(member(at));
  const auto result = act(member(at));
  return settle(at, what, armed, result, refusals);
}

/// Who comes after a crash may crash too.
bool World::wake(Index at) {
  if (member(at).is_running()) return true;
  const Armed armed = arm(member(at));
  const auto started = member(at).start();
  settle(at, "start", armed, started, {});
  if (!started && armed != Armed::nothing) count("crashes while recovering");
  return member(at).is_running();
}

/// What was written is there for the next process, and what was not synced still is not.
void World::kill(Index at) {
  end_calls_of(at);
  member(at).kill();
  member(at).disk.restart();
  member(at).cursors.clear();
  count("kills");
  note(fmt::format("{} is killed", at));
}

void World::cut_power(Index at) {
  end_calls_of(at);
  member(at).kill();
  const auto tail = static_cast<CutDisk::Tail>(up_to(3));
  const auto names = static_cast<CutDisk::Names>(up_to(3));
  member(at).disk.reboot(tail, names, numbers_);
  count(std::string("power cuts, tails ") + kTails[static_cast<std::size_t>(tail)]);
  note(fmt::format("{} loses power", at));
}

void World::set_clock(Index at) {
  // What expired by the clock that is set now may have been refused for it.
  member(at).latest = std::max(member(at).latest, member(at).clock.now().value);
  const auto ahead = chance(40) ? 0 : static_cast<std::int64_t>(up_to(2 * kSkewMax)) - kSkewMax;
  member(at).clock.set_ahead(ahead);
  count("clocks set");
  note(fmt::format("the clock of {} is {} ahead", at, ahead));
}

void World::happen() {
  chronicle_.begin_event();
  const std::uint64_t passed = chance(5) ? up_to(4 * kHour) : up_to(240);
  clock_.advance(passed);
  seconds_ += passed;
  const Index at = up_to(kMembers - 1);
  const auto drawn = up_to(999);
  if (drawn < 440) return step_call();
  if (drawn < 530) return begin_call();
  if (drawn < 610) {
    send(at);
  } else if (drawn < 630) {
    send_many(at);
  } else if (drawn < 660) {
    repeat(at);
  } else if (drawn < 700) {
    hand_over(at);
  } else if (drawn < 790) {
    read(at);
  } else if (drawn < 830) {
    run_reader(at);
  } else if (drawn < 910) {
    if (at != kLight) mine(at);
  } else if (drawn < 920) {
    call_back(at);
  } else if (drawn < 930) {
    change_room();
    return look_at(kKeeper);
  } else if (drawn < 945) {
    forget(at);
  } else if (drawn < 960) {
    kill(at);
  } else if (drawn < 975) {
    cut_power(at);
  } else if (drawn < 990) {
    set_clock(at);
  } else {
    return flip_partition();
  }
  look_at(at);
}

void World::hand_over(Index at) {
  attempt(at, "hand over", [](WorldMember& one) { return one.hand_over(); });
  if (at == kKeeper && !is_broken()) send_owed();
}

void World::forget(Index at) {
  std::size_t gone = 0;
  attempt(at, "forget", [&](WorldMember& one) -> Result<Done> {
    BMSG_TRY_ASSIGN(gone, one.forget_expired(kForgetMargin));
    return done;
  });
  count("bodies forgotten", gone);
}

void World::mine(Index at) {
  std::string mined = "mine nothing";
  const auto search = [&](WorldMember& one) -> Result<Done> {
    BMSG_TRY_ASSIGN(const auto work, one.service().block_template({}));
    // A miner would wait for the clock, which does not move by itself here.
    if (work.parent.time.value >= one.clock.now().value + node::kMinedAheadSecondsMax) return done;
    SealedHeader sealed{work.block.header, {}};
    sealed.header.nonce = numbers_();
    builder_.mine(sealed);
    BMSG_TRY_ASSIGN(const auto outcome,
                    one.service().submit_block({sealed.header, sealed.seal, work.block.messages}));
    const BlockHash hash = chain::hash_of(sealed.header);
    expect(outcome.verdict == node::Verdict::accepted && one.store.tip().value().hash == hash,
           fmt::format("member {} does not follow her own block", at));
    mined = fmt::format("mine {} {} of {}", sealed.header.height.value,
                        to_hex(hash.view()).substr(0, 8), sealed.header.count);
    count("mined");
    return done;
  };
  attempt(at, "mine", search);
  note(fmt::format("{} {}", at, mined));
}

}  // namespace bmsg::mail
