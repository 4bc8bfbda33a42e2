#include "cli/plumbing.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/refs.h"
#include "cli/session.h"
#include "lib/api/json_objects.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kObjectBytesMax = 2 * kFrameBytesMax;

}  // namespace

Result<MessageId> Reading::find(Context& context, const std::string& ref) {
  if (!inbox_steps(ref)) return find_message(*chain, mail.get(), ref);
  if (!room) {
    BMSG_TRY_ASSIGN(const auto store, context.store());
    BMSG_TRY_ASSIGN(room, Mailroom::open(context, store));
    BMSG_TRY_ASSIGN(chain, open_chain(context, store));  // As far as the mailroom has looked.
  }
  return room->find(ref);
}

Result<Reading> open_reading(Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  Reading reading;
  BMSG_TRY_ASSIGN(reading.chain, open_chain(context, store));
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(reading.mail, storage::RocksMailStore::open_read_only(store.mail(), options));
  return reading;
}

Result<bool> means_block(const node::ChainReader& chain, const std::string& ref,
                         const std::string& type) {
  if (!type.empty()) return type == "block";
  if (names_block(ref)) return true;
  const auto hash = fixed_from_hex<BlockHash>(ref);
  if (!hash) return false;
  BMSG_TRY_ASSIGN(const auto found, chain.header(*hash));
  return found.has_value();
}

Result<Bytes> read_input(std::size_t bytes_max) {
  Bytes bytes;
  Bytes piece(65536);
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return Error{Errc::io, fmt::format("cannot read standard input: {}", std::strerror(errno))};
    if (got == 0) return bytes;
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + got);
    if (bytes.size() > bytes_max)
      return Error{Errc::bad_input,
                   fmt::format("standard input is longer than {} bytes", bytes_max)};
  }
}

Result<Bytes> read_object(const Context& context, const std::string& file) {
  if (file == "-") return read_input(kObjectBytesMax);
  BMSG_TRY(check_no_directory(file));
  BMSG_TRY_ASSIGN(auto bytes, context.disk.read(file, kObjectBytesMax));
  if (!bytes) return Error{Errc::not_found, fmt::format("no file '{}'", file)};
  return std::move(*bytes);
}

Result<Done> check_no_directory(const std::string& file) {
  std::error_code unknown;  // Then opening it says why.
  if (!std::filesystem::is_directory(file, unknown)) return done;
  return Error{Errc::not_found, fmt::format("'{}' is a directory, not a file", file)};
}

Result<Done> check_no_terminal(const Context& context) {
  if (!context.out.to_terminal()) return done;
  return Error{Errc::bad_usage, "these are bytes; send them to a file or a pipe"};
}

Result<Done> print_bytes(Context& context, ByteView bytes) {
  BMSG_TRY(check_no_terminal(context));
  context.out.raw(as_text(bytes));
  return done;
}

void print_id(Context& context, std::string_view kind, const std::string& id) {
  context.out.line(context.options.json ? api::id_json(kind, id) : id);
}

void print_item(Context& context, const std::string& text, bool nul) {
  nul ? context.out.raw(text + '\0') : context.out.line(text);
}

}  // namespace bmsg::cli
