#include "cli/web_rest.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/deliver.h"
#include "cli/hooks.h"
#include "cli/peering.h"
#include "cli/session.h"
#include "cli/web_answers.h"
#include "lib/api/rest_json.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kWaitingMax = 64;
constexpr int kMade = 201;
constexpr int kNotHis = 403;
constexpr int kBadPeer = 502;

struct Route {
  std::string_view path;
  api::WebArea area;
};
constexpr std::array kRoutes = {Route{"/chain", api::WebArea::program_look},
                                Route{"/pending_tx", api::WebArea::program_look},
                                Route{"/mine", api::WebArea::program_work},
                                Route{"/new_transaction", api::WebArea::program_change},
                                Route{"/register_node", api::WebArea::program_change},
                                Route{"/register_with", api::WebArea::program_change},
                                Route{"/add_block", api::WebArea::program_change}};

const Error kTooMuch{Errc::try_again, "too much is asked at once"};

net::HttpResponse text_answer(int status, std::string_view text) {
  return finished(net::text_response(status, text));
}

net::HttpResponse json_answer(const Result<std::string>& found) {
  if (!found) return error_answer(found.error());
  return finished(net::text_response(200, found.value(), "application/json"));
}

std::string_view body_of(const net::HttpRequest& request) { return as_text(request.body); }

/// From the tip by way of each block's parent: all of one branch, whatever comes meanwhile.
Result<std::string> chain_text(Context& context, const StoreDir& store,
                               api::RestChain::Packs packs) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  api::RestChain shown(rules.id, packs);
  BlockHash hash = tip.hash;
  while (!shown.is_full()) {
    BMSG_TRY_ASSIGN(const auto block, chain->block(hash, Bodies::with));
    if (!block) return Error{Errc::corrupt, "a block of the chain is missing", "run bmsg verify"};
    shown.add_below(*block, hash);
    if (block->header.height.value == 0) break;
    hash = block->header.previous;
  }
  BMSG_TRY_ASSIGN(const auto peers, chain->peers());
  std::vector<std::string> urls;
  for (const node::Peer& peer : peers) urls.push_back(peer.url);
  return shown.print(std::uint64_t{tip.height.value} + 1, urls);
}

Result<std::string> pending_text(Context& context, const StoreDir& store) {
  {
    BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
    BMSG_TRY(session->service().take_outbox());
    BMSG_TRY(session->collect_cards());
  }
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(auto pool, chain->pool(0));
  std::vector<Message> messages;
  for (node::PooledMessage& one : pool) messages.push_back(std::move(one.message));
  return api::rest_pending(messages, rules.id);
}

net::HttpResponse answer_of(const node::BlockOutcome& outcome) {
  switch (outcome.verdict) {
    case node::Verdict::accepted:
    case node::Verdict::known:
      return text_answer(kMade, "Block added to the chain");
    case node::Verdict::held:
      return error_answer({Errc::try_again, "the block is from the future"});
    case node::Verdict::orphan:
      return error_answer({Errc::bad_input, "the block's parent is not known here"});
    case node::Verdict::refused:
      break;
  }
  return error_answer({Errc::bad_input, outcome.violation
                                            ? fmt::format("the block breaks a rule: {}: {}",
                                                          chain::name_of(outcome.violation->rule),
                                                          outcome.violation->detail)
                                            : "the block is not wanted here"});
}

Result<node::BlockOutcome> take_block(Context& context, const StoreDir& store,
                                      std::string_view body) {
  BMSG_TRY_ASSIGN(const Block block, api::parse_rest_block(body));
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  BMSG_TRY_ASSIGN(auto outcome, session->service().submit_block(block));
  BMSG_TRY(session->collect_cards());
  return outcome;
}

net::HttpResponse add_block(Context& context, const StoreDir& store, std::string_view body) {
  const auto outcome = take_block(context, store, body);
  return outcome ? answer_of(outcome.value()) : error_answer(outcome.error());
}

/// Only nodes: a mirror has no say, and nothing is started to reach one.
Result<Done> check_node(const std::string& url) {
  BMSG_TRY_ASSIGN(const auto address, net::parse_address(url));
  const bool is_web = address.scheme == net::Scheme::http || address.scheme == net::Scheme::https;
  if (is_web && !net::is_mirror(address) && net::is_allowed_peer(address)) return done;
  return Error{Errc::bad_input, fmt::format("'{}' is no address of a node", url),
               "https://HOST:PORT, or http on this machine, as bmsg serve prints it"};
}

/// The peer that we have by this url; else a new one, where the hook has no objection.
Result<node::Peer> known_or_new(Context& context, const StoreDir& store, const std::string& url) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto peers, chain->peers());
  const auto at = std::ranges::find(peers, url, &node::Peer::url);
  // What only strangers told of begins anew: the key that they named is nobody's word.
  const bool is_strangers_word = at != peers.end() && at->reached.value == 0 &&
                                 (node::is_learned(*at) || at->source == node::PeerSource::lan);
  const bool is_known = at != peers.end() && !is_strangers_word;
  node::Peer peer;
  if (is_known) peer = *at;
  peer.url = url;
  if (peer.source != node::PeerSource::invite) peer.source = node::PeerSource::config;
  if (peer.added.value == 0) peer.added = context.clock.now();
  if (!is_known)
    BMSG_TRY(
        ask_hook(context, store, Hook::pre_accept_peer, api::peer_json(peer, context.clock.now())));
  return peer;
}

