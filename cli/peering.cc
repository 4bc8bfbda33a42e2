#include "cli/peering.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/doorkeeper.h"
#include "cli/hooks.h"
#include "cli/node_key.h"
#include "cli/store_blobs.h"
#include "lib/api/gossip.h"
#include "lib/api/peer_places.h"
#include "lib/core/big_endian.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/outbox.h"
#include "lib/node/blob_push.h"
#include "lib/node/outbound.h"
#include "lib/node/peer_book.h"
#include "lib/node/rules_book.h"

namespace bmsg::cli {
namespace {

std::chrono::milliseconds since(const Clock& clock, std::chrono::steady_clock::time_point began) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady() - began);
}

using Moment = std::chrono::steady_clock::time_point;

/// How long a peer may take to say that it is there.
constexpr std::chrono::seconds kProbeTime{10};

const Error kStopped{Errc::try_again, "stopped while a peer was asked; what came is kept"};

/// Ends the request that runs, and refuses those after it.
struct Cancel {
  api::HttpTransport& peer;
  void operator()() const { peer.cancel(); }
};

/// Lets go of the node's lock while it waits for a peer, so that a slow one keeps nobody from
/// writing, and asks for nothing that could come only after `until`.
class PoliteTransport final : public node::Transport {
 public:
  PoliteTransport(api::HttpTransport& peer, ShortService& local, const Clock& clock,
                  std::optional<Moment> until, const std::stop_token& stop)
      : peer_(peer), local_(local), clock_(clock), until_(until), ends_(stop, Cancel{peer}) {}

  Result<node::NodeInfo> info() override {
    return ask([&] { return peer_.info(); });
  }
  Result<std::string> rules_text() override {
    return ask([&] { return peer_.rules_text(); });
  }
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override {
    return ask([&] { return peer_.headers(from, count); });
  }
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override {
    return ask([&] { return peer_.blocks(from, count, bodies); });
  }
  bool expect_blocks(Height from, std::uint32_t count, Bodies bodies) override {
    return limit_deadline() && peer_.expect_blocks(from, count, bodies);
  }
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override {
    return ask([&] { return peer_.block(hash, bodies); });
  }
  Result<std::optional<Block>> proposal(const BlockHash& hash) override {
    return ask([&] { return peer_.proposal(hash); });
  }
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override {
    return ask([&] { return peer_.messages(ids); });
  }
  Result<node::Feed> feed(const std::string& cursor) override {
    return ask([&] { return peer_.feed(cursor); });
  }
  Result<std::vector<node::PutLine>> put(const Bytes& pack) override {
    return ask([&] { return peer_.put(pack); });
  }
  Result<std::vector<node::PeerRecord>> peer_records() override {
    return ask([&] { return peer_.peer_records(); });
  }
  void drop_request() override { peer_.drop_request(); }
  bool is_live() const override { return peer_.is_live(); }
  std::uint32_t headers_at_once(Height from) const override { return peer_.headers_at_once(from); }
  std::string name() const override { return peer_.name(); }
  std::uint64_t bytes_in() const override { return peer_.bytes_in(); }
  std::uint64_t bytes_out() const override { return peer_.bytes_out(); }

 private:
  template <class Ask>
  auto ask(Ask request) -> decltype(request()) {
    BMSG_TRY(local_.begin_wait());
    auto answer = ask_in_time(request);
    local_.end_wait();
    return answer;
  }

  template <class Ask>
  auto ask_in_time(Ask request) -> decltype(request()) {
    if (!until_) return request();
    if (limit_deadline()) {
      auto answer = request();
      if (answer || clock_.steady() < *until_) return answer;
    }
    return Error{Errc::try_again, "the time ran out; what came is kept, and the next sync goes on"};
  }

  /// False: no time is left.
  bool limit_deadline() {
    if (!until_) return true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until_ - clock_.steady());
    if (left.count() > 0) peer_.set_deadline(std::min(left, api::TransportOptions().deadline));
    return left.count() > 0;
  }

  api::HttpTransport& peer_;
  ShortService& local_;
  const Clock& clock_;
  std::optional<Moment> until_;
  std::stop_callback<Cancel> ends_;  // Last: it may be called at once.
};

void fill_view(api::SyncView& view, const node::SyncReport& report,
               const node::Transport& transport) {
  view.pulled_blocks = report.pulled_blocks;
  view.pushed_blocks = report.pushed_blocks;
  view.pulled_messages = report.pulled_messages;
  view.pushed_messages = report.pushed_messages;
  view.pulled_bytes = transport.bytes_in();
  view.pushed_bytes = transport.bytes_out();
  if (report.reorg) view.reorg_depth = report.reorg->depth;
}

