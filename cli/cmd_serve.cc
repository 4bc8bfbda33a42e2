// bmsg serve: answer peers and local commands. Never opens a keyring.

#include <fmt/format.h>

#include <csignal>
#include <latch>

#include "cli/advertise.h"
#include "cli/command.h"
#include "cli/doorkeeper.h"
#include "cli/environment.h"
#include "cli/forget_asking.h"
#include "cli/listen_place.h"
#include "cli/peering.h"
#include "cli/serve_lan.h"
#include "cli/serve_limits.h"
#include "cli/serve_log.h"
#include "cli/serve_miner.h"
#include "cli/serve_stdio.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/store_blobs.h"
#include "cli/text.h"
#include "lib/api/gossip.h"
#include "lib/api/local_routes.h"
#include "lib/api/peer_places.h"
#include "lib/api/peer_routes.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sign.h"
#include "lib/mail/outbox.h"
#include "lib/net/http_server.h"
#include "lib/net/service_manager.h"
#include "lib/node/public_node.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::vector<std::string> listen;
  std::string sync_every;
  std::string advertise;
  std::size_t connections_max = 0;
  std::uint32_t rate = 0;
  bool mine = false;
  bool stdio = false;
  bool read_only = false;
  bool lan = false;
};

constexpr std::chrono::seconds kGrace{5};

/// All that runs while serving, in the order in which it must end.
class Serving {
 public:
  Serving(Context& context, StoreDir store, bool read_only)
      : context_(context),
        store_(std::move(store)),
        is_read_only_(read_only),
        log_(context.out.noise()) {}
  ~Serving();

  Result<Done> start(const Options& options);
  void announce();
  /// Limits, peers' rhythm and proxy from the files of settings, if all of those are good.
  void reload(const Options& options);
  /// One line for whoever asks by SIGUSR1.
  void tell_state();
  /// To whoever started us and waits for it.
  void tell_manager(std::string_view what) { (void)manager_.tell(what); }

 private:
  Result<Done> open_node();
  Result<api::GossipOptions> gossip_options(const Options& options, const Settings& settings);
  void start_gossip(api::GossipOptions options);
  Result<std::unique_ptr<net::Multicast>> open_lan(const Options& options,
                                                   const Settings& settings) const;
  void start_lan(std::unique_ptr<net::Multicast> group, node::JudgeKey admits);
  void forget_neighbours();
  void silence_node() {
    node_->on_change({});
    node_->on_kept_back({});
  }
  Result<Done> take_settings(const Options& options);
  void route(net::HttpRequest request, net::Respond respond);
  void collect_cards();
  void take_back();
  std::string height() const;
  void beat(std::chrono::milliseconds every);

  Context& context_;
  StoreDir store_;
  const bool is_read_only_;
  ServeLog log_;
  Doorkeeper door_{context_.clock, log_};
  const net::ServiceManager manager_{from_environment("NOTIFY_SOCKET")};
  std::optional<FileLock> lock_;
  chain::ChainRules rules_;
  NodeKey key_;
  std::string place_;  // Where others are told that we are.
  std::optional<crypto::SecretBytes> seed_;
  std::unique_ptr<mail::Outbox> outbox_;
  std::unique_ptr<mail::CardDirectory> cards_;
  std::unique_ptr<StoreBlobs> blobs_;
  std::unique_ptr<storage::RocksStore> chain_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<node::PublicNode> public_node_;  // As those see it who call us.
  std::unique_ptr<api::PeerRoutes> peer_routes_;
  std::unique_ptr<api::LocalRoutes> local_routes_;
  std::unique_ptr<net::HttpServer> server_;
  std::latch server_set_{1};  // The server's thread answers before start() returns.
  std::unique_ptr<api::Gossip> gossip_;
  std::unique_ptr<ServeLan> lan_;  // Wakes gossip_.
  std::unique_ptr<ServeMiner> miner_;
};

