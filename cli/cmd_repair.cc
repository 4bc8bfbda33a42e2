// bmsg repair: a sound store again, from what verifies and from a peer.

#include <fmt/format.h>

#include <algorithm>

#include "cli/aside.h"
#include "cli/command.h"
#include "cli/peering.h"
#include "cli/prompt.h"
#include "cli/refs.h"
#include "cli/salvage.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/api/json_objects.h"
#include "lib/api/repair_json.h"
#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "lib/mail/outbox.h"
#include "storage/rocks_mail_store.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  bool dry_run = false;
  bool yes = false;
  std::string peer;
};

constexpr std::string_view kDamaged = "the damaged database";

/// Names in the store that only this command uses.
fs::path repaired(const StoreDir& store) { return store.root() / "chain.repaired"; }
fs::path repaired_witness(const StoreDir& store) { return store.root() / "witness.repaired"; }

Result<Done> remove_leftovers(const StoreDir& store) {
  std::error_code reason;
  fs::remove_all(repaired(store), reason);
  if (!reason) fs::remove(repaired_witness(store), reason);
  if (!reason) return done;
  return Error{code_of(reason.value(), Errc::io),
               fmt::format("cannot remove '{}': {}", repaired(store).string(), reason.message())};
}

/// The witness first: a store may be ahead of it. A crash in between leaves the new chain complete
/// and in its own place, where the next repair finds it.
Result<Done> put_in_place(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto witness, context.disk.read(repaired_witness(store), 4096));
  if (witness) BMSG_TRY(context.disk.replace(store.witness(), *witness));
  BMSG_TRY(put_aside(context, store.chain(), kDamaged));
  BMSG_TRY(context.disk.rename(repaired(store), store.chain()));
  BMSG_TRY(context.disk.sync_directory(store.root()));
  return remove_leftovers(store);
}

/// What the store knew of and has nowhere now.
struct Losses {
  std::vector<MessageId> messages;
  std::uint32_t first_block = 1;  // Heights; none if first > last.
  std::uint32_t last_block = 0;
  bool index = false;
  std::size_t requeued = 0;

  bool any() const { return !messages.empty() || first_block <= last_block || index; }
};

/// Own messages by the private index, where that can be read.
std::set<MessageId> own_messages(Context& context, const StoreDir& store) {
  std::set<MessageId> ids;
  const auto mail = storage::RocksMailStore::open_read_only(store.mail(), {.disk = context.disk});
  if (!mail) return ids;
  const auto entries = mail.value()->newest(std::nullopt, SIZE_MAX);
  if (!entries) return ids;
  for (const mail::MailEntry& entry : entries.value()) ids.insert(entry.id);
  return ids;
}

Result<bool> is_here(const node::ChainReader& chain, const mail::Outbox& outbox,
                     const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(id));
  if (pooled) return true;
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  if (!places.empty() && !chain.is_light()) return true;
  for (const node::MessagePlace& place : places) {
    BMSG_TRY_ASSIGN(const auto message, chain.message_at(place));
    if (message && message->body) return true;
  }
  BMSG_TRY_ASSIGN(const auto queued, outbox.find(id));
  return queued.has_value();
}

Result<Losses> losses(const node::ChainReader& chain, const mail::Outbox& outbox,
                      const Salvaged& salvaged, const std::set<MessageId>& own) {
  Losses lost;
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  lost.first_block = tip.height.value + 1;
  lost.last_block = salvaged.top.value;
  std::set<MessageId> known = salvaged.seen;
  known.insert(own.begin(), own.end());
  for (const MessageId& id : known) {
    BMSG_TRY_ASSIGN(const bool here, is_here(chain, outbox, id));
    if (!here) lost.messages.push_back(id);
  }
  return lost;
}

void print(Context& context, const Losses& lost) {
  const bool json = context.options.json;
  for (const MessageId& id : lost.messages) {
    const std::string hex = to_hex(id.view());
    context.out.line(json ? api::repaired_json({"lost", "message", hex}) : "lost message " + hex);
  }
  for (std::uint32_t height = lost.first_block; height <= lost.last_block; ++height) {
    const std::string name = std::to_string(height);
    context.out.line(json ? api::repaired_json({"lost", "block", name}) : "lost block " + name);
  }
  if (lost.index) {
    context.out.line(json ? api::repaired_json({"lost", "index", {}})
                          : "lost the private index: flags, positions of readers, and the keys of "
                            "what was sent");
  }
}

