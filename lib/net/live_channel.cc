#include "lib/net/live_channel.h"

#include <boost/asio/co_spawn.hpp>

#include "lib/net/session.h"

namespace bmsg::net {

LiveChannel::LiveChannel(ServerState& state, Wire& wire, HttpResponse answer)
    : state_(state), wire_(wire), answer_(std::move(answer)) {
  ++state_.channels;
}

LiveChannel::~LiveChannel() { --state_.channels; }

LiveChannel::Time LiveChannel::now() const { return state_.clock.steady(); }

void LiveChannel::begin_end() {
  if (!ending_since_) ending_since_ = now();
}

asio::awaitable<void> LiveChannel::run(std::shared_ptr<LiveChannel> self) {
  self_ = self;
  const bool has_begun = co_await begin();
  if (has_begun) {
    queue_ = std::make_shared<ChannelQueue>(state_.door, self_, state_.options.channel_bytes_max);
    is_open_ = true;
    pulse_at_ = now() + pulse();
    answer_.fields.clear();
    if (answer_.channel->opened) answer_.channel->opened(queue_);
    bool goes_on = true;
    while (goes_on) goes_on = co_await hear();
    is_open_ = false;
    queue_->shut();
    if (answer_.channel->closed) answer_.channel->closed();
  }
  answer_ = {};
}

void LiveChannel::look(Time now) {
  const ServerOptions& options = state_.options;
  const bool is_stuck = writing_since_ && now - *writing_since_ >= options.write_deadline;
  const bool is_left = ending_since_ && now - *ending_since_ >= options.farewell;
  if (is_stuck || is_left || is_late(now)) return wire_.close();
  if (!is_open_ || ending_since_ || now < pulse_at_) return;
  pulse_at_ = now + pulse();
  say_alive();
}

void LiveChannel::wake() { asio::co_spawn(state_.loop, write_waiting(self()), end_coroutine); }

void LiveChannel::cut_off() { wire_.close(); }

asio::awaitable<void> LiveChannel::write_waiting(std::shared_ptr<LiveChannel> self) {
  while (const auto text = self->queue_->next()) {
    const bool is_written = co_await self->write(*text);
    if (!is_written) co_return self->wire_.close();
  }
  if (self->queue_->is_at_end()) co_await self->end();
}

asio::awaitable<bool> LiveChannel::write_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    error_code error;
    begin_write();
    const std::size_t put = co_await wire_.write_some(bytes.data(), bytes.size(), error);
    end_write();
    if (error) co_return false;
    bytes.remove_prefix(put);
  }
  co_return true;
}

}  // namespace bmsg::net
