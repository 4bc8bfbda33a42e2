// A room as a recipient.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/chain/rules_text.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/keyring.h"
#include "lib/mail/send.h"

namespace bmsg::cli {

/// The room among these recipients; nullopt if there is none. A room is posted to alone.
/// `keyring` may be null: it is unlocked where the room is known by its secret.
/// Errors: Errc::bad_usage beside others; Errc::no_recipient for a room whose secret is not here,
///         or whose box has expired.
Result<std::optional<mail::RoomPost>> room_among(const Context& context, const StoreDir& store,
                                                 const chain::ChainRules& rules,
                                                 const mail::ContactBook& contacts,
                                                 const mail::Keyring* keyring,
                                                 const std::vector<std::string>& to);

/// The room of a message, by the mark in its summary.
/// Errors: Errc::no_recipient if we are not in it any more.
Result<mail::RoomPost> room_marked(const mail::ContactBook& contacts, const mail::Keyring& keyring,
                                   const std::string& mark);

}  // namespace bmsg::cli
