#include "cli/revocation_paper.h"

#include <fmt/format.h>

#include "cli/plumbing.h"
#include "cli/text.h"
#include "lib/core/try.h"
#include "lib/mail/revocation.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kPaperBytesMax = 4096;

}  // namespace

Result<Done> hand_out_revocation(Context& context, const mail::Identity& identity,
                                 const std::string& file) {
  const std::string line = mail::statement_text(identity.revocation);
  if (!file.empty()) return context.disk.create(file, as_bytes(line + "\n"));
  context.out.note(
      fmt::format("keep this line on paper; it ends the identity '{}' without its key:",
                  shown_line(identity.name)));
  context.out.note(line);
  return done;
}

Result<Done> write_statement(Context& context, ByteView statement, const std::string& file) {
  const std::string line = mail::statement_text(statement);
  if (file != "-") return context.disk.create(file, as_bytes(line + "\n"));
  context.out.line(line);
  return done;
}

Result<Bytes> read_statement_file(Context& context, const std::string& file) {
  Bytes bytes;
  if (file == "-") {
    BMSG_TRY_ASSIGN(bytes, read_input(kPaperBytesMax));
  } else {
    BMSG_TRY_ASSIGN(auto read, context.disk.read(file, kPaperBytesMax));
    if (!read) return Error{Errc::not_found, fmt::format("no file '{}'", file)};
    bytes = std::move(*read);
  }
  auto statement = mail::statement_from_text(as_text(bytes));
  if (!statement) return in_context("'" + file + "'", statement.error());
  return statement;
}

}  // namespace bmsg::cli
