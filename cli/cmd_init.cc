// bmsg init: make a store, of a new chain or of one that exists.

#include <fmt/format.h>

#include <charconv>

#include "cli/command.h"
#include "cli/environment.h"
#include "cli/join.h"
#include "cli/keyring_file.h"
#include "cli/make_store.h"
#include "cli/new_owner.h"
#include "cli/node_key.h"
#include "lib/chain/rules_text.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr int kFloorBitsMax = 64;
constexpr std::size_t kNameBytesMax = 64;

struct Options {
  std::string directory;
  OwnerOptions owner;
  std::string chain_name;
  int floor_bits = 24;
  std::string interval = "600";
  std::uint32_t stamp = 16;
  bool is_private = false;
  std::uint32_t endorse = 0;  // 0: two thirds.
  std::vector<std::string> endorsers;
  std::vector<std::string> members;
  std::string genesis;
  bool no_sync = false;
  bool if_missing = false;
};

/// The compact form of 0xffff·2^(240−bits).
CompactTarget floor_of(int bits) {
  Target target;
  for (int i = 0; i < 16; ++i) {
    const int at = bits + i;  // Counted from the most significant bit.
    target.data()[at / 8] = static_cast<std::uint8_t>(target.data()[at / 8] | 0x80 >> at % 8);
  }
  return chain::compact_of(target);
}

/// A name reduced to what a chain's name may hold.
std::string reduced(const std::string& name) {
  std::string kept;
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool fits = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                      lower == '.' || lower == '-';
    if (fits && kept.size() < kNameBytesMax) kept += lower;
  }
  return kept.empty() ? "bmsg" : kept;
}

template <class Key>
Result<std::vector<Key>> keys_of(const char* option, const std::vector<std::string>& texts) {
  std::vector<Key> keys;
  for (const std::string& text : texts) {
    const auto key = fixed_from_hex<Key>(text);
    if (!key)
      return Error{Errc::bad_usage,
                   fmt::format("{} '{}': give 64 lower-case hex digits", option, text)};
    keys.push_back(*key);
  }
  return keys;
}

/// Blocks are signed by k of n. What one cron run in the slot can miss is said.
Result<Done> make_private(chain::RulesText& rules, const Options& options, Context& context) {
  constexpr std::uint32_t kCronSeconds = 300;  // What most endorsers will run with.
  rules.mode = chain::Mode::endorse;
  BMSG_TRY_ASSIGN(rules.endorsers, keys_of<EndorserKey>("--endorser", options.endorsers));
  BMSG_TRY_ASSIGN(rules.members, keys_of<NodeKey>("--member", options.members));
  rules.access = rules.members.empty() ? chain::Access::open : chain::Access::members;
  const auto n = static_cast<std::uint32_t>(rules.endorsers.size());
  if (n == 0)
    return Error{Errc::bad_usage, "--private: name the endorsers by --endorser KEY",
                 "'bmsg endorsers key --new FILE' makes a key and prints its public half"};
  rules.endorse = options.endorse > 0 ? options.endorse : (2 * n + 2) / 3;
  if (rules.endorse > n)
    return Error{Errc::bad_usage,
                 fmt::format("--endorse {}: there are only {} endorsers", rules.endorse, n)};
  if (2 * rules.endorse <= n)
    return Error{
        Errc::bad_usage,
        fmt::format("--endorse {} of {}: two halves could seal two pasts; {} are the fewest",
                    rules.endorse, n, n / 2 + 1)};
  if (rules.interval < 2 * kCronSeconds)
    context.out.warn(
        fmt::format("--interval {}: endorsers who run less often than every {} s may seal a height "
                    "twice; {} fits a cron line of every five minutes",
                    rules.interval, rules.interval / 2, 2 * kCronSeconds));
  return done;
}

