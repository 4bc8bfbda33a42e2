#include "lib/node/body_sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"

namespace bmsg::node {

BodySync::BodySync(Service& local, Transport& peer, SyncReport& report)
    : local_(local), peer_(peer), report_(report) {}

Result<bool> BodySync::step() {
  if (!begun_) BMSG_TRY(begin());
  if (!left_.empty()) {
    BMSG_TRY(ask());
  } else if (!ranges_.empty()) {
    BMSG_TRY(ask_blocks());
  }
  if (!left_.empty() || !ranges_.empty()) return true;
  // A mirror holds deep blocks only, and a body that expired may be gone anywhere.
  const auto is_withheld = [](const auto& one) { return !one.second.expired; };
  // Nor can one on another branch have what only ours names.
  BMSG_TRY_ASSIGN(const auto at, local_.headers(report_.peer.tip.height, 1));
  const bool is_ours = !at.empty() && chain::hash_of(at.front().header) == report_.peer.tip.hash;
  if (peer_.is_live() && is_ours)
    report_.withheld_bodies =
        static_cast<std::uint64_t>(std::ranges::count_if(wanted_, is_withheld));
  return false;
}

Result<Done> BodySync::begin() {
  begun_ = true;
  BMSG_TRY_ASSIGN(const auto all, local_.wanted_bodies());
  std::set<Height> ranges;
  for (const WantedBody& one : all) {
    if (one.height > report_.peer.tip.height) continue;  // Its chain is shorter than ours.
    wanted_.emplace(one.id, one);
    if (peer_.is_live()) {
      left_.push_back(one.id);
    } else {
      ranges.insert(Height{one.height.value - one.height.value % kBlocksPerRequest});
    }
  }
  ranges_.assign(ranges.begin(), ranges.end());
  return done;
}

/// One request. An answer may be cut short by its size: the rest is asked for again, until nothing
/// comes that is wanted.
Result<Done> BodySync::ask() {
  const auto count = static_cast<std::ptrdiff_t>(std::min(left_.size(), kShortIdsPerRequest));
  const std::vector<MessageId> asked(left_.begin(), left_.begin() + count);
  left_.erase(left_.begin(), left_.begin() + count);
  std::vector<ShortId> ids;
  for (const MessageId& id : asked) ids.push_back(prefix_of<ShortId>(id));
  BMSG_TRY_ASSIGN(auto messages, peer_.messages(ids));
  const std::set<ShortId> expected(ids.begin(), ids.end());
  for (const Message& message : messages) {
    const auto id = chain::id_of(message.head);
    if (!expected.contains(prefix_of<ShortId>(id)))
      return Error{Errc::protocol, "a message that was not asked for"};
  }
  const std::size_t before = wanted_.size();
  BMSG_TRY(take(std::move(messages)));
  // Others whose ids begin alike bring us no further.
  if (wanted_.size() == before) return done;
  for (auto id = asked.rbegin(); id != asked.rend(); ++id) {
    if (wanted_.contains(*id)) left_.push_front(*id);
  }
  return done;
}

Result<Done> BodySync::ask_blocks() {
  const Height from = ranges_.front();
  ranges_.pop_front();
  BMSG_TRY_ASSIGN(const auto blocks, peer_.blocks(from, kBlocksPerRequest, Bodies::with));
  std::vector<Message> messages;
  for (const Block& block : blocks) {
    for (const Message& message : block.messages) {
      if (message.body && wanted_.contains(chain::id_of(message.head))) messages.push_back(message);
    }
  }
  return take(std::move(messages));
}

Result<Done> BodySync::take(std::vector<Message> messages) {
  for (const Message& message : messages) {
    const MessageId id = chain::id_of(message.head);
    const bool is_whole = message.body && message.body->size() == message.head.body_bytes &&
                          !chain::find_body_violation(message);
    if (!is_whole) {
      return Error{Errc::protocol, fmt::format("the body of message {} is not what its head says",
                                               to_hex(id.view()).substr(0, 16))};
    }
    wanted_.erase(id);
  }
  if (messages.empty()) return done;
  BMSG_TRY_ASSIGN(const auto kept, local_.keep_bodies(messages));
  report_.pulled_bodies += kept;
  return done;
}

}  // namespace bmsg::node
