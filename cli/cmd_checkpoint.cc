// bmsg checkpoint and cosign: sign what a chain looks like, and pin what it must look like.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/proof_check.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "lib/api/invite.h"
#include "lib/api/proof_json.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/node/proofs.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kPinsMax = 1000;

struct Options {
  std::string height;  // Empty: the one that an invite would vouch for.
  std::string block;   // HEIGHT:HASH or a file.
  std::string file;
  std::uint32_t pinned = 0;
};

/// What we have signed last, so that we never sign two pasts.
class LastSigned {
 public:
  LastSigned(Context& context, const StoreDir& store)
      : disk_(context.disk), file_(store.last_signed()) {}

  Result<std::optional<chain::CheckpointNote>> read() const {
    BMSG_TRY_ASSIGN(const auto bytes, disk_.read(file_, chain::kNoteBytesMax));
    if (!bytes) return std::optional<chain::CheckpointNote>();
    auto note = chain::parse_checkpoint_note(as_text(*bytes));
    if (note) return std::optional(std::move(note).value());
    return Error{Errc::corrupt, fmt::format("'{}': {}", file_.string(), note.error().message),
                 "if you are sure what you signed last, put that note there"};
  }

  /// Refuses to sign beside an earlier note that our chain does not continue any more.
  Result<std::optional<chain::CheckpointNote>> check(const node::ChainReader& chain,
                                                     const ChainId& id) const {
    BMSG_TRY_ASSIGN(auto last, read());
    if (!last) return last;
    const auto checked = check_note(chain, id, *last);
    if (checked) return last;
    return Error{
        checked.error().code,
        fmt::format("the last checkpoint signed here does not fit: {}", checked.error().message),
        "two pasts are never signed; 'bmsg fork list' shows other branches"};
  }

  Result<Done> write(const chain::CheckpointNote& note) {
    return disk_.replace(file_, as_bytes(chain::print(note)));
  }

 private:
  Disk& disk_;
  std::filesystem::path file_;
};

void print_note(Context& context, const ReadNote& read) {
  const std::string text = chain::print(read.note);
  if (!context.options.json) return context.out.raw(text);
  context.out.line(api::checkpoint_json({.chain = read.note.chain,
                                         .size = read.note.size,
                                         .root = read.note.root,
                                         .signers = read.signers,
                                         .text = text}));
}

/// What signing needs, under the mail lock: two processes at once would not see each other's note.
struct Signing {
  StoreDir store;
  chain::ChainRules rules;
  FileLock lock;
  OpenKeyring open;
  std::unique_ptr<node::ChainReader> chain;

  static Result<Signing> begin(Context& context) {
    BMSG_TRY_ASSIGN(auto store, context.store());
    BMSG_TRY_ASSIGN(auto rules, read_rules(context, store));
    BMSG_TRY_ASSIGN(auto open, unlock_keyring(context, store));
    BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
    BMSG_TRY_ASSIGN(auto lock,
                    FileLock::take(store.mail_lock(), context.command, patience, context.clock));
    BMSG_TRY_ASSIGN(auto chain, open_chain(context, store));
    return Signing{std::move(store), std::move(rules), std::move(lock), std::move(open),
                   std::move(chain)};
  }

  /// Signs, remembers it durably, prints it: in this order.
  Result<ExitCode> finish(Context& context, chain::CheckpointNote note, bool is_newest) {
    BMSG_TRY_ASSIGN(const auto identity, chosen_identity(context, store, open.keyring));
    chain::CheckpointNote own = note;  // Others' lines need not be kept.
    own.signatures.clear();
    chain::sign(own, identity->seed);
    chain::sign(note, identity->seed);
    const bool fits = note.signatures.size() <= chain::kNoteSignaturesMax &&
                      chain::print(note).size() <= chain::kNoteBytesMax;
    if (!fits) return Error{Errc::bad_input, "the note has no room for another signature"};
    if (is_newest) BMSG_TRY(LastSigned(context, store).write(own));
    BMSG_TRY_ASSIGN(auto signers, chain::signers_of(note));
    print_note(context, {std::move(note), std::move(signers)});
    return ExitCode::ok;
  }
};

Result<Height> parse_height(const std::string& text) {
  std::uint32_t height = 0;
  const char* end = text.data() + text.size();
  const auto [at, fault] = std::from_chars(text.data(), end, height);
  if (fault == std::errc() && at == end) return Height{height};
  return Error{Errc::bad_usage, fmt::format("'{}' is no height of a block", text)};
}

Result<ExitCode> run_sign(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto signing, Signing::begin(context));
  BMSG_TRY_ASSIGN(const auto last,
                  LastSigned(context, signing.store).check(*signing.chain, signing.rules.id));
  BMSG_TRY_ASSIGN(const auto tip, signing.chain->tip());
  BMSG_TRY_ASSIGN(Height height, height_to_vouch_for(context, signing.store, *signing.chain,
                                                     signing.rules.rules.mode));
  if (!options.height.empty()) {
    BMSG_TRY_ASSIGN(height, parse_height(options.height));
  }
  if (height > tip.height)
    return Error{Errc::not_found, fmt::format("no block {} yet: the chain ends at {}", height.value,
                                              tip.height.value)};
  chain::CheckpointNote note{.chain = prefix_of<ChainTag>(signing.rules.id),
                             .size = height.value + 1,
                             .root = {},
                             .signatures = {}};
  BMSG_TRY_ASSIGN(note.root, node::root_of_first(*signing.chain, note.size));
  return signing.finish(context, std::move(note), !last || last->size <= height.value + 1);
}

