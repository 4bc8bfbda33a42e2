// What members of a world write, and what becomes of it until it is in the outbox for good.

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/ack.h"
#include "tests/mail/world.h"
#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

constexpr std::uint32_t kHour = 3600;
constexpr std::uint32_t kDay = 24 * kHour;

}  // namespace

std::size_t World::draw_post(Index from, bool may_have_key) {
  Post post;
  post.from = from;
  post.letter.room = chance(25) ? room_for(from) : std::nullopt;
  if (post.letter.room) post.epoch = epoch_of(from);
  const auto most = post.letter.room ? 0 : 1 + up_to(kMembers - 2);
  while (post.to.size() < most) {
    const Index other = up_to(kMembers - 1);
    if (other != from) post.to.insert(other);
  }
  for (const Index to : post.to) post.letter.to.push_back({member(to).address(), {}});
  const Bytes rest = random_bytes(numbers_, up_to(120));
  const std::string words = fmt::format("post {} {}", posts_.size(), to_hex(rest));
  post.letter.content.content = to_bytes(words);
  post.letter.ttl = static_cast<std::uint32_t>(chance(12) ? kHour + up_to(12 * kHour)
                                                          : 20 * kDay + up_to(10 * kDay));
  post.until = member(from).clock.now().value + post.letter.ttl;
  if (may_have_key && chance(50))
    post.key = SendKey{.name = key_name(fmt::format("{} {}", from, posts_.size()))};
  posts_.push_back(std::move(post));
  return posts_.size() - 1;
}

Result<std::vector<MessageId>> World::send_post(WorldMember& one, const Post& post) {
  std::vector<MessageId> ids;
  if (!post.key) {
    BMSG_TRY_ASSIGN(const auto sent, mail::send(post.letter, one.context(), {}));
    for (const Sent& part : sent) ids.push_back(part.id);
    return ids;
  }
  SendKey key = *post.key;
  BMSG_TRY_ASSIGN(key.content, letter_digest(post.letter, one.context()));
  BMSG_TRY_ASSIGN(const auto once, send_once(post.letter, key, one.context(), {}));
  for (const Sent& part : once.sent) ids.push_back(part.id);
  return ids;
}

void World::send(Index at) {
  const std::size_t number = draw_post(at, true);
  std::vector<MessageId> ids;
  attempt(at, fmt::format("send post {}", number), [&](WorldMember& one) -> Result<Done> {
    BMSG_TRY_ASSIGN(ids, send_post(one, posts_[number]));
    return done;
  });
  promise(at, number, ids);
}

/// As lines of one input: numbers are written down once, and the files lie in one pack.
void World::send_many(Index at) {
  std::vector<std::size_t> numbers;
  for (auto left = 4 + up_to(3); left > 0; --left) numbers.push_back(draw_post(at, false));
  std::vector<MessageId> ids;
  attempt(at, fmt::format("send {} posts", numbers.size()), [&](WorldMember& one) -> Result<Done> {
    OpenConversations open;
    SendContext context = one.context();
    context.conversations = &open;
    std::vector<OutboxFile> files;
    for (const std::size_t number : numbers) {
      BMSG_TRY_ASSIGN(auto prepared, prepare(posts_[number].letter, context, {}));
      check(prepared.size() == 1, "all inboxes are alike");
      files.push_back(std::move(prepared.front().file));
    }
    BMSG_TRY(open.keep());
    BMSG_TRY(one.outbox().queue(files));
    for (const OutboxFile& file : files) ids.push_back(chain::id_of(file.message.head));
    return done;
  });
  for (std::size_t i = 0; i < ids.size(); ++i) promise(at, numbers[i], {ids[i]});
}

