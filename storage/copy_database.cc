#include "storage/copy_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lib/core/try.h"

namespace bmsg::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kTries = 200;  // A try takes milliseconds.
constexpr std::size_t kFileBytesMax = std::size_t{1} << 33;

bool is_table(const std::string& name) { return name.ends_with(".sst"); }

/// What makes up a database; not its lock, diaries and leftovers.
bool is_part(const std::string& name) {
  return is_table(name) || name.ends_with(".log") || name.starts_with("MANIFEST-") ||
         name == "CURRENT" || name == "IDENTITY";
}

Result<std::vector<std::string>> parts_of(const Disk& disk, const fs::path& directory) {
  BMSG_TRY_ASSIGN(auto names, disk.list(directory));
  std::erase_if(names, [](const std::string& name) { return !is_part(name); });
  // The manifest names tables and logs, so it is read before them: what it names is then there.
  std::ranges::stable_partition(names, [](const std::string& name) {
    return name == "CURRENT" || name.starts_with("MANIFEST-");
  });
  return names;
}

/// False if the file went away meanwhile.
Result<bool> copy_file(Disk& disk, const fs::path& from, const fs::path& to) {
  if (is_table(from.filename().string()) && disk.link(from, to)) return true;
  BMSG_TRY_ASSIGN(const auto bytes, disk.read(from, kFileBytesMax));
  if (!bytes) return false;
  BMSG_TRY(disk.create(to, *bytes));
  return true;
}

Result<bool> try_copy(Disk& disk, const fs::path& from, const fs::path& to) {
  BMSG_TRY_ASSIGN(const auto names, parts_of(disk, from));
  for (const std::string& name : names) {
    BMSG_TRY_ASSIGN(const bool copied, copy_file(disk, from / name, to / name));
    if (!copied) return false;
  }
  BMSG_TRY_ASSIGN(const auto after, parts_of(disk, from));
  return after == names;
}

Result<Done> empty(Disk& disk, const fs::path& directory) {
  BMSG_TRY_ASSIGN(const auto names, disk.list(directory));
  for (const std::string& name : names) BMSG_TRY(disk.remove(directory / name));
  return done;
}

}  // namespace

Result<Done> copy_database(Disk& disk, const fs::path& from, const fs::path& to) {
  BMSG_TRY(disk.make_directory(to));
  for (int tries = 0; tries < kTries; ++tries) {
    BMSG_TRY(empty(disk, to));
    BMSG_TRY_ASSIGN(const bool copied, try_copy(disk, from, to));
    if (copied) return done;
  }
  return Error{Errc::try_again,
               fmt::format("cannot copy '{}': its writer is too busy", from.string())};
}

}  // namespace bmsg::storage
