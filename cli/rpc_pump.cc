#include "cli/rpc_pump.h"

#include "cli/serve_log.h"
#include "cli/session.h"
#include "cli/web_desk.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kLookEvery{100};
constexpr std::chrono::milliseconds kLookAgain{1000};  // After a look that failed, or while locked.

}  // namespace

RpcPump::RpcPump(const Context& like, StoreDir store, Parts parts)
    : context_(context_like(like)), store_(std::move(store)), parts_(std::move(parts)) {
  context_->options.no_input = true;
}

RpcPump::~RpcPump() { stop(); }

Result<Done> RpcPump::start() {
  marks_ = marks();
  BMSG_TRY_ASSIGN(const auto chain, open_chain(*context_, store_));
  // Filters begin with nothing, and what was there before them is not new when a block has it.
  BMSG_TRY(feed_.begin(*chain, [this](const auto& head) { parts_.gateway.skip(head); }));
  thread_ = std::thread([this] { run(); });
  return done;
}

void RpcPump::hurry() {
  const std::lock_guard lock(mutex_);
  hurries_ = true;
  woken_.notify_all();
}

void RpcPump::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

FileMarks RpcPump::marks() const {
  FileMarks marks;
  marks.add(store_.witness());  // Written anew after each block.
  // Nothing comes into the pool without making a file there longer.
  marks.add_all(context_->disk, store_.chain());
  return marks;
}

/// False: it is to end.
bool RpcPump::wait() {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, kLookEvery, [this] { return hurries_ || stopping_; });
  hurries_ = false;
  return !stopping_;
}

void RpcPump::run() {
  auto asked = context_->clock.steady();
  bool has_failed = false;
  while (wait()) {
    const auto now = context_->clock.steady();
    if (!parts_.gateway.has_keys()) {
      if (now - asked < kLookAgain) continue;
      asked = now;
      parts_.locked();
      continue;
    }
    const FileMarks found = marks();
    if (marks_ == found || (has_failed && now - asked < kLookAgain)) continue;
    asked = now;
    const auto looked = look();
    if (!looked && !has_failed)
      ServeLog(context_->out.noise()).write(LogLevel::warning, looked.error().message);
    has_failed = !looked;
    if (looked && parts_.gateway.has_keys()) marks_ = found;
  }
}

Result<Done> RpcPump::look() {
  BMSG_TRY(parts_.host.refresh_rules(*context_));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(*context_, store_));
  return feed_.look(*chain, [this](const Message& message) {
    if (!parts_.gateway.offer(message)) return false;
    parts_.offered();
    return true;
  });
}

}  // namespace bmsg::cli
