// Strands: work of many callers on few threads, where each caller's is done in order.

#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace bmsg::api {

/// Whose work it is.
using StrandId = std::uint64_t;

/// quick never waits for slow work of others, and slow never for a search, which may take for ever.
enum class Pace { quick, slow, search };

struct StrandLimits {
  unsigned quick_threads = 1;
  unsigned slow_threads = 2;
  unsigned search_threads = 0;      // 0: nobody posts any.
  std::size_t waiting_each = 1024;  // Of one strand.
  std::size_t waiting_all = 8192;
  std::size_t bytes_all = 64u << 20;  // As callers say what their work holds.
};

/// Threads: any.
class Strands {
 public:
  explicit Strands(const StrandLimits& limits);
  /// Drops what waits; waits for what runs.
  ~Strands();

  /// False: too much waits, or it has stopped; `work` was not taken. `waiting_max` is for this
  /// strand in place of the limit of each.
  bool post(StrandId strand, Pace pace, std::size_t bytes, std::function<void()> work,
            std::optional<std::size_t> waiting_max = {});
  /// Drops what waits of a strand; what runs goes on.
  void drop(StrandId strand);
  void stop();

 private:
  struct Item {
    Pace pace = Pace::quick;
    std::size_t bytes = 0;
    std::function<void()> work;
  };
  struct Strand {
    std::deque<Item> waiting;
    bool runs = false;
  };
  using Ready = std::deque<StrandId>;

  void run(Pace pace);
  Ready& ready(Pace pace) { return ready_[static_cast<std::size_t>(pace)]; }
  void make_ready(StrandId id, const Strand& strand);
  void settle(const Item& item);

  StrandLimits limits_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::map<StrandId, Strand> strands_;
  std::array<Ready, 3> ready_;  // By pace.
  std::size_t waiting_ = 0;
  std::size_t bytes_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;  // Last: they use the others.
};

}  // namespace bmsg::api