Result<Done> Serving::open_node() {
  BMSG_TRY_ASSIGN(const auto patience, context_.lock_patience(&store_));
  BMSG_TRY_ASSIGN(lock_, FileLock::take(store_.chain_lock(), "serve", patience, context_.clock));
  BMSG_TRY_ASSIGN(rules_, read_rules(context_, store_));
  BMSG_TRY_ASSIGN(seed_, read_node_seed(context_, store_));
  key_ = relabel<NodeKey>(crypto::public_key_of(*seed_));
  outbox_ = std::make_unique<mail::Outbox>(context_.disk, store_.outbox());
  BMSG_TRY_ASSIGN(blobs_, open_blobs(context_, store_));
  cards_ = std::make_unique<mail::CardDirectory>(context_.disk, store_.cards(), rules_.id);
  BMSG_TRY_ASSIGN(chain_,
                  storage::RocksStore::open(store_.chain(), chain_options(context_, store_)));
  BMSG_TRY_ASSIGN(const auto reorg, reorg_policy(context_, store_));
  BMSG_TRY_ASSIGN(node_, node::Node::make({.store = *chain_,
                                           .chain = rules_,
                                           .clock = context_.clock,
                                           .entropy = context_.entropy,
                                           .outbox = outbox_.get(),
                                           .key = key_,
                                           .agent = agent_name(),
                                           .read_only = is_read_only_,
                                           .reorg = reorg,
                                           .blobs = &blobs_->directory(),
                                           .judge_place = api::judge_place,
                                           .own_record = record_maker(place_, rules_.id, *seed_)}));
  (void)door_.follow(*node_);
  BMSG_TRY_ASSIGN(const auto settings, context_.settings(&store_));
  BMSG_TRY_ASSIGN(auto admits, door_.admitted(settings));
  node_->set_admits(std::move(admits));
  forget_neighbours();
  BMSG_TRY(api::choose_confidant(*node_, context_.clock));
  BMSG_TRY(node_->take_outbox());
  collect_cards();
  return done;
}

/// They may be of another network; with --lan they are heard again where they are.
void Serving::forget_neighbours() {
  const auto forgotten = node::forget_silent(*node_, context_.clock.now());
  if (!forgotten)
    return log_.write(LogLevel::warning, "cannot forget: " + forgotten.error().message);
  for (const std::string& url : forgotten.value())
    log_.write(LogLevel::info, "not reached for a day, forgotten: " + url);
}

void Serving::collect_cards() {
  // Cards can be collected again at any time; sending looks for itself if one is missing.
  const auto filed = collect_public(context_, store_, *chain_, *cards_, *node_);
  if (!filed) log_.write(LogLevel::warning, "cannot file cards: " + filed.error().message);
}

/// What a block had that is left and the outbox holds goes again.
void Serving::take_back() {
  mail::Outbox outbox(context_.disk, store_.outbox());
  const auto returned = outbox.return_lost(*chain_, context_.clock.now());
  if (!returned) log_.write(LogLevel::warning, returned.error().message);
}

void Serving::route(net::HttpRequest request, net::Respond respond) {
  auto refusal = is_read_only_ ? api::refuse_put(request) : std::nullopt;
  if (refusal) return respond(std::move(*refusal));
  if (request.path.starts_with("/bmsg/1/"))
    return peer_routes_->handle(std::move(request), std::move(respond));
  if (request.path.starts_with("/local/1/"))
    return local_routes_->handle(std::move(request), std::move(respond));
  respond(net::text_response(404, "not found\n"));
}

Result<api::GossipOptions> Serving::gossip_options(const Options& options,
                                                   const Settings& settings) {
  api::GossipOptions gossip;
  BMSG_TRY_ASSIGN(const auto every, options.sync_every.empty()
                                        ? settings.seconds("serve.sync_every")
                                        : parse_duration(options.sync_every));
  gossip.sync_every = std::chrono::seconds(every);
  BMSG_TRY_ASSIGN(gossip.transport, transport_options(context_, store_));
  gossip.after_change = [this] {
    collect_cards();
    if (chain_->is_light() || rules_.rules.mode == chain::Mode::endorse) take_back();
  };
  gossip.after_exchange = [this](const std::string& peer, const std::vector<ShortId>& has) {
    mail::Outbox outbox(context_.disk, store_.outbox());
    const auto noted = outbox.note_relayed(peer, has);
    if (!noted) log_.write(LogLevel::warning, noted.error().message);
  };
  return gossip;
}

