#include "lib/mail/received.h"

#include <algorithm>

#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/try.h"

namespace bmsg::mail {
namespace {

// Names of two values: the ids one after the other, and how many of the first were told, since the
// list is long after a first scan and is not written anew for each.
constexpr const char* kQueue = "received";
constexpr const char* kTold = "received.told";

struct Queue {
  std::vector<MessageId> ids;
  std::uint32_t told = 0;
};

Result<Queue> read_queue(const MailReader& mail) {
  Queue queue;
  BMSG_TRY_ASSIGN(const auto ids, mail.value(kQueue));
  BMSG_TRY_ASSIGN(const auto told, mail.value(kTold));
  ByteReader reader(ids ? ByteView(*ids) : ByteView());
  while (reader.size_left() > 0 && !reader.ran_short())
    queue.ids.push_back(reader.fixed<MessageId>());
  ByteReader count(told ? ByteView(*told) : ByteView());
  if (told) queue.told = count.integer<std::uint32_t>();
  const bool whole = !reader.ran_short() && !count.ran_short() && queue.told <= queue.ids.size();
  if (!whole) return Error{Errc::corrupt, "the list of messages for post-receive is damaged"};
  return queue;
}

void put_ids(MailChange& change, const std::vector<MessageId>& ids) {
  Bytes list;
  for (const MessageId& id : ids) append(list, id.view());
  change.values[kQueue] = ids.empty() ? std::nullopt : std::optional(std::move(list));
  change.values[kTold] = std::nullopt;
}

}  // namespace

Result<std::vector<MessageId>> received(const MailReader& mail) {
  BMSG_TRY_ASSIGN(auto queue, read_queue(mail));
  queue.ids.erase(queue.ids.begin(), queue.ids.begin() + queue.told);
  return std::move(queue.ids);
}

Result<Done> queue_received(const MailReader& mail, MailChange& change) {
  BMSG_TRY_ASSIGN(auto waiting, received(mail));
  const std::size_t before = waiting.size();
  for (const MailEntry& entry : change.put) {
    const auto flags = change.flags.find(entry.id);
    const bool is_new = flags != change.flags.end() && flags->second.contains("unread");
    if (is_new) waiting.push_back(entry.id);
  }
  if (waiting.size() > before) put_ids(change, waiting);
  return done;
}

Result<MailChange> without_received(const MailReader& mail, const MessageId& id) {
  MailChange change;
  BMSG_TRY_ASSIGN(auto queue, read_queue(mail));
  const auto waiting = queue.ids.begin() + queue.told;
  const auto found = std::find(waiting, queue.ids.end(), id);
  if (found == queue.ids.end()) return change;
  if (found == waiting && found + 1 != queue.ids.end()) {
    Bytes told;
    append_be(told, queue.told + 1);
    change.values[kTold] = std::move(told);
    return change;
  }
  queue.ids.erase(found);
  queue.ids.erase(queue.ids.begin(), queue.ids.begin() + queue.told);
  put_ids(change, queue.ids);
  return change;
}

MailChange without_any_received() {
  MailChange change;
  put_ids(change, {});
  return change;
}

}  // namespace bmsg::mail
