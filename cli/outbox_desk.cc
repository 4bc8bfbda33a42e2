#include "cli/outbox_desk.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/passphrase.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/send_key.h"
#include "lib/mail/summary.h"

namespace bmsg::cli {
namespace {

bool has_keyring(const StoreDir& store) {
  std::error_code unknown;  // Then opening it says why.
  return std::filesystem::exists(store.keyring(), unknown);
}

/// Whether everybody it went to has acknowledged it; told only of what a block holds or held.
Result<Done> look_for_acks(const Desk& desk, const std::vector<mail::Addressee>& to,
                           api::QueuedView& view) {
  std::size_t others = 0;
  std::size_t read = 0;
  for (const mail::Addressee& one : to) {
    if (desk.standings->is_ours(one.address)) continue;
    ++others;
    BMSG_TRY_ASSIGN(const bool by_them, desk.standings->is_read_by(view.id, one.address));
    read += by_them ? 1 : 0;
  }
  if (read == 0) return done;
  if (read == others) view.state = "read";
  view.reason = fmt::format("acknowledged by {} of {}", read, others);
  return done;
}

void fill_status(api::QueuedView& view, const mail::OutboxStatus& status) {
  view.state = mail::name_of(status.state);
  view.height = status.height;
  view.confirmations = status.confirmations;
  view.relayed_to = status.relayed_to;
  if (!status.reason.empty()) view.reason = status.reason;
}

Result<Done> fill_note(const Desk& desk, const mail::Summary& note, api::QueuedView& view) {
  for (const mail::Addressee& one : note.to) view.to.push_back(to_address(one.address));
  return look_for_acks(desk, note.to, view);
}

/// Our words for addresses, where we have some.
std::string names_of(const mail::ContactBook& contacts, const std::vector<std::string>& addresses) {
  std::vector<std::string> names;
  for (const std::string& one : addresses) {
    const auto address = from_address(one);
    const mail::Contact* contact = address ? contacts.by_address(*address) : nullptr;
    names.push_back(contact == nullptr ? one : contact->name);
  }
  return fmt::format("{}", fmt::join(names, ","));
}

api::QueuedView view_of_held(const mail::HeldName& held) {
  api::QueuedView view;
  view.id = held.id;
  view.state = "held";
  view.since = held.since;
  view.reason = std::string(kHeldReason);
  return view;
}

constexpr std::size_t kShortId = 12;  // Digits of an id in a table.

}  // namespace

Result<Desk> open_desk(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, rules_now(context, store));
  BMSG_TRY_ASSIGN(auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(auto contacts, read_contacts(context, store));
  Desk desk{store,
            rules,
            std::move(chain),
            std::move(contacts),
            mail::Outbox(context.disk, store.outbox()),
            {},
            {}};
  auto keyring = unlock_keyring(context, store);
  if (!keyring) {
    const Errc code = keyring.error().code;
    const bool is_known = code == Errc::not_found || code == Errc::denied;
    if ((has_keyring(store) && passphrase_is_named(context)) || !is_known) return keyring.error();
    return desk;  // States need no key; names stay unknown.
  }
  desk.keyring = std::move(keyring).value();
  BMSG_TRY_ASSIGN(auto standings, Standings::open(context, store, &desk.keyring->keyring));
  desk.standings.emplace(std::move(standings));
  return desk;
}

Result<api::QueuedView> view_of(Context& context, const Desk& desk,
                                const mail::OutboxEntry& entry) {
  BMSG_TRY_ASSIGN(const auto status,
                  desk.outbox.status(entry, *desk.chain, mail::burial_depth(desk.rules.rules.mode),
                                     context.clock.now()));
  api::QueuedView view;
  view.id = entry.id;
  view.since = entry.since;
  fill_status(view, status);
  BMSG_TRY_ASSIGN(const auto file, desk.outbox.read(entry));
  if (!file) return view;
  view.size = file->message.head.encoded_bytes();
  if (!desk.keyring || file->note.empty()) return view;
  const auto note = mail::open_summary(desk.keyring->keyring.archive, entry.id, file->note);
  if (note) BMSG_TRY(fill_note(desk, note.value(), view));
  return view;
}

Result<api::QueuedView> view_of_buried(const Desk& desk, const std::string& ref) {
  const Error none{Errc::not_found, fmt::format("no message '{}' in the outbox", ref)};
  if (!desk.standings) return none;
  BMSG_TRY_ASSIGN(const auto id, desk.standings->find(ref));
  BMSG_TRY_ASSIGN(const auto item, desk.standings->mailbox().item(id));
  if (!item || item->summary.direction != mail::Direction::out) return none;
  BMSG_TRY_ASSIGN(const auto status, desk.standings->status_of(id));
  if (!status) return none;
  api::QueuedView view;
  view.id = id;
  view.since = item->time();
  view.size = item->summary.bytes;
  fill_status(view, *status);
  BMSG_TRY(fill_note(desk, item->summary, view));
  return view;
}

ListItem item_of(const Desk& desk, const api::QueuedView& view) {
  const std::string id = to_hex(view.id.view());
  return {api::queued_json(view), id,
          fmt::format("{}\t{}\t{}\t{}\t{}", id, view.state, to_rfc3339(view.since),
                      shown_line(names_of(desk.contacts, view.to)),
                      shown_line(view.reason.value_or("-")))};
}

ListItem row_of(const Context& context, const Desk& desk, const api::QueuedView& view) {
  ListItem item = item_of(desk, view);
  if (!context.out.to_terminal()) return item;
  item.line = fmt::format("{}\t{}\t{}\t{}\t{}", item.id.substr(0, kShortId), view.state,
                          to_relative(view.since, context.clock.now()),
                          shown_line(names_of(desk.contacts, view.to)),
                          shown_line(view.reason.value_or("-")));
  return item;
}

Result<std::vector<api::QueuedView>> held_views(Desk& desk) {
  BMSG_TRY_ASSIGN(const auto names, mail::held_names(desk.outbox));
  std::vector<api::QueuedView> views;
  for (const mail::HeldName& name : names) views.push_back(view_of_held(name));
  if (!desk.keyring) return views;
  const mail::HeldLetters held(desk.outbox, desk.keyring->keyring.archive);
  std::vector<MessageId> damaged;
  BMSG_TRY_ASSIGN(const auto letters, held.all(&damaged));
  for (api::QueuedView& view : views) {
    const bool is_damaged = std::ranges::find(damaged, view.id) != damaged.end();
    if (is_damaged) view.reason = "its file is damaged, or of another keyring: it is not sent";
  }
  for (const mail::HeldLetter& letter : letters) {
    const auto view = std::ranges::find(views, letter.id, &api::QueuedView::id);
    if (view == views.end()) continue;  // Held since.
    for (const mail::Addressee& one : letter.letter.to) view->to.push_back(to_address(one.address));
  }
  return views;
}

Result<std::optional<mail::OutboxEntry>> entry_like(const Desk& desk, const std::string& ref) {
  BMSG_TRY_ASSIGN(const auto entries, desk.outbox.entries());
  std::vector<mail::OutboxEntry> fitting;
  for (const mail::OutboxEntry& entry : entries) {
    if (to_hex(entry.id.view()).starts_with(ref)) fitting.push_back(entry);
  }
  if (ref.size() < 8 || fitting.empty()) return std::optional<mail::OutboxEntry>();
  if (fitting.size() > 1)
    return Error{Errc::bad_usage,
                 fmt::format("'{}' fits {} messages of the outbox", ref, fitting.size())};
  return std::optional(fitting.front());
}

Result<mail::OutboxEntry> find_entry(const Desk& desk, const std::string& ref) {
  BMSG_TRY_ASSIGN(const auto entry, entry_like(desk, ref));
  if (!entry) return Error{Errc::not_found, fmt::format("no message '{}' in the outbox", ref)};
  return *entry;
}

Result<std::optional<mail::HeldName>> held_like(const Desk& desk, const std::string& ref) {
  BMSG_TRY_ASSIGN(const auto names, mail::held_names(desk.outbox));
  std::vector<mail::HeldName> fitting;
  for (const mail::HeldName& name : names) {
    if (to_hex(name.id.view()).starts_with(ref)) fitting.push_back(name);
  }
  if (ref.size() < 8 || fitting.empty()) return std::optional<mail::HeldName>();
  if (fitting.size() > 1)
    return Error{Errc::bad_usage,
                 fmt::format("'{}' fits {} messages that are held", ref, fitting.size())};
  return std::optional(fitting.front());
}

Result<std::vector<std::string>> now_named(const Desk& desk, const std::string& ref) {
  std::vector<std::string> names;
  if (const auto id = fixed_from_hex<MessageId>(ref)) {
    BMSG_TRY_ASSIGN(const auto ids, mail::released_as(desk.outbox, *id));
    for (const MessageId& one : ids) names.push_back(to_hex(one.view()));
  }
  if (names.empty()) names.push_back(ref);
  return names;
}

void tidy_outbox(Context& context, const StoreDir& store) {
  mail::Outbox outbox(context.disk, store.outbox());
  const auto swept = mail::SendKeys(outbox).sweep_daily(context.clock.now());
  if (!swept) context.out.warn("the outbox is not tidied: " + swept.error().message);
}

}  // namespace bmsg::cli
