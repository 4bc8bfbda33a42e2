#include "cli/web_news.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/state_view.h"
#include "cli/web_desk.h"
#include "lib/api/json_objects.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kStreamsMax = 1024;
/// How often the files are looked at; two changes within it are told as one.
constexpr std::chrono::milliseconds kLookEvery{150};
/// How long the thread rests at least, for each moment that reading took it.
constexpr int kRest = 4;

}  // namespace

struct WebNews::Streams {
  std::vector<Stream> open;
  WebNews* owner = nullptr;  // Null once it has gone.
};

WebNews::WebNews(const Context& context, StoreDir store, Post post, Judge judge)
    : context_(context_like(context)),
      store_(std::move(store)),
      post_(std::move(post)),
      judge_(std::move(judge)),
      streams_(std::make_shared<Streams>()),
      thread_([this] { run(); }) {
  streams_->owner = this;
}

WebNews::~WebNews() {
  stop();
  streams_->owner = nullptr;
}

void WebNews::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<net::HttpResponse> WebNews::open(const std::shared_ptr<net::HttpRequest>& request) {
  end_locked_out();
  if (streams_->open.size() >= kStreamsMax) return std::nullopt;
  request->body.clear();
  const auto place = std::make_shared<std::weak_ptr<net::Channel>>();
  net::ChannelOffer offer;
  offer.opened = [streams = streams_, request, place](std::shared_ptr<net::Channel> channel) {
    *place = channel;
    streams->open.push_back({request, std::move(channel), false});
    if (streams->owner != nullptr) streams->owner->note_listeners();
  };
  offer.closed = [streams = streams_, place] {
    const auto gone = place->lock();
    std::erase_if(streams->open, [&](const Stream& one) { return one.channel == gone; });
    if (streams->owner != nullptr) streams->owner->note_listeners();
  };
  net::HttpResponse response;
  response.channel = std::make_shared<const net::ChannelOffer>(std::move(offer));
  return response;
}

void WebNews::note_listeners() {
  {
    const std::lock_guard lock(mutex_);
    is_new_ = is_new_ || streams_->open.size() > listeners_;
    listeners_ = streams_->open.size();
  }
  woken_.notify_all();
}

void WebNews::end_locked_out() {
  const auto all = streams_->open;  // What is closed may leave at once.
  for (const Stream& one : all) {
    if (!judge_(*one.request)) one.channel->close();
  }
}

void WebNews::send(const std::shared_ptr<const std::string>& text, To whom) {
  const auto all = streams_->open;  // What cannot be sent to may leave at once.
  for (Stream& one : streams_->open) one.knows = true;
  for (const Stream& one : all) {
    if (!judge_(*one.request)) {
      one.channel->close();
    } else if (whom == To::all || !one.knows) {
      one.channel->send(text);
    }
  }
}

/// All that a command or a node changes when mail comes, goes or is read.
FileMarks WebNews::marks() const {
  FileMarks found;
  found.add(store_.witness());
  found.add(store_.policies());
  found.add(store_.contacts());
  found.add(store_.keyring());
  found.add(store_.config());
  for (const char* place : {"new", "cur", "failed", "held", "relayed"})
    found.add(store_.outbox() / place);
  found.add_all(context_->disk, store_.chain());
  found.add_all(context_->disk, store_.mail());
  return found;
}

/// False: it is over.
bool WebNews::wait_for_listener() {
  std::unique_lock lock(mutex_);
  woken_.wait(lock, [this] { return listeners_ > 0 || stopping_; });
  if (!stopping_ && !is_new_) woken_.wait_for(lock, pause_, [this] { return stopping_; });
  return !stopping_;
}

void WebNews::run() {
  pause_ = kLookEvery;
  std::optional<FileMarks> seen;
  std::shared_ptr<const std::string> text;
  while (wait_for_listener()) {
    auto now = marks();  // Before reading: what comes in between is then seen as a change.
    bool asked = false;
    {
      const std::lock_guard lock(mutex_);
      asked = std::exchange(is_new_, false);
    }
    const bool changed = seen != now;
    if (!asked && !changed) continue;
    if (changed) text = read_state();
    seen = text ? std::optional(std::move(now)) : std::nullopt;  // Somebody writes: once more.
    if (!text) continue;
    const To whom = changed ? To::all : To::those_who_know_nothing;
    post_([streams = streams_, text, whom] {
      if (streams->owner != nullptr) streams->owner->send(text, whom);
    });
  }
}

/// Null if that is not possible now.
std::shared_ptr<const std::string> WebNews::read_state() {
  const auto began = context_->clock.steady();
  const auto view = state_view(*context_, store_);
  const auto took = context_->clock.steady() - began;
  pause_ = kLookEvery + std::chrono::duration_cast<std::chrono::milliseconds>(kRest * took);
  if (!view) return nullptr;
  return std::make_shared<const std::string>(
      fmt::format("event: state\ndata: {}\n\n", api::state_json(view.value())));
}

}  // namespace bmsg::cli
