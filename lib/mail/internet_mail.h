// Messages as internet mail, for programs that read mailboxes.
//
// Everything that a stranger wrote is encoded: no byte of it ends a header, begins a message of an
// mbox, or reaches a terminal as it is. Source: RFC 5322, RFC 2045, RFC 2047.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"

namespace bmsg::mail {

/// Somebody in From or To.
struct MailParty {
  std::string name;     // Untrusted; may be empty.
  std::string address;  // bech32; empty: nobody that is known.
};

/// A file that came with it: named, not held.
struct MailFile {
  std::string name;  // Untrusted.
  std::uint64_t bytes = 0;
};

/// What is written of one message. Text may be untrusted.
struct InternetMail {
  MessageId id;
  UnixSeconds time;
  MailParty from;
  std::vector<MailParty> to;  // Empty: for everybody.
  std::string subject;
  std::vector<MessageId> re;  // What it answers.
  std::string media_type;     // Empty: UTF-8 text.
  Bytes body;
  std::string signature;  // "good", "absent", "bad".
  std::string trust;
  std::vector<MailFile> files{};
};

/// Headers, an empty line and the body, lines ended by line feeds as mailboxes on disk have them.
std::string to_internet_mail(const InternetMail& mail);

/// The same as one entry of an mbox: a line "From …" before it, an empty line after it.
std::string to_mbox_entry(const InternetMail& mail);

}  // namespace bmsg::mail
