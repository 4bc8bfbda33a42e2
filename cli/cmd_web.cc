// bmsg web: the mail as a page in a browser of this machine.

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <latch>

#include "cli/command.h"
#include "cli/heap.h"
#include "cli/serve_log.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "cli/web_desk.h"
#include "cli/web_link.h"
#include "cli/web_routes.h"
#include "lib/core/fixed_bytes.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string listen;
  std::string link_file;
  bool open = false;
  bool rest = false;
  bool rpc = false;
  bool unsafe_export = false;
  bool any_user = false;
};

constexpr std::chrono::milliseconds kGrace{2000};
constexpr std::chrono::milliseconds kTick{1000};

constexpr std::size_t kChannelsMax = 1024;     // A thousand subscribers, and some more;
constexpr std::size_t kConnectionsMax = 1280;  // the rest is for those who ask once.
constexpr rlim_t kOwnFilesMax = 2048;          // Of the store, and of what runs beside.

/// A descriptor for each connection: more than a program has at first, and less than it may have.
void allow_descriptors() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const rlim_t wanted = std::min(files.rlim_max, kConnectionsMax + kOwnFilesMax);
  files.rlim_cur = std::max(files.rlim_cur, wanted);
  (void)::setrlimit(RLIMIT_NOFILE, &files);  // With fewer, callers wait to be let in.
}

/// A page is for few, and what it sends is short; programs may bring a block.
net::ServerOptions limits(const Options& options) {
  net::ServerOptions limits;
  limits.body_bytes_max = 1 << 20;
  if (options.rpc) {
    limits.body_bytes_max = api::kRpcBytesMax;
    limits.channel_bytes_max = 4U << 20;  // Many long messages may come at once.
  }
  if (options.rest)
    limits.body_bytes_max = std::max(limits.body_bytes_max, api::kRestBlockBytesMax);
  limits.body_bytes_in_all = 64U << 20;
  limits.connections_max = kConnectionsMax;
  limits.channels_max = kChannelsMax;
  return limits;
}

Result<net::Address> place_of(const std::string& text) {
  const bool has_scheme = text.find("://") != std::string::npos || text.starts_with("unix:");
  auto address = net::parse_address(has_scheme ? text : "http://" + text);
  if (!address)
    return Error{Errc::bad_usage, fmt::format("--listen '{}': {}", text, address.error().message)};
  const net::Scheme scheme = address.value().scheme;
  if (scheme == net::Scheme::unix_socket) return address;
  if (scheme == net::Scheme::http && net::is_loopback(address.value().host) &&
      !net::is_mirror(address.value()))
    return address;
  return Error{Errc::bad_usage,
               fmt::format("--listen '{}': the page is for this machine alone", text),
               "127.0.0.1:PORT or unix:PATH; 'ssh -L' leads there from elsewhere"};
}

/// Whoever starts it where nobody reads is to say who is told the link.
Result<Done> check_link(const Options& options, const net::Address& address) {
  if (options.open && address.scheme == net::Scheme::unix_socket)
    return Error{Errc::bad_usage, "--open: a browser finds no unix socket; use --link-file"};
  if (options.open || !options.link_file.empty() || ::isatty(STDERR_FILENO) == 1) return done;
  return Error{Errc::bad_usage, "nobody would learn the link, for there is no terminal",
               "give --link-file FILE or --open"};
}

Result<Done> check_programs(const Options& options, const StoreDir& store) {
  if (options.any_user && !options.rest && !options.rpc) {
    return Error{Errc::bad_usage, "--any-user opens what --rest and --rpc offer",
                 "give --rest or --rpc with it"};
  }
  if (options.unsafe_export && !options.rpc)
    return Error{Errc::bad_usage, "--unsafe-export opens what --rpc offers", "give --rpc with it"};
  return options.rpc ? refuse_light(store, "for Whisper's clients") : Result<Done>(done);
}

/// Ports in front of unix sockets tell pages of one host apart, but browsers send the cookies of
/// all of them to each: so each run has a name of its own.
Result<std::string> cookie_name(const api::WebDoorOptions& door, Entropy& entropy) {
  if (!door.any_port) return door.cookie;
  FixedBytes<8, struct CookieWordTag> word;
  BMSG_TRY(entropy.fill({word.data(), word.kSize}));
  return fmt::format("{}-{}", door.cookie, to_hex(word.view()));
}

/// One run of the command.
class Page {
 public:
  Page(Context& context, const StoreDir& store)
      : context_(context), store_(store), desk_(context, store) {}
  ~Page();
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  Result<Done> start(const Options& options, const net::Address& address,
                     std::chrono::seconds idle_lock);
  /// Makes a link and tells it, from another thread than the server's.
  Result<Done> tell_link();

 private:
  void watch_idle();
  void warn_of(const Result<Done>& told) const;

