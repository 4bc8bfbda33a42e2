// bmsg status: one screen; what is wrong stands first, in words.

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "cli/command.h"
#include "cli/endorser_key.h"
#include "cli/meanwhile.h"
#include "cli/network_state.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/state_view.h"
#include "cli/store_blobs.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/api/json_objects.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/held.h"
#include "lib/mail/outbox.h"
#include "lib/node/endorser_standing.h"
#include "lib/node/rules_book.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

struct Options {
  bool exit_code = false;
  bool porcelain = false;
};

constexpr std::uint64_t kFreeBytesWanted = 64u << 20;

/// The process that serves, if one holds the lock and says so.
std::optional<int> serving_pid(const StoreDir& store) {
  auto lock = FileLock::try_take(store.chain_lock(), "status");
  if (!lock || lock.value()) return std::nullopt;
  const std::string holder = FileLock::holder(store.chain_lock());
  constexpr std::string_view kPrefix = "process ";
  int pid = 0;
  const bool serves = holder.find("(serve)") != std::string::npos;
  if (!serves || !holder.starts_with(kPrefix)) return std::nullopt;
  std::from_chars(holder.data() + kPrefix.size(), holder.data() + holder.size(), pid);
  return pid;
}

Result<Done> count_blobs(Context& context, const StoreDir& store, api::StateView& view) {
  BMSG_TRY_ASSIGN(const auto blobs, open_blobs(context, store));
  BMSG_TRY_ASSIGN(const auto own, blobs->directory().list(node::Shelf::own));
  BMSG_TRY_ASSIGN(const auto kept, blobs->directory().list(node::Shelf::kept));
  for (const node::Blob& blob : own) view.blobs_own += blob.bytes;
  for (const node::Blob& blob : kept) view.blobs_kept += blob.bytes;
  view.blob_quota = blobs->directory().quota();
  return done;
}

std::string blobs_text(const api::StateView& view) {
  if (view.blobs_own + view.blobs_kept + view.blob_quota == 0) return "none";
  return fmt::format("{} KiB own, {} KiB of others, quota {} KiB", view.blobs_own >> 10,
                     view.blobs_kept >> 10, view.blob_quota >> 10);
}

/// What is counted. That a message was read is told by the mail index, which needs the key.
constexpr std::array kCountedStates = {mail::OutboxState::held,   mail::OutboxState::queued,
                                       mail::OutboxState::pooled, mail::OutboxState::relayed,
                                       mail::OutboxState::mined,  mail::OutboxState::buried,
                                       mail::OutboxState::failed, mail::OutboxState::expired};

Result<Done> count_outbox(Context& context, const StoreDir& store, const node::ChainReader& chain,
                          const chain::ChainRules& rules, api::StateView& view) {
  const mail::Outbox outbox(context.disk, store.outbox());
  std::map<std::string, std::uint64_t> counts;
  for (const mail::OutboxState state : kCountedStates) counts.emplace(mail::name_of(state), 0);
  BMSG_TRY_ASSIGN(const auto held, mail::held_names(outbox));
  counts["held"] = held.size();
  BMSG_TRY_ASSIGN(const auto fresh, outbox.entries(mail::OutboxPlace::fresh));
  BMSG_TRY_ASSIGN(const auto failed, outbox.entries(mail::OutboxPlace::failed));
  counts["queued"] = fresh.size();
  counts["failed"] = failed.size();
  BMSG_TRY_ASSIGN(const auto taken, outbox.entries(mail::OutboxPlace::taken));
  constexpr std::size_t kLookedAtMax = 1000;  // Enough to tell; a screen is no audit.
  for (std::size_t i = 0; i < std::min(taken.size(), kLookedAtMax); ++i) {
    BMSG_TRY_ASSIGN(
        const auto status,
        outbox.status(taken[i], chain, mail::burial_depth(rules.rules.mode), context.clock.now()));
    ++counts[std::string(mail::name_of(status.state))];
  }
  view.outbox.assign(counts.begin(), counts.end());
  return done;
}

