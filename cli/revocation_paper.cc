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

RevocationPaper::RevocationPaper(Context& context, std::string file)
    : context_(&context), file_(std::move(file)) {}

Result<Done> RevocationPaper::check_way(const Context& context, const std::string& file) {
  if (file != "-" || !context.options.json) return done;
  return Error{Errc::bad_usage, "--revocation -: standard output is taken by --json",
               "give a FILE"};
}

Result<Done> RevocationPaper::write(const mail::Identity& identity) {
  name_ = identity.name;
  line_ = mail::statement_text(identity.revocation);
  if (file_.empty() || file_ == "-") return done;
  opened_ = std::make_unique<NewFile>(context_->disk, file_);
  BMSG_TRY(opened_->open());
  return opened_->write(as_bytes(line_ + "\n"));
}

Result<Done> RevocationPaper::hand_out() {
  if (line_.empty()) return done;  // There is no identity.
  if (file_ == "-") {
    context_->out.line(line_);
    return done;
  }
  if (!opened_) {
    context_->out.note(fmt::format(
        "keep this line on paper; it ends the identity '{}' without its key:", shown_line(name_)));
    context_->out.note(line_);
    return done;
  }
  auto published = opened_->publish();
  if (published) return published;
  Error error = published.error();
  error.hint = fmt::format(
      "the identity is made: 'bmsg --identity {} id revoke --revocation FILE' "
      "writes its paper",
      shown_line(name_));
  return error;
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
