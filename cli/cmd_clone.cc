// bmsg clone: a store of a chain that exists, whole or not at all.
//
// All of it is made beside the directory that is to be: rules, keys, blocks, and what the invite
// vouches for. Only what proved itself takes its place; nothing of ours is told to a node before.

#include <fmt/format.h>

#include "cli/beside.h"
#include "cli/bundle_fetch.h"
#include "cli/bundle_source.h"
#include "cli/command.h"
#include "cli/contact_change.h"
#include "cli/discovery.h"
#include "cli/join.h"
#include "cli/new_owner.h"
#include "cli/node_key.h"
#include "cli/peering.h"
#include "cli/room_grants.h"
#include "cli/short_service.h"
#include "lib/api/invite.h"
#include "lib/core/address.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/room.h"
#include "lib/node/bundle.h"
#include "lib/node/peer_table.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string source;
  std::string directory;
  OwnerOptions owner;
  std::vector<std::string> bootstrap;  // Nodes of the hash table.
};

/// Where the chain is to come from.
struct Origin {
  std::optional<api::Invite> invite;
  std::optional<mail::Card> card;  // The inviter's.
  std::vector<std::string> urls;   // Of its node, the best way first; none: a bundle.
  std::optional<BundleSource> bundle;
  std::string file;                          // The bundle's, or where on the web it lies.
  std::optional<node::PeerRecord> stranger;  // Who answers in place of the inviter's node.
};

/// Who the new store will be to nodes.
struct Newcomer {
  crypto::SecretBytes node_seed;
  bool is_kept = false;  // In a file of its own.
};

/// A chain's rules, and who told them.
struct Found {
  Meeting met;  // Without a url where it was a bundle.
  chain::ChainRules rules;
};

Result<Done> take_invite(Origin& origin, const std::string& text) {
  BMSG_TRY_ASSIGN(origin.invite, api::parse_invite(text));
  origin.urls = api::urls_of(origin.invite->at);
  if (!origin.invite->card) return done;
  const auto message = decode_message(*origin.invite->card);
  auto card = message ? mail::read_card(message.value(), origin.invite->chain) : message.error();
  if (!card) return in_context("the card in the invite", card.error());
  origin.card = std::move(card).value();
  return done;
}

Result<Origin> origin_of(const std::string& text) {
  Origin origin;
  if (api::looks_like_invite(text)) {
    BMSG_TRY(take_invite(origin, text));
  } else if (is_node_url(text)) {
    origin.urls.push_back(text);
  } else {
    origin.file = text;
    BMSG_TRY_ASSIGN(origin.bundle, BundleSource::open(text));
    if (!origin.bundle->size())
      return Error{Errc::bad_usage, "a bundle to clone from is read more than once; name a file"};
  }
  return origin;
}

/// A node that is not there or asks for patience: whoever repeats it may have more luck.
Error nothing_kept(Error error) {
  if (error.code == Errc::no_host || error.code == Errc::try_again) error.code = Errc::unreachable;
  if (error.code == Errc::unreachable)
    error.hint = "nothing was kept; is 'bmsg serve' running there? The same command begins anew";
  if (error.code == Errc::denied && error.hint.empty())
    error.hint = "nothing was kept; another node answers there, so ask for a new invite";
  return error;
}

/// What is wrong with a bundle names it.
Error about(const Origin& origin, const Error& error) {
  if (origin.file.empty() || error.code != Errc::bad_input) return error;
  return in_context(fmt::format("'{}'", origin.file), error);
}

/// A URL may be a bundle's: what comes from there decides.
Result<Done> look_for_bundle(Context& context, Origin& origin, const std::string& text) {
  if (origin.bundle || origin.invite) return done;
  auto fetched = fetch_bundle(context, text);
  if (!fetched && fetched.error().code == Errc::io) return fetched.error();
  if (!fetched) return nothing_kept(fetched.error());
  origin.bundle = std::move(fetched).value();
  if (origin.bundle) origin.file = text;
  return done;
}