/// nullopt: it is a peer now, and both have what the other had.
std::optional<net::HttpResponse> add_peer(Context& context, const StoreDir& store,
                                          std::string_view body) {
  const auto url = api::parse_rest_node(body);
  if (!url) return error_answer(url.error());
  const auto good = check_node(url.value());
  if (!good) return error_answer(good.error(), 400);
  const auto peer = known_or_new(context, store, url.value());
  if (!peer) {
    const bool is_vetoed = peer.error().code == Errc::denied;
    return error_answer(peer.error(), is_vetoed ? std::optional(kNotHis) : std::nullopt);
  }
  const auto probed = probe(context, store, peer.value());
  if (!probed) return error_answer(probed.error(), kBadPeer);
  const auto kept = remember(context, store, probed.value());
  if (!kept) return error_answer(kept.error());
  Progress shown(context);
  const Exchange exchange = exchange_with(context, store, probed.value(),
                                          {.direction = node::SyncOptions::Direction::both}, shown);
  const auto noted = remember(context, store, exchange);
  if (!noted) return error_answer(noted.error());
  if (!exchange.report) return error_answer(exchange.report.error(), kBadPeer);
  return std::nullopt;
}

/// First what others have: a block on an old tip is work for nothing.
Result<std::string> mine_for_program(Context& context, const StoreDir& store,
                                     std::stop_token stop) {
  const auto met = relay(context, store);
  if (!met) context.out.warn("no peer was asked: " + met.error().message);
  BMSG_TRY_ASSIGN(const auto mined, mine_and_tell(context, store, 0, stop));
  if (mined.end == Mined::End::block)
    return fmt::format("Block #{} is mined.", mined.block->header.height.value);
  if (mined.end == Mined::End::no_work) return std::string("No transactions to mine");
  return Error{Errc::try_again, "bmsg web ends; nothing was mined"};
}

}  // namespace

WebRest::Hand::Hand(const Context& like) : context(context_like(like)), worker(kWaitingMax) {}

WebRest::WebRest(const Context& context, StoreDir store, AtDesk at_desk)
    : store_(std::move(store)),
      at_desk_(std::move(at_desk)),
      looker_(context),
      visitor_(context),
      miner_(context) {
  for (const Hand* hand : {&looker_, &visitor_, &miner_}) hand->context->options.no_input = true;
}

WebRest::~WebRest() { stop(); }

void WebRest::stop() {
  stop_.request_stop();
  for (Hand* hand : {&looker_, &visitor_, &miner_}) hand->worker.stop();
}

std::optional<api::WebArea> WebRest::area_of(std::string_view path) {
  const auto found = std::ranges::find(kRoutes, path, &Route::path);
  return found == kRoutes.end() ? std::nullopt : std::optional(found->area);
}

void WebRest::handle(const std::shared_ptr<net::HttpRequest>& request,
                     const net::Respond& respond) {
  const std::string& path = request->path;
  if (path == "/mine") return mine(respond);
  if (path == "/new_transaction") return post(request, respond);
  if (path == "/register_node" || path == "/register_with") return meet(request, respond);
  if (path == "/pending_tx")
    return give(looker_, respond,
                [this](Context& context) { return json_answer(pending_text(context, store_)); });
  if (path == "/add_block") {
    return give(looker_, respond, [this, request](Context& context) {
      return add_block(context, store_, body_of(*request));
    });
  }
  const auto pack = request->query.find("pack");
  const bool has_packs = pack != request->query.end() && pack->second == "1";
  give(looker_, respond, [this, has_packs](Context& context) {
    using Packs = api::RestChain::Packs;
    return json_answer(chain_text(context, store_, has_packs ? Packs::with : Packs::without));
  });
}

void WebRest::give(Hand& hand, const net::Respond& respond, Work work) {
  const bool taken = hand.worker.post(
      [respond, work = std::move(work), context = hand.context.get()] { respond(work(*context)); });
  if (!taken) respond(error_answer(kTooMuch));
}

void WebRest::post(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond) {
  const auto post = api::parse_rest_post(body_of(*request));
  if (!post && post.error().code == Errc::not_found)
    return respond(text_answer(404, post.error().message));
  if (!post) return respond(error_answer(post.error()));
  const bool taken =
      at_desk_([post = post.value(), respond, stop = stop_.get_token()](WebDesk& desk) {
        const auto queued = desk.post(post, stop);
        respond(queued ? text_answer(kMade, "Success") : error_answer(queued.error()));
      });
  if (!taken) respond(error_answer(kTooMuch));
}

/// Whom this node calls is for its user alone to say, whoever else may ask.
void WebRest::meet(const std::shared_ptr<net::HttpRequest>& request, const net::Respond& respond) {
  if (request->peer.uid != ::geteuid()) {
    return respond(error_answer(
        {Errc::denied, "only the user who runs this may add peers", "bmsg peers add URL"},
        kNotHis));
  }
  give(visitor_, respond, [this, request](Context& context) {
    if (auto failed = add_peer(context, store_, body_of(*request))) return std::move(*failed);
    if (request->path == "/register_with") return text_answer(200, "Registration successful");
    return json_answer(chain_text(context, store_, api::RestChain::Packs::without));
  });
}

/// Whoever asks while a block is being mined gets the answer of that one.
void WebRest::mine(const net::Respond& respond) {
  {
    const std::lock_guard lock(waiting_mutex_);
    if (waiting_.size() >= kWaitingMax) return respond(error_answer(kTooMuch));
    waiting_.push_back(respond);
    if (waiting_.size() > 1) return;
  }
  const bool taken = miner_.worker.post([this] {
    const auto mined = mine_for_program(*miner_.context, store_, stop_.get_token());
    std::vector<net::Respond> waiting;
    {
      const std::lock_guard lock(waiting_mutex_);
      waiting.swap(waiting_);
    }
    for (const net::Respond& one : waiting)
      one(mined ? text_answer(200, mined.value()) : error_answer(mined.error()));
  });
  if (!taken) respond(error_answer(kTooMuch));
}

}  // namespace bmsg::cli
