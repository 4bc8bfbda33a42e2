#include "cli/rpc_host.h"

#include <algorithm>

#include "cli/keyring_file.h"
#include "cli/serve_log.h"
#include "cli/session.h"
#include "cli/web_desk.h"
#include "lib/api/json_objects.h"
#include "lib/api/remote_service.h"
#include "lib/core/try.h"
#include "lib/mail/outbox.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kAgain{1000};  // After a carrying that failed.
constexpr std::chrono::milliseconds kNodePatience{500};

}  // namespace

RpcHost::RpcHost(const Context& like, StoreDir store, api::KeyExport exports)
    : store_(std::move(store)),
      exports_(exports),
      keys_(like, store_),
      context_(context_like(like)),
      carrying_(context_like(like)) {
  for (Context* one : {context_.get(), carrying_.get()}) one->options.no_input = true;
}

RpcHost::~RpcHost() { stop(); }

Result<Done> RpcHost::start(std::function<void()> carried) {
  BMSG_TRY(refresh_rules(*context_));
  carried_ = std::move(carried);
  thread_ = std::thread([this] { carry_on(); });
  return done;
}

void RpcHost::stop() {
  {
    const std::lock_guard lock(waiting_mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<Done> RpcHost::refresh_rules(Context& context) {
  BMSG_TRY_ASSIGN(auto rules, rules_now(context, store_));
  const std::lock_guard lock(mutex_);
  rules_ = std::move(rules);
  return done;
}

chain::ChainRules RpcHost::chain() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

Result<Done> RpcHost::post(const Message& message) {
  {
    const std::lock_guard lock(mutex_);
    mail::Outbox outbox(context_->disk, store_.outbox());
    BMSG_TRY(outbox.queue({{.since = context_->clock.now(), .message = message, .note = {}}}));
  }
  const std::lock_guard lock(waiting_mutex_);
  waits_ = true;
  woken_.notify_all();
  return done;
}

/// All that waits at once, however many posts come.
void RpcHost::carry_on() {
  std::unique_lock lock(waiting_mutex_);
  bool has_failed = false;
  for (;;) {
    woken_.wait(lock, [this] { return waits_ || stopping_; });
    if (stopping_) return;
    waits_ = false;
    lock.unlock();
    const auto carried = carry();
    if (carried) carried_();
    if (!carried && !has_failed) {
      ServeLog(carrying_->out.noise())
          .write(LogLevel::warning, "posts wait in the outbox: " + carried.error().message);
    }
    has_failed = !carried;
    lock.lock();
    if (carried) continue;
    waits_ = true;
    woken_.wait_for(lock, kAgain, [this] { return stopping_; });
  }
}

Result<Done> RpcHost::carry() {
  BMSG_TRY_ASSIGN(const auto session, open_node(*carrying_, store_));
  BMSG_TRY(session->service().take_outbox());
  return session->collect_cards();
}

std::size_t RpcHost::peers() const {
  const std::lock_guard lock(mutex_);
  const auto chain = open_chain(*context_, store_);
  if (!chain) return 0;
  const auto peers = chain.value()->peers();
  if (!peers) return 0;
  const auto now = context_->clock.now();
  return static_cast<std::size_t>(std::ranges::count_if(
      peers.value(), [&](const auto& peer) { return api::peer_state(peer, now) == "ok"; }));
}

bool RpcHost::is_listening() const {
  const auto node = api::RemoteService::connect(store_.run() / "node.sock", kNodePatience);
  return node && node.value() != nullptr;
}

api::PoolSize RpcHost::pool() const {
  const std::lock_guard lock(mutex_);
  const auto chain = open_chain(*context_, store_);
  if (!chain) return {};
  const auto pool = chain.value()->pool(0);
  api::PoolSize size;
  if (!pool) return size;
  for (const node::PooledMessage& one : pool.value())
    size.bytes += one.message.head.encoded_bytes();
  size.messages = pool.value().size();
  return size;
}

unsigned RpcHost::threads() const { return threads_for(0); }

}  // namespace bmsg::cli