void Serving::start_gossip(api::GossipOptions options) {
  gossip_ = std::make_unique<api::Gossip>(*node_, rules_, context_.clock, log_, std::move(options));
  // silence_node() waits for those that still run, before gossip_ is let go.
  node_->on_change([this, gossip = gossip_.get()] {
    peer_routes_->changed();
    gossip->changed();
    if (door_.follow(*node_) && server_set_.try_wait()) server_->judge_again();
    if (manager_.listens()) tell_manager("STATUS=" + height());
  });
  node_->on_kept_back([gossip = gossip_.get()] { gossip->kept_back(); });
}

/// Null if nobody wants to meet neighbours.
Result<std::unique_ptr<net::Multicast>> Serving::open_lan(const Options& options,
                                                          const Settings& settings) const {
  if (!options.lan && settings.text("serve.lan") != "true")
    return std::unique_ptr<net::Multicast>();
  return ServeLan::open_group(server_->bound_addresses());
}

void Serving::start_lan(std::unique_ptr<net::Multicast> group, node::JudgeKey admits) {
  if (!group) return;
  LanWish wish{rules_.id, key_, server_->bound_addresses(),
               [gossip = gossip_.get()] { gossip->changed(); }, std::move(admits)};
  lan_ =
      std::make_unique<ServeLan>(context_, store_, *node_, log_, std::move(wish), std::move(group));
}

Result<Done> Serving::take_settings(const Options& options) {
  BMSG_TRY_ASSIGN(const auto settings, context_.settings(&store_));
  BMSG_TRY_ASSIGN(auto limits, serve_limits(settings, options.connections_max, options.rate));
  BMSG_TRY(door_.guard(limits, settings));
  BMSG_TRY_ASSIGN(auto gossip, gossip_options(options, settings));
  BMSG_TRY_ASSIGN(auto admits, door_.admitted(settings));
  BMSG_TRY_ASSIGN(auto group, open_lan(options, settings));
  BMSG_TRY(blobs_->take_quota(settings));
  // Nothing fails from here on: the settings are taken whole or not at all.
  server_->set_limits(limits);
  peer_routes_->set_limits(limits.rates);
  node_->set_admits(admits);
  silence_node();
  lan_.reset();
  gossip_.reset();
  start_gossip(std::move(gossip));
  peer_routes_->changed();  // Or something may have, while nobody listened.
  start_lan(std::move(group), std::move(admits));
  return done;
}

void Serving::reload(const Options& options) {
  tell_manager("RELOADING=1");
  const auto taken = take_settings(options);
  if (taken)
    log_.write(LogLevel::info, "took the settings anew");
  else
    log_.write(LogLevel::warning, "goes on with the settings it has: " + taken.error().message);
  tell_manager("READY=1");
}

Result<Done> Serving::start(const Options& options) {
  BMSG_TRY_ASSIGN(const auto settings, context_.settings(&store_));
  BMSG_TRY(context_.disk.make_directory(store_.run()));  // A copy may lack it.
  BMSG_TRY_ASSIGN(place_, advertised_place(options.advertise, settings));
  BMSG_TRY(open_node());
  BMSG_TRY_ASSIGN(const auto places, listeners({context_, store_, rules_.rules.access, *seed_},
                                               options.listen, settings));
  BMSG_TRY_ASSIGN(auto limits, serve_limits(settings, options.connections_max, options.rate));
  BMSG_TRY(door_.guard(limits, settings));
  const auto later = [this](std::chrono::milliseconds delay, std::function<void()> work) {
    server_set_.wait();
    server_->run_after(delay, std::move(work));
  };
  BMSG_TRY_ASSIGN(const auto reorg, reorg_policy(context_, store_));
  public_node_ = std::make_unique<node::PublicNode>(*node_);
  peer_routes_ = std::make_unique<api::PeerRoutes>(*public_node_, context_.clock, later, reorg);
  peer_routes_->set_limits(limits.rates);
  peer_routes_->keep_answers(context_.disk, store_.run(), [this] { return node_->rewrites(); });
  local_routes_ = std::make_unique<api::LocalRoutes>(*node_);
  BMSG_TRY_ASSIGN(auto gossip, gossip_options(options, settings));
  start_gossip(std::move(gossip));
  const auto handler = [this](net::HttpRequest request, net::Respond respond) {
    route(std::move(request), std::move(respond));
  };
  BMSG_TRY_ASSIGN(server_, net::HttpServer::start(places, handler, limits, context_.clock));
  server_set_.count_down();
  blobs_->keep_swept(context_, *server_);
  BMSG_TRY_ASSIGN(auto group, open_lan(options, settings));
  start_lan(std::move(group), limits.admits);
  if (options.mine) {
    BMSG_TRY_ASSIGN(miner_, ServeMiner::start(context_, store_, log_));
  }
  return done;
}