std::uint64_t waiting(const api::StateView& view, std::string_view state) {
  const auto found =
      std::ranges::find(view.outbox, state, [](const auto& entry) { return entry.first; });
  return found == view.outbox.end() ? 0 : found->second;
}

/// What is said of a chain of endorsers.
struct EndorserFacts {
  node::Standings standings;
  bool has_key = false;  // This store endorses.

  /// The command that brings a block nearer.
  std::string next() const { return has_key ? "bmsg endorse" : "bmsg sync"; }
};

Result<std::optional<EndorserFacts>> endorser_facts(Context& context, const StoreDir& store,
                                                    const node::ChainReader& chain,
                                                    const chain::ChainRules& rules,
                                                    api::StateView& view) {
  if (rules.rules.mode == chain::Mode::pow) return std::optional<EndorserFacts>();
  EndorserFacts facts;
  const mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY_ASSIGN(const auto posted, cards.evidence().all());
  BMSG_TRY_ASSIGN(facts.standings, node::standings(chain, rules, context.clock.now(), posted));
  BMSG_TRY_ASSIGN(const auto seed, read_endorser_seed(context, store));
  facts.has_key = seed.has_value();
  api::EndorsersView& seen = view.endorsers.emplace();
  seen.needed = facts.standings.needed;
  for (const node::EndorserStanding& one : facts.standings.endorsers)
    ++(one.late ? seen.late : seen.present);
  seen.of = seen.present + seen.late;
  return std::optional(std::move(facts));
}

void find_endorsers_attention(api::StateView& view, const EndorserFacts& facts) {
  const node::Standings& all = facts.standings;
  const std::uint64_t waiting = view.pool_messages;
  if (waiting > 0 && !view.light) {
    view.attention.push_back(
        {"unsealed",
         fmt::format("{} for endorsers ({} of {} signatures)",
                     waiting == 1 ? "1 message waits" : fmt::format("{} messages wait", waiting),
                     all.best_proposal, all.needed),
         facts.next()});
  }
  const api::EndorsersView& seen = *view.endorsers;
  if (seen.present < seen.needed) {
    view.attention.push_back(
        {"endorsers",
         fmt::format("no block can be sealed: {} of {} endorsers must sign, {} present",
                     seen.needed, seen.of,
                     seen.present == 1 ? "1 is" : fmt::format("{} are", seen.present)),
         "bmsg endorsers"});
  }
  for (const node::EndorserStanding& one : all.endorsers) {
    if (!one.signed_twice) continue;
    view.attention.push_back({"signed-twice",
                              fmt::format("endorser {} signed two blocks of one turn", one.index),
                              "bmsg endorsers evidence"});
  }
}

void find_attention(api::StateView& view, const std::string& block_maker) {
  const auto queued = waiting(view, "queued");
  const auto failed = waiting(view, "failed");
  const auto held = waiting(view, "held");
  if (held > 0)
    view.attention.push_back({"held", fmt::format("{} messages wait for a recipient's card", held),
                              "bmsg outbox flush"});
  if (failed > 0)
    view.attention.push_back(
        {"failed", fmt::format("{} messages failed", failed), "bmsg outbox --state failed"});
  if (view.pool_messages > 0 && !view.light && !view.endorsers)
    view.attention.push_back({"unmined",
                              fmt::format("{} messages wait for proof of work", view.pool_messages),
                              "bmsg mine"});
  if (queued > 0 && !view.serve_pid)
    view.attention.push_back({"queued",
                              fmt::format("{} messages are queued and no node runs", queued),
                              view.light ? "bmsg sync" : block_maker});
  if (view.free_bytes < kFreeBytesWanted)
    view.attention.push_back(
        {"disk", fmt::format("only {} bytes are free", view.free_bytes), "bmsg doctor"});
}

