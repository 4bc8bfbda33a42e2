// bmsg backup: a store as one archive, made while it is in use.

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <set>
#include <string_view>

#include "cli/archive.h"
#include "cli/beside.h"
#include "cli/command.h"
#include "cli/new_file.h"
#include "cli/plumbing.h"
#include "cli/session.h"
#include "lib/api/json_objects.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/node/blob_directory.h"
#include "storage/copy_database.h"
#include "storage/rocks_mail_store.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string file;
  bool no_keys = false;
};

constexpr std::size_t kFileBytesMax = kTarFileBytesMax;

/// Removes what an older bmsg that was killed has left: its second names keep tables from being
/// freed. Its number may be ours by now.
Result<Done> sweep(const Disk& disk, const fs::path& run) {
  constexpr std::string_view kPrefix = "backup.";
  BMSG_TRY_ASSIGN(const auto names, disk.list(run));
  for (const std::string& name : names) {
    if (!name.starts_with(kPrefix)) continue;
    const int pid = std::atoi(name.c_str() + kPrefix.size());
    const bool is_gone = pid == ::getpid() || (::kill(pid, 0) != 0 && errno == ESRCH);
    std::error_code ignored;  // The next backup tries again.
    if (pid > 0 && is_gone) fs::remove_all(run / name, ignored);
  }
  return done;
}

class Backup {
 public:
  Backup(Context& context, StoreDir store, ArchiveWriter& archive)
      : context_(context),
        store_(std::move(store)),
        archive_(archive),
        work_(context.disk, store_.run() / "backup") {}

  /// In an order in which nothing falls between two parts: what leaves the outbox goes into the
  /// chain, what is found in the chain goes into the index, keys are saved before their cards, and
  /// chunks of a file lie on their shelf before its message goes into the outbox.
  Result<Done> run(bool with_keys) {
    BMSG_TRY(sweep(context_.disk, store_.run()));
    BMSG_TRY(work_.make("backup"));
    BMSG_TRY(archive_.begin());
    for (const char* file : {"format", "genesis", "config.toml", "policies.toml", "contacts.jsonl",
                             "light", "signed-checkpoint", "signed-charters"})
      BMSG_TRY(add_file(file));
    BMSG_TRY(add_outbox());
    BMSG_TRY(storage::copy_database(context_.disk, store_.mail(), work_.path() / "mail"));
    BMSG_TRY(add_chain());
    BMSG_TRY(check_index());
    BMSG_TRY(add_folder(work_.path() / "mail", "mail"));
    for (const char* folder : {"cards", "hooks"})
      BMSG_TRY(add_folder(store_.root() / folder, folder));
    BMSG_TRY(add_chunks());
    if (with_keys) BMSG_TRY(add_folder(store_.keyring().parent_path(), "keys"));
    return archive_.finish();
  }

 private:
  /// False if it is not there (any more).
  Result<bool> add(const fs::path& file, const std::string& path) {
    BMSG_TRY_ASSIGN(const auto bytes, context_.disk.read(file, kFileBytesMax));
    if (!bytes) return false;
    const bool executable = ::access(file.c_str(), X_OK) == 0 && path.starts_with("hooks/");
    BMSG_TRY(archive_.add(path, *bytes, executable));
    return true;
  }
  Result<Done> add_file(const std::string& name) {
    BMSG_TRY(add(store_.root() / name, name));
    return done;
  }
  Result<Done> add_folder(const fs::path& folder, const std::string& path) {
    BMSG_TRY_ASSIGN(const auto names, context_.disk.list(folder));
    for (const std::string& name : names) {
      if (is_store_path(path + "/" + name) && fs::is_regular_file(folder / name))
        BMSG_TRY(add(folder / name, path + "/" + name));
    }
    return done;
  }

  /// Of files that we have sent, one chunk at a time; others' chunks are a cache. What has
  /// expired is left out, and so is what is too long for a chunk: it counts as absent here, too.
  Result<Done> add_chunks() {
    for (const char digit : std::string_view("0123456789abcdef")) {
      const std::string path = fmt::format("blobs/own/{}", digit);
      BMSG_TRY_ASSIGN(const auto names, context_.disk.list(store_.root() / path));
      for (const std::string& name : names) {
        const std::string file = fmt::format("{}/{}", path, name);
        const auto blob = node::blob_named(name);
        if (!blob || blob->expiry <= context_.clock.now().value || !is_store_path(file) ||
            !fs::is_regular_file(store_.root() / file))
          continue;
        const auto bytes = context_.disk.read(store_.root() / file, kChunkMessageBytesMax);
        if (!bytes && bytes.error().code == Errc::corrupt) continue;
        if (!bytes) return bytes.error();
        if (bytes.value()) BMSG_TRY(archive_.add(file, *bytes.value()));
      }
    }
    return done;
  }

