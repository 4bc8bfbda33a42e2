#include "lib/mail/card.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>

#include "lib/core/codec.h"
#include "lib/core/try.h"
#include "lib/mail/message_line.h"
#include "lib/mail/open.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kTextStart = "bmsg-card ";
constexpr std::uint8_t kCardSuite = 1;  // X25519.

Error not_a_card(std::string_view why) {
  return Error{Errc::bad_input, fmt::format("not a card: {}", why)};
}

const char* missing_in(const Content& content) {
  if (content.kind != Kind::card) return "another kind of message";
  if (!content.identity()) return "no identity";
  if (!content.seq) return "no number";
  if (!content.prekey || content.prekey->suite != kCardSuite) return "no key that we can seal to";
  if (!content.inbox) return "no inbox";
  return nullptr;
}

/// The cards that were checked last. One command looks at its own several times, and the signature
/// takes longer than all else.
class LastChecked {
 public:
  std::optional<Card> find(const Message& message, const ChainId& chain) const {
    const std::lock_guard lock(mutex_);
    for (const auto& one : checked_) {
      if (one && one->chain == chain && one->card.message == message) return one->card;
    }
    return std::nullopt;
  }

  void keep(const Card& card, const ChainId& chain) {
    const std::lock_guard lock(mutex_);
    checked_[next_++ % checked_.size()] = Checked{chain, card};
  }

 private:
  struct Checked {
    ChainId chain;
    Card card;
  };

  mutable std::mutex mutex_;
  std::array<std::optional<Checked>, 4> checked_;
  std::size_t next_ = 0;
};

LastChecked& last_checked() {
  static LastChecked last;
  return last;
}

}  // namespace

Result<Sealed> make_card(const chain::ChainRules& chain, const CardDraft& draft,
                         const crypto::SecretBytes& identity_seed) {
  Content content;
  content.kind = Kind::card;
  content.device = draft.device;
  content.seq = draft.seq;
  content.subject = draft.name;
  content.prekey = OfferedKey{kCardSuite, to_bytes(draft.prekey.view())};
  content.inbox = draft.inbox;
  return post(chain, std::move(content), &identity_seed,
              {.suite = Suite::open, .topic = {}, .time = draft.time, .ttl = draft.ttl});
}

bool looks_like_card(const Message& message) {
  constexpr Bytes::value_type kStart[] = {0x01, 0x00, 0x01, static_cast<std::uint8_t>(Kind::card)};
  return message.head.suite == Suite::open && message.body &&
         message.body->size() > std::size(kStart) &&
         std::equal(std::begin(kStart), std::end(kStart), message.body->begin());
}

Result<Card> read_card(const Message& message, const ChainId& chain) {
  if (auto known = last_checked().find(message, chain)) return std::move(*known);
  const Opened opened = open_public(message, chain);
  if (opened.fault) {
    return not_a_card(fmt::format("{}: {}", name_of(*opened.fault), opened.detail));
  }
  if (opened.signature != SignatureState::good) return not_a_card("signature");
  BMSG_TRY_ASSIGN(auto card, read_card(opened.content, message));
  last_checked().keep(card, chain);
  return card;
}

bool is_whole_card(ByteView bytes, const ChainId& chain) {
  const auto message = decode_message(bytes);
  return message && read_card(message.value(), chain);
}

Result<Card> read_card(const Content& content, const Message& message) {
  if (const char* why = missing_in(content)) return not_a_card(why);
  return Card{.identity = *content.identity(),
              .device = content.device.value_or(0),
              .seq = *content.seq,
              .name = content.subject,
              .prekey = Prekey::from(content.prekey->key),
              .inbox = *content.inbox,
              .message = message};
}

std::string to_text(const Card& card) { return to_message_line(kTextStart, card.message); }

Result<Card> card_from_text(std::string_view text, const ChainId& chain) {
  const auto message = read_message_line(kTextStart, text);
  if (!message) return not_a_card(message.error().message);
  return read_card(message.value(), chain);
}

CardOrder compare(const Card& candidate, const Card& known) {
  if (candidate.seq != known.seq) {
    return candidate.seq > known.seq ? CardOrder::newer : CardOrder::older;
  }
  if (candidate.prekey != known.prekey) return CardOrder::conflict;
  // The same number and key signed again: the one that holds for longer.
  return candidate.expires() > known.expires() ? CardOrder::newer : CardOrder::same;
}

NewestCards newest(std::vector<Card> cards) {
  std::ranges::stable_sort(cards, {}, &Card::device);
  NewestCards found;
  bool conflict_here = false;  // In the device at hand, at its highest number so far.
  for (Card& card : cards) {
    if (found.cards.empty() || found.cards.back().device != card.device) {
      found.conflict |= conflict_here;
      conflict_here = false;
      found.cards.push_back(std::move(card));
      continue;
    }
    Card& known = found.cards.back();
    const CardOrder order = compare(card, known);
    if (order == CardOrder::conflict) conflict_here = true;
    if (order != CardOrder::newer) continue;
    if (card.seq > known.seq) conflict_here = false;
    known = std::move(card);
  }
  found.conflict |= conflict_here;
  return found;
}

}  // namespace bmsg::mail