Result<Done> fetch(Context& context, const StoreDir& store, const std::string& url) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto peers, chain->peers());
  node::Peer peer;
  peer.url = url;
  for (const node::Peer& known : peers) {
    if (known.url == url) peer = known;
  }
  Progress shown(context);
  const Exchange exchange = exchange_with(context, store, peer, node::SyncOptions(), shown);
  if (!exchange.report) return exchange.report.error();
  return done;
}

/// Of a light store: bodies that were here go to their blocks, which came without them, and what is
/// ours and still lacks its body is asked for among others from now on.
Result<Done> mend_bodies(Context& context, const StoreDir& store,
                         const std::vector<Message>& strays, const std::set<MessageId>& own) {
  std::vector<MessageId> ids;
  for (const Message& message : strays) ids.push_back(chain::id_of(message.head));
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  if (!ids.empty()) {
    BMSG_TRY(session->service().want_bodies(ids));
    BMSG_TRY(session->service().keep_bodies(strays));
    BMSG_TRY(session->collect_cards());
  }
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto wanted, chain->wanted());
  const mail::Outbox outbox(context.disk, store.outbox());
  std::vector<MessageId> lacking;
  for (const MessageId& id : own) {
    BMSG_TRY_ASSIGN(const bool here, is_here(*chain, outbox, id));
    if (!here && !std::ranges::binary_search(wanted, id)) lacking.push_back(id);
  }
  if (lacking.empty()) return done;
  mail::Decoys decoys(*chain, context.entropy, context.clock.now());
  BMSG_TRY_ASSIGN(const auto all, decoys.among(lacking));
  return session->service().want_bodies(all);
}

Result<ExitCode> report(Context& context, const StoreDir& store, const Salvaged& salvaged,
                        const std::set<MessageId>& own, bool lost_index, double elapsed) {
  mail::Outbox outbox(context.disk, store.outbox());
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto requeued, outbox.return_lost(*chain, context.clock.now()));
  BMSG_TRY_ASSIGN(auto lost, losses(*chain, outbox, salvaged, own));
  lost.index = lost_index;
  print(context, lost);
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  if (context.options.json) {
    context.out.line(api::summary_json({.command = "repair",
                                        .ok = !lost.any(),
                                        .numbers = {{"kept", double(salvaged.kept.value)},
                                                    {"height", double(tip.height.value)},
                                                    {"pooled", double(salvaged.pooled)},
                                                    {"requeued", double(requeued)},
                                                    {"lost", double(lost.messages.size())}},
                                        .texts = {},
                                        .elapsed = elapsed}));
  } else {
    if (lost_index)
      context.out.line("the next command that reads mail makes the index anew, of chain and keys");
    context.out.line(fmt::format("{} blocks, {} of them from here; {} messages wait again",
                                 tip.height.value, salvaged.kept.value,
                                 salvaged.pooled + requeued));
  }
  return lost.any() ? ExitCode::partial : ExitCode::ok;
}

/// A sound chain is all from here; it may still lack what an earlier repair could not save.
Result<Salvaged> all_of(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  return Salvaged{.kept = tip.height, .top = tip.height, .seen = {}, .pooled = 0};
}

void print(Context& context, const Damage& damage) {
  const auto say = [&](const char* kind, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      const std::string shown = shown_line(text);
      context.out.line(context.options.json ? api::repaired_json({"damaged", kind, {}, shown})
                                            : "damaged: " + shown);
    }
  };
  say("chain", damage.chain);
  say("index", damage.mail);
}

/// What is left of a damaged chain, without keeping it.
Result<Salvaged> left_of(Context& context, const StoreDir& store, const chain::ChainRules& rules) {
  auto salvaged = salvage(context, store, rules, repaired(store), repaired_witness(store));
  BMSG_TRY(remove_leftovers(store));
  return salvaged;
}

