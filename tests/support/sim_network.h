// SimTransport: a peer without a network. Requests go straight to another Service; on the way they
// are counted, lost, cut off or answered with lies, as a test says.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "lib/core/result.h"
#include "lib/node/service.h"
#include "lib/node/transport.h"

namespace bmsg {

/// Changes to answers, each called if given.
struct SimLies {
  std::function<void(node::NodeInfo&)> info;
  std::function<void(Height from, std::vector<SealedHeader>&)> headers;
  std::function<void(Height from, std::vector<Block>&)> blocks;
  std::function<void(std::optional<Block>&)> block;
  std::function<void(std::vector<Message>&)> messages;
  std::function<void(node::Feed&)> feed;
  std::function<void(std::vector<node::PutLine>&)> put;
};

/// What went over the wire, answers that were lost among it.
struct SimTraffic {
  std::uint64_t requests = 0;
  std::uint64_t lost_before = 0;  // Requests that never came to the remote.
  std::uint64_t lost_after = 0;   // Those whose answer was lost.
  std::uint64_t cut = 0;          // Those that found the line cut.
  std::uint64_t one_way = 0;      // Those that were lost on a line which is dead in one direction.
  std::uint64_t repeated = 0;     // Puts that came twice.
  std::uint64_t blocks_in = 0;
  std::uint64_t messages_in = 0;
  std::vector<std::string> puts;  // The types of the frames of each pack: "CC", "MMC".
};

/// Threads: one at a time.
class SimTransport final : public node::Transport {
 public:
  explicit SimTransport(node::Service& remote) : remote_(&remote) {}

  /// Further requests fail after `count` ones.
  void cut_after(std::uint64_t count) { left_ = count; }
  /// Loses `percent` of a hundred requests; of those, half after the remote has acted.
  void lose(unsigned percent, std::mt19937_64& numbers) {
    percent_ = percent;
    numbers_ = &numbers;
  }
  /// Of a hundred puts so many come to the remote twice; the answer is that to one of the two.
  void repeat_puts(unsigned percent, std::mt19937_64& numbers) {
    repeat_percent_ = percent;
    numbers_ = &numbers;
  }
  /// The line breaks for good: what is under way is lost, too.
  void hang_up() { is_down_ = true; }
  /// From now on all that goes there is lost, or all that comes back.
  void silence(bool there, bool back) {
    loses_requests_ = there;
    loses_answers_ = back;
  }
  /// The remote was started again.
  void reconnect(node::Service& remote) { remote_ = &remote; }

  /// Called when the remote has acted and its answer is not here yet.
  std::function<void()> on_way_back;
  SimLies lies;
  SimTraffic traffic;

  Result<node::NodeInfo> info() override;
  Result<std::string> rules_text() override;
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override;
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override;
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override;
  Result<std::optional<Block>> proposal(const BlockHash& hash) override;
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override;
  Result<node::Feed> feed(const std::string& cursor) override;
  Result<std::vector<node::PutLine>> put(const Bytes& pack) override;
  std::string name() const override { return "sim:peer"; }
  std::uint64_t bytes_in() const override { return bytes_in_; }
  std::uint64_t bytes_out() const override { return bytes_out_; }

 private:
  template <class T>
  Result<T> ask(const std::function<Result<T>()>& request);
  Result<std::vector<node::PutLine>> put_frames(const Bytes& pack);

  bool draws(unsigned percent);
  Error away();

  node::Service* remote_;
  bool is_down_ = false;
  bool loses_requests_ = false;
  bool loses_answers_ = false;
  std::optional<std::uint64_t> left_;
  unsigned percent_ = 0;
  unsigned repeat_percent_ = 0;
  std::mt19937_64* numbers_ = nullptr;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
};

}  // namespace bmsg