/// Steps until nothing is left, and says how far it came.
Result<node::SyncReport> run_session(Context& context, node::SyncSession& session,
                                     const node::Transport& peer, Height tip, Progress& shown) {
  const auto began = context.clock.steady();
  for (;;) {
    BMSG_TRY_ASSIGN(const bool more, session.step());
    const node::SyncReport& so_far = session.report();
    const std::uint32_t top = so_far.peer.tip.height.value;
    const std::uint32_t missing = top > tip.value ? top - tip.value : 0;
    if (!more) return so_far;
    const double seconds = std::chrono::duration<double>(since(context.clock, began)).count();
    const double rate = seconds > 0 ? static_cast<double>(so_far.pulled_blocks) / seconds : 0;
    shown.update(
        fmt::format("{}: {} of {} blocks, {} given, {} bytes in, {:.0f} blocks/s", peer.name(),
                    so_far.pulled_blocks, missing, so_far.pushed_blocks, peer.bytes_in(), rate),
        {.phase = "sync",
         .finished = so_far.pulled_blocks,
         .total = std::max<std::uint64_t>(missing, so_far.pulled_blocks),
         .rate = rate,
         .expected = std::nullopt,
         .p95 = std::nullopt});
  }
}

/// What a person has done to the peer while it was asked stays.
node::Peer as_it_stands(node::Peer met, const node::Peer& now) {
  met.source = now.source;
  met.added = now.added;
  met.told_by = now.told_by;
  met.record = now.record;
  if (now.score < node::kBanScore) return met;
  met.score = now.score;
  met.not_before = std::max(met.not_before, now.not_before);
  return met;
}

}  // namespace

Result<api::TransportOptions> transport_options(const Settings& settings) {
  api::TransportOptions options;
  if (const auto& proxy = settings.text("sync.proxy"); !proxy.empty()) {
    auto parsed = net::parse_proxy(proxy);
    if (!parsed) return Error{Errc::bad_config, "sync.proxy: " + parsed.error().message};
    options.proxy = std::move(parsed).value();
  }
  return options;
}

Result<api::TransportOptions> transport_options(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(auto options, transport_options(settings));
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  if (rules.rules.access == chain::Access::open) return options;  // Nobody there needs to know us.
  BMSG_TRY_ASSIGN(const auto seed, read_node_seed(context, store));
  BMSG_TRY_ASSIGN(options.identity, tls_identity_of(seed));
  return options;
}

namespace {

/// Of a peer that is not in the list nothing is kept.
void tell_key(const Context& context, const node::Peer& peer, const std::optional<NodeKey>& seen) {
  if (peer.key || !seen) return;
  const std::string key = to_hex(seen->view());
  context.out.warn(
      fmt::format("{} is not listed; its key is {}: 'bmsg peers add {} --node {}' "
                  "pins it",
                  peer.url, key, peer.url, key));
}

/// Our chunks of files, where there is room for them. The next sync goes on with the rest.
void give_chunks(Context& context, const StoreDir& store, api::HttpTransport& peer,
                 const node::NodeInfo& info, std::optional<Moment> until, std::uint64_t bytes_max) {
  const auto blobs = open_blobs(context, store);
  if (!blobs) return context.out.warn(blobs.error().message);
  const auto is_over = [&] {
    return (until && context.clock.steady() >= *until) ||
           (bytes_max > 0 && peer.bytes_in() + peer.bytes_out() >= bytes_max);
  };
  const auto given = node::push_blobs(blobs.value()->directory(), peer, info, is_over);
  if (!given)
    context.out.warn(fmt::format("{}: chunks of files: {}", peer.name(), given.error().message));
  else if (given.value() > 0)
    context.out.note(fmt::format("{}: {} chunks given", peer.name(), given.value()));
}

}  // namespace

void pin(const Context& context, node::Peer& peer, const std::optional<NodeKey>& seen) {
  if (peer.key || !seen) return;
  peer.key = seen;
  context.out.warn(
      fmt::format("first meeting with {}: its key {} is pinned", peer.url, to_hex(seen->view())));
}

