#include "lib/node/pool_sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kReadAtOnce = 64;      // Our own messages: 4 MiB at most.
constexpr std::size_t kOfferFramesMax = 64;  // 512 kB of ids in one request.

ShortId short_id_of(const Message& message) {
  return prefix_of<ShortId>(chain::id_of(message.head));
}

std::vector<ShortId> take_front(std::deque<ShortId>& ids, std::size_t most) {
  const auto end = ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), most));
  std::vector<ShortId> front(ids.begin(), end);
  ids.erase(ids.begin(), end);
  return front;
}

/// The number that such a cursor is; 0 for a cursor of another kind.
std::uint64_t arrival_of(const std::string& cursor) {
  std::uint64_t arrival = 0;
  const char* end = cursor.data() + cursor.size();
  const auto read = std::from_chars(cursor.data(), end, arrival);
  return read.ec == std::errc() && read.ptr == end ? arrival : 0;
}

Result<Done> check_lines(const std::vector<PutLine>& lines, std::size_t frames) {
  if (lines.size() == frames) return done;
  return Error{Errc::protocol, fmt::format("{} lines answer {} frames", lines.size(), frames)};
}

}  // namespace

PoolSync::PoolSync(Service& local, Transport& peer, const SyncOptions& options, SyncReport& report)
    : local_(local), peer_(peer), options_(options), report_(report) {}

Result<bool> PoolSync::step() {
  if (stage_ == Stage::compare) {
    BMSG_TRY(compare());
  } else if (stage_ == Stage::pull) {
    BMSG_TRY(pull());
  } else if (stage_ == Stage::offer) {
    BMSG_TRY(offer());
  } else if (stage_ == Stage::give) {
    BMSG_TRY(give());
  }
  if (stage_ == Stage::compare) stage_ = Stage::pull;
  if (stage_ == Stage::pull && wanted_.empty()) {
    if (complete_) report_.cursor = next_cursor_;
    stage_ = Stage::offer;
  }
  if (stage_ == Stage::offer && offers_.empty()) stage_ = Stage::give;
  if (stage_ == Stage::give && gifts_.empty()) {
    if (offered_all_) report_.own_cursor = next_own_cursor_;
    stage_ = Stage::over;
  }
  return stage_ != Stage::over;
}

/// What of our pool this peer may not know. All of it, if its feed began anew: then it may have
/// lost what it had.
Result<Feed> PoolSync::offerable(const Feed& theirs) {
  const auto epoch = [](const std::string& cursor) { return cursor.substr(0, cursor.find('.')); };
  const bool goes_on = !options_.cursor.empty() && epoch(options_.cursor) == epoch(theirs.cursor);
  const std::string cursor = goes_on ? options_.own_cursor : "";
  return options_.lasting ? local_.pool_since(arrival_of(cursor)) : local_.feed(cursor);
}

Result<Done> PoolSync::compare() {
  using Direction = SyncOptions::Direction;
  BMSG_TRY_ASSIGN(const auto feed, peer_.feed(options_.cursor));
  report_.peer_proposals = feed.proposals;
  BMSG_TRY_ASSIGN(const auto mine, offerable(feed));
  ShortIds here(mine.messages.begin(), mine.messages.end());
  ShortIds there(feed.messages.begin(), feed.messages.end());
  next_cursor_ = options_.direction == Direction::push ? options_.cursor : feed.cursor;
  next_own_cursor_ = options_.direction == Direction::pull ? options_.own_cursor : mine.cursor;
  // A light node's pool holds what is its own: it wants nobody else's, and is given none.
  BMSG_TRY_ASSIGN(const auto us, local_.info());
  if (options_.direction != Direction::push && !us.light) {
    ShortIds seen = here;
    for (const ShortId& id : feed.messages) {
      if (seen.insert(id).second) wanted_.push_back(id);
    }
  }
  for (const ShortId& id : mine.messages) {
    if (here.erase(id) == 0) continue;  // Told of twice.
    if (there.contains(id)) {
      report_.peer_has.push_back(id);
    } else if (options_.direction != Direction::pull && !report_.peer.light) {
      offers_.push_back(id);
    }
  }
  return done;
}