Result<ExitCode> run_dry(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                         const Damage& damage, std::chrono::steady_clock::time_point began) {
  print(context, damage);
  const bool json = context.options.json;
  const ExitCode outcome = damage.any() ? ExitCode::partial : ExitCode::ok;
  if (damage.chain.empty() && !json) return outcome;
  BMSG_TRY_ASSIGN(const auto left,
                  damage.chain.empty() ? all_of(context, store) : left_of(context, store, rules));
  if (!json) {
    context.out.line(fmt::format("{} of {} blocks verify; a peer may have the rest",
                                 left.kept.value, left.top.value));
    return outcome;
  }
  const std::chrono::duration<double> elapsed = context.clock.steady() - began;
  const std::size_t faults = damage.chain.size() + damage.mail.size();
  context.out.line(api::summary_json({.command = "repair",
                                      .ok = !damage.any(),
                                      .numbers = {{"damaged", static_cast<double>(faults)},
                                                  {"kept", double(left.kept.value)},
                                                  {"height", double(left.top.value)}},
                                      .texts = {},
                                      .elapsed = elapsed.count()}));
  return outcome;
}

/// With both locks: whoever writes would write into what is put aside.
Result<Salvaged> rebuild(const Options& options, Context& context, const StoreDir& store,
                         const chain::ChainRules& rules, const Damage& damage) {
  if (!options.yes) {
    BMSG_TRY(
        confirm_by_typing(context, "the damaged database is put aside and made anew", "repair"));
  }
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto mail_lock,
                  FileLock::take(store.mail_lock(), context.command, patience, context.clock));
  if (damage.chain.empty()) {
    BMSG_TRY(put_aside(context, store.mail(), kDamaged));
    return all_of(context, store);
  }
  auto made = salvage(context, store, rules, repaired(store), repaired_witness(store));
  if (!made) {
    BMSG_TRY(remove_leftovers(store));
    return made;
  }
  BMSG_TRY(put_in_place(context, store));
  if (!damage.mail.empty()) BMSG_TRY(put_aside(context, store.mail(), kDamaged));
  return made;
}

/// Before anything is put aside: a mistyped URL must not leave less than there was.
Result<Done> ask_peer(const Options& options, Context& context, const StoreDir& store) {
  if (options.peer.empty()) return done;
  node::Peer peer;
  peer.url = options.peer;
  BMSG_TRY(probe(context, store, peer));
  return done;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  const auto began = context.clock.steady();
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(auto lock,
                  FileLock::take(store.chain_lock(), context.command, patience, context.clock));
  if (!fs::exists(store.chain()) && fs::exists(repaired(store)))
    BMSG_TRY(put_in_place(context, store));
  BMSG_TRY(remove_leftovers(store));
  BMSG_TRY_ASSIGN(const auto damage, find_damage(context, store, rules));
  if (!damage.any()) context.out.note("nothing is damaged");
  const bool is_over = options.peer.empty() && !context.options.json;
  if (options.dry_run) return run_dry(context, store, rules, damage, began);
  if (!damage.any() && is_over) return ExitCode::ok;
  BMSG_TRY(ask_peer(options, context, store));
  const auto own = own_messages(context, store);
  BMSG_TRY_ASSIGN(const auto salvaged, damage.any()
                                           ? rebuild(options, context, store, rules, damage)
                                           : all_of(context, store));
  { [[maybe_unused]] const FileLock let_go = std::move(lock); }
  const auto fetched =
      options.peer.empty() ? Result<Done>(done) : fetch(context, store, options.peer);
  std::error_code unread;
  if (fs::exists(store.light(), unread))
    BMSG_TRY(mend_bodies(context, store, salvaged.strays, own));
  const std::chrono::duration<double> elapsed = context.clock.steady() - began;
  BMSG_TRY_ASSIGN(const auto outcome,
                  report(context, store, salvaged, own, !damage.mail.empty(), elapsed.count()));
  if (!fetched) return fetched.error();
  return outcome;
}

}  // namespace

void add_repair(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command repair =
      add_command(app, context, "repair", "Make a damaged store sound again", options, run);
  repair.add_flag("--dry-run", options->dry_run, "Only say what is damaged and what is left");
  repair.add_option("--from-peer", options->peer, "Fetch the rest from this peer").type_name("URL");
  add_progress_option(repair, context);
  repair.add_flag("--yes", options->yes, "Do not ask");
}

}  // namespace bmsg::cli
