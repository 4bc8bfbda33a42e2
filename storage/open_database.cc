// Opening and closing a database: what is looked at before RocksDB may touch anything.

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "lib/core/try.h"
#include "storage/database.h"
#include "storage/reader_env.h"
#include "storage/rocks_status.h"

namespace bmsg::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kReadTries = 20;
constexpr std::uint64_t kLogBytesKept = 128u << 10;
constexpr std::size_t kLogsKept = 3;
// RocksDB looks into each table as it opens a database, unless it may have few of them open: it
// takes no number below this one, and looks into two. The others follow where they are asked for.
constexpr int kTablesAtStart = 20;
constexpr std::size_t kTablesKept = 10;  // What is left of that when RocksDB took ten for itself.

/// The files that make up the database. While they stay the same, nothing was moved from one to
/// another.
Result<std::vector<std::string>> files_in(rocksdb::Env& env, const fs::path& directory) {
  std::vector<std::string> names;
  const auto status = env.GetChildren(directory.string(), &names);
  if (!status.ok()) return error_of(status, fmt::format("cannot list '{}'", directory.string()));
  std::ranges::sort(names);
  return names;
}

/// Whether no log was removed between two listings. A log that became a table while we read may
/// have been missed as both; one that is still there was read whole.
bool kept_logs(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  return std::ranges::all_of(before, [&after](const std::string& name) {
    return !name.ends_with(".log") || std::ranges::binary_search(after, name);
  });
}

/// From now on none is closed so that another can be open.
rocksdb::Status allow_all_tables(rocksdb::DB& db) {
  return db.SetDBOptions({{"max_open_files", "-1"}});
}

/// Opens for reading. Named families spare RocksDB its first try, as a compacted database, which
/// reads the same files twice.
rocksdb::Status open_once(const rocksdb::Options& options, const fs::path& directory,
                          ReaderEnv& env, std::unique_ptr<rocksdb::DB>& db) {
  env.begin();
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, options}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  auto status =
      rocksdb::DB::OpenForReadOnly(options, directory.string(), families, &handles, &opened);
  db.reset(opened);
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  if (status.ok()) status = env.hold_tables(*db);
  if (!status.ok() || env.tables() <= kTablesKept) return status;
  return allow_all_tables(*db);
}

/// What opening for writing finds: the logs, and the bytes that it may write anew, since logs
/// become a table and the manifest is copied.
struct Found {
  std::vector<std::string> empty_logs;
  std::size_t logs = 0;
  std::uint64_t logged = 0;
  std::uint64_t rewritten = 65536;
};

Found look_around(rocksdb::Env& env, const fs::path& directory) {
  std::vector<rocksdb::Env::FileAttributes> files;
  Found found;
  // A directory that cannot be listed is told by the open that follows.
  if (!env.GetChildrenFileAttributes(directory.string(), &files).ok()) return found;
  for (const auto& file : files) {
    const std::string_view name = file.name;
    const bool is_log = name.ends_with(".log");
    if (is_log || name.starts_with("MANIFEST-")) found.rewritten += file.size_bytes;
    if (!is_log) continue;
    if (file.size_bytes == 0) {
      found.empty_logs.push_back((directory / name).string());
      continue;
    }
    ++found.logs;
    found.logged += file.size_bytes;
  }
  return found;
}

/// Removes what commands left that opened for writing and wrote nothing: each that follows would
/// open it. Not while another program has the database: it may be about to write there.
void remove_empty(rocksdb::Env& env, const fs::path& directory,
                  const std::vector<std::string>& logs) {
  rocksdb::FileLock* lock = nullptr;
  if (logs.empty() || !env.LockFile((directory / "LOCK").string(), &lock).ok()) return;
  for (const std::string& log : logs) {
    std::uint64_t bytes = 0;
    if (env.GetFileSize(log, &bytes).ok() && bytes == 0) (void)env.DeleteFile(log);
  }
  (void)env.UnlockFile(lock);
}

