#include "storage/witness_keeper.h"

#include <utility>

#include "lib/core/thread.h"

namespace bmsg::storage {

WitnessKeeper::~WitnessKeeper() { (void)finish(); }

void WitnessKeeper::begin(const Witness& witness) {
  (void)finish();
  const std::lock_guard lock(mutex_);
  const auto work = [this](const std::stop_token& stop) { this->work(stop); };
  if (threads_.empty() && !start_thread(threads_, work)) {
    last_ = advance_witness(disk_, file_, witness);
    return;
  }
  next_ = witness;
  changed_.notify_all();
}

Result<Done> WitnessKeeper::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !next_ && !is_writing_; });
  return last_;
}

void WitnessKeeper::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return next_.has_value(); })) {
    const Witness witness = *std::exchange(next_, std::nullopt);
    is_writing_ = true;
    lock.unlock();
    auto written = advance_witness(disk_, file_, witness);
    lock.lock();
    last_ = std::move(written);
    is_writing_ = false;
    changed_.notify_all();
  }
}

}  // namespace bmsg::storage
