#include "lib/mail/room_grant.h"

#include <algorithm>

#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/send_once.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kMarkBytes = 8;
constexpr std::uint32_t kGrantSeconds = 30 * 86400;  // Long enough for who is away for a while.
constexpr std::uint64_t kKeySeconds = 365ull * 86400;

/// Of one message, whoever makes it.
SendKey key_of(const Room& room, const OwedGrant& owed, const std::vector<Addressee>& to) {
  Bytes text = to_bytes("bmsg1 grant");
  append(text, room.id);
  append(text, owed.mark);
  for (const Addressee& one : to) append(text, one.address.view());
  return {.name = crypto::sha512(text), .content = {}, .seconds = kKeySeconds};
}

/// Members, by the number of keys that they come to, in parts that leave room for our own devices:
/// so each part tells these whom it went to.
class Parts {
 public:
  explicit Parts(std::size_t own_keys) : keys_max_(kSlotsMax - std::min(own_keys, kSlotsMax / 2)) {}

  void add(const IdentityKey& address, std::size_t keys) {
    if (parts_.empty() || keys_ + keys > keys_max_) {
      parts_.emplace_back();
      keys_ = 0;
    }
    parts_.back().push_back({address, ""});
    keys_ += keys;
  }
  void add_own() {
    if (parts_.empty()) parts_.emplace_back();
  }
  const std::vector<std::vector<Addressee>>& all() const { return parts_; }

 private:
  std::size_t keys_max_;
  std::size_t keys_ = 0;
  std::vector<std::vector<Addressee>> parts_;
};

Result<std::size_t> count_own_devices(const SendContext& context) {
  BMSG_TRY_ASSIGN(const auto own, context.cards.cards_of(context.identity->address()));
  return static_cast<std::size_t>(std::ranges::count_if(own.cards, [&](const Card& card) {
    return card.device != context.identity->device && card.usable_at(context.clock.now());
  }));
}

}  // namespace

Result<OwedGrant> owe(std::uint32_t epoch, std::vector<IdentityKey> to, Entropy& entropy) {
  OwedGrant owed{.mark = Bytes(kMarkBytes), .epoch = epoch, .to = std::move(to)};
  BMSG_TRY(entropy.fill(owed.mark));
  std::ranges::sort(owed.to);
  const auto repeated = std::ranges::unique(owed.to);
  owed.to.erase(repeated.begin(), repeated.end());
  return owed;
}

Result<Granted> send_grant(const Room& room, const OwedGrant& owed, const SendContext& context,
                           std::stop_token stop) {
  check(context.identity != nullptr && context.identity->address() == room.keeper,
        "a grant that its keeper does not sign");
  Granted granted;
  const RoomSecret* key = find_key(room, owed.epoch);
  if (key == nullptr) return granted;  // Forgotten since: nobody needs it any more.
  BMSG_TRY_ASSIGN(const std::size_t own, count_own_devices(context));
  Parts parts(own);
  for (const IdentityKey& address : owed.to) {
    BMSG_TRY_ASSIGN(const NewestCards known, context.cards.cards_of(address));
    const bool usable = !known.conflict && !known.cards.empty();
    if (usable) parts.add(address, known.cards.size());
    if (!usable) granted.missing.push_back(address);
  }
  if (own > 0) parts.add_own();
  auto left = parts.all();
  while (!left.empty()) {
    const auto part = std::move(left.back());
    left.pop_back();
    Letter letter;
    letter.content = grant_content(room, *key);
    letter.to = part;
    letter.ttl = std::min(kGrantSeconds, context.chain.rules.maxttl);
    letter.stale = Stale::allowed;  // Whoever was away still has the key of the newest card.
    auto once = send_once(letter, key_of(room, owed, part), context, stop);
    if (!once && once.error().code == Errc::no_recipient && !part.empty()) {
      // One card that nothing can be sealed to keeps no other member waiting.
      if (part.size() == 1) granted.missing.push_back(part.front().address);
      for (const Addressee& one : part)
        if (part.size() > 1) left.push_back({one});
      continue;
    }
    if (!once) return once.error();
    for (Sent& sent : once.value().sent) granted.sent.push_back(std::move(sent));
  }
  std::ranges::sort(granted.missing);
  return granted;
}

}  // namespace bmsg::mail
