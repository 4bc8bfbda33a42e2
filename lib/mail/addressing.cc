#include "lib/mail/addressing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lib/core/address.h"
#include "lib/core/try.h"

namespace bmsg::mail {
namespace {

/// Inboxes in an order, so that batches come out the same each time.
struct InboxOrder {
  bool operator()(const InboxPrefix& a, const InboxPrefix& b) const {
    return std::tie(a.bits, a.topic) < std::tie(b.bits, b.topic);
  }
};

/// Collects keys by inbox and cuts batches where 64 are reached.
class Batches {
 public:
  explicit Batches(const std::optional<SenderDevice>& sender) : sender_(sender) {}

  void add(const Card& card, const Addressee* to) {
    Batch& batch = batch_for(card.inbox);
    const bool own = sender_ && card.identity == sender_->address;
    batch.own_devices |= own && card.device != sender_->device;
    batch.recipients.push_back({to_bytes(card.prekey.view()), card.identity});
    if (to && std::ranges::find(batch.to, *to) == batch.to.end()) batch.to.push_back(*to);
  }

  /// Whoever comes now shares a message with nobody before.
  void part() { open_.clear(); }
  std::size_t size() const { return batches_.size(); }

  std::vector<Batch> take() { return std::move(batches_); }

 private:
  Batch& batch_for(const InboxPrefix& inbox) {
    const auto open = open_.find(inbox);
    if (open != open_.end() && batches_[open->second].recipients.size() < kSlotsMax) {
      return batches_[open->second];
    }
    open_[inbox] = batches_.size();
    batches_.push_back({.recipients = {}, .to = {}, .own_devices = false, .inbox = inbox});
    return batches_.back();
  }

  const std::optional<SenderDevice>& sender_;
  std::vector<Batch> batches_;
  std::map<InboxPrefix, std::size_t, InboxOrder> open_;
};

std::string describe_revoked(const IdentityKey& ended, const std::vector<IdentityKey>& proposed) {
  std::string text = to_address(ended);
  for (const IdentityKey& one : proposed) text += fmt::format(", proposed: {}", to_address(one));
  return text;
}

/// The cards to seal to: all that hold; only where none does and that will do, the expired ones.
std::vector<Card> usable(std::vector<Card> cards, UnixSeconds now, Stale stale) {
  const auto holds = [&](const Card& card) { return card.usable_at(now); };
  if (stale == Stale::allowed && std::ranges::none_of(cards, holds)) return cards;
  std::erase_if(cards, [&](const Card& card) { return !holds(card); });
  return cards;
}

Result<Done> add_person(const CardDirectory& cards, const Addressee& to, UnixSeconds now,
                        Stale stale, Batches& batches, Addressing& result) {
  BMSG_TRY_ASSIGN(NewestCards known, cards.cards_of(to.address));
  if (known.revoked) {
    result.revoked.push_back(describe_revoked(to.address, known.successors));
    return done;
  }
  if (known.conflict) {
    result.conflicts.push_back(to_address(to.address));
    return done;
  }
  const auto chosen = usable(std::move(known.cards), now, stale);
  if (chosen.empty()) result.missing.push_back(to_address(to.address));
  for (const Card& card : chosen) batches.add(card, &to);
  return done;
}

Result<Done> add_own_devices(const CardDirectory& cards, const IdentityKey& sender,
                             std::uint8_t sender_device, UnixSeconds now, Batches& batches) {
  BMSG_TRY_ASSIGN(NewestCards known, cards.cards_of(sender));
  // A device that shared the message of some would not learn to whom the others went.
  if (batches.size() > 1) batches.part();
  for (const Card& card : usable(std::move(known.cards), now, Stale::refused)) {
    if (card.device != sender_device) batches.add(card, nullptr);
  }
  return done;
}

}  // namespace

Result<Addressing> address(const CardDirectory& cards, const std::vector<Addressee>& to,
                           const std::optional<SenderDevice>& sender, UnixSeconds now,
                           Stale stale) {
  Addressing result;
  Batches batches(sender);
  for (const Addressee& one : to) {
    BMSG_TRY(add_person(cards, one, now, stale, batches, result));
  }
  const bool to_self =
      sender && std::ranges::find(to, sender->address, &Addressee::address) != to.end();
  if (sender && !to_self) {
    BMSG_TRY(add_own_devices(cards, sender->address, sender->device, now, batches));
  }
  result.batches = batches.take();
  return result;
}

std::optional<Error> refusal(const Addressing& found) {
  if (!found.revoked.empty()) {
    const bool proposed = found.revoked.front().find(' ') != std::string::npos;
    return Error{
        Errc::no_recipient, fmt::format("revoked by its owner: {}", fmt::join(found.revoked, "; ")),
        proposed ? "compare the words of the new key by voice, then 'bmsg contact move "
                   "NAME ADDRESS'"
                 : "ask them for a new address; 'bmsg contact move NAME ADDRESS' takes it"};
  }
  if (!found.missing.empty()) {
    return Error{Errc::no_recipient,
                 fmt::format("no usable card of {}", fmt::join(found.missing, ", "))};
  }
  if (!found.conflicts.empty()) {
    return Error{
        Errc::no_recipient,
        fmt::format("two different cards of one number of {}", fmt::join(found.conflicts, ", ")),
        "a thief or a copied store makes those; ask them for the output of 'bmsg id "
        "--card', and 'bmsg contact add NAME FILE' picks that one"};
  }
  return std::nullopt;
}

Result<Addressing> address_anonymous(const CardDirectory& cards, const std::vector<Addressee>& to,
                                     UnixSeconds now, Stale stale) {
  return address(cards, to, std::nullopt, now, stale);
}

Result<Topic> topic_for(const InboxPrefix& inbox, Entropy& entropy) {
  Topic topic;
  if (inbox.bits == 0) return topic;
  BMSG_TRY(entropy.fill({topic.data(), Topic::kSize}));
  for (std::size_t i = 0; i < Topic::kSize; ++i) {
    const std::uint8_t mask = inbox.mask_of(i);
    topic.data()[i] =
        static_cast<std::uint8_t>((inbox.topic.data()[i] & mask) | (topic.data()[i] & ~mask));
  }
  return topic;
}

}  // namespace bmsg::mail