void Serving::announce() {
  const auto bound = server_->bound_addresses();
  for (const net::Address& address : bound) {
    const bool is_ours = address.scheme == net::Scheme::unix_socket && &address == &bound.back();
    if (!is_ours) context_.out.line("listening " + shown_line(net::to_string(address)));
  }
  context_.out.line("node " + to_hex(key_.view()));
  tell_manager("READY=1\nSTATUS=" + height());
  const auto every =
      net::watchdog_beat(from_environment("WATCHDOG_USEC"), from_environment("WATCHDOG_PID"));
  if (every) beat(*every);
}

/// Says again and again that the thread which answers callers does so.
void Serving::beat(std::chrono::milliseconds every) {
  tell_manager("WATCHDOG=1");
  server_->run_after(every, [this, every] { beat(every); });
}

std::string Serving::height() const {
  const auto info = node_->info();
  return "height " + (info ? std::to_string(info.value().tip.height.value) : "unknown");
}

void Serving::tell_state() {
  const std::size_t away = door_.turned_away();
  context_.out.tell(fmt::format("bmsg: serving: {}, {} connections{}\n", height(),
                                server_->connections(),
                                away > 0 ? fmt::format(", {} turned away", away) : ""));
}

Serving::~Serving() {
  miner_.reset();
  lan_.reset();
  if (peer_routes_) peer_routes_->stop();
  if (local_routes_) local_routes_->stop();
  if (node_) silence_node();
  gossip_.reset();
  if (server_) server_->stop(kGrace);
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  if (options.mine) BMSG_TRY(refuse_light(store, "to make blocks of"));
  if (options.stdio) {
    BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
    BMSG_TRY_ASSIGN(const auto limits,
                    serve_limits(settings, options.connections_max, options.rate));
    return serve_stdio(context, store, limits, options.read_only);
  }
  const BlockedSignals signals({SIGTERM, SIGINT, SIGHUP, SIGUSR1});  // Before any thread begins.
  Serving serving(context, store, options.read_only);
  BMSG_TRY(serving.start(options));
  serving.announce();
  BMSG_TRY(context.out.flush());
  for (;;) {
    const int signal = signals.wait();
    if (signal == SIGHUP) serving.reload(options);
    if (signal == SIGUSR1) serving.tell_state();
    if (signal == SIGHUP || signal == SIGUSR1) continue;
    if (signal == SIGINT) context.command = "serve";
    serving.tell_manager("STOPPING=1");
    return ExitCode::ok;
  }
}

}  // namespace

void add_serve(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command serve =
      add_command(app, context, "serve", "Answer peers and local commands", options, run);
  const Parameter listen =
      serve.add_option("--listen", options->listen, "Where (127.0.0.1:5512); again for more")
          .type_name("ADDR:PORT|unix:PATH")
          .one_value_each();
  const Parameter advertise =
      serve.add_option("--advertise", options->advertise, "Where others can call this node")
          .type_name("HOST:PORT");
  const Parameter sync_every = serve
                                   .add_option("--sync-every", options->sync_every,
                                               "How often to ask the peers (5m; 0 for never)")
                                   .type_name("DUR");
  const Parameter mine =
      serve.add_flag("--mine", options->mine, "Mine what waits, too, at the lowest priority");
  const Parameter lan = serve.add_flag("--lan", options->lan, "Meet nodes of the local network");
  serve.add_flag("--read-only", options->read_only, "Take nothing from peers that call");
  serve.add_flag("--stdio", options->stdio, "Answer one caller over standard input and output")
      .excludes(listen)
      .excludes(sync_every)
      .excludes(advertise)
      .excludes(mine)
      .excludes(lan);
  serve.add_option("--max-connections", options->connections_max, "Connections at once (1024)")
      .type_name("N");
  serve
      .add_option("--rate", options->rate,
                  "Requests that one address may make in ten seconds (100)")
      .type_name("N");
}

}  // namespace bmsg::cli
