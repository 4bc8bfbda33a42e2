#include "cli/serve_stdio.h"

#include <unistd.h>

#include <csignal>
#include <latch>

#include "cli/short_service.h"
#include "cli/store_blobs.h"
#include "lib/api/peer_routes.h"
#include "lib/core/try.h"
#include "lib/net/stdio_bridge.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kIdle{200};
constexpr std::chrono::seconds kStopGrace{5};

/// The node, the paths that lead to it, and the server between them and the caller.
class OneCaller {
 public:
  OneCaller(Context& context, const StoreDir& store, bool read_only)
      : context_(context), store_(store), is_read_only_(read_only), service_(context, store) {
    if (read_only) service_.call_read_only();
  }
  ~OneCaller() {
    if (routes_) routes_->stop();
    if (server_) server_->stop(kStopGrace);
  }
  OneCaller(const OneCaller&) = delete;
  OneCaller& operator=(const OneCaller&) = delete;

  Result<Done> start(const node::ReorgPolicy& policy, const net::ServerOptions& limits) {
    BMSG_TRY_ASSIGN(blobs_, open_blobs(context_, store_));
    service_.offer(blobs_->directory());
    BMSG_TRY(service_.info());  // What is wrong with the store shows now, and not as an answer.
    const auto later = [this](std::chrono::milliseconds delay, std::function<void()> work) {
      server_set_.wait();
      server_->run_after(delay, std::move(work));
    };
    routes_ = std::make_unique<api::PeerRoutes>(service_, context_.clock, later, policy);
    const auto handler = [this](net::HttpRequest request, net::Respond respond) {
      if (is_read_only_) {
        if (auto refusal = api::refuse_put(request)) return respond(std::move(*refusal));
      }
      if (request.path.starts_with("/bmsg/1/"))
        return routes_->handle(std::move(request), std::move(respond));
      respond(net::text_response(404, "not found\n"));
    };
    BMSG_TRY_ASSIGN(server_, net::HttpServer::start({}, handler, limits, context_.clock));
    server_set_.count_down();
    release_when_idle();
    return done;
  }

  Result<Done> run() {
    BMSG_TRY_ASSIGN(net::SocketPair pair, net::make_socket_pair());
    server_->adopt(std::move(pair.one));
    const auto bridged = net::bridge(pair.other, STDIN_FILENO, STDOUT_FILENO);
    BMSG_TRY(service_.release());
    return bridged;
  }

 private:
  void release_when_idle() {
    server_->run_after(kIdle, [this] {
      // What could not be filed now is filed by whoever opens the store next.
      (void)service_.release_if_idle(kIdle);
      release_when_idle();
    });
  }

  Context& context_;
  const StoreDir& store_;
  const bool is_read_only_;
  std::unique_ptr<StoreBlobs> blobs_;
  ShortService service_;
  std::unique_ptr<api::PeerRoutes> routes_;
  std::unique_ptr<net::HttpServer> server_;
  std::latch server_set_{1};  // Its thread answers before start() returns.
};

}  // namespace

Result<ExitCode> serve_stdio(Context& context, const StoreDir& store,
                             const net::ServerOptions& limits, bool read_only) {
  if (::isatty(STDIN_FILENO) == 1 || ::isatty(STDOUT_FILENO) == 1) {
    return Error{Errc::bad_usage, "--stdio speaks to a program, not to a terminal",
                 "'bmsg sync ssh://HOST/DIR' calls it over there"};
  }
  ::signal(SIGPIPE, SIG_IGN);  // A caller who has left is no accident.
  BMSG_TRY_ASSIGN(const auto policy, reorg_policy(context, store));
  OneCaller caller(context, store, read_only);
  BMSG_TRY(caller.start(policy, limits));
  BMSG_TRY(caller.run());
  return ExitCode::ok;
}

}  // namespace bmsg::cli
