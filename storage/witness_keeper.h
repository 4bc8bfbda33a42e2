// WitnessKeeper: writes the witness of each commit while the next is being made.

#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "lib/core/disk.h"
#include "lib/core/result.h"
#include "storage/witness.h"

namespace bmsg::storage {

/// Threads: one; it has another of its own.
class WitnessKeeper {
 public:
  WitnessKeeper(Disk& disk, std::filesystem::path file) : disk_(disk), file_(std::move(file)) {}
  /// Waits for what was begun.
  ~WitnessKeeper();
  WitnessKeeper(const WitnessKeeper&) = delete;
  WitnessKeeper& operator=(const WitnessKeeper&) = delete;

  /// Begins to write it, after what was begun before.
  void begin(const Witness& witness);
  /// Waits until all is written that was begun; what became of the last.
  Result<Done> finish();

 private:
  void work(const std::stop_token& stop);

  Disk& disk_;
  std::filesystem::path file_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Witness> next_;
  bool is_writing_ = false;
  Result<Done> last_ = done;
  std::vector<std::jthread> threads_;  // One, once it is needed. Ends before what it uses does.
};

}  // namespace bmsg::storage