Result<Meeting> meet_node(Context& context, const Origin& origin, const Newcomer& newcomer) {
  const Introduction introduction{.node_seed = newcomer.node_seed,
                                  .is_kept = newcomer.is_kept,
                                  .expected = origin.invite ? origin.invite->node : std::nullopt};
  for (std::size_t i = 0;; ++i) {
    auto met = meet(context, origin.urls[i], introduction);
    // What listens there may not speak TLS. But another key is another node.
    const bool may_speak_otherwise =
        !met && (met.error().code == Errc::unreachable || met.error().code == Errc::protocol);
    if (may_speak_otherwise && i + 1 < origin.urls.size()) continue;
    if (!met) return nothing_kept(met.error());
    return met;
  }
}

/// Somebody else of the invite's chain, by the hash table. What makes the invite safe, its chain
/// and its block, is demanded of whoever it is.
Result<Meeting> meet_stranger(Context& context, const Options& options, Origin& origin,
                              const Newcomer& newcomer) {
  const auto& invite = *origin.invite;
  auto records = search_table(
      context, {.chain = invite.chain, .secret = invite.dht, .bootstrap = options.bootstrap});
  if (!records) return records.error();
  std::optional<Error> last;
  for (node::PeerRecord& record : records.value()) {
    auto met = meet(context, node::url_of(record),
                    {.node_seed = newcomer.node_seed,
                     .is_kept = newcomer.is_kept,
                     .expected = record.key,
                     .reach = net::Reach::public_only});
    if (met) origin.stranger = std::move(record);
    if (met) return met;
    last = nothing_kept(met.error());
  }
  return *last;
}

Result<Meeting> meet_somebody(Context& context, const Options& options, Origin& origin,
                              const Newcomer& newcomer) {
  auto met = meet_node(context, origin, newcomer);
  if (met || !origin.invite || met.error().code != Errc::unreachable) return met;
  if (!options.bootstrap.empty()) {
    context.out.warn(fmt::format("{}; others are looked for", met.error().message));
    return meet_stranger(context, options, origin, newcomer);
  }
  if (!origin.invite->dht) return met;
  Error error = met.error();
  error.hint =
      "nothing was kept; the invite has what its members meet by in a hash table: with --bootstrap "
      "HOST:PORT, a node of that table, others of them are asked";
  return error;
}

const auto kNothingToDo = [] { return Result<Done>(done); };
const auto kToNobody = [](std::uint64_t) {};

/// The first frame of a bundle.
Result<Meeting> rules_in(BundleSource& bundle) {
  chain::PackReader pack(bundle.reader(kToNobody, kNothingToDo));
  BMSG_TRY_ASSIGN(const auto frame, pack.next());
  if (!frame || frame->type != chain::FrameType::genesis)
    return Error{Errc::bad_input, "it does not begin with the rules of a chain"};
  Meeting met;
  met.rules_text = to_string(frame->payload);
  return met;
}

Result<Found> find_chain(Context& context, const Options& options, Origin& origin,
                         const Newcomer& newcomer) {
  Found found;
  BMSG_TRY_ASSIGN(found.met, origin.bundle ? rules_in(*origin.bundle)
                                           : meet_somebody(context, options, origin, newcomer));
  BMSG_TRY_ASSIGN(found.rules, chain::parse_chain_rules(found.met.rules_text));
  if (origin.invite && found.rules.id != origin.invite->chain) {
    return Error{Errc::bad_input,
                 fmt::format("{} is on the chain '{}' {}, the invite is to {}", found.met.url,
                             found.rules.rules.name, to_hex(found.rules.id.view()).substr(0, 16),
                             to_hex(origin.invite->chain.view()).substr(0, 16))};
  }
  if (!origin.bundle) return found;
  // One that was cut or changed is not begun with.
  BMSG_TRY(origin.bundle->rewind());
  node::BundleReader reader(origin.bundle->reader(kToNobody, kNothingToDo), found.rules);
  BMSG_TRY(node::check_bundle(reader));
  BMSG_TRY(origin.bundle->rewind());
  return found;
}

