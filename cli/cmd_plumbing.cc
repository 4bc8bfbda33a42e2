// Plumbing: rev-parse, hash, submit-block. Stable, for scripts.

#include <fmt/format.h>

#include "cli/block_view.h"
#include "cli/command.h"
#include "cli/plumbing.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "lib/chain/block_hash.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::vector<std::string> refs;
  std::string file;
  std::string type;
  bool verify = false;
};

Result<ExitCode> run_rev_parse(const Options& options, Context& context) {
  if (options.verify && options.refs.size() != 1)
    return Error{Errc::bad_usage, "--verify takes exactly one reference"};
  BMSG_TRY_ASSIGN(auto reading, open_reading(context));
  for (const std::string& ref : options.refs) {
    BMSG_TRY_ASSIGN(const bool is_block, means_block(*reading.chain, ref, ""));
    if (is_block) {
      BMSG_TRY_ASSIGN(const auto block, find_block(*reading.chain, ref));
      print_id(context, "block", to_hex(block.hash.view()));
      continue;
    }
    BMSG_TRY_ASSIGN(const auto id, reading.find(context, ref));
    if (options.verify) {
      BMSG_TRY_ASSIGN(const auto message, find_object(*reading.chain, id));
      if (!message) return Error{Errc::not_found, fmt::format("no message '{}' here", ref)};
    }
    print_id(context, "message", to_hex(id.view()));
  }
  return ExitCode::ok;
}

Result<ExitCode> run_hash(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto bytes, read_object(context, options.file));
  const bool is_block =
      options.type.empty()
          ? as_text(ByteView(bytes).first(std::min<std::size_t>(4, bytes.size()))) == "bmH1"
          : options.type == "block";
  if (is_block) {
    auto block = bytes.size() == kHeaderBytes ? Result<Block>(Error{Errc::bad_input, ""})
                                              : decode_block(bytes);
    auto header = block ? Result<Header>(block.value().header) : decode_header(bytes);
    if (!header) return bytes.size() == kHeaderBytes ? header.error() : block.error();
    print_id(context, "block", to_hex(chain::hash_of(header.value()).view()));
    return ExitCode::ok;
  }
  BMSG_TRY_ASSIGN(const auto message, decode_message(bytes));
  print_id(context, "message", to_hex(chain::id_of(message.head).view()));
  return ExitCode::ok;
}

Result<ExitCode> run_submit_block(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto bytes, read_object(context, options.file));
  BMSG_TRY_ASSIGN(const auto block, decode_block(bytes));
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
  BMSG_TRY_ASSIGN(const auto outcome, session->service().submit_block(block));
  BMSG_TRY(session->collect_cards());
  const std::string hash = to_hex(chain::hash_of(block.header).view());
  switch (outcome.verdict) {
    case node::Verdict::accepted:
    case node::Verdict::known:
      print_id(context, "block", hash);
      return outcome.stopped_by_policy ? ExitCode::partial : ExitCode::ok;
    case node::Verdict::held:
      if (outcome.is_proposal) {
        return Error{Errc::try_again, "there is no room for the proposal here",
                     "proposals stand on the tip or its parent: sync first"};
      }
      return Error{Errc::try_again,
                   "the block is dated in the future; try again when its time has come"};
    case node::Verdict::orphan:
      return Error{Errc::bad_input, "the block's parent is unknown; sync first"};
    case node::Verdict::refused:
      return Error{Errc::bad_input,
                   fmt::format("the block breaks the rule '{}': {}",
                               chain::name_of(outcome.violation->rule), outcome.violation->detail)};
  }
  return ExitCode::software;
}

}  // namespace

void add_plumbing(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command rev_parse =
      add_command(app, context, "rev-parse", "Print full ids", options, run_rev_parse);
  rev_parse.add_option("refs", options->refs, "Which").required().type_name("REF");
  rev_parse.add_flag("--verify", options->verify, "Fail unless the object is here");
  Command hash = add_command(app, context, "hash", "Print the id of bytes without storing them",
                             options, run_hash);
  hash.add_option("file", options->file, "A file, or -").required().type_name("FILE");
  hash.add_option("--type", options->type, "block or message")
      .one_of({"block", "message"})
      .type_name("TYPE");
  Command submit = add_command(app, context, "submit-block", "Hand a block to the node", options,
                               run_submit_block);
  submit.add_option("file", options->file, "A file, or -").required().type_name("FILE");
}

}  // namespace bmsg::cli