Exchange exchange_through(ShortService& local, Context& context, const StoreDir& store,
                          node::Peer peer, const node::SyncOptions& options, Progress& shown) {
  api::SyncView view;
  view.peer = peer.url;
  node::SyncReport so_far;
  const auto failed = [&](const Error& error) {
    view.error = error.message;
    if (context.inner.stop.stop_requested()) return Exchange{peer, kStopped, view};
    if (!api::is_our_failure(error.code))
      peer = api::after_error(peer, error, context.clock.now(), so_far);
    return Exchange{peer, error, view};
  };
  auto reach = transport_options(context, store);
  if (!reach) return failed(reach.error());
  auto transport = api::HttpTransport::open(peer.url, api::reach_of(peer, reach.value()));
  if (!transport) return failed(transport.error());
  auto rules = read_rules(context, store);
  if (!rules) return failed(rules.error());
  PoliteTransport polite(*transport.value(), local, context.clock, options.deadline,
                         context.inner.stop);
  node::SyncOptions wish = options;
  api::prepare_trade(wish, local, peer, context.clock.now());
  wish.lasting = true;
  node::use_cursors(peer, wish, context.clock.now());
  node::SyncSession session(local, polite, rules.value(), context.clock, wish);
  auto here = local.info();
  if (!here) return failed(here.error());
  auto report = run_session(context, session, polite, here.value().tip.height, shown);
  if (!report) {
    so_far = session.report();
    return failed(report.error());
  }
  const bool has_deep_reorg = report.value().reorg && report.value().reorg->depth > 0;
  const bool gives_chunks =
      options.direction != node::SyncOptions::Direction::pull && report.value().peer.blob_room > 0;
  if (has_deep_reorg || gives_chunks) {
    // A hook may use the store, and files take their time.
    if (const auto released = local.release(); !released) return failed(released.error());
  }
  if (gives_chunks) {
    give_chunks(context, store, *transport.value(), report.value().peer, options.deadline,
                options.bytes_max);
  }
  mail::Outbox outbox(context.disk, store.outbox());
  if (const auto noted = outbox.note_relayed(peer.url, report.value().peer_has); !noted)
    context.out.warn(noted.error().message);  // The exchange is done; a count is too low.
  fill_view(view, report.value(), *transport.value());
  if (has_deep_reorg) {
    const node::Reorg& reorg = *report.value().reorg;
    tell_hook(context, store, Hook::post_reorg,
              api::reorg_json({reorg.from, reorg.to, reorg.depth, reorg.returned}));
  }
  if (peer.added.value == 0)
    tell_key(context, peer, transport.value()->peer_key());
  else
    pin(context, peer, transport.value()->peer_key());
  if (report.value().asked_records) peer.records_asked = context.clock.now();
  node::keep_cursors(peer, wish, report.value(), context.clock.now());
  peer = api::after_exchange(peer, report.value(), context.clock.now());
  return Exchange{peer, std::move(report), view};
}

Exchange exchange_with(Context& context, const StoreDir& store, const node::Peer& peer,
                       const node::SyncOptions& options, Progress& shown) {
  ShortService local(context, store);
  Exchange exchange = exchange_through(local, context, store, peer, options, shown);
  const auto released = local.release();
  if (!released && exchange.report) {
    exchange.view.error = released.error().message;
    exchange.report = released.error();
  }
  return exchange;
}

Result<node::Peer> probe(Context& context, const StoreDir& store, node::Peer peer) {
  BMSG_TRY_ASSIGN(const auto options, transport_options(context, store));
  auto reach = api::reach_of(peer, options);
  reach.deadline = kProbeTime;
  BMSG_TRY_ASSIGN(const auto transport, api::HttpTransport::open(peer.url, reach));
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  const auto began = context.clock.steady();
  const std::stop_callback ends(context.inner.stop, Cancel{*transport});
  BMSG_TRY_ASSIGN(const auto info, transport->info());
  if (info.chain != rules.id) {
    return Error{Errc::bad_config, fmt::format("{} is on another chain: '{}' {}", peer.url,
                                               info.name, to_hex(info.chain.view()).substr(0, 16))};
  }
  pin(context, peer, transport->peer_key());
  const UnixSeconds now = context.clock.now();
  const auto ahead = transport->is_live() ? node::clock_difference(info.now, now) : 0;
  return node::after_success(peer, now, {since(context.clock, began), info.tip.height, ahead});
}

Result<std::vector<node::Peer>> peers_to_call(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(auto all, chain->peers());
  BMSG_TRY_ASSIGN(const auto rules, node::rules_at_tip(*chain));
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto admits,
                  admitted_keys(std::make_shared<const Members>(rules.rules), settings));
  all = node::admitted(std::move(all), admits);
  std::array<std::uint8_t, 8> seed{};
  BMSG_TRY(context.entropy.fill(seed));
  return node::choose_outbound(all, context.clock.now(), load_be<std::uint64_t>(seed.data()),
                               api::judge_place);
}

Result<Done> keep(node::Service& local, const Exchange& exchange) {
  const node::Peer& met = exchange.peer;
  if (met.added.value == 0) return done;  // Only this once.
  BMSG_TRY_ASSIGN(const auto all, local.peers());
  const auto now = std::ranges::find(all, met.url, &node::Peer::url);
  if (now == all.end()) return done;                 // Removed meanwhile.
  if (now->key && now->key != met.key) return done;  // Of the key that it has now nothing is known.
  const bool is_other = !exchange.report && exchange.report.error().code == Errc::denied;
  if (is_other && node::is_unproven(*now) && now->key == met.key) return local.remove_peer(met.url);
  BMSG_TRY(local.put_peer(as_it_stands(met, *now)));
  if (!exchange.report) return done;
  return api::finish_trade(exchange.report.value(), local, exchange.peer.url);
}

Result<Done> remember(Context& context, const StoreDir& store, const node::Peer& peer) {
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  return session->service().put_peer(peer);
}

Result<Done> remember(Context& context, const StoreDir& store, const Exchange& exchange) {
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  return keep(session->service(), exchange);
}

}  // namespace bmsg::cli
