#include "cli/store_dir.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/environment.h"
#include "cli/settings.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormatWord = "bmsg-store ";
constexpr std::string_view kMakeOne = "'bmsg init' makes a store; -C DIR names one";
constexpr std::size_t kFormatBytesMax = 4096;

bool is_store(const fs::path& directory) {
  std::error_code absent;  // Unreadable is as good as absent: other places are tried.
  return fs::is_regular_file(directory / "format", absent);
}

bool is_ours(const fs::path& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && found.st_uid == ::geteuid();
}

/// .bmsg in the working directory or above it, up to a mount point or the home directory.
std::optional<fs::path> find_upward() {
  std::error_code ignored;  // No working directory: nothing to find.
  fs::path at = fs::current_path(ignored);
  const fs::path home = from_environment("HOME");
  struct stat first {};
  if (at.empty() || ::stat(at.c_str(), &first) != 0) return std::nullopt;
  for (;; at = at.parent_path()) {
    struct stat here {};
    if (::stat(at.c_str(), &here) != 0 || here.st_dev != first.st_dev) return std::nullopt;
    if (is_store(at / ".bmsg") && is_ours(at / ".bmsg")) return at / ".bmsg";
    if (at == home || at == at.parent_path()) return std::nullopt;
  }
}

/// Whether a directory is there and its files are hidden from us.
bool is_closed(const fs::path& directory) {
  std::error_code cause;
  (void)fs::status(directory / "format", cause);  // Only the cause is asked for.
  return cause == std::errc::permission_denied;
}

/// A store but for the file that says so, and nobody is about to make it.
bool lacks_format(const fs::path& directory) {
  std::error_code absent;
  return !fs::exists(directory / "format", absent) &&
         !fs::exists(directory / "unfinished", absent) &&
         fs::is_regular_file(directory / "genesis", absent) &&
         fs::is_regular_file(directory / "chain" / "CURRENT", absent);
}

Result<StoreDir> named_store(const fs::path& named, std::string_view by, const Disk& disk) {
  for (const fs::path& place : {named, named / ".bmsg"}) {
    if (is_closed(place)) {
      return Error{Errc::denied,
                   fmt::format("'{}' (named by {}) may not be read: it belongs to another user",
                               place.string(), by)};
    }
    if (lacks_format(place)) {
      return Error{Errc::corrupt, fmt::format("'{}' is missing", (place / "format").string()),
                   "a store of this version has the line 'bmsg-store 1' there"};
    }
    if (!is_store(place)) continue;
    StoreDir store(place);
    BMSG_TRY(check_store(store, disk));
    return store;
  }
  return Error{Errc::not_found, fmt::format("no store in '{}' (named by {})", named.string(), by),
               std::string(kMakeOne)};
}

}  // namespace

fs::path default_store() {
  const fs::path data = directory_from_environment("XDG_DATA_HOME");
  if (!data.empty()) return data / "bmsg" / "default";
  const fs::path home = directory_from_environment("HOME");
  return home.empty() ? home : home / ".local" / "share" / "bmsg" / "default";
}

fs::path whole_path(const fs::path& path) {
  std::error_code gone;
  const fs::path whole = fs::absolute(path, gone);
  return (gone ? path : whole).lexically_normal();
}

Result<Done> check_store(const StoreDir& store, const Disk& disk) {
  if (!is_ours(store.root()) && !is_declared_safe(store.root(), disk)) {
    return Error{Errc::denied,
                 fmt::format("store '{}' belongs to another user", store.root().string()),
                 fmt::format("if you trust its owner: bmsg config set --user safe.store '{}'",
                             store.root().string())};
  }
  BMSG_TRY_ASSIGN(const auto format, disk.read(store.format(), kFormatBytesMax));
  const std::string_view text = format ? as_text(*format) : std::string_view();
  if (text == kStoreFormat) return done;
  const auto number =
      text.starts_with(kFormatWord)
          ? std::strtoul(std::string(text.substr(kFormatWord.size())).c_str(), nullptr, 10)
          : 0;
  if (number > 1) {
    return Error{
        Errc::bad_config,
        fmt::format("store '{}' has format {}, made by a newer bmsg; this one knows format 1",
                    store.root().string(), number),
        "if no newer one did, the file 'format' is damaged: of this version it is 'bmsg-store 1'"};
  }
  return Error{
      Errc::corrupt,
      fmt::format("'{}' is damaged: it does not name a format of bmsg", store.format().string()),
      "a store of this version has the line 'bmsg-store 1' there"};
}

Result<StoreDir> find_store(const std::string& named, const Disk& disk) {
  if (!named.empty()) return named_store(named, "-C", disk);
  if (const auto variable = from_environment("BMSG_STORE"); !variable.empty()) {
    return named_store(variable, "BMSG_STORE", disk);
  }
  if (const auto above = find_upward()) return named_store(*above, "the working directory", disk);
  const fs::path usual = default_store();
  if (usual.empty()) {
    return Error{Errc::bad_config,
                 "no store is named, none is here, and neither HOME nor XDG_DATA_HOME names a "
                 "directory",
                 "say where it is with -C, or export HOME, from the root on"};
  }
  if (is_store(usual)) return named_store(usual, "default", disk);
  return Error{Errc::not_found,
               fmt::format("no store here: no .bmsg in this directory or above, none in '{}'",
                           default_store().string()),
               std::string(kMakeOne)};
}

}  // namespace bmsg::cli
