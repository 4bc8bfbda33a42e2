#include "cli/forgetting.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "cli/listing.h"
#include "cli/mail_filter.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "cli/times.h"
#include "lib/core/file_lock.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBatch = 1024;  // Messages in one change of a store.

/// A value of the index: files of it hold what was removed.
constexpr std::string_view kToCompact = "to compact";

using Ids = std::unordered_set<MessageId, FixedBytesHash>;

/// Of ours, those that are not deep enough to be let go.
Result<Ids> unburied(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                     const node::ChainReader& chain) {
  const mail::Outbox outbox(context.disk, store.outbox());
  const std::uint32_t depth = mail::burial_depth(rules.rules.mode);
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  BMSG_TRY_ASSIGN(const auto entries, outbox.entries());
  Ids ids;
  for (const mail::OutboxEntry& entry : entries) {
    BMSG_TRY_ASSIGN(const bool is_done,
                    mail::Outbox::is_buried(entry.id, chain, tip.height, depth));
    if (!is_done) ids.insert(entry.id);
  }
  return ids;
}

/// What waits can come back from the outbox, and no block may be without it.
Error still_waits(const MessageId& id) {
  return Error{
      Errc::try_again,
      fmt::format("message {} still waits to be buried in the chain", to_hex(id.view())),
      "'bmsg outbox' shows how far it is; 'bmsg outbox cancel' takes back what no node has"};
}

/// Errors: as plan_forgetting().
Result<std::optional<node::Forgettable>> named(const node::ChainReader& chain, const Ids& waiting,
                                               const MessageId& id, UnixSeconds now) {
  BMSG_TRY_ASSIGN(const auto judged, node::judge_forgettable(chain, id, now));
  const std::string hex = to_hex(id.view());
  if (waiting.contains(id) || judged.keeping == node::Keeping::pooled) return still_waits(id);
  if (judged.keeping == node::Keeping::unknown)
    return Error{Errc::not_found, fmt::format("no message {} is here", hex)};
  if (judged.keeping == node::Keeping::charter)
    return Error{Errc::denied, fmt::format("message {} is a charter of this chain", hex),
                 "blocks are judged by it; it stays"};
  if (judged.keeping == node::Keeping::body_gone) return std::optional<node::Forgettable>();
  return std::optional(judged.message);
}

bool needs_key(const ForgetGiven& given) {
  const auto counts_back = [](const std::string& ref) { return inbox_steps(ref).has_value(); };
  return given.ask_peers || !given.from.empty() || std::ranges::any_of(given.refs, counts_back);
}

Result<std::vector<MessageId>> ids_from(const Mailroom& room, const Context& context,
                                        const StoreDir& store, const std::string& name) {
  MailFilter wish;
  wish.from = name;
  BMSG_TRY_ASSIGN(auto filter, list_filter(wish, room, context, store));
  filter.direction.reset();
  filter.text_only = false;
  BMSG_TRY_ASSIGN(const auto items, room.box().list(filter, SIZE_MAX));
  std::vector<MessageId> ids;
  for (const mail::MailItem& item : items) ids.push_back(item.id);
  return ids;
}

Result<std::vector<node::Forgettable>> by_rule(Context& context, const ForgetGiven& given,
                                               const node::ChainReader& chain,
                                               const mail::MailReader& index, const Ids& waiting) {
  const UnixSeconds now = context.clock.now();
  node::ForgetWish wish;
  if (!given.expired) {
    BMSG_TRY_ASSIGN(wish.before, parse_time(given.older_than, now));
  }
  Ids own;
  Height searched{UINT32_MAX};
  if (given.foreign) {
    BMSG_TRY_ASSIGN(const auto known, searched_to(chain, index));
    if (!known)
      return Error{Errc::try_again, "the chain has changed since it was searched for mail",
                   "'bmsg inbox' searches it"};
    searched = *known;
    BMSG_TRY_ASSIGN(const auto ids, index.ids_with_prefix({}, SIZE_MAX));
    own.insert(ids.begin(), ids.end());
  }
  wish.spares = [&](const MessageId& id, Height height) -> Result<bool> {
    return waiting.contains(id) || own.contains(id) || height > searched;
  };
  return node::find_forgettable(chain, wish, now);
}

