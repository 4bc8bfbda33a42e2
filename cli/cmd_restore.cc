// bmsg restore: a new store from an archive.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/archive.h"
#include "cli/aside.h"
#include "cli/beside.h"
#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/node_key.h"
#include "cli/salvage.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/api/json_objects.h"
#include "lib/core/descriptor.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sign.h"
#include "lib/mail/outbox.h"
#include "lib/node/verifier.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string file;
  std::string directory;
};

/// Numbers left free for cards that were made after the backup: one a week for ten years.
constexpr std::uint64_t kCardsSkipped = 520;
/// And for secrets of a room: one a week for twenty years.
constexpr std::uint32_t kEpochsSkipped = 1040;

/// What a store must have whether or not there was anything in it.
Result<Done> complete(Context& context, const StoreDir& store) {
  for (const auto& part :
       {store.keyring().parent_path(), store.cards(), store.run(), store.root() / "hooks"}) {
    BMSG_TRY(context.disk.make_directory(part));
  }
  BMSG_TRY_ASSIGN(const auto node_key, context.disk.read(store.node_key(), 1024));
  if (!node_key) {  // The backup was made without keys.
    BMSG_TRY_ASSIGN(const auto seed, crypto::random_secret(context.entropy, crypto::kSeedBytes));
    BMSG_TRY(context.disk.create(store.node_key(), node_key_text(seed).view()));
  }
  return mail::Outbox(context.disk, store.outbox()).prepare();
}

/// Everything that can be judged without a key.
Result<Done> verify(Context& context, const StoreDir& store) {
  BMSG_TRY(check_store(store, context.disk));
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto chain, storage::RocksStore::open_read_only(
                                        store.chain(), chain_options(context, store)));
  BMSG_TRY_ASSIGN(const auto report, node::verify(*chain, rules, node::VerifyWish()));
  if (!report.faults.empty()) {
    const node::Fault& fault = report.faults.front();
    return Error{Errc::corrupt, fmt::format("the chain in the backup is damaged at height {}: {}",
                                            fault.height.value, fault.kind)};
  }
  return done;
}

/// The index alone is no reason to have nothing: it is made anew of chain and keys. Where it is
/// kept, empty if it is sound.
Result<std::string> check_index(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto damage, find_index_damage(context, store));
  if (damage.empty()) return std::string();
  const fs::path aside = free_name_aside(context, store.mail());
  BMSG_TRY(context.disk.rename(store.mail(), aside));
  return aside.filename().string();
}

/// Secrets that were granted after the backup are lost, and members take no second one for an
/// epoch.
Result<Done> leave_out_epochs(Context& context, const StoreDir& store, OpenKeyring& open) {
  std::vector<std::string> kept;
  for (mail::Room& room : open.keyring.rooms) {
    if (open.keyring.find(room.keeper) == nullptr) continue;
    room.skip = kEpochsSkipped;
    kept.push_back(shown_line(room.name));
  }
  if (kept.empty()) return done;
  BMSG_TRY(save_keyring(context, store, open));
  context.out.warn(fmt::format(
      "rooms that you keep are as they were at the backup: {}; put out whom you had put out since, "
      "then grant a new secret by 'bmsg room rotate'",
      fmt::join(kept, ", ")));
  return done;
}

/// Prekeys of cards that were made after the backup are lost, so mail is to come to a new one.
Result<Done> queue_cards(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto rules, rules_now(context, store));
  BMSG_TRY_ASSIGN(auto open, unlock_keyring(context, store));
  BMSG_TRY(leave_out_epochs(context, store, open));
  std::vector<std::string> names;
  for (const mail::Identity& identity : open.keyring.identities) names.push_back(identity.name);
  for (const std::string& name : names)
    BMSG_TRY(issue_card(context, store, open, name, rules, kCardsSkipped));
  return done;
}

Result<ExitCode> finish(Context& context, const StoreDir& store, Beside& beside) {
  const auto cards = queue_cards(context, store);
  const bool has_keys = cards || cards.error().code != Errc::not_found;
  if (!cards && cards.error().code != Errc::denied && has_keys) return cards.error();
  BMSG_TRY(beside.publish());
  if (cards || !has_keys) return ExitCode::ok;
  context.out.warn("no fresh card is queued, since " + cards.error().message);
  return ExitCode::partial;
}

Result<ExitCode> run(const Options& options, Context& context) {
  Descriptor opened;
  if (options.file != "-") {
    opened = Descriptor(::open(options.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!opened)
      return Error{code_of(errno, Errc::not_found),
                   fmt::format("cannot open '{}': {}", options.file, std::strerror(errno))};
  } else if (::isatty(STDIN_FILENO) == 1) {
    return Error{Errc::bad_usage, "a backup is no text to type; name its file"};
  }
  Beside beside(context.disk, whole_path(options.directory));
  BMSG_TRY(beside.make("restore"));
  const int descriptor = opened ? opened.number() : STDIN_FILENO;
  BMSG_TRY(ArchiveReader(descriptor, context.disk, beside.path()).unpack());
  const StoreDir store(beside.path());
  BMSG_TRY(complete(context, store));
  BMSG_TRY(verify(context, store));
  BMSG_TRY_ASSIGN(const auto damaged_index, check_index(context, store));
  BMSG_TRY_ASSIGN(auto outcome, finish(context, store, beside));
  if (!damaged_index.empty()) {
    context.out.warn(fmt::format(
        "the private index in the backup is damaged and kept as '{}'; the next command that reads "
        "mail makes it anew, but flags, positions of readers, and the keys of what was sent are "
        "lost",
        (beside.target() / damaged_index).string()));
    outcome = ExitCode::partial;
  }
  if (context.options.json) {
    context.out.line(api::summary_json({.command = "restore",
                                        .numbers = {},
                                        .texts = {{"path", beside.target().string()}},
                                        .elapsed = 0}));
  }
  return outcome;
}

}  // namespace

void add_restore(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command restore =
      add_command(app, context, "restore", "Make a store from an archive", options, run);
  restore.add_option("file", options->file, "What backup wrote, or - for input")
      .required()
      .type_name("FILE");
  restore.add_option("directory", options->directory, "Where the store is to be")
      .required()
      .type_name("DIR");
}

}  // namespace bmsg::cli
