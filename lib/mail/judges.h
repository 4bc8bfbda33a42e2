// Judging on several threads: questions go in in the order of the chain, answers come out in it.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "lib/core/result.h"
#include "lib/mail/judge.h"

namespace bmsg::mail {

/// A judge for each thread, and a short queue. Whoever asks judges as well while the queue is full.
/// A thread is started for each kAlone questions in the queue, so a look at a few messages costs
/// none.
/// Threads: one asks. Each judge is used by one thread.
class Judges {
 public:
  using Opinion = std::function<Verdict(const Question& question)>;
  using Hire = std::function<Opinion()>;  // A further judge; called by the thread that asks.
  /// Called by the thread that asks, for one question after the other as they were asked.
  using Take = std::function<Result<Done>(const Question& question, Verdict verdict)>;

  static constexpr std::size_t kAlone = 32;  // Questions for one thread.
  static constexpr std::size_t kWaitingMax = 256;
  static constexpr std::size_t kWaitingBytesMax = 4u << 20;

  /// At most `threads`, with the one that asks.
  Judges(unsigned threads, const Hire& hire, Take take);
  Judges(const Judges&) = delete;
  Judges& operator=(const Judges&) = delete;

  /// Errors: what Take answers, perhaps to an earlier question. It is the last that Take is called
  /// for, and every later call gives the same.
  Result<Done> ask(Question question);
  /// Until the last answer was taken.
  Result<Done> finish();

  /// How many judge, with the one that asks.
  unsigned threads() const { return 1 + static_cast<unsigned>(helpers_.size()); }

 private:
  struct Case {
    Question question;
    std::optional<Verdict> verdict;
  };

  bool is_full() const;
  void help(const Opinion& opinion, const std::stop_token& stop);
  void judge_next();
  Result<Done> hand_on();

  unsigned threads_max_;  // Or what the system gives.
  const Hire hire_;
  const Opinion own_;
  const Take take_;
  std::optional<Error> failure_;
  std::size_t bytes_ = 0;  // Of the messages in `cases_`.

  std::mutex mutex_;  // For what follows.
  std::condition_variable_any asked_;
  std::condition_variable judged_;
  std::deque<Case> cases_;  // Only who asks adds and removes; each is written by who took it.
  std::size_t next_ = 0;    // The first of `cases_` that nobody has taken.

  std::vector<std::jthread> helpers_;  // Last: they use the others.
};

}  // namespace bmsg::mail