Result<api::StateView> read_state(Context& context, const StoreDir& store) {
  api::StateView view;
  using Index = std::unique_ptr<storage::RocksMailStore>;
  Meanwhile<Index> opening([place = store.mail(), &disk = context.disk]() -> Result<Index> {
    return storage::RocksMailStore::open_read_only(place, {.disk = disk});
  });
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  const std::uint64_t now = context.clock.now().value;
  view.path = store.root().string();
  view.chain = rules.rules.name;
  view.chain_id = rules.id;
  view.mode = rules.rules.mode == chain::Mode::pow ? "pow" : "endorse";
  view.light = chain->is_light();
  view.height = tip.height;
  view.tip = tip.hash;
  view.tip_age = now > tip.time.value ? now - tip.time.value : 0;
  view.total_work = tip.work;
  view.verified = tip.height;  // Every stored block was judged before it was stored.
  BMSG_TRY_ASSIGN(const auto pool, chain->pool(0));
  view.pool_messages = pool.size();
  for (const node::PooledMessage& one : pool) view.pool_bytes += one.message.head.encoded_bytes();
  BMSG_TRY_ASSIGN(const auto peers, chain->peers());
  for (const node::Peer& peer : peers) {
    const bool is_ok = api::peer_state(peer, context.clock.now()) == "ok";
    ++(node::is_unproven(peer) ? view.peers_unproven : is_ok ? view.peers_ok : view.peers_bad);
  }
  BMSG_TRY_ASSIGN(const auto index, opening.take());
  BMSG_TRY_ASSIGN(const auto unread, index->flag_count("unread"));
  view.unread = unread;
  view.serve_pid = serving_pid(store);
  BMSG_TRY_ASSIGN(view.free_bytes, context.disk.free_bytes(store.root()));
  BMSG_TRY(count_blobs(context, store, view));
  BMSG_TRY(count_outbox(context, store, *chain, rules, view));
  BMSG_TRY_ASSIGN(const auto facts, endorser_facts(context, store, *chain, rules, view));
  find_attention(view, facts ? facts->next() : "bmsg mine");
  if (facts) find_endorsers_attention(view, *facts);
  BMSG_TRY_ASSIGN(const auto absent, mail::absent_in(*index));
  if (!absent.empty())
    view.attention.push_back({"absent",
                              fmt::format("{} messages of yours are not here yet", absent.size()),
                              "bmsg sync"});
  BMSG_TRY_ASSIGN(const auto in_force, node::rules_at_tip(*chain));
  NetworkState network{.tip = tip,
                       .peers = peers,
                       .forks = {},
                       .waits_since = pool.empty() ? UnixSeconds{} : pool.front().since,
                       .interval = in_force.rules.interval,
                       .now = context.clock.now()};
  BMSG_TRY_ASSIGN(network.forks, node::find_forks(*chain));
  for (api::AttentionView& one : network_attention(network))
    view.attention.push_back(std::move(one));
  return view;
}

/// "2 of 3 must sign: 1 present, 2 late".
std::string endorsers_text(const api::EndorsersView& seen) {
  return fmt::format("{} of {} must sign: {} present, {} late", seen.needed, seen.of, seen.present,
                     seen.late);
}

bool is_always_shown(std::string_view state) {
  return state == "held" || state == "queued" || state == "failed";
}

