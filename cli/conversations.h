// Conversations: what belongs together for a person who reads: all with one other, all of a room,
// all that is public, and else a thread.

#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "cli/mailroom.h"
#include "lib/api/conversation_json.h"
#include "lib/mail/mailbox.h"

namespace bmsg::cli {

/// "with" and an address, "room" and its name, "thread" and its hex, or "public" and nothing.
struct ConversationKey {
  std::string kind;
  std::string name;

  auto operator<=>(const ConversationKey&) const = default;
};

/// Where a message belongs. With a person stands only what nobody else can have written.
ConversationKey conversation_of(const Mailroom& room, const MessageId& id,
                                const mail::Summary& summary);

/// Errors: Errc::bad_input for no such kind.
Result<ConversationKey> parse_conversation(std::string_view kind, std::string_view name);

/// The messages of one. `room` must outlive the filter.
mail::ListFilter filter_of(const Mailroom& room, const ConversationKey& key);

/// Of which messages conversations are made: "all" that are not archived, "unread", "archived" or
/// "public". Newest first, of the newest 5,000 messages.
/// Errors: Errc::bad_input for another word.
Result<std::vector<api::ConversationView>> conversations(const Mailroom& room,
                                                         std::string_view which);

}  // namespace bmsg::cli
