// The paper that ends an identity without its key.

#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/new_file.h"
#include "lib/mail/keyring.h"

namespace bmsg::cli {

/// The revocation that was signed in advance, once: for a new file, for output ("-"), or where a
/// person is (no file). Whoever is killed leaves none of a key that is nowhere.
class RevocationPaper {
 public:
  /// `context` must outlive it.
  RevocationPaper(Context& context, std::string file);

  /// Before anybody is asked for anything. Errors: Errc::bad_usage for "-" beside --json.
  static Result<Done> check_way(const Context& context, const std::string& file);

  /// Before the key is kept: that the paper can be written. Errors: as NewFile::open().
  Result<Done> write(const mail::Identity& identity);
  /// When the key is kept.
  Result<Done> hand_out();

 private:
  Context* context_;
  std::string file_;
  std::unique_ptr<NewFile> opened_;
  std::string name_;  // Of the identity.
  std::string line_;
};

/// Writes a statement as a line to a new file, or to output for "-".
Result<Done> write_statement(Context& context, ByteView statement, const std::string& file);

/// The statement in a file, or in standard input for "-".
/// Errors: Errc::not_found; Errc::bad_input if its signatures are not good.
Result<Bytes> read_statement_file(Context& context, const std::string& file);

}  // namespace bmsg::cli