/// Whether there is a database; what a crash left while one was being made is none yet.
/// Errors: Errc::corrupt if there is one that lost the file that says where it begins. RocksDB
///         would take the directory for empty and remove what is left.
Result<bool> is_database(rocksdb::Env& env, const fs::path& directory) {
  if (env.FileExists((directory / "CURRENT").string()).ok()) return true;
  std::vector<std::string> names;
  if (!env.GetChildren(directory.string(), &names).ok()) return false;
  const auto holds_records = [](std::string_view name) {
    return name.ends_with(".sst") || name.ends_with(".log");
  };
  if (std::ranges::none_of(names, holds_records)) return false;
  return Error{Errc::corrupt, fmt::format("'{}' lost its file CURRENT", directory.string())};
}

}  // namespace

Database::Database(fs::path directory, Access access, const OpenOptions& options)
    : directory_(std::move(directory)),
      access_(access),
      disk_(options.disk),
      env_(quiet_env(access, options.env)) {}

Database::~Database() {
  if (!db_) return;
  // Every command that opens it would read the log again. What fails loses nothing: all of it is
  // synced.
  if (logged_ > kLogBytesKept) (void)flush();
  if (access_ != Access::read) settle();
  (void)db_->Close();  // Whatever was acknowledged is synced already.
}

Result<std::unique_ptr<Database>> Database::open(const fs::path& directory, Access access,
                                                 const OpenOptions& options) {
  if (access == Access::create) BMSG_TRY(options.disk.make_directory(directory));
  std::unique_ptr<Database> made(new Database(directory, access, options));
  BMSG_TRY_ASSIGN(const bool exists, is_database(*made->env_, directory));
  if (!exists && access != Access::create) {
    return Error{Errc::not_found, fmt::format("no database in '{}'", directory.string())};
  }
  BMSG_TRY(access == Access::read ? made->open_for_reading() : made->open_engine());
  return made;
}

Result<Done> Database::open_engine() {
  const Found found = look_around(*env_, directory_);
  BMSG_TRY(make_room(found.rewritten));
  remove_empty(*env_, directory_, found.empty_logs);
  rocksdb::DB* opened = nullptr;
  const auto options = engine_options(access_, env_.get());
  // A few short logs are read faster than made into a table, which takes a sync.
  options->avoid_flush_during_recovery = found.logs <= kLogsKept && found.logged <= kLogBytesKept;
  if (options->avoid_flush_during_recovery) logged_ = found.logged;
  options->max_open_files = kTablesAtStart;
  auto status = rocksdb::DB::Open(*options, directory_.string(), &opened);
  db_.reset(opened);
  if (status.ok()) status = allow_all_tables(*db_);
  if (status.ok()) return done;
  return open_error_of(status, fmt::format("cannot open '{}'", directory_.string()));
}

Result<Done> Database::open_for_reading() {
  const auto options = engine_options(access_, env_.get());
  options->max_open_files = kTablesAtStart;
  options->table_cache_numshardbits = 0;  // Of several shards each would take one.
  auto& env = dynamic_cast<ReaderEnv&>(*env_);
  rocksdb::Status status;
  for (int tries = 0; tries < kReadTries; ++tries) {
    BMSG_TRY_ASSIGN(const auto before, files_in(*env_, directory_));
    status = open_once(*options, directory_, env, db_);
    BMSG_TRY_ASSIGN(const auto after, files_in(*env_, directory_));
    if (status.ok() && kept_logs(before, after)) return done;
    if (before == after) {
      return open_error_of(status, fmt::format("cannot open '{}'", directory_.string()));
    }
  }
  // Files moved at each try: what was missing is no damage.
  db_.reset();
  return Error{Errc::try_again,
               fmt::format("cannot open '{}': its writer is too busy", directory_.string())};
}

}  // namespace bmsg::storage
