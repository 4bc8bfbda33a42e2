// What the plumbing commands share: objects by reference, bytes in and out.

#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/mailroom.h"
#include "lib/mail/mail_store.h"
#include "lib/node/store.h"

namespace bmsg::cli {

/// Chain and private index for reading; no key is asked for unless "@" is looked up.
struct Reading {
  std::unique_ptr<node::ChainReader> chain;
  std::unique_ptr<mail::MailReader> mail;
  std::unique_ptr<Mailroom> room = {};  // Once it was needed: only a key tells what was received.

  /// A message by reference. Errors: as find_message() and Mailroom::open().
  Result<MessageId> find(Context& context, const std::string& ref);
};
Result<Reading> open_reading(Context& context);

/// Whether a reference names a block and not a message. `type` decides if it is not empty.
Result<bool> means_block(const node::ChainReader& chain, const std::string& ref,
                         const std::string& type);

/// All of standard input. Errors: Errc::bad_input if it is longer than `bytes_max`.
Result<Bytes> read_input(std::size_t bytes_max);
/// An encoded object from a file, or from standard input for "-".
Result<Bytes> read_object(const Context& context, const std::string& file);

/// What is named may be given to be read. Errors: Errc::not_found if it is a directory.
Result<Done> check_no_directory(const std::string& file);

/// Bytes to standard output. Errors: Errc::bad_usage if that is a terminal.
Result<Done> check_no_terminal(const Context& context);
Result<Done> print_bytes(Context& context, ByteView bytes);

/// The id of a "block" or a "message": a line, or an object with --json.
void print_id(Context& context, std::string_view kind, const std::string& id);

/// One item of a list: a line, or with `nul` ended by NUL.
void print_item(Context& context, const std::string& text, bool nul);

}  // namespace bmsg::cli
