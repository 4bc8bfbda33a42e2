// Which messages a command means: the filters that inbox and export share.

#pragma once

#include <string>

#include "cli/command.h"
#include "cli/mailroom.h"
#include "lib/mail/mailbox.h"

namespace bmsg::cli {

/// As they were given; empty: no such wish.
struct MailFilter {
  bool unread = false;
  bool sent = false;
  std::string from;
  std::string since;
  std::string until;
  std::string thread;
  std::string room;
};

void add_filter_options(Command command, MailFilter& filter);

/// Keeps what was posted to the room of this name; nothing where it is empty.
/// Errors: Errc::no_recipient.
Result<Bytes> room_id_of(const Mailroom& room, const std::string& name);

/// What was given, understood. Without `thread`, `sent` alone chooses the direction.
/// Errors: Errc::no_recipient, Errc::bad_usage; as find_message.
Result<mail::ListFilter> list_filter(const MailFilter& given, const Mailroom& room,
                                     const Context& context, const StoreDir& store);

}  // namespace bmsg::cli
