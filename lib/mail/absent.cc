#include "lib/mail/absent.h"

#include <algorithm>
#include <array>

#include "lib/chain/block_hash.h"
#include "lib/core/big_endian.h"
#include "lib/core/try.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kPrefix = "absent/";
constexpr std::uint32_t kBlocksAround = 32;  // On each side, at most.

std::string name_of(const MessageId& id) { return std::string(kPrefix) + to_string(id.view()); }

}  // namespace

Result<std::vector<MessageId>> absent_in(const MailReader& mail) {
  BMSG_TRY_ASSIGN(const auto values, mail.values(std::string(kPrefix)));
  std::vector<MessageId> ids;
  for (const auto& [name, value] : values) {
    const ByteView id = as_bytes(name).subspan(kPrefix.size());
    if (id.size() != MessageId::kSize)
      return Error{Errc::corrupt, "mail index: the record of an absent body is damaged"};
    ids.push_back(MessageId::from(id));
  }
  std::ranges::sort(ids);
  return ids;
}

Result<bool> is_absent(const MailReader& mail, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto value, mail.value(name_of(id)));
  return value.has_value();
}

void set_absent(MailChange& change, const MessageId& id) {
  change.values.insert_or_assign(name_of(id), Bytes());
}

void clear_absent(MailChange& change, const MessageId& id) {
  change.values.insert_or_assign(name_of(id), std::nullopt);
}

Result<const std::vector<Decoys::Other>*> Decoys::others_in(std::uint32_t height) {
  const auto known = blocks_.find(height);
  if (known != blocks_.end()) return &known->second;
  std::vector<Other> others;
  BMSG_TRY_ASSIGN(const auto hash, chain_.hash_at(Height{height}));
  if (hash) {
    BMSG_TRY_ASSIGN(const auto block, chain_.block(*hash, Bodies::with));
    const std::size_t count = block ? block->messages.size() : 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Message& message = block->messages[i];
      if (message.body) continue;
      const bool expired = message.head.expiry() <= now_.value;
      others.push_back({chain::id_of(message.head), message.head.suite, expired});
    }
  }
  return &blocks_.emplace(height, std::move(others)).first->second;
}

/// Adds those of one block: in that of ours, messages lie in the order of their ids.
Result<Done> Decoys::add_near(std::uint32_t height, std::uint32_t of_ours, const Other& ours,
                              const std::set<MessageId>& all, Near& near) {
  BMSG_TRY_ASSIGN(const auto* others, others_in(height));
  std::vector<MessageId> below;
  for (const Other& other : *others) {
    // A body that expired is asked for by nobody else's need.
    const bool fits = other.suite == ours.suite && other.expired == ours.expired;
    if (!fits || all.contains(other.id)) continue;
    const bool is_above = height == of_ours ? other.id > ours.id : height > of_ours;
    (is_above ? near.above : below).push_back(other.id);
  }
  near.below.insert(near.below.end(), below.rbegin(), below.rend());
  return done;
}

Result<Decoys::Near> Decoys::near(const node::MessagePlace& place, const Other& ours,
                                  const std::set<MessageId>& all) {
  Near near;
  const std::uint32_t height = place.height.value;
  BMSG_TRY(add_near(height, height, ours, all, near));
  for (std::uint32_t away = 1; away <= kBlocksAround; ++away) {
    if (near.above.size() < kDecoys) BMSG_TRY(add_near(height + away, height, ours, all, near));
    if (near.below.size() < kDecoys && away <= height)
      BMSG_TRY(add_near(height - away, height, ours, all, near));
  }
  return near;
}

Result<std::size_t> Decoys::draw_up_to(std::size_t most) {
  std::array<std::uint8_t, 8> bytes{};
  BMSG_TRY(entropy_.fill(bytes));
  return static_cast<std::size_t>(load_be<std::uint64_t>(bytes.data()) % (most + 1));
}

Result<Done> Decoys::add_decoys(const MessageId& id, std::set<MessageId>& all) {
  BMSG_TRY_ASSIGN(const auto places, chain_.places_of(id));
  if (places.empty()) return done;
  BMSG_TRY_ASSIGN(const auto message, chain_.message_at(places.front()));
  if (!message) return done;
  const Other ours{id, message->head.suite, message->head.expiry() <= now_.value};
  BMSG_TRY_ASSIGN(const auto found, near(places.front(), ours, all));
  BMSG_TRY_ASSIGN(std::size_t above, draw_up_to(kDecoys));
  // At an end of the chain all of the last eight ask for these, whichever of them is whose.
  if (found.above.size() < kDecoys) above = found.above.size();
  if (found.below.size() < kDecoys - above) above = kDecoys - found.below.size();
  above = std::min(above, found.above.size());
  const std::size_t below = std::min(kDecoys - above, found.below.size());
  all.insert(found.above.begin(), found.above.begin() + static_cast<std::ptrdiff_t>(above));
  all.insert(found.below.begin(), found.below.begin() + static_cast<std::ptrdiff_t>(below));
  return done;
}

Result<std::vector<MessageId>> Decoys::among(const std::vector<MessageId>& ids) {
  std::set<MessageId> all(ids.begin(), ids.end());
  for (const MessageId& id : ids) BMSG_TRY(add_decoys(id, all));
  return std::vector<MessageId>(all.begin(), all.end());
}

}  // namespace bmsg::mail
