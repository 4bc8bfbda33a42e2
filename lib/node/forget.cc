#include "lib/node/forget.h"

#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/core/check.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

constexpr std::uint32_t kHeadersAtOnce = 1024;

Forgettable forgettable(const MessageId& id, const MessageHead& head, UnixSeconds now) {
  return {.id = id, .bytes = head.body_bytes, .expired = head.expiry() <= now.value};
}

class Search {
 public:
  Search(const ChainReader& chain, const ForgetWish& wish, UnixSeconds now)
      : chain_(chain), wish_(wish), now_(now) {}

  Result<Done> look_at(const StoredHeader& header) {
    if (header.sealed.header.count == 0) return done;
    BMSG_TRY_ASSIGN(const auto block, chain_.block(header.hash, Bodies::with));
    if (!block) return done;  // Its branch was dropped meanwhile.
    for (const Message& message : block->messages) {
      if (!message.body || !is_wanted(message.head)) continue;
      const MessageId id = chain::id_of(message.head);
      BMSG_TRY_ASSIGN(const bool stays, is_spared(id, header.sealed.header.height));
      if (!stays && seen_.insert(id).second) found_.push_back(forgettable(id, message.head, now_));
    }
    return done;
  }

  std::vector<Forgettable> found() { return std::move(found_); }

 private:
  bool is_wanted(const MessageHead& head) const {
    if (head.suite == Suite::charter) return false;
    return wish_.before ? head.time < wish_.before->value : head.expiry() <= now_.value;
  }
  Result<bool> is_spared(const MessageId& id, Height height) const {
    BMSG_TRY_ASSIGN(const auto pooled, chain_.pooled(id));
    if (pooled) return true;
    return wish_.spares ? wish_.spares(id, height) : Result<bool>(false);
  }

  const ChainReader& chain_;
  const ForgetWish& wish_;
  const UnixSeconds now_;
  std::unordered_set<MessageId, FixedBytesHash> seen_;
  std::vector<Forgettable> found_;
};

/// The blocks beside the best chain, from each end down to it.
Result<Done> look_beside(const ChainReader& chain, Search& search) {
  BMSG_TRY_ASSIGN(const auto tips, chain.tips());
  std::unordered_set<BlockHash, FixedBytesHash> seen;
  for (const StoredHeader& tip : tips) {
    std::optional<StoredHeader> at = tip;
    while (at && at->branch == Branch::side && seen.insert(at->hash).second) {
      BMSG_TRY(search.look_at(*at));
      BMSG_TRY_ASSIGN(at, chain.header(at->sealed.header.previous));
    }
  }
  return done;
}

}  // namespace

std::string_view name_of(DropRule rule) {
  switch (rule) {
    case DropRule::named:
      return "named";
    case DropRule::expired:
      return "expired";
    case DropRule::older:
      return "older";
    case DropRule::sender:
      return "sender";
    case DropRule::asked:
      return "asked";
  }
  check(false, "a rule without a name");
  return "";
}

Result<std::vector<Forgettable>> find_forgettable(const ChainReader& chain, const ForgetWish& wish,
                                                  UnixSeconds now) {
  Search search(chain, wish, now);
  for (Height from{1};;) {
    BMSG_TRY_ASSIGN(const auto headers, chain.headers(from, kHeadersAtOnce));
    if (headers.empty()) break;
    for (const StoredHeader& header : headers) BMSG_TRY(search.look_at(header));
    from.value += static_cast<std::uint32_t>(headers.size());
  }
  BMSG_TRY(look_beside(chain, search));
  return search.found();
}

Result<Judged> judge_forgettable(const ChainReader& chain, const MessageId& id, UnixSeconds now) {
  BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(id));
  if (pooled) return Judged{Keeping::pooled, forgettable(id, pooled->message.head, now)};
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  if (places.empty()) return Judged{Keeping::unknown, {.id = id}};
  Judged judged{Keeping::body_gone, {.id = id}};
  for (const MessagePlace& place : places) {
    BMSG_TRY_ASSIGN(const auto message, chain.message_at(place));
    if (!message) continue;
    judged.message = forgettable(id, message->head, now);
    if (message->head.suite == Suite::charter) return Judged{Keeping::charter, judged.message};
    if (message->body) judged.keeping = Keeping::nothing;
  }
  return judged;
}

}  // namespace bmsg::node