  /// A message moves from `new` to `cur` when a node takes it: whoever is missed in the first is
  /// found in the second. A pack that is unpacked meanwhile is found as files the second time.
  Result<Done> add_outbox() {
    std::set<std::string> added;
    for (const char* place : {"held", "new", "cur", "new", "cur", "failed", "keys", "seq"}) {
      const fs::path folder = store_.outbox() / place;
      BMSG_TRY_ASSIGN(const auto names, context_.disk.list(folder));
      const bool once = std::string_view(place) == "new" || std::string_view(place) == "cur";
      for (const std::string& name : names) {
        const std::string path = fmt::format("outbox/{}/{}", place, name);
        if (!is_store_path(path) || (once && added.contains(name))) continue;
        BMSG_TRY_ASSIGN(const bool there, add(folder / name, path));
        if (there && once) added.insert(name);
      }
    }
    return done;
  }

  /// A copy of no index is none.
  Result<Done> check_index() {
    const fs::path copy = work_.path() / "mail";
    BMSG_TRY_ASSIGN(const auto names, context_.disk.list(copy));
    if (names.empty()) return done;
    BMSG_TRY_ASSIGN(const auto index,
                    storage::RocksMailStore::open_read_only(copy, {.disk = context_.disk}));
    return index->verify_checksums();
  }
  Result<Done> add_chain() {
    BMSG_TRY_ASSIGN(const auto witness, context_.disk.read(store_.witness(), 4096));
    const fs::path copy = work_.path() / "chain";
    BMSG_TRY(storage::copy_database(context_.disk, store_.chain(), copy));
    const fs::path copied_witness = work_.path() / "witness";
    if (witness) BMSG_TRY(context_.disk.create(copied_witness, *witness));
    // A damaged store makes no backup that would replace a good one.
    BMSG_TRY_ASSIGN(
        const auto chain,
        storage::RocksStore::open_read_only(
            copy, {.disk = context_.disk, .witness = copied_witness, .genesis = store_.genesis()}));
    BMSG_TRY(chain->verify_checksums());
    BMSG_TRY(add(copied_witness, "witness"));
    return add_folder(copy, "chain");
  }

  Context& context_;
  StoreDir store_;
  ArchiveWriter& archive_;
  Beside work_;  // Inside the store, on its file system; gone at the end.
};

Result<Done> write_archive(const Options& options, Context& context, const StoreDir& store,
                           int descriptor, const std::string& name, api::SummaryView& summary) {
  ArchiveWriter archive(descriptor, name, context.clock.now().value);
  BMSG_TRY(Backup(context, store, archive).run(!options.no_keys));
  summary.numbers = {{"files", static_cast<double>(archive.files())},
                     {"bytes", static_cast<double>(archive.bytes())}};
  return done;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  api::SummaryView summary{.command = "backup", .numbers = {}, .texts = {}};
  const auto began = context.clock.steady();
  if (options.file == "-") {
    BMSG_TRY(check_no_terminal(context));
    BMSG_TRY(write_archive(options, context, store, STDOUT_FILENO, "standard output", summary));
    return ExitCode::ok;
  }
  NewFile file(context.disk, options.file);
  BMSG_TRY_ASSIGN(const int descriptor, file.open());
  BMSG_TRY(write_archive(options, context, store, descriptor, "'" + options.file + "'", summary));
  BMSG_TRY(file.publish());
  summary.elapsed = std::chrono::duration<double>(context.clock.steady() - began).count();
  if (context.options.json) context.out.line(api::summary_json(summary));
  return ExitCode::ok;
}

}  // namespace

void add_backup(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command backup =
      add_command(app, context, "backup", "Write the store into an archive", options, run);
  backup.add_option("file", options->file, "A new file, or - for output")
      .required()
      .type_name("FILE");
  backup.add_flag("--no-keys", options->no_keys, "Without the keys");
}

}  // namespace bmsg::cli
