// Plumbing: cat, the stored bytes of one object or of many.

#include <fmt/format.h>

#include <charconv>
#include <iostream>

#include "cli/block_view.h"
#include "cli/command.h"
#include "cli/file_view.h"
#include "cli/listing.h"
#include "cli/mailroom.h"
#include "cli/plumbing.h"
#include "cli/refs.h"
#include "cli/report.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string ref;
  std::string type;
  bool batch = false;
  bool nul = false;
  std::string file;  // A number.
};

/// An object as it is printed.
struct Printed {
  std::string id;
  std::string_view type;
  std::string json;  // Where that is wanted.
  Bytes bytes;       // Else.
};

Result<Printed> find_printed_block(const Context& context, const node::ChainReader& chain,
                                   const std::string& ref) {
  BMSG_TRY_ASSIGN(const auto stored, find_block(chain, ref));
  Printed printed{.id = to_hex(stored.hash.view()), .type = "block", .json = {}, .bytes = {}};
  if (context.options.json) {
    auto view = block_view(stored);
    BMSG_TRY_ASSIGN(view.ids, ids_of_block(chain, stored.hash));
    printed.json = api::block_json(view);
    return printed;
  }
  BMSG_TRY_ASSIGN(const auto block, chain.block(stored.hash, Bodies::with));
  if (!block)
    return Error{Errc::corrupt, fmt::format("the messages of block '{}' are missing", ref)};
  printed.bytes = encode(*block);
  return printed;
}

Result<Printed> find_printed(Context& context, Reading& reading, const std::string& ref,
                             const std::string& type) {
  BMSG_TRY_ASSIGN(const bool is_block, means_block(*reading.chain, ref, type));
  if (is_block) return find_printed_block(context, *reading.chain, ref);
  BMSG_TRY_ASSIGN(const auto id, reading.find(context, ref));
  BMSG_TRY_ASSIGN(const auto message, find_object(*reading.chain, id));
  if (!message) return Error{Errc::not_found, fmt::format("no message '{}' in chain or pool", ref)};
  Printed printed{.id = to_hex(id.view()), .type = "message", .json = {}, .bytes = {}};
  if (context.options.json) {
    printed.json = api::object_json(object_view(id, *message));
    return printed;
  }
  if (!message->body)
    return Error{Errc::not_found,
                 fmt::format("the body of message '{}' is not here any more", ref)};
  printed.bytes = encode(*message);
  return printed;
}

/// What is not there is an answer of its own; what is damaged ends the command.
Result<bool> print_one(Context& context, Reading& reading, const std::string& ref,
                       const std::string& type) {
  const auto found = find_printed(context, reading, ref, type);
  if (!found) {
    const Error& error = found.error();
    if (error.code != Errc::not_found && error.code != Errc::bad_usage) return error;
    const ExitCode code = exit_code_of(error.code);
    context.out.line(
        context.options.json
            ? api::error_json({static_cast<int>(code), name_of(code), error.message, {}})
            : fmt::format("{} missing", ref));
    return false;
  }
  const Printed& printed = found.value();
  if (context.options.json) {
    context.out.line(printed.json);
    return true;
  }
  context.out.line(fmt::format("{} {} {}", printed.id, printed.type, printed.bytes.size()));
  context.out.raw(as_text(printed.bytes));
  context.out.raw("\n");
  return true;
}

Result<std::uint64_t> parse_file_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed == std::errc() && end == text.data() + text.size()) return number;
  return Error{Errc::bad_usage, fmt::format("--file {}: a number from 0 on", text)};
}

Result<ExitCode> run_batch(const Options& options, Context& context, Reading& reading) {
  ExitCode outcome = ExitCode::ok;
  for (std::string ref; std::getline(std::cin, ref, options.nul ? '\0' : '\n');) {
    BMSG_TRY_ASSIGN(const bool there, print_one(context, reading, ref, options.type));
    if (!there) outcome = ExitCode::partial;
    BMSG_TRY(context.out.flush());  // Whoever asks through two pipes waits for each answer.
  }
  return outcome;
}

/// A file of a message. What was printed before an error is good as far as it goes, or, where the
/// whole is not what the message says, worth nothing.
Result<ExitCode> run_file(const Options& options, Context& context) {
  BMSG_TRY(check_no_terminal(context));
  BMSG_TRY_ASSIGN(const std::uint64_t number, parse_file_number(options.file));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
  BMSG_TRY_ASSIGN(const auto ref, listed_ref(context, store, options.ref));
  BMSG_TRY_ASSIGN(const auto id, room->find(ref));
  BMSG_TRY_ASSIGN(const auto text, room->box().read(id));
  if (!text || text->opened.fault)
    return Error{Errc::not_found, fmt::format("no message '{}' that can be read here", options.ref),
                 "'bmsg inbox' lists what is"};
  BMSG_TRY_ASSIGN(const auto manifest, manifest_of(text->opened.content, number));
  BMSG_TRY_ASSIGN(const auto files, FileFetcher::open(context, store));
  BMSG_TRY(files->fetch(manifest, [&](ByteView piece) {
    context.out.raw(as_text(piece));
    return context.out.flush();
  }));
  return ExitCode::ok;
}

Result<ExitCode> run(const Options& options, Context& context) {
  if (!options.file.empty() && !options.ref.empty()) return run_file(options, context);
  if (options.batch != options.ref.empty())
    return Error{Errc::bad_usage, "cat takes one REF, or --batch and REFs on standard input"};
  if (!context.options.json) BMSG_TRY(check_no_terminal(context));
  BMSG_TRY_ASSIGN(auto reading, open_reading(context));
  if (options.batch) return run_batch(options, context, reading);
  BMSG_TRY_ASSIGN(const auto found, find_printed(context, reading, options.ref, options.type));
  if (context.options.json) {
    context.out.line(found.json);
  } else {
    context.out.raw(as_text(found.bytes));
  }
  return ExitCode::ok;
}

}  // namespace

void add_cat(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command cat = add_command(app, context, "cat", "Print the bytes of an object", options, run);
  cat.add_option("ref", options->ref, "Which").type_name("REF");
  cat.add_option("--type", options->type, "block or message")
      .one_of({"block", "message"})
      .type_name("TYPE");
  Parameter file = cat.add_option("--file", options->file, "A file of the message, counted from 0");
  file.type_name("N");
  cat.add_flag("--batch", options->batch, "Answer references from standard input in turn")
      .excludes(file);
  cat.add_flag("-z", options->nul, "With --batch: references end with NUL");
}

}  // namespace bmsg::cli