std::vector<std::pair<std::string, std::string>> facts_of(const api::StateView& view) {
  std::string outbox;
  for (const auto& [state, count] : view.outbox) {
    if (count == 0 && !is_always_shown(state)) continue;
    outbox += fmt::format("{}{} {}", outbox.empty() ? "" : ", ", count, state);
  }
  std::vector<std::pair<std::string, std::string>> facts = {
      {"store", shown_line(view.path)},
      {"chain", fmt::format("{} ({}) {}", view.chain, view.mode,
                            to_hex(view.chain_id.view()).substr(0, 16))},
      {"keeps", view.light ? "heads and own messages (light)" : "all"},
      {"tip", block_name(view.height, view.tip)},
      {"age", fmt::format("{} s", view.tip_age)},
      {"work", chain::to_decimal(view.total_work)},
      {"pool", fmt::format("{} messages, {} bytes", view.pool_messages, view.pool_bytes)},
      {"outbox", outbox},
      {"unread", std::to_string(view.unread.value_or(0))},
      {"peers", fmt::format("{} ok, {} not", view.peers_ok, view.peers_bad) +
                    (view.peers_unproven == 0
                         ? ""
                         : fmt::format(", {} learned and not reached yet", view.peers_unproven))},
      {"serve", view.serve_pid ? fmt::format("process {}", *view.serve_pid) : "not running"},
      {"files", blobs_text(view)},
      {"free", fmt::format("{} MiB", view.free_bytes >> 20)}};
  if (!view.endorsers) return facts;
  // It weighs signatures, not work.
  const auto work = std::ranges::find(facts, "work", [](const auto& fact) { return fact.first; });
  *work = {"signers", endorsers_text(*view.endorsers)};
  return facts;
}

/// One value to a key, and no key that comes and goes.
std::vector<std::pair<std::string, std::string>> porcelain_of(const api::StateView& view) {
  const auto seen = view.endorsers.value_or(api::EndorsersView());
  std::vector<std::pair<std::string, std::string>> facts = {
      {"path", shown_line(view.path)},
      {"chain", view.chain},
      {"chain_id", to_hex(view.chain_id.view())},
      {"mode", view.mode},
      {"light", view.light ? "1" : "0"},
      {"height", std::to_string(view.height.value)},
      {"tip", to_hex(view.tip.view())},
      {"tip_age_s", std::to_string(view.tip_age)},
      {"total_work", chain::to_decimal(view.total_work)},
      {"pool_messages", std::to_string(view.pool_messages)},
      {"pool_bytes", std::to_string(view.pool_bytes)},
      {"unread", std::to_string(view.unread.value_or(0))},
      {"peers_ok", std::to_string(view.peers_ok)},
      {"peers_bad", std::to_string(view.peers_bad)},
      {"serve_pid", std::to_string(view.serve_pid.value_or(0))},
      {"free_bytes", std::to_string(view.free_bytes)},
      {"blobs_own", std::to_string(view.blobs_own)},
      {"blobs_kept", std::to_string(view.blobs_kept)},
      {"blob_quota", std::to_string(view.blob_quota)},
      {"endorsers_needed", std::to_string(seen.needed)},
      {"endorsers_present", std::to_string(seen.present)},
      {"endorsers_late", std::to_string(seen.late)},
      {"attention", std::to_string(view.attention.size())}};
  for (const auto& [state, count] : view.outbox)
    facts.emplace_back("outbox_" + state, std::to_string(count));
  return facts;
}

void print_screen(Context& context, const api::StateView& view) {
  for (const api::AttentionView& one : view.attention) {
    const std::string next = one.next.empty() ? "" : fmt::format("; run `{}`", one.next);
    context.out.line(context.out.painted(one.text + next, Paint::alarm));
  }
  for (const auto& [key, value] : facts_of(view))
    context.out.line(fmt::format("{:<7} {}", key, value));
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto view, read_state(context, store));
  if (context.options.json) {
    context.out.line(api::state_json(view));
  } else if (options.porcelain) {
    for (const auto& [key, value] : porcelain_of(view)) context.out.line(key + " " + value);
  } else {
    print_screen(context, view);
  }
  return options.exit_code && !view.attention.empty() ? ExitCode::no : ExitCode::ok;
}

}  // namespace

Result<api::StateView> state_view(Context& context, const StoreDir& store) {
  return read_state(context, store);
}

void add_status(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command status = add_command(app, context, "status", "Say how the store is doing", options, run);
  status.add_flag("--exit-code", options->exit_code, "Exit 1 if something wants attention");
  status.add_flag("--porcelain", options->porcelain, "One key and value a line");
}

}  // namespace bmsg::cli