/// A stranger may have chosen the chain's name.
Result<std::string> directory_for(const Options& options, const std::string& chain_name) {
  if (!options.directory.empty()) return options.directory;
  if (!chain_name.starts_with('.') && !chain_name.starts_with('-')) return chain_name;
  return Error{
      Errc::bad_usage,
      fmt::format("the chain's name, '{}', is none for a directory: give DIR", chain_name)};
}

/// Blocks and pool of a node; nothing is given to it yet.
/// A store without its blocks would look like one of an empty chain.
Error in_the_future() {
  return {Errc::try_again, "blocks of this chain are dated in the future, and nothing was kept",
          "set the clock of this machine, then clone"};
}

Result<node::Peer> pull(Context& context, const StoreDir& store, const Origin& origin,
                        const Meeting& met) {
  node::Peer peer;
  peer.url = met.url;
  peer.added = context.clock.now();
  if (origin.invite) {
    peer.source = origin.stranger ? node::PeerSource::dht : node::PeerSource::invite;
    // Shown, it was compared; over plain http none is, and none is noted.
    if (met.key) peer.key = met.key;
  }
  pin(context, peer, met.key);
  node::SyncOptions options;
  options.direction = node::SyncOptions::Direction::pull;
  Progress shown(context);
  const Exchange exchange = exchange_with(context, store, peer, options, shown);
  if (!exchange.report) return nothing_kept(exchange.report.error());
  if (exchange.report.value().held) return in_the_future();
  peer = exchange.peer;
  peer.records_asked = {};  // What it told of others is asked for when the store is made.
  return peer;
}

Result<Done> take_bundle(Context& context, const StoreDir& store, BundleSource& source,
                         const chain::ChainRules& rules) {
  Progress shown(context);
  ShortService local(context, store);
  node::BundleReader bundle(source.reader(kToNobody, kNothingToDo), rules);
  node::BundleReport report;
  node::BundlePull pulled(local, bundle, report);
  for (;;) {
    BMSG_TRY_ASSIGN(const bool more, pulled.step());
    if (!more) break;
    shown.count_blocks("clone", report.new_blocks, report.new_blocks);
  }
  if (report.held) return in_the_future();
  return local.release();
}

/// The block that the inviter vouches for has to lie on the best chain, from now on too.
Result<Done> demand(Context& context, const StoreDir& store, const api::InviteCheckpoint& wanted) {
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.chain_lock(), "clone", patience, context.clock));
  BMSG_TRY_ASSIGN(const auto chain,
                  storage::RocksStore::open(store.chain(), chain_options(context, store)));
  BMSG_TRY_ASSIGN(const auto hash, chain->hash_at(wanted.height));
  if (hash && api::tail_of(*hash) == wanted.tail)
    return chain->set_checkpoints({{wanted.height, *hash}});
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  const std::string cause =
      hash ? std::string("has another one there") : fmt::format("ends at {}", tip.height.value);
  return Error{Errc::bad_input,
               fmt::format("the invite vouches for a block at height {}, and the node's chain {}",
                           wanted.height.value, cause),
               "nothing was kept; ask for a new invite, and whether that node is theirs"};
}

/// What the card calls its owner is a claim: it may be no name at all, and that stops nothing.
Result<Done> add_inviter(Context& context, const StoreDir& store, const mail::Card& card,
                         const ChainId& chain) {
  mail::CardDirectory cards(context.disk, store.cards(), chain);
  BMSG_TRY(cards.put(card));
  const auto name = add_person(context, store, card.name, card.identity);
  if (name) {
    context.out.note(
        fmt::format("'{}' is a contact now, by the name that the card claims", name.value()));
    return done;
  }
  if (name.error().code != Errc::bad_input && name.error().code != Errc::exists)
    return name.error();
  context.out.warn(fmt::format("the inviter is no contact yet: {}; 'bmsg contact add NAME {}'",
                               name.error().message, to_address(card.identity)));
  return done;
}