Result<std::string> new_rules(const Options& options, const std::filesystem::path& directory,
                              Context& context) {
  chain::RulesText rules;
  rules.name =
      reduced(options.chain_name.empty() ? directory.filename().string() : options.chain_name);
  if (!options.chain_name.empty() && rules.name != options.chain_name) {
    return Error{Errc::bad_usage, fmt::format("--chain-name '{}': use 1 to 64 of a-z, 0-9, . and -",
                                              options.chain_name)};
  }
  if (options.floor_bits < 0 || options.floor_bits > kFloorBitsMax) {
    return Error{Errc::bad_usage,
                 fmt::format("--floor {}: give 0 to {} bits", options.floor_bits, kFloorBitsMax)};
  }
  BMSG_TRY_ASSIGN(const auto interval, parse_duration(options.interval));
  rules.interval = static_cast<std::uint32_t>(std::min<std::uint64_t>(interval, UINT32_MAX));
  rules.halflife =
      12 * static_cast<std::uint32_t>(std::min<std::uint64_t>(interval, UINT32_MAX / 12));
  rules.floor = floor_of(options.floor_bits);
  if (options.is_private) BMSG_TRY(make_private(rules, options, context));
  if (!options.is_private &&
      (options.endorse > 0 || !options.endorsers.empty() || !options.members.empty()))
    return Error{Errc::bad_usage, "--endorse, --endorser and --member go with --private"};
  rules.stamp = options.stamp;
  rules.blobstamp = options.stamp == 0 ? 0 : 1;
  // A block must come after its parent: one minute back, the first can be mined at once.
  rules.time = static_cast<std::uint32_t>(context.clock.now().value - 60);
  if (options.stamp == 0 && !options.is_private)
    context.out.warn("--stamp 0: anybody can fill the pool of this open chain for nothing");
  std::string text = chain::print(rules);
  if (auto parsed = chain::parse_rules_text(text); !parsed) {
    return Error{Errc::bad_usage, parsed.error().message};
  }
  return text;
}

Result<std::string> read_rules_file(const std::string& file, const Context& context) {
  BMSG_TRY_ASSIGN(const auto bytes, context.disk.read(file, kRulesTextBytesMax));
  if (!bytes) return Error{Errc::not_found, fmt::format("no file '{}'", file)};
  auto parsed = chain::parse_chain_rules(as_text(*bytes));
  if (!parsed) return in_context("'" + file + "'", parsed.error());
  return to_string(*bytes);
}

Result<std::filesystem::path> target_directory(const Options& options, const Context& context) {
  std::filesystem::path chosen = options.directory;
  if (chosen.empty()) chosen = context.options.store;
  if (chosen.empty()) chosen = from_environment("BMSG_STORE");
  if (chosen.empty()) chosen = default_store();
  if (chosen.empty())
    return Error{Errc::bad_config, "neither HOME nor XDG_DATA_HOME names a directory",
                 "say where the store is to be, or export HOME, from the root on"};
  std::error_code reason;
  const auto absolute = std::filesystem::absolute(chosen, reason);
  if (reason) return Error{Errc::io, fmt::format("no working directory: {}", reason.message())};
  // "dir/" means dir.
  return (absolute.has_filename() ? absolute : absolute.parent_path()).lexically_normal();
}

/// An existing store is fine with --if-missing, if it is of the chain that was asked for.
Result<std::optional<StoreDir>> existing(const Options& options,
                                         const std::filesystem::path& directory,
                                         const std::string& rules_text, Context& context) {
  const StoreDir store(directory);
  BMSG_TRY_ASSIGN(const auto format, context.disk.read(store.format(), 4096));
  if (!format) return std::optional<StoreDir>();
  if (!options.if_missing) return std::optional<StoreDir>();  // make_store says that it exists.
  BMSG_TRY(check_store(store, context.disk));
  BMSG_TRY_ASSIGN(const auto genesis, context.disk.read(store.genesis(), kRulesTextBytesMax));
  const bool other = !rules_text.empty() && (!genesis || as_text(*genesis) != rules_text);
  if (other)
    return Error{Errc::exists,
                 fmt::format("the store in '{}' is of another chain", directory.string())};
  std::error_code unread;
  if (options.owner.light && !std::filesystem::exists(store.light(), unread))
    return Error{Errc::exists,
                 fmt::format("the store in '{}' is no light one", directory.string())};
  return std::optional(store);
}

