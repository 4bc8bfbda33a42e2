#include "cli/serve_miner.h"

#include <fmt/format.h>
#include <sched.h>

#include "cli/hooks.h"
#include "cli/keyring_file.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::seconds kPause{2};  // Between two looks for something that waits.

}  // namespace

Result<std::unique_ptr<ServeMiner>> ServeMiner::start(const Context& context, const StoreDir& store,
                                                      Log& log) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto threads, settings.number("mine.threads"));
  BMSG_TRY_ASSIGN(const auto bury, settings.number("mine.bury"));
  MineOne wish;
  wish.threads = threads_for(threads);
  wish.bury = static_cast<std::uint32_t>(std::min<std::uint64_t>(bury, UINT32_MAX));
  return std::unique_ptr<ServeMiner>(new ServeMiner(context, store, log, std::move(wish)));
}

ServeMiner::ServeMiner(const Context& context, StoreDir store, Log& log, MineOne wish)
    : context_(context.clock, context.disk, context.entropy),
      store_(std::move(store)),
      log_(log),
      wish_(std::move(wish)) {
  context_.options = context.options;
  context_.command = context.command;
  thread_ = std::jthread([this](std::stop_token stop) { work(std::move(stop)); });
}

void ServeMiner::work(std::stop_token stop) {
  const sched_param lowest{};
  (void)::sched_setscheduler(0, SCHED_IDLE, &lowest);  // Politeness only; its threads inherit it.
  while (!stop.stop_requested()) {
    if (mine(stop)) continue;
    std::unique_lock lock(mutex_);
    pause_.wait_for(lock, stop, kPause, [] { return false; });
  }
}

bool ServeMiner::mine(std::stop_token stop) {
  const auto mined = mine_one(context_, store_, wish_, std::move(stop));
  if (!mined) {
    log_.write(LogLevel::warning, "mining: " + mined.error().message);
    return false;
  }
  if (mined.value().end != Mined::End::block) return false;
  const Header& header = mined.value().block->header;
  log_.write(LogLevel::info,
             fmt::format("mined block {} with {} messages", header.height.value, header.count));
  tell_hook(context_, store_, Hook::post_mine, mined_json(mined.value()));
  return true;
}

}  // namespace bmsg::cli
