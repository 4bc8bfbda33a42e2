#include "lib/mail/judges.h"

#include <utility>

#include "lib/core/thread.h"
#include "lib/core/try.h"

namespace bmsg::mail {

Judges::Judges(unsigned threads, const Hire& hire, Take take)
    : threads_max_(threads), hire_(hire), own_(hire()), take_(std::move(take)) {}

Result<Done> Judges::ask(Question question) {
  if (failure_) return *failure_;
  bytes_ += question.message.head.encoded_bytes();
  {
    const std::lock_guard lock(mutex_);
    cases_.push_back({std::move(question), std::nullopt});
  }
  asked_.notify_one();
  if (threads() < threads_max_ && cases_.size() > helpers_.size() * kAlone + kAlone) {
    const bool more = start_thread(
        helpers_, [this, opinion = hire_()](const std::stop_token& stop) { help(opinion, stop); });
    if (!more) threads_max_ = threads();
  }
  while (is_full()) {
    BMSG_TRY(hand_on());
    if (is_full()) judge_next();
  }
  return done;
}

Result<Done> Judges::finish() {
  for (;;) {
    BMSG_TRY(hand_on());
    if (cases_.empty()) return done;
    judge_next();
  }
}

bool Judges::is_full() const {
  return cases_.size() > kWaitingMax || (bytes_ > kWaitingBytesMax && cases_.size() > 1);
}

/// Until there is nothing left to take, then for the oldest answer.
void Judges::judge_next() {
  std::unique_lock lock(mutex_);
  if (next_ == cases_.size()) {
    judged_.wait(lock, [&] { return cases_.front().verdict.has_value(); });
    return;
  }
  Case& one = cases_[next_++];
  lock.unlock();
  Verdict verdict = own_(one.question);
  lock.lock();
  one.verdict = std::move(verdict);
}

void Judges::help(const Opinion& opinion, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (asked_.wait(lock, stop, [&] { return next_ < cases_.size(); })) {
    if (stop.stop_requested()) return;
    // A place in a deque stays where it is while others come and go at the ends.
    Case& one = cases_[next_++];
    lock.unlock();
    Verdict verdict = opinion(one.question);
    lock.lock();
    one.verdict = std::move(verdict);
    judged_.notify_one();
  }
}

/// Takes the answers that are there, in order, up to the first that is missing.
Result<Done> Judges::hand_on() {
  if (failure_) return *failure_;
  for (;;) {
    std::unique_lock lock(mutex_);
    if (cases_.empty() || !cases_.front().verdict) return done;
    Case oldest = std::move(cases_.front());
    cases_.pop_front();
    --next_;
    lock.unlock();
    bytes_ -= oldest.question.message.head.encoded_bytes();
    const auto taken = take_(oldest.question, std::move(*oldest.verdict));
    if (!taken) {
      failure_ = taken.error();
      return *failure_;
    }
  }
}

}  // namespace bmsg::mail
