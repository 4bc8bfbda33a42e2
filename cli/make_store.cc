#include "cli/make_store.h"

#include <fmt/format.h>

#include <array>

#include "cli/endorser_key.h"
#include "cli/keyring_file.h"
#include "cli/node_key.h"
#include "lib/chain/rules_text.h"
#include "lib/core/check.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sign.h"
#include "lib/mail/outbox.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 16> kOwnNames = {
    "endorser.log", "genesis", "chain",          "chain.lock", "mail",   "mail.lock",
    "witness",      "keys",    "contacts.jsonl", "cards",      "outbox", "run",
    "hooks",        "ballast", "config.toml",    "light"};

/// The last that is made: with it the directory is a store.
constexpr std::string_view kFormat = "format";

/// There from before the first thing that is made until the last: what lies beside it was never
/// told to anybody, and goes. Without it a folder that is called "mail" is somebody's.
constexpr std::string_view kUnfinished = "unfinished";

/// The NAME of what is left of a write that did not end, ".NAME.XXXXXX"; empty: no such thing.
std::string_view name_of_unwritten(std::string_view name) {
  const std::size_t end = name.rfind('.');
  if (!name.starts_with('.') || end == 0) return {};
  return name.substr(1, end - 1);
}

/// One of ours that an init may leave when it is killed.
bool is_own(std::string_view name) {
  const std::string_view unwritten = name_of_unwritten(name);
  if (unwritten == kFormat || unwritten == kUnfinished) return true;
  return std::ranges::find(kOwnNames, unwritten.empty() ? name : unwritten) != kOwnNames.end();
}

/// Refuses a directory with anything in it that no earlier attempt of ours has left.
Result<Done> check_free(const fs::path& directory, const Disk& disk) {
  BMSG_TRY_ASSIGN(const auto names, disk.list(directory));
  const auto has = [&](std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (has(kFormat))
    return Error{Errc::exists, fmt::format("there is a store in '{}' already", directory.string())};
  const bool is_unfinished = has(kUnfinished);
  for (const std::string& name : names) {
    if (name == "chain.lock" || name == kUnfinished || name_of_unwritten(name) == kUnfinished)
      continue;
    if (!is_unfinished || !is_own(name)) {
      return Error{Errc::exists,
                   fmt::format("'{}' is not empty: it holds '{}'", directory.string(), name)};
    }
  }
  return done;
}

Result<Done> remove_leftovers(const fs::path& directory, const Disk& disk) {
  BMSG_TRY_ASSIGN(const auto names, disk.list(directory));
  for (const std::string& name : names) {
    if (name == "chain.lock" || !is_own(name)) continue;  // That lock we hold.
    std::error_code reason;
    fs::remove_all(directory / name, reason);
    if (reason)
      return Error{
          code_of(reason.value(), Errc::io),
          fmt::format("cannot remove '{}': {}", (directory / name).string(), reason.message())};
  }
  return done;
}

Result<Done> make_node_key(Context& context, const StoreDir& store,
                           std::optional<crypto::SecretBytes> seed_given) {
  auto any = seed_given ? Result<crypto::SecretBytes>(std::move(*seed_given))
                        : crypto::random_secret(context.entropy, crypto::kSeedBytes);
  BMSG_TRY_ASSIGN(const auto seed, std::move(any));
  return context.disk.replace(store.node_key(), node_key_text(seed).view());
}

Result<std::optional<IdentityKey>> make_identity(Context& context, const StoreDir& store,
                                                 NewStore& wanted, const chain::ChainRules& rules) {
  BMSG_TRY_ASSIGN(auto keyring, mail::make_keyring(context.entropy));
  OpenKeyring open{std::move(keyring), crypto::SecretBytes(), mail::kNoPassphraseCost};
  if (wanted.passphrase) {
    open.passphrase = std::move(*wanted.passphrase);
    open.cost = crypto::ScryptCost{};
  }
  open.keyring.rooms = std::move(wanted.rooms);
  if (!wanted.identity) {
    BMSG_TRY(save_keyring(context, store, open));
    return std::optional<IdentityKey>();
  }
  BMSG_TRY_ASSIGN(auto identity, mail::make_identity(*wanted.identity, 0, context.entropy));
  const IdentityKey address = identity.address();
  check(wanted.paper != nullptr, "an identity without its paper");
  BMSG_TRY(wanted.paper->write(identity));
  open.keyring.identities.push_back(std::move(identity));
  BMSG_TRY(issue_card(context, store, open, *wanted.identity, rules));
  return std::optional(address);
}

Result<Done> make_ballast(Context& context, const StoreDir& store) {
  // Bytes that no file system compresses away; without room for them the store works as well.
  Bytes bytes(kBallastBytes);
  BMSG_TRY(context.entropy.fill(bytes));
  (void)context.disk.replace(store.ballast(), bytes);  // Best effort, as said above.
  return done;
}

}  // namespace

Result<MadeStore> make_store(Context& context, const fs::path& directory, NewStore wanted) {
  BMSG_TRY_ASSIGN(const auto rules, chain::parse_chain_rules(wanted.rules_text));
  BMSG_TRY(check_free(directory, context.disk));
  BMSG_TRY(context.disk.make_directory(directory));
  const StoreDir store(directory);
  BMSG_TRY_ASSIGN(const auto lock, FileLock::take(store.chain_lock(), "init",
                                                  std::chrono::seconds(10), context.clock));
  BMSG_TRY(check_free(directory, context.disk));
  BMSG_TRY(remove_leftovers(directory, context.disk));
  BMSG_TRY(context.disk.replace(directory / kUnfinished, {}));
  for (const auto& part :
       {store.keyring().parent_path(), store.cards(), store.run(), directory / "hooks"}) {
    BMSG_TRY(context.disk.make_directory(part));
  }
  BMSG_TRY(mail::Outbox(context.disk, store.outbox()).prepare());
  BMSG_TRY(context.disk.sync_directory(store.outbox()));
  BMSG_TRY(context.disk.replace(store.genesis(), as_bytes(wanted.rules_text)));
  if (wanted.light) BMSG_TRY(context.disk.replace(store.light(), {}));
  const storage::OpenOptions options{.disk = context.disk, .witness = store.witness()};
  BMSG_TRY_ASSIGN(auto chain_store, storage::RocksStore::create(
                                        store.chain(), wanted.rules_text, options,
                                        wanted.light ? node::Keeps::heads : node::Keeps::all));
  chain_store.reset();
  BMSG_TRY(make_node_key(context, store, std::move(wanted.node_seed)));
  if (wanted.endorser_seed)
    BMSG_TRY(give_endorser_key(context, store, *wanted.endorser_seed, wanted.is_new_chain));
  BMSG_TRY_ASSIGN(const auto address, make_identity(context, store, wanted, rules));
  BMSG_TRY(make_ballast(context, store));
  BMSG_TRY(context.disk.replace(store.format(), as_bytes(kStoreFormat)));
  BMSG_TRY(context.disk.remove(directory / kUnfinished));
  BMSG_TRY(context.disk.sync_directory(directory));
  BMSG_TRY(context.disk.sync_directory(directory.parent_path().empty() ? fs::path(".")
                                                                       : directory.parent_path()));
  return MadeStore{store, address};
}

}  // namespace bmsg::cli
