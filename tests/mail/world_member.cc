#include "tests/mail/world_member.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "lib/chain/block_hash.h"
#include "lib/chain/fork_choice.h"
#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "lib/mail/send_key.h"
#include "lib/node/forget.h"
#include "tests/support/chronicle.h"

namespace bmsg::mail {
namespace {

constexpr std::uint32_t kAnyDepth = 100'000;

}  // namespace

WorldMember::WorldMember(const ChainBuilder& builder, const Clock& world, std::uint64_t seed,
                         const std::string& name, node::Keeps keeps)
    : clock(world),
      entropy(seed),
      keyring(make_keyring(entropy).value()),
      store(builder.rules_text(), keeps),
      builder_(builder),
      tip_(store.tip().value()),
      main_(store.records().main) {
  keyring.identities.push_back(make_identity(name, 0, entropy).value());
  check(bool(start()), "a member does not begin");
}

Card WorldMember::make_first_card() {
  Identity& self = keyring.identities[0];
  const UnixSeconds until{clock.now().value + kCardSeconds};
  self.cards.push_back(make_card_key(self, builder_.chain().id, until, entropy).value());
  check(bool(send_card(self, self.cards.back(), process_->cards, context(), {})), "no card");
  return process_->cards.cards_of(address()).value().cards.back();
}

Result<Done> WorldMember::start() {
  auto process = std::make_unique<Process>(*this, builder_.chain().id);
  BMSG_TRY_ASSIGN(process->node,
                  node::Node::make({.store = store,
                                    .chain = builder_.chain(),
                                    .clock = clock,
                                    .entropy = entropy,
                                    .outbox = &process->outbox,
                                    .key = {},
                                    .agent = "world",
                                    .reorg = {.depth_max = kAnyDepth,
                                              .endorsed_depth_max = kAnyDepth,
                                              .side_bytes_max = kSideBytes,
                                              .side_branch_bytes_max = 0},
                                    .pool = {.all = kPoolBytes, .of_giver = kPoolBytes / 2}}));
  BMSG_TRY(process->outbox.return_lost(store, clock.now()));
  BMSG_TRY(process->node->take_outbox());
  process_ = std::move(process);
  return done;
}

void WorldMember::kill() { process_.reset(); }

SendContext WorldMember::context() {
  return {.chain = builder_.chain(),
          .cards = process_->cards,
          .outbox = process_->outbox,
          .clock = clock,
          .entropy = entropy,
          .keyring = &keyring,
          .identity = &keyring.identities[0],
          .patience = std::chrono::milliseconds(0)};
}

Result<Done> WorldMember::hand_over() {
  BMSG_TRY(SendKeys(process_->outbox).sweep(clock.now()));
  BMSG_TRY(process_->outbox.return_lost(store, clock.now()));
  BMSG_TRY(process_->node->take_outbox());
  return done;
}

Result<Done> WorldMember::scan_all() {
  const MailKeys with = keys();
  for (bool more = true; more;) {
    BMSG_TRY_ASSIGN(const auto found, scan(store, mail, with, process_->outbox, entropy, {}));
    BMSG_TRY_ASSIGN(const bool applied, apply_scan(mail, process_->outbox, found));
    check(applied, "nobody else scans");
    more = found.more;
  }
  return store.is_light() ? want_absent() : done;
}

/// As every command that reads does.
Result<Done> WorldMember::want_absent() {
  BMSG_TRY_ASSIGN(const auto absent, absent_in(mail));
  BMSG_TRY_ASSIGN(const auto wanted, store.wanted());
  std::vector<MessageId> fresh;
  std::ranges::set_difference(absent, wanted, std::back_inserter(fresh));
  std::erase_if(fresh, [&](const MessageId& id) {
    const auto places = store.places_of(id).value();
    return !places.empty() && store.message_at(places.front()).value()->body;
  });
  if (fresh.empty()) return done;
  BMSG_TRY_ASSIGN(const auto all, Decoys(store, entropy, clock.now()).among(fresh));
  return process_->node->want_bodies(all);
}

Result<std::size_t> WorldMember::forget_expired(std::uint64_t margin) {
  const UnixSeconds by{clock.now().value - margin};
  node::ForgetWish wish;
  wish.spares = [&](const MessageId& id, Height) -> Result<bool> {
    BMSG_TRY_ASSIGN(const auto flags, mail.flags(id));
    return flags.contains("unread");
  };
  BMSG_TRY_ASSIGN(const auto found, node::find_forgettable(store, wish, by));
  std::vector<MessageId> ids;
  for (const node::Forgettable& one : found) ids.push_back(one.id);
  if (ids.empty()) return std::size_t{0};
  BMSG_TRY_ASSIGN(const auto gone, process_->node->forget(ids, node::DropRule::expired));
  return gone.size();
}

std::string WorldMember::find_overflow() const {
  return bmsg::find_overflow(store.records(), kPoolBytes, kSideBytes, "her");
}

bool WorldMember::is_mined(const MessageId& id) const {
  const auto places = store.places_of(id).value();
  return std::ranges::any_of(places,
                             [](const auto& place) { return place.branch == node::Branch::main; });
}

/// Of a member whose clock is past its expiry nobody wants a message any more.
std::string WorldMember::find_lost() {
  const Outbox outbox(disk, root() / "outbox");
  const auto entries = outbox.entries();
  if (!entries) return "her outbox cannot be read: " + entries.error().message;
  std::map<MessageId, OutboxPlace> there;
  for (const OutboxEntry& entry : entries.value()) there.emplace(entry.id, entry.place);
  for (const Promise& promise : promises) {
    if (promise.is_dropped || latest >= promise.expiry) continue;
    const auto file = there.find(promise.id);
    if (file != there.end() && file->second == OutboxPlace::failed)
      return fmt::format("letter {} was refused for good", promise.letter);
    if (file != there.end() || store.pooled(promise.id).value()) continue;
    if (!is_mined(promise.id))
      return fmt::format("letter {} is lost that she was told is sent", promise.letter);
  }
  return "";
}

/// What a block held that is on the best chain no more waits for another.
std::string WorldMember::find_not_returned(const std::vector<BlockHash>& left) const {
  for (const BlockHash& hash : left) {
    const auto block = store.records().blocks.find(hash);
    if (block == store.records().blocks.end()) continue;  // There was no room for it.
    for (const Message& message : block->second.messages) {
      const MessageId id = chain::id_of(message.head);
      const bool is_over = latest >= message.head.expiry() || !message.body;
      if (!is_over && !store.pooled(id).value() && !is_mined(id))
        return fmt::format("a message of block {} is nowhere since that was replaced",
                           block->second.header.sealed.header.height.value);
    }
  }
  return "";
}

WorldMember::Seen WorldMember::look() {
  Seen seen;
  latest = std::max(latest, clock.now().value);
  const auto& now = store.records().main;
  const std::vector<BlockHash> left(std::ranges::mismatch(main_, now).in1, main_.end());
  seen.left = left.size();
  main_ = now;
  const node::Tip tip = store.tip().value();
  const bool is_better = chain::is_better({tip.work, tip.hash}, {tip_.work, tip_.hash});
  const bool is_worse = tip != tip_ && (tip.work < tip_.work || !is_better);
  tip_ = tip;
  if (is_worse) seen.fault = "her tip became worse";
  if (seen.fault.empty()) seen.fault = find_lost();
  if (seen.fault.empty()) seen.fault = find_not_returned(left);
  if (seen.fault.empty()) seen.fault = find_overflow();
  return seen;
}

std::uint64_t WorldMember::set_of_blocks() {
  std::uint64_t set = 0;
  for (const auto& [hash, record] : store.records().blocks) {
    std::uint64_t part = 0;
    std::memcpy(&part, hash.view().data() + BlockHash::kSize - sizeof part, sizeof part);
    set ^= part;
  }
  return set;
}

std::size_t WorldMember::leftovers() const {
  const auto names = disk.list(root() / "outbox" / "tmp").value();
  return static_cast<std::size_t>(std::ranges::count_if(names, [](const std::string& name) {
    return parse_outbox_name(std::string_view(name).substr(0, kOutboxNameBytes)).has_value();
  }));
}

}  // namespace bmsg::mail
