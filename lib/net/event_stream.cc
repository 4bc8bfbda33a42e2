// A channel as the event stream of a browser: we send, the other side only listens.

#include <array>

#include "lib/net/channel.h"
#include "lib/net/http_syntax.h"
#include "lib/net/live_channel.h"

namespace bmsg::net {
namespace {

constexpr std::chrono::seconds kPulse{30};
/// Of what a listener may say after its request, which nobody reads.
constexpr std::size_t kUnreadBytesMax = 4096;

class EventStream final : public LiveChannel {
 public:
  EventStream(ServerState& state, Wire& wire, ChannelStart start)
      : LiveChannel(state, wire, std::move(start.answer)), unread_(start.leftover.size()) {}

  void say_goodbye() override {}  // It just ends: browsers come again by themselves.

 private:
  asio::awaitable<bool> begin() override {
    const auto head = write_stream_head(answer());
    if (!head) co_return false;
    co_return co_await write_raw(*head);
  }

  asio::awaitable<bool> hear() override {
    std::array<char, 256> dropped;
    error_code error;
    unread_ += co_await wire_.read_some(dropped.data(), dropped.size(), error);
    co_return !error && unread_ <= kUnreadBytesMax;
  }

  asio::awaitable<bool> write(const std::string& text) override { return write_raw(text); }

  asio::awaitable<void> end() override {
    begin_end();
    co_await wire_.end_sending();
  }

  std::chrono::milliseconds pulse() const override { return kPulse; }

  void say_alive() override {
    static const auto comment = std::make_shared<const std::string>(":\n\n");
    queue().send_if_idle(comment);
  }

  std::size_t unread_;
};

}  // namespace

std::unique_ptr<LiveChannel> make_event_stream(ServerState& state, Wire& wire, ChannelStart start) {
  return std::make_unique<EventStream>(state, wire, std::move(start));
}

}  // namespace bmsg::net
