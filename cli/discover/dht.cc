#include "cli/discover/dht.h"

#include <fmt/format.h>
#include <opendht/dhtrunner.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace bmsg::discover {
namespace {

constexpr std::chrono::milliseconds kLook{100};  // How often it is asked for its state.

/// What a call comes to. Shared with the library's thread, which may come back to it after we have
/// given up.
struct Pending {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_closed = false;  // Nobody waits any more.
  std::vector<Bytes> values;
  std::optional<bool> end;

  /// On the library's thread: false when no more are wanted.
  bool add(ByteView value) {
    const std::lock_guard lock(mutex);
    if (is_closed || values.size() >= kValuesMax) return false;
    values.push_back(to_bytes(value));
    return true;
  }

  void finish(bool is_good) {
    const std::lock_guard lock(mutex);
    end = is_good;
    changed.notify_all();
  }

  /// Whether it ended well in time.
  bool wait(std::chrono::seconds longest) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, longest, [this] { return end.has_value(); });
    is_closed = true;
    return end.value_or(false);
  }
};

dht::InfoHash place_of(const Digest& key) {
  return dht::InfoHash::get(key.view().data(), key.view().size());
}

/// What the library throws, as an error; nothing it throws goes further.
template <class Call>
Result<Done> guarded(const Call& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return Error{Errc::unreachable, error.what()};
  }
  return done;
}

Error nobody() {
  return {Errc::unreachable, "no node of the hash table answers",
          "--bootstrap names one that does; UDP must come through"};
}

}  // namespace

class Dht::Impl {
 public:
  dht::DhtRunner runner;
};

Dht::Dht(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Dht>> Dht::open(const Options& options) {
  auto impl = std::make_unique<Impl>();
  dht::DhtRunner::Config config;
  config.threaded = true;
  config.peer_discovery = false;  // The local network is told nothing.
  config.peer_publish = false;
  const auto begun = guarded([&] {
    impl->runner.run(options.port, config);
    for (const std::string& place : options.bootstrap) impl->runner.bootstrap(place);
  });
  if (!begun)
    return in_context(fmt::format("cannot listen at UDP port {}", options.port), begun.error());
  if (!impl->runner.isRunning())
    return Error{Errc::unreachable, fmt::format("cannot listen at UDP port {}", options.port)};
  return std::unique_ptr<Dht>(new Dht(std::move(impl)));
}

Dht::~Dht() {
  (void)guarded([this] { impl_->runner.join(); });  // It ends anyway.
}

bool Dht::connect(std::chrono::seconds longest) {
  const auto is_connected = [this] {
    return impl_->runner.getNodesStats(AF_INET).good_nodes > 0 ||
           impl_->runner.getNodesStats(AF_INET6).good_nodes > 0;
  };
  for (auto waited = kLook.zero(); waited < longest && !is_connected(); waited += kLook)
    std::this_thread::sleep_for(kLook);
  return is_connected();
}

Result<Done> Dht::put(const Digest& key, ByteView value, std::chrono::seconds longest) {
  const auto pending = std::make_shared<Pending>();
  const auto asked = guarded([&] {
    impl_->runner.put(place_of(key), dht::Value(value.data(), value.size()),
                      [pending](bool is_good) { pending->finish(is_good); });
  });
  if (!asked || !pending->wait(longest)) return nobody();
  return done;
}

Result<Done> Dht::get(const Digest& key, const std::function<void(ByteView)>& take,
                      std::chrono::seconds longest) {
  const auto pending = std::make_shared<Pending>();
  const auto found = [pending](const std::shared_ptr<dht::Value>& value) {
    return pending->add(value->data);
  };
  const auto asked = guarded([&] {
    impl_->runner.get(place_of(key), found, [pending](bool is_good) { pending->finish(is_good); });
  });
  if (!asked) return nobody();
  const bool is_good = pending->wait(longest);
  const std::lock_guard lock(pending->mutex);
  for (const Bytes& value : pending->values) take(value);
  if (is_good || !pending->values.empty()) return done;
  return Error{Errc::unreachable, "the hash table brought nothing in time"};
}

}  // namespace bmsg::discover