Result<std::vector<MessageId>> ids_named(const ForgetGiven& given, const Context& context,
                                         const StoreDir& store, const node::ChainReader& chain,
                                         const mail::MailReader& index, const Mailroom* room) {
  if (!given.from.empty()) return ids_from(*room, context, store, given.from);
  std::vector<MessageId> ids;
  for (const std::string& word : given.refs) {
    BMSG_TRY_ASSIGN(const auto ref, listed_ref(context, store, word));
    BMSG_TRY_ASSIGN(const auto id, room ? room->find(ref) : find_message(chain, &index, ref));
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

node::DropRule rule_of(const ForgetGiven& given) {
  if (given.expired) return node::DropRule::expired;
  if (!given.older_than.empty()) return node::DropRule::older;
  return given.from.empty() ? node::DropRule::named : node::DropRule::sender;
}

}  // namespace

std::uint64_t ForgetPlan::bytes() const {
  std::uint64_t sum = 0;
  for (const node::Forgettable& one : messages) sum += one.bytes;
  return sum;
}

std::uint64_t ForgetPlan::unexpired() const {
  return static_cast<std::uint64_t>(
      std::ranges::count(messages, false, &node::Forgettable::expired));
}

Result<ForgetPlan> plan_forgetting(Context& context, const StoreDir& store,
                                   const chain::ChainRules& rules, const ForgetGiven& given,
                                   std::unique_ptr<Mailroom>& room) {
  if (!room && needs_key(given)) {
    BMSG_TRY_ASSIGN(room, Mailroom::open(context, store));
  }
  BMSG_TRY_ASSIGN(const auto index, open_index(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto waiting, unburied(context, store, rules, *chain));
  ForgetPlan plan{.rule = rule_of(given), .messages = {}};
  if (plan.rule == node::DropRule::expired || plan.rule == node::DropRule::older) {
    BMSG_TRY_ASSIGN(plan.messages, by_rule(context, given, *chain, *index, waiting));
    return plan;
  }
  BMSG_TRY_ASSIGN(const auto ids, ids_named(given, context, store, *chain, *index, room.get()));
  for (const MessageId& id : ids) {
    auto found = named(*chain, waiting, id, context.clock.now());
    // Whoever is named by a rule is not an error if he waits.
    if (!found && plan.rule == node::DropRule::sender && found.error().code != Errc::io) continue;
    if (!found) return found.error();
    if (found.value()) plan.messages.push_back(*found.value());
  }
  return plan;
}

Result<std::optional<Height>> searched_to(const node::ChainReader& chain,
                                          const mail::MailReader& index) {
  BMSG_TRY_ASSIGN(const auto position, index.position());
  if (!position) return std::optional(Height{0});
  BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(position->height));
  return hash == position->hash ? std::optional(position->height) : std::nullopt;
}

Result<Done> drop_bodies(node::Service& service, const ForgetPlan& plan,
                         const OnForgotten& on_forgotten) {
  for (std::size_t at = 0; at < plan.messages.size(); at += kBatch) {
    const std::size_t end = std::min(plan.messages.size(), at + kBatch);
    std::vector<MessageId> ids;
    for (std::size_t i = at; i < end; ++i) ids.push_back(plan.messages[i].id);
    BMSG_TRY_ASSIGN(const auto gone, service.forget(ids, plan.rule));
    on_forgotten(gone);
  }
  return done;
}

Result<Done> forget_in_index(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto dropped, chain->dropped());
  Ids ids;
  for (const node::DroppedBody& one : dropped) ids.insert(one.id);
  mail::Outbox outbox(context.disk, store.outbox());
  BMSG_TRY_ASSIGN(const auto entries, outbox.entries());
  std::vector<mail::OutboxEntry> going;
  for (const mail::OutboxEntry& entry : entries) {
    if (ids.contains(entry.id)) going.push_back(entry);
  }
  BMSG_TRY(outbox.remove(going));
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), context.command, patience, context.clock));
  BMSG_TRY_ASSIGN(const auto index,
                  storage::RocksMailStore::open(store.mail(), {.disk = context.disk}));
  mail::MailChange change;
  BMSG_TRY_ASSIGN(const auto mine, index->ids_with_prefix({}, SIZE_MAX));
  for (const MessageId& id : mine) {
    if (ids.contains(id)) change.remove.push_back(id);
  }
  BMSG_TRY_ASSIGN(const auto absent, mail::absent_in(*index));
  for (const MessageId& id : absent) {
    if (ids.contains(id)) mail::clear_absent(change, id);
  }
  // Keys lie in its files until these are written anew; noted, since there may be no room for that.
  const std::string note(kToCompact);
  BMSG_TRY_ASSIGN(const auto noted, index->value(note));
  if (change.remove.empty() && change.values.empty() && !noted) return done;
  change.values[note] = Bytes();
  BMSG_TRY(index->apply(change));
  BMSG_TRY(index->compact());
  return index->apply({.values = {{note, std::nullopt}}});
}

std::uint64_t disk_bytes(const fs::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code unreadable;  // A file that a writer removed meanwhile takes no room.
  for (fs::recursive_directory_iterator at(directory, unreadable), end; !unreadable && at != end;
       at.increment(unreadable)) {
    struct stat found {};
    if (::lstat(at->path().c_str(), &found) == 0)
      bytes += static_cast<std::uint64_t>(found.st_blocks) * 512;
  }
  return bytes;
}

Result<std::string> forgotten_words(const node::ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto dropped, chain.dropped(id));
  if (!dropped) return std::string();
  return fmt::format("forgotten here on {} ({})", to_rfc3339(dropped->when).substr(0, 10),
                     node::name_of(dropped->rule));
}

Result<Done> check_remembered(const node::ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto words, forgotten_words(chain, id));
  if (words.empty()) return done;
  return Error{Errc::not_found, fmt::format("message {} was {}", to_hex(id.view()), words)};
}

}  // namespace bmsg::cli
