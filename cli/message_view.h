// Mail as it is shown: one object for JSON, one line for lists, several for reading.

#pragma once

#include <string>

#include "cli/mailroom.h"
#include "lib/api/json_objects.h"
#include "lib/mail/mailbox.h"

namespace bmsg::cli {

/// A key of Whisper's clients that has signed, which is nobody's that we know; empty for others.
std::string pair_text(ByteView sender);

/// What a list shows of a message.
api::MessageView message_view(const Mailroom& room, const mail::MailItem& item);

/// The same with its text.
api::MessageView message_view(const Mailroom& room, const mail::MailText& text);

/// Who a message is from, in words: our name for them, or "bmsg1… (unknown; calls itself ben)".
std::string sender_text(const Mailroom& room, const mail::MailItem& item);

/// One TAB-separated line without its end: id, flag, time, sender, subject or first words, and
/// who vouches for it with its marks, joined by commas.
std::string message_line(const Mailroom& room, const mail::MailItem& item);

/// The same for a person: number in the list, flag, age, sender, subject, in columns.
std::string message_row(const Mailroom& room, const mail::MailItem& item, std::size_t number,
                        UnixSeconds now);

/// The same for a person who watches: the beginning of the id, age, sender, subject.
std::string message_event(const Mailroom& room, const mail::MailItem& item, UnixSeconds now);

/// Headers and body, the body indented so that it cannot imitate headers.
std::string message_text(const Mailroom& room, const mail::MailText& text);

/// Only the headers.
std::string message_headers(const Mailroom& room, const mail::MailItem& item);

}  // namespace bmsg::cli
