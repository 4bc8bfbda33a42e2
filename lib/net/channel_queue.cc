#include "lib/net/channel_queue.h"

#include <utility>

namespace bmsg::net {
namespace {

/// Counted with each text, so that many short ones, or empty ones, are bounded too.
constexpr std::size_t kTextOverhead = 64;

}  // namespace

ChannelQueue::ChannelQueue(std::shared_ptr<Door> door, std::weak_ptr<ChannelWriter> writer,
                           std::size_t bytes_max)
    : door_(std::move(door)), writer_(std::move(writer)), bytes_max_(bytes_max) {}

void ChannelQueue::forget() {
  waiting_.clear();
  bytes_ = 0;
}

/// With the lock held.
void ChannelQueue::append(Text text, std::size_t cost) {
  waiting_.push_back({std::move(text), cost});
  bytes_ += cost;
  if (std::exchange(is_busy_, true)) return;
  auto work = [writer = writer_] {
    if (const auto alive = writer.lock()) alive->wake();
  };
  (void)door_->post(std::move(work));  // Without a server nobody is there to read.
}

void ChannelQueue::send(Text text) {
  const std::lock_guard lock(mutex_);
  if (!takes_more_ || !text) return;
  // What goes out at once keeps nobody waiting, however long it is.
  const std::size_t cost = is_busy_ ? text->size() + kTextOverhead : 0;
  if (bytes_ + cost <= bytes_max_) return append(std::move(text), cost);
  takes_more_ = false;
  forget();
  auto work = [writer = writer_] {
    if (const auto alive = writer.lock()) alive->cut_off();
  };
  (void)door_->post(std::move(work));  // As above.
}

void ChannelQueue::send_if_idle(Text text) {
  const std::lock_guard lock(mutex_);
  if (takes_more_ && !is_busy_) append(std::move(text), 0);
}

void ChannelQueue::close() {
  const std::lock_guard lock(mutex_);
  if (!takes_more_) return;
  takes_more_ = false;
  is_closing_ = true;
  append(nullptr, 0);
}

ChannelQueue::Text ChannelQueue::next() {
  const std::lock_guard lock(mutex_);
  is_busy_ = !waiting_.empty();
  if (waiting_.empty()) return nullptr;
  const Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= first.cost;
  return first.text;
}

bool ChannelQueue::is_at_end() const {
  const std::lock_guard lock(mutex_);
  return is_closing_ && waiting_.empty();
}

void ChannelQueue::shut() {
  const std::lock_guard lock(mutex_);
  takes_more_ = false;
  forget();
}

}  // namespace bmsg::net
