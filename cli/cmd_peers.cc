// bmsg peers: the nodes we know.

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/hooks.h"
#include "cli/list_form.h"
#include "cli/peer_view.h"
#include "cli/peering.h"
#include "cli/peers_learn.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/net/address.h"
#include "lib/node/peer_book.h"
#include "lib/node/peer_table.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string url;
  std::string node_key;
  std::string state;
  std::string ban_for = "1d";
  bool no_probe = false;
  bool records = false;
  ListForm form;
};

Result<std::vector<node::Peer>> read_peers(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  return chain->peers();
}

Result<node::Peer> find_peer(Context& context, const StoreDir& store, const std::string& url) {
  BMSG_TRY_ASSIGN(const auto peers, read_peers(context, store));
  const auto at = std::ranges::find(peers, url, &node::Peer::url);
  if (at == peers.end())
    return Error{Errc::no_host, fmt::format("no peer '{}'; 'bmsg peers' lists them", url)};
  return *at;
}

std::string peer_line(const node::Peer& peer, UnixSeconds now) {
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}", shown_line(peer.url), api::peer_state(peer, now),
                     api::peer_source(peer), peer.height ? std::to_string(peer.height->value) : "-",
                     peer.last_seen.value == 0 ? "-" : to_rfc3339(peer.last_seen),
                     shown_line(peer.last_error));
}

Result<ExitCode> run_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto peers, read_peers(context, store));
  const UnixSeconds now = context.clock.now();
  BMSG_TRY_ASSIGN(auto printer,
                  ListPrinter::make(context, options.form, api::peer_json(node::Peer(), now)));
  for (const node::Peer& peer : peers) {
    if (!options.state.empty() && api::peer_state(peer, now) != options.state) continue;
    printer.add_row({api::peer_json(peer, now), peer.url, peer_line(peer, now)});
  }
  printer.print_rows();
  return ExitCode::ok;
}

Result<ExitCode> run_show(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto peer, find_peer(context, store, options.url));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  const UnixSeconds now = context.clock.now();
  context.out.raw(context.options.json ? api::peer_json(peer, now) + "\n"
                                       : peer_text(peer, tip.height, now));
  return ExitCode::ok;
}

Result<Done> check_url(const std::string& url) {
  auto address = net::parse_address(url);
  if (!address) return Error{Errc::bad_usage, address.error().message};
  if (net::is_allowed_peer(address.value())) return done;
  return Error{
      Errc::bad_usage,
      fmt::format("'{}': plain http is for this machine and onion services only; use https", url)};
}

/// A record in place of a url: the place and the key that it names, once its signature is good.
Result<Done> read_record(Options& options, const Context& context, const StoreDir& store) {
  if (options.url.find(' ') == std::string::npos) return done;
  auto record = node::parse_peer_record(options.url);
  if (!record) return Error{Errc::bad_usage, record.error().message};
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  const auto good = node::check_peer_record(record.value(), rules.id, context.clock.now());
  if (!good) return Error{Errc::bad_usage, good.error().message};
  const std::string key = to_hex(record.value().key.view());
  if (!options.node_key.empty() && options.node_key != key)
    return Error{Errc::bad_usage, "--node: the record is of another node"};
  options.node_key = key;
  options.url = node::url_of(record.value());
  return done;
}

/// Whether a stranger chose the key that is pinned, and nobody has shown it there.
bool is_unproven_word(const node::Peer& peer) {
  const bool is_given = !node::is_learned(peer) && peer.source != node::PeerSource::lan;
  return !is_given && peer.reached.value == 0;
}

Result<ExitCode> run_add(const Options& given, Context& context) {
  Options options = given;
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY(read_record(options, context, store));
  BMSG_TRY(check_url(options.url));
  BMSG_TRY_ASSIGN(const auto known, read_peers(context, store));
  const auto at = std::ranges::find(known, options.url, &node::Peer::url);
  node::Peer peer;
  const bool is_known = at != known.end() && !is_unproven_word(*at);
  if (is_known) peer = *at;
  peer.url = options.url;
  if (peer.source != node::PeerSource::invite)
    peer.source = node::PeerSource::config;  // A person vouches for it.
  if (peer.added.value == 0) peer.added = context.clock.now();
  if (!options.node_key.empty()) {
    peer.key = fixed_from_hex<NodeKey>(options.node_key);
    if (!peer.key) return Error{Errc::bad_usage, "--node: give 64 hex digits"};
    if (api::is_mirror(peer))
      return Error{Errc::bad_usage, "--node: a mirror has no node key; authorities vouch for it"};
  }
  if (!is_known)
    BMSG_TRY(
        ask_hook(context, store, Hook::pre_accept_peer, api::peer_json(peer, context.clock.now())));
  if (!options.no_probe) {
    auto probed = probe(context, store, peer);
    if (!probed && context.inner.stop.stop_requested()) return probed.error();
    // Not there now is no reason to forget it; another chain or another key is.
    const bool absent = !probed && (probed.error().code == Errc::unreachable ||
                                    probed.error().code == Errc::try_again);
    if (!probed && !absent) return probed.error();
    if (absent)
      context.out.warn(fmt::format("kept, but it does not answer now: {}", probed.error().message));
    peer = absent ? node::after_failure(peer, context.clock.now(), probed.error().message)
                  : probed.value();
    if (absent) peer.not_before = {};
  }
  BMSG_TRY(remember(context, store, peer));
  if (context.options.json) context.out.line(api::peer_json(peer, context.clock.now()));
  return ExitCode::ok;
}

