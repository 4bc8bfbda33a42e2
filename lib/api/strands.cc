#include "lib/api/strands.h"

#include <utility>

namespace bmsg::api {

Strands::Strands(const StrandLimits& limits) : limits_(limits) {
  for (unsigned i = 0; i < limits.quick_threads; ++i)
    threads_.emplace_back([this] { run(Pace::quick); });
  for (unsigned i = 0; i < limits.slow_threads; ++i)
    threads_.emplace_back([this] { run(Pace::slow); });
  for (unsigned i = 0; i < limits.search_threads; ++i)
    threads_.emplace_back([this] { run(Pace::search); });
}

Strands::~Strands() { stop(); }

bool Strands::post(StrandId id, Pace pace, std::size_t bytes, std::function<void()> work,
                   std::optional<std::size_t> waiting_max) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || waiting_ >= limits_.waiting_all || bytes > limits_.bytes_all - bytes_)
    return false;
  const auto known = strands_.find(id);
  const std::size_t waiting = known == strands_.end() ? 0 : known->second.waiting.size();
  if (waiting >= waiting_max.value_or(limits_.waiting_each)) return false;
  Strand& strand = strands_[id];
  strand.waiting.push_back({pace, bytes, std::move(work)});
  ++waiting_;
  bytes_ += bytes;
  if (!strand.runs && strand.waiting.size() == 1) make_ready(id, strand);
  return true;
}

/// By what its first work is.
void Strands::make_ready(StrandId id, const Strand& strand) {
  ready(strand.waiting.front().pace).push_back(id);
  woken_.notify_all();
}

void Strands::settle(const Item& item) {
  --waiting_;
  bytes_ -= item.bytes;
}

void Strands::drop(StrandId id) {
  std::deque<Item> dropped;  // Destroyed without the lock: what it holds may be much.
  const std::lock_guard lock(mutex_);
  const auto at = strands_.find(id);
  if (at == strands_.end()) return;
  for (const Item& item : at->second.waiting) settle(item);
  if (!at->second.runs) {
    for (Ready& ready : ready_) std::erase(ready, id);
  }
  dropped.swap(at->second.waiting);
  if (!at->second.runs) strands_.erase(at);
}

void Strands::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  std::map<StrandId, Strand> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(strands_);
}

void Strands::run(Pace pace) {
  std::unique_lock lock(mutex_);
  for (;;) {
    woken_.wait(lock, [&] { return stopping_ || !ready(pace).empty(); });
    if (stopping_) return;
    const StrandId id = ready(pace).front();
    ready(pace).pop_front();
    Strand& strand = strands_.find(id)->second;
    Item item = std::move(strand.waiting.front());
    strand.waiting.pop_front();
    strand.runs = true;
    lock.unlock();
    item.work();
    item.work = nullptr;
    lock.lock();
    settle(item);
    strand.runs = false;
    if (strand.waiting.empty())
      strands_.erase(id);
    else
      make_ready(id, strand);
  }
}

}  // namespace bmsg::api