/// Takes out what is here: the peer's feed tells of messages that were mined since, and our list
/// may be of new ones only.
Result<Done> PoolSync::drop_known(ShortIds& ids) {
  std::deque<ShortId> left(ids.begin(), ids.end());
  while (!left.empty()) {
    BMSG_TRY_ASSIGN(const auto found, local_.messages(take_front(left, kReadAtOnce)));
    for (const Message& message : found) {
      ids.erase(short_id_of(message));
      report_.peer_has.push_back(short_id_of(message));
    }
  }
  return done;
}

Result<Done> PoolSync::pull() {
  const auto front = take_front(wanted_, kShortIdsPerRequest);
  ShortIds asked(front.begin(), front.end());
  BMSG_TRY(drop_known(asked));
  if (asked.empty()) return done;
  // In the order of the list: an answer that is cut short, or the last one for which there is
  // time, has the best.
  const auto still_asked = [&] {
    std::vector<ShortId> ids;
    std::ranges::copy_if(front, std::back_inserter(ids),
                         [&](const ShortId& id) { return asked.contains(id); });
    return ids;
  };
  BMSG_TRY_ASSIGN(const auto messages, peer_.messages(still_asked()));
  // No answer to any: they expired or were dropped since the peer listed them.
  if (messages.empty()) return done;
  BMSG_TRY(take(messages, asked));
  const auto left = still_asked();
  wanted_.insert(wanted_.begin(), left.begin(), left.end());
  return done;
}

Result<Done> PoolSync::take(const std::vector<Message>& messages, ShortIds& asked) {
  for (const Message& message : messages) {
    if (asked.erase(short_id_of(message)) == 0)
      return Error{Errc::protocol, "a message that was not asked for"};
  }
  BMSG_TRY_ASSIGN(const auto outcomes, local_.take_messages(messages, peer_.name()));
  for (const MessageOutcome& outcome : outcomes) {
    if (outcome.verdict == Verdict::accepted) ++report_.pulled_messages;
    if (outcome.verdict == Verdict::refused) ++report_.refused_messages;
    if (outcome.verdict == Verdict::held) complete_ = false;
  }
  return done;
}

Result<Done> PoolSync::offer() {
  Bytes pack = chain::begin_pack();
  ShortIds offered;
  std::size_t frames = 0;
  for (; !offers_.empty() && frames < kOfferFramesMax; ++frames) {
    const auto ids = take_front(offers_, kShortIdsPerRequest);
    chain::append_frame(pack, chain::FrameType::ids, chain::encode_short_ids(ids));
    offered.insert(ids.begin(), ids.end());
  }
  BMSG_TRY_ASSIGN(const auto lines, peer_.put(pack));
  BMSG_TRY(check_lines(lines, frames));
  for (const PutLine& line : lines) {
    for (const ShortId& id : line.need) {
      if (offered.erase(id) == 1) gifts_.push_back(id);
    }
  }
  report_.peer_has.insert(report_.peer_has.end(), offered.begin(), offered.end());
  return done;
}

Result<Done> PoolSync::give() {
  BMSG_TRY_ASSIGN(const auto messages, local_.messages(take_front(gifts_, kReadAtOnce)));
  if (messages.empty()) return done;
  Bytes pack = chain::begin_pack();
  for (const Message& message : messages) {
    chain::append_frame(pack, chain::FrameType::message, encode(message));
  }
  BMSG_TRY_ASSIGN(const auto lines, peer_.put(pack));
  BMSG_TRY(check_lines(lines, messages.size()));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].verdict == Verdict::accepted || lines[i].verdict == Verdict::known)
      report_.peer_has.push_back(short_id_of(messages[i]));
    if (lines[i].verdict == Verdict::held) offered_all_ = false;
  }
  const auto accepted = [](const PutLine& line) { return line.verdict == Verdict::accepted; };
  report_.pushed_messages += static_cast<std::uint64_t>(std::ranges::count_if(lines, accepted));
  return done;
}

}  // namespace bmsg::node