  Context& context_;
  StoreDir store_;
  WebDesk desk_;
  std::unique_ptr<WebLink> link_;
  std::unique_ptr<WebRpc> rpc_;
  std::unique_ptr<WebRoutes> routes_;
  std::latch routes_set_{1};
  std::unique_ptr<net::HttpServer> server_;
};

Page::~Page() {
  if (routes_) routes_->stop();
  if (rpc_) rpc_->stop();
  if (server_) server_->stop(kGrace);
}

void Page::warn_of(const Result<Done>& told) const {
  if (!told) ServeLog(context_.out.noise()).write(LogLevel::warning, told.error().message);
}

Result<Done> Page::start(const Options& options, const net::Address& address,
                         std::chrono::seconds idle_lock) {
  BMSG_TRY(desk_.open());
  if (options.rpc) {
    rpc_ = std::make_unique<WebRpc>(
        context_, store_,
        options.unsafe_export ? api::KeyExport::allowed : api::KeyExport::refused);
    BMSG_TRY(rpc_->start(context_.passphrase));
  }
  const auto handler = [this](net::HttpRequest request, net::Respond respond) {
    routes_set_.wait();
    routes_->handle(std::move(request), std::move(respond));
  };
  net::Listener listener{address};
  listener.finds_users = options.rest || options.rpc;
  BMSG_TRY_ASSIGN(server_,
                  net::HttpServer::start({listener}, handler, limits(options), context_.clock));
  const net::Address bound = server_->bound_addresses().front();
  auto door = api::door_options_for(bound);
  door.idle_lock = idle_lock;
  door.any_user = options.any_user;
  BMSG_TRY_ASSIGN(door.cookie, cookie_name(door, context_.entropy));
  const std::string place =
      bound.scheme == net::Scheme::unix_socket ? "http://localhost" : net::to_string(bound);
  link_ = std::make_unique<WebLink>(context_, store_, place, options.link_file, options.open);
  routes_ = std::make_unique<WebRoutes>(
      WebPlace{.context = context_,
               .store = store_,
               .door = std::move(door),
               .post = [this](std::function<void()> work) { server_->post(std::move(work)); },
               .tell_link = [this](const std::string& token) { warn_of(link_->tell(token)); },
               .rest = options.rest,
               .rpc = rpc_.get()},
      desk_);
  routes_set_.count_down();
  context_.out.line("listening " + shown_line(net::to_string(bound)));
  BMSG_TRY(context_.out.flush());
  watch_idle();
  return tell_link();
}

void Page::watch_idle() {
  server_->run_after(kTick, [this] {
    routes_->lock_if_idle();
    if (rpc_) rpc_->end_left();
    watch_idle();
  });
}

Result<Done> Page::tell_link() {
  std::promise<Result<std::string>> made;
  server_->post([this, &made] { made.set_value(routes_->new_link()); });
  BMSG_TRY_ASSIGN(const auto token, made.get_future().get());
  return link_->tell_and_open(token);
}

/// While the terminal still answers to Ctrl-C. The keys themselves are opened by the desk, which
/// can close them.
Result<Done> ask_passphrase(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(auto keys, unlock_keyring(context, store));
  if (keys.passphrase.size() > 0) context.passphrase = std::move(keys.passphrase);
  return done;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto idle_lock, settings.seconds("web.idle_lock"));
  BMSG_TRY_ASSIGN(const auto address,
                  place_of(options.listen.empty() ? settings.text("web.listen") : options.listen));
  BMSG_TRY(check_programs(options, store));
  BMSG_TRY(check_link(options, address));
  overwrite_what_is_freed();  // It goes on when its keys are closed.
  BMSG_TRY(ask_passphrase(context, store));
  const BlockedSignals signals({SIGTERM, SIGINT, SIGHUP, SIGUSR1});  // Before any thread begins.
  allow_descriptors();
  Page page(context, store);
  BMSG_TRY(page.start(options, address, std::chrono::seconds(idle_lock)));
  for (;;) {
    if (signals.wait() != SIGUSR1) return ExitCode::ok;
    const auto told = page.tell_link();
    if (!told) context.out.warn(told.error().message);
  }
}

}  // namespace

void add_web(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command web =
      add_command(app, context, "web", "Show the mail as a page in a browser", options, run);
  web.add_option("--listen", options->listen, "Where (127.0.0.1:8787); port 0 takes any")
      .type_name("127.0.0.1:PORT|unix:PATH");
  web.add_flag("--open", options->open, "Open the page in the browser");
  web.add_option("--link-file", options->link_file, "Write the link that lets in to this file")
      .type_name("FILE");
  web.add_flag("--rest", options->rest, "Offer the routes of the paper's REST, too");
  web.add_flag("--rpc", options->rpc, "Answer the JSON-RPC of Whisper's clients, too");
  web.add_flag("--unsafe-export", options->unsafe_export, "Let these ask for private keys");
  web.add_flag("--any-user", options->any_user, "Let programs of all users of this machine ask");
}

}  // namespace bmsg::cli