/// Of the store that is to be. One that is there already is who it is.
Result<crypto::SecretBytes> node_seed(const Options& options,
                                      const std::filesystem::path& directory, Context& context) {
  const StoreDir store(directory);
  BMSG_TRY_ASSIGN(const auto format, context.disk.read(store.format(), 4096));
  if (format && options.if_missing) return read_node_seed_file(context.disk, store.node_key());
  return node_seed_for_new(context, options.owner.node_key);
}

Result<std::string> rules_to_use(const Options& options, const std::filesystem::path& directory,
                                 const crypto::SecretBytes& seed, Context& context) {
  if (options.genesis.empty()) return new_rules(options, directory, context);
  if (is_node_url(options.genesis)) {
    BMSG_TRY_ASSIGN(auto met,
                    meet(context, options.genesis,
                         {.node_seed = seed, .is_kept = !options.owner.node_key.empty()}));
    return std::move(met.rules_text);
  }
  return read_rules_file(options.genesis, context);
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto directory, target_directory(options, context));
  BMSG_TRY_ASSIGN(auto seed, node_seed(options, directory, context));
  std::string asked_for;
  if (!options.genesis.empty()) {
    BMSG_TRY_ASSIGN(asked_for, rules_to_use(options, directory, seed, context));
  }
  BMSG_TRY_ASSIGN(const auto there, existing(options, directory, asked_for, context));
  if (there) {
    BMSG_TRY_ASSIGN(const auto address, address_if_open(context, *there));
    BMSG_TRY(report_store(context, *there, address));
    return ExitCode::ok;
  }
  if (asked_for.empty()) {
    BMSG_TRY_ASSIGN(asked_for, new_rules(options, directory, context));
  }
  BMSG_TRY_ASSIGN(auto wanted, store_for(context, options.owner, asked_for, directory));
  wanted.node_seed = std::move(seed);
  wanted.is_new_chain = options.genesis.empty();
  RevocationPaper paper(context, options.owner.revocation);
  wanted.paper = &paper;
  auto made = make_store(context, directory, std::move(wanted));
  if (!made && made.error().code == Errc::denied) return Error{Errc::exists, made.error().message};
  if (!made) return made.error();
  BMSG_TRY(paper.hand_out());
  if (is_node_url(options.genesis)) {
    BMSG_TRY(join_peer(context, made.value().store, options.genesis,
                       options.no_sync ? FirstSync::no : FirstSync::yes));
  }
  BMSG_TRY(report_store(context, made.value().store, made.value().address));
  return ExitCode::ok;
}

/// Of a new chain: one that exists has its own.
void add_rules_options(Command command, Options& options, Parameter genesis) {
  const auto of_new = [&](Parameter one, const char* type) {
    one.excludes(genesis);
    if (type != nullptr) one.type_name(type);
  };
  of_new(command.add_option("--chain-name", options.chain_name, "Name of the new chain"), "NAME");
  of_new(command.add_option("--floor", options.floor_bits,
                            "Leading zero bits of the easiest block (24)"),
         "BITS");
  of_new(command.add_option("--interval", options.interval, "Wanted time between blocks (600)"),
         "DUR");
  of_new(command.add_option("--stamp", options.stamp, "Hashes per byte and day of a message (16)"),
         "RATE");
  of_new(command.add_flag("--private", options.is_private, "Blocks are signed by k of n endorsers"),
         nullptr);
  of_new(command.add_option("--endorse", options.endorse, "How many must sign (two thirds)"), "K");
  of_new(command.add_option("--endorser", options.endorsers,
                            "The key of one who signs; more than once"),
         "KEY");
  of_new(command.add_option("--member", options.members,
                            "The key of a node that may sync; more than once"),
         "KEY");
}

}  // namespace

void add_init(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command command = add_command(app, context, "init",
                                "Make a store, of a new chain or an existing one", options, run);
  command.add_option("directory", options->directory, "Where; it becomes the store")
      .type_name("DIR");
  Parameter genesis = command.add_option("--genesis", options->genesis,
                                         "Join the chain of this rules text or node");
  genesis.type_name("FILE|URL");
  add_rules_options(command, *options, genesis);
  command.add_flag("--no-sync", options->no_sync, "With a URL: do not sync yet");
  add_owner_options(command, options->owner);
  command.add_flag("--if-missing", options->if_missing, "An existing store is success");
}

}  // namespace bmsg::cli
