// What the outbox command looks at, and how messages of ours are shown.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/list_form.h"
#include "cli/standing.h"
#include "lib/api/json_objects.h"
#include "lib/chain/rules_text.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/held.h"
#include "lib/mail/outbox.h"

namespace bmsg::cli {

/// What is needed to tell of a message: where it may stand, and the key to our own note of it.
struct Desk {
  StoreDir store;
  chain::ChainRules rules;
  std::unique_ptr<node::ChainReader> chain;
  mail::ContactBook contacts;
  mail::Outbox outbox;
  std::optional<OpenKeyring> keyring;  // Without it, names stay unknown.
  std::optional<Standings> standings;  // With it: who has acknowledged.
};

/// Errors: Errc::denied and Errc::not_found only if a passphrase was named and does not open.
Result<Desk> open_desk(Context& context);

Result<api::QueuedView> view_of(Context& context, const Desk& desk, const mail::OutboxEntry& entry);
/// One that was sent and has left the outbox since: the mail index remembers it.
Result<api::QueuedView> view_of_buried(const Desk& desk, const std::string& ref);
/// Letters that wait for a card, with recipients where there is a key.
Result<std::vector<api::QueuedView>> held_views(Desk& desk);
ListItem item_of(const Desk& desk, const api::QueuedView& view);
/// The same for a list: at a terminal with as much of id and time as a person needs.
ListItem row_of(const Context& context, const Desk& desk, const api::QueuedView& view);

/// Takes away what the outbox does not need any more, once a day. What cron runs calls it.
void tidy_outbox(Context& context, const StoreDir& store);

/// The message that a word names. nullopt: none begins so. Errors: Errc::bad_usage for several.
Result<std::optional<mail::OutboxEntry>> entry_like(const Desk& desk, const std::string& ref);
/// The same; Errc::not_found if there is none.
Result<mail::OutboxEntry> find_entry(const Desk& desk, const std::string& ref);
/// A letter that waits for a card; as entry_like.
Result<std::optional<mail::HeldName>> held_like(const Desk& desk, const std::string& ref);
/// What a word names now: a letter that was held has its messages' ids.
Result<std::vector<std::string>> now_named(const Desk& desk, const std::string& ref);

}  // namespace bmsg::cli