Result<ExitCode> run_rm(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY(find_peer(context, store, options.url));
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  BMSG_TRY(session->service().remove_peer(options.url));
  return ExitCode::ok;
}

Result<ExitCode> run_ban(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto peer, find_peer(context, store, options.url));
  BMSG_TRY_ASSIGN(const auto seconds, parse_duration(options.ban_for));
  peer.score = node::kBanScore;
  peer.not_before = UnixSeconds{context.clock.now().value + seconds};
  BMSG_TRY(remember(context, store, peer));
  return ExitCode::ok;
}

Result<ExitCode> run_unban(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto peer, find_peer(context, store, options.url));
  peer.score = 0;
  peer.failures = 0;
  peer.not_before = {};
  BMSG_TRY(remember(context, store, peer));
  return ExitCode::ok;
}

Result<ExitCode> run_probe(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  // There may be a thousand learned ones: of those only the ones that would be called now.
  BMSG_TRY_ASSIGN(const auto peers,
                  options.url.empty() ? peers_to_call(context, store) : read_peers(context, store));
  std::size_t failed = 0;
  std::size_t asked = 0;
  std::optional<Error> last;
  for (const node::Peer& peer : peers) {
    if (!options.url.empty() && peer.url != options.url) continue;
    ++asked;
    const auto probed = probe(context, store, peer);
    if (!probed && context.inner.stop.stop_requested()) return probed.error();  // Not its fault.
    const node::Peer now =
        probed ? probed.value()
               : node::after_failure(peer, context.clock.now(), probed.error().message);
    if (!probed) last = probed.error();
    failed += probed ? 0 : 1;
    const auto came = probed ? Result<node::SyncReport>(node::SyncReport())
                             : Result<node::SyncReport>(probed.error());
    BMSG_TRY(remember(context, store, Exchange{now, came, {}}));
    context.out.line(context.options.json ? api::peer_json(now, context.clock.now())
                                          : peer_line(now, context.clock.now()));
  }
  if (asked == 0 && !options.url.empty())
    return Error{Errc::no_host, fmt::format("no peer '{}'", options.url)};
  if (failed == 0) return ExitCode::ok;
  if (failed == asked) return *last;
  return ExitCode::partial;
}

/// Our own, if a serving node tells it, and what others would be given.
Result<ExitCode> export_records(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  BMSG_TRY_ASSIGN(const auto records, session->service().peer_records());
  for (const node::PeerRecord& record : records) context.out.line(node::print_peer_record(record));
  return ExitCode::ok;
}

Result<ExitCode> run_export(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  if (options.records) return export_records(context, store);
  BMSG_TRY_ASSIGN(const auto peers, read_peers(context, store));
  for (const node::Peer& peer : peers) {
    context.out.line(peer.key ? fmt::format("{} {}", shown_line(peer.url), to_hex(peer.key->view()))
                              : shown_line(peer.url));
  }
  return ExitCode::ok;
}

}  // namespace

void add_peers(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command peers = add_command(app, context, "peers", "List and change the nodes you know", options,
                              [](const Options& given, Context& within) -> Result<ExitCode> {
                                if (within.outcome)
                                  return *within.outcome;  // A verb below has run.
                                return run_list(given, within);
                              });
  peers.allow_verb();
  peers.add_option("--state", options->state, "Only those that are ok, backoff, banned or never")
      .one_of({"ok", "backoff", "banned", "never"})
      .type_name("S");
  const auto add = [&](const char* name, const char* says, auto work) {
    return add_command(peers, context, name, says, options, work);
  };
  const auto with_url = [&](Command verb) {
    verb.add_option("url", options->url, "Which").required().type_name("URL");
    return verb;
  };
  add_list_options(peers, options->form);
  add("list", "List peers", run_list);
  Command make = with_url(add("add", "Add a peer", run_add));
  make.add_option("--node", options->node_key, "Pin this node key").type_name("KEY");
  make.add_flag("--no-probe", options->no_probe, "Do not ask it anything yet");
  with_url(add("rm", "Forget a peer", run_rm));
  with_url(add("show", "Say what is known of a peer", run_show));
  with_url(add("ban", "Do not call a peer", run_ban))
      .add_option("--for", options->ban_for, "How long (1d)")
      .type_name("DUR");
  with_url(add("unban", "Call it again", run_unban));
  add("probe", "Ask peers how they are", run_probe)
      .add_option("url", options->url, "Only this one")
      .type_name("URL");
  add("learn", "Take records that a program has found from standard input",
      [](const Options&, Context& within) { return learn_peers(within); });
  add("export", "Print urls and keys", run_export)
      .add_flag("--records", options->records, "Print what other nodes are told instead");
}

}  // namespace bmsg::cli