/// Whoever did not hear what became of a send under a key sends again.
void World::repeat(Index at) {
  std::vector<std::size_t> keyed;
  for (std::size_t i = 0; i < posts_.size(); ++i)
    if (posts_[i].from == at && posts_[i].key && !posts_[i].is_called_back) keyed.push_back(i);
  const auto is_open = [&](std::size_t i) { return posts_[i].ids.empty(); };
  const auto open = std::ranges::find_if(keyed, is_open);
  if (keyed.empty()) return;
  const std::size_t number = open == keyed.end() ? keyed[up_to(keyed.size() - 1)] : *open;
  std::vector<MessageId> ids;
  attempt(at, fmt::format("repeat post {}", number), [&](WorldMember& one) -> Result<Done> {
    BMSG_TRY_ASSIGN(ids, send_post(one, posts_[number]));
    return done;
  });
  if (ids.empty()) return;
  count("repeated");
  if (posts_[number].ids.empty()) return promise(at, number, ids);
  expect(posts_[number].ids == ids, fmt::format("post {} was sent twice under its key", number));
}

std::optional<std::uint64_t> World::find_expiry(Index at, const MessageId& id) {
  WorldMember& one = member(at);
  const Outbox outbox(one.disk, one.temp.path() / "outbox");
  if (const auto entry = outbox.find(id).value())
    return outbox.read(*entry).value()->message.head.expiry();
  if (const auto pooled = one.store.pooled(id).value()) return pooled->message.head.expiry();
  const auto places = one.store.places_of(id).value();
  if (places.empty()) return std::nullopt;
  return one.store.message_at(places.front()).value()->head.expiry();
}

void World::promise(Index at, std::size_t post, const std::vector<MessageId>& ids) {
  if (ids.empty() || is_broken()) return;
  posts_[post].ids = ids;
  for (const MessageId& id : ids) {
    const auto expiry = find_expiry(at, id);
    // Under a key an id may be told again when all is over.
    const bool may_be_over = posts_[post].key && has_been(posts_[post].until);
    if (!expiry && may_be_over) count("expired before they were told");
    expect(expiry.has_value() || may_be_over,
           fmt::format("post {} is nowhere though its id was told", post));
    if (!expiry) return;
    member(at).promises.push_back({id, post, *expiry, false});
    count("sent");
  }
}

/// What comes of it under a fault nobody knows; without one, what is called back never arrives.
void World::call_back(Index at) {
  auto& promises = member(at).promises;
  if (promises.empty()) return;
  const std::size_t newest = promises.size() - 1;
  const std::size_t which = newest - std::min<std::size_t>(up_to(2), newest);
  const MessageId id = promises[which].id;
  const std::size_t post = promises[which].letter;
  if (post >= posts_.size() || promises[which].is_dropped) return;
  Result<Done> cancelled = done;
  bool was_tried = false;
  attempt(at, fmt::format("call post {} back", post),
          [&](WorldMember& one) {
            was_tried = true;
            return cancelled = one.outbox().cancel(id);
          },
          {Errc::exists, Errc::not_found});
  if (!was_tried) return;
  const bool is_kept = !cancelled && (cancelled.error().code == Errc::exists ||
                                      cancelled.error().code == Errc::not_found);
  if (is_kept) return;
  promises[which].is_dropped = true;
  WorldMember& one = member(at);
  const bool has_gone = one.store.pooled(id).value() || !one.store.places_of(id).value().empty();
  // What her clock took for expired the pool may have had before.
  if (!cancelled || has_gone || one.latest >= promises[which].expiry) return;
  posts_[post].is_called_back = true;
  count("called back");
}

void World::acknowledge(Index at, const MessageId& id) {
  std::vector<Sent> sent;
  bool is_told = false;
  attempt(at, "acknowledge", [&](WorldMember& one) -> Result<Done> {
    const MailKeys keys = one.keys();
    BMSG_TRY_ASSIGN(const auto item, one.mailbox(keys).item(id));
    BMSG_TRY_ASSIGN(sent, mail::acknowledge(id, item->summary, one.mail, one.context(), {}));
    is_told = true;
    return done;
  });
  if (!is_told || is_broken()) return;
  member(at).acknowledged.insert(id);
  for (const Sent& one : sent) {
    const auto expiry = find_expiry(at, one.id);
    expect(expiry.has_value(), "a receipt is nowhere though its id was told");
    if (!expiry) return;
    member(at).promises.push_back({one.id, posts_.size() + 1'000'000, *expiry, false});
    count("receipts sent");
  }
}

}  // namespace bmsg::mail
