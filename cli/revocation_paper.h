// The paper that ends an identity without its key.

#pragma once

#include <string>

#include "cli/command.h"
#include "lib/mail/keyring.h"

namespace bmsg::cli {

/// Prints the revocation that was signed in advance, once, where a person is; or writes it to a new
/// file. Errors: as Disk::create.
Result<Done> hand_out_revocation(Context& context, const mail::Identity& identity,
                                 const std::string& file);

/// Writes a statement as a line to a new file, or to output for "-".
Result<Done> write_statement(Context& context, ByteView statement, const std::string& file);

/// The statement in a file, or in standard input for "-".
/// Errors: Errc::not_found; Errc::bad_input if its signatures are not good.
Result<Bytes> read_statement_file(Context& context, const std::string& file);

}  // namespace bmsg::cli