/// Our card goes to the node, which has proved itself. The store is made, whatever comes of it.
Result<Done> give_card(Context& context, const StoreDir& store, const node::Peer& peer) {
  Progress shown(context);
  const Exchange exchange = exchange_with(context, store, peer, {}, shown);
  if (!exchange.report) {
    context.out.warn(fmt::format("the store is made; its card goes with the next sync: {}",
                                 exchange.report.error().message));
  }
  return remember(context, store, exchange);
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto origin, origin_of(options.source));
  if (!options.directory.empty())
    BMSG_TRY(Beside(context.disk, whole_path(options.directory))
                 .check_free());  // Before anybody is asked.
  BMSG_TRY(look_for_bundle(context, origin, options.source));
  BMSG_TRY_ASSIGN(auto seed, node_seed_for_new(context, options.owner.node_key));
  Newcomer newcomer{std::move(seed), !options.owner.node_key.empty()};
  const auto looked = find_chain(context, options, origin, newcomer);
  if (!looked) return about(origin, looked.error());
  const Found& found = looked.value();
  BMSG_TRY_ASSIGN(const auto directory, directory_for(options, found.rules.rules.name));
  Beside beside(context.disk, whole_path(directory));
  BMSG_TRY(beside.check_free());
  BMSG_TRY_ASSIGN(auto wanted,
                  store_for(context, options.owner, found.met.rules_text, beside.target()));
  wanted.node_seed = std::move(newcomer.node_seed);
  RevocationPaper paper(context, options.owner.revocation);
  wanted.paper = &paper;
  BMSG_TRY(beside.make("clone"));
  mail::Keyring invited;  // To name its room.
  if (origin.invite && origin.invite->room) {
    for (auto* rooms : {&wanted.rooms, &invited.rooms})
      rooms->push_back(std::move(*mail::room_in(origin.invite->room->view())));
  }
  BMSG_TRY_ASSIGN(const auto made, make_store(context, beside.path(), std::move(wanted)));
  mail::ContactBook contacts;
  BMSG_TRY(name_rooms(context, made.store, invited, contacts));
  if (origin.invite && origin.invite->dht)
    BMSG_TRY(keep_discovery_secret(context, made.store, *origin.invite->dht));
  std::optional<node::Peer> peer;
  if (origin.bundle) {
    const auto taken = take_bundle(context, made.store, *origin.bundle, found.rules);
    if (!taken) return about(origin, taken.error());
  } else {
    BMSG_TRY_ASSIGN(peer, pull(context, made.store, origin, found.met));
  }
  if (origin.invite && origin.invite->checkpoint)
    BMSG_TRY(demand(context, made.store, *origin.invite->checkpoint));
  if (peer) BMSG_TRY(remember(context, made.store, *peer));
  if (origin.card) BMSG_TRY(add_inviter(context, made.store, *origin.card, found.rules.id));
  BMSG_TRY(beside.publish());
  BMSG_TRY(paper.hand_out());
  const StoreDir store(beside.target());
  if (peer && made.address) BMSG_TRY(give_card(context, store, *peer));
  BMSG_TRY(report_store(context, store, made.address));
  return ExitCode::ok;
}

}  // namespace

void add_clone(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command clone =
      add_command(app, context, "clone", "Make a store of a chain that exists", options, run);
  clone.add_option("source", options->source, "An invite, a node, a mirror, or a bundle")
      .required()
      .type_name("URI|URL|FILE");
  clone.add_option("directory", options->directory, "Where; else the chain's name")
      .type_name("DIR");
  add_owner_options(clone, options->owner);
  clone
      .add_option("--bootstrap", options->bootstrap,
                  "A node of the hash table, where others of the chain are looked for")
      .type_name("HOST:PORT")
      .one_value_each();
}

}  // namespace bmsg::cli
