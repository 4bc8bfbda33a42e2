// Plumbing: witness, the record of the tip beside the database.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/prompt.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "lib/api/json_objects.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "storage/rocks_store.h"
#include "storage/witness.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string block;
  bool yes = false;
};

Result<ExitCode> run_show(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto witness, storage::read_witness(context.disk, store.witness()));
  if (!witness)
    return Error{Errc::not_found, fmt::format("'{}' is missing", store.witness().string())};
  const std::string hash = to_hex(witness->hash.view());
  const std::string work = chain::to_decimal(witness->work);
  if (context.options.json) {
    context.out.line(
        api::summary_json({.command = "witness",
                           .numbers = {{"height", static_cast<double>(witness->height.value)}},
                           .texts = {{"hash", hash}, {"work", work}},
                           .elapsed = 0}));
  } else {
    context.out.line(fmt::format("{} {} {}", witness->height.value, hash, work));
  }
  return ExitCode::ok;
}

/// The block of the best chain that is named in full, so that nobody sets what he has not looked
/// up.
Result<node::StoredHeader> named_block(const node::ChainReader& chain, const std::string& name) {
  const auto colon = name.find(':');
  if (colon == std::string::npos) {
    return Error{Errc::bad_usage, fmt::format("'{}' is no HEIGHT:HASH", name)};
  }
  const std::string hash = name.substr(colon + 1);
  const bool is_full = hash.size() == 2 * BlockHash::kSize;
  BMSG_TRY_ASSIGN(const auto found, find_block(chain, is_full ? hash : name));
  const bool fits = name.substr(0, colon) == std::to_string(found.sealed.header.height.value);
  if (fits && found.branch == node::Branch::main) return found;
  return Error{Errc::not_found, fmt::format("no block '{}' on the best chain here", name)};
}

Result<ExitCode> run_set(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.chain_lock(), context.command, patience, context.clock));
  // Without the witness: it is what does not fit.
  BMSG_TRY_ASSIGN(const auto chain,
                  storage::RocksStore::open_read_only(store.chain(), {.disk = context.disk}));
  BMSG_TRY_ASSIGN(const auto block, named_block(*chain, options.block));
  if (!options.yes) {
    BMSG_TRY(confirm_by_typing(context,
                               "blocks that were lost from this store will not be noticed any more",
                               std::to_string(block.sealed.header.height.value)));
  }
  const storage::Witness witness{block.sealed.header.height, block.hash, block.total_work};
  BMSG_TRY(storage::write_witness(context.disk, store.witness(), witness));
  return ExitCode::ok;
}

}  // namespace

void add_witness(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command witness = app.add_verb("witness", "The record of the tip beside the database");
  witness.require_verb();
  const auto add = [&](const char* name, const char* says, auto run) {
    Command command = add_command(witness, context, name, says, options, run);
    return command;
  };
  add("show", "Print height, hash and work", run_show);
  Command set = add("set", "Write it anew, after a restore made on purpose", run_set);
  set.add_option("block", options->block, "Which").required().type_name("HEIGHT:HASH");
  set.add_flag("--yes", options->yes, "Do not ask");
}

}  // namespace bmsg::cli