Result<ExitCode> run_cosign(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(auto given, read_note(context, options.file));
  BMSG_TRY_ASSIGN(auto signing, Signing::begin(context));
  BMSG_TRY_ASSIGN(const auto last,
                  LastSigned(context, signing.store).check(*signing.chain, signing.rules.id));
  BMSG_TRY(check_note(*signing.chain, signing.rules.id, given.note));
  if (last && last->size > given.note.size)
    return Error{Errc::bad_input,
                 fmt::format("the checkpoint ends at block {}, and the last one signed here went "
                             "up to block {}",
                             given.note.size - 1, last->size - 1),
                 "ask for a newer one"};
  return signing.finish(context, std::move(given.note), true);
}

/// The block that is to be pinned: as it is spelled, or the last of a note's.
Result<node::Checkpoint> pin_of(Context& context, const std::string& word,
                                const node::ChainReader& chain, const ChainId& id) {
  if (const auto spelled = parse_pin(word)) return *spelled;
  BMSG_TRY_ASSIGN(const auto given, read_note(context, word));
  BMSG_TRY(check_note(chain, id, given.note));
  const Height height{given.note.size - 1};
  BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(height));
  if (!hash) return Error{Errc::try_again, "the chain changed meanwhile; try again"};
  return node::Checkpoint{height, *hash};
}

/// The chain's database, to change what is pinned there.
class Pins {
 public:
  static Result<Pins> open(Context& context, const StoreDir& store) {
    BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
    BMSG_TRY_ASSIGN(auto lock,
                    FileLock::take(store.chain_lock(), context.command, patience, context.clock));
    BMSG_TRY_ASSIGN(auto chain,
                    storage::RocksStore::open(store.chain(), chain_options(context, store)));
    return Pins{std::move(lock), std::move(chain)};
  }

  Result<std::vector<node::Checkpoint>> list() const { return chain->checkpoints(); }

  FileLock lock;
  std::unique_ptr<storage::RocksStore> chain;
};

Result<ExitCode> run_set(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto pins, Pins::open(context, store));
  BMSG_TRY_ASSIGN(const auto pin, pin_of(context, options.block, *pins.chain, rules.id));
  BMSG_TRY_ASSIGN(const auto hash, pins.chain->hash_at(pin.height));
  if (hash && *hash != pin.hash)
    return Error{Errc::bad_input,
                 fmt::format("the best chain here has another block {}: {}", pin.height.value,
                             block_name(pin.height, *hash)),
                 "'bmsg fork list' shows other branches"};
  BMSG_TRY_ASSIGN(auto list, pins.list());
  std::erase_if(list, [&](const auto& one) { return one.height == pin.height; });
  if (list.size() >= kPinsMax)
    return Error{Errc::bad_usage, fmt::format("{} blocks are pinned, which is the most", kPinsMax),
                 "'bmsg checkpoint rm HEIGHT' makes room"};
  list.push_back(pin);
  BMSG_TRY(pins.chain->set_checkpoints(list));
  if (!hash)
    context.out.warn(
        fmt::format("this store has no block {} yet: only a chain with this one will "
                    "be followed",
                    pin.height.value));
  return ExitCode::ok;
}

Result<ExitCode> run_list(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(auto list, chain->checkpoints());
  std::ranges::sort(list, {}, &node::Checkpoint::height);
  for (const node::Checkpoint& one : list) {
    context.out.line(context.options.json
                         ? api::pin_json(one.height, one.hash)
                         : fmt::format("{}:{}", one.height.value, to_hex(one.hash.view())));
  }
  return ExitCode::ok;
}

Result<ExitCode> run_rm(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto pins, Pins::open(context, store));
  BMSG_TRY_ASSIGN(auto list, pins.list());
  const auto is_named = [&](const auto& one) { return one.height.value == options.pinned; };
  if (std::erase_if(list, is_named) == 0)
    return Error{Errc::not_found, fmt::format("no block {} is pinned", options.pinned),
                 "'bmsg checkpoint list' shows what is"};
  BMSG_TRY(pins.chain->set_checkpoints(list));
  return ExitCode::ok;
}

}  // namespace

void add_checkpoint(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command checkpoint =
      add_command(app, context, "checkpoint", "Sign what the chain looks like, or pin it", options,
                  [](const Options& given, Context& within) -> Result<ExitCode> {
                    if (within.outcome) return *within.outcome;  // A verb has run.
                    return run_sign(given, within);
                  });
  checkpoint.allow_verb();
  checkpoint.add_option("height", options->height, "Up to this block").type_name("HEIGHT");
  const auto add = [&](const char* name, const char* says, auto work) {
    return add_command(checkpoint, context, name, says, options, work);
  };
  add("set", "Pin a block that must lie on the best chain", run_set)
      .add_option("block", options->block, "The block in full, or a note whose last it is")
      .required()
      .type_name("HEIGHT:HASH|FILE");
  add("list", "List the blocks that are pinned", run_list);
  add("rm", "Pin a block no more", run_rm)
      .add_option("height", options->pinned, "Which")
      .required()
      .type_name("HEIGHT");
}

void add_cosign(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command cosign =
      add_command(app, context, "cosign", "Sign somebody's checkpoint too", options, run_cosign);
  cosign.add_option("file", options->file, "A note, or - for input").required().type_name("FILE");
}

}  // namespace bmsg::cli
