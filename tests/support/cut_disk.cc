#include "tests/support/cut_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "lib/core/try.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSectorBytes = 512;

/// As SystemDisk says it.
Error failed(std::string_view verb, const std::string& path, int reason) {
  Errc code = Errc::io;
  if (reason == EEXIST) code = Errc::exists;
  if (reason == EMFILE || reason == ENFILE || reason == ENOMEM) code = Errc::no_resource;
  return Error{code, fmt::format("cannot {} '{}': {}", verb, path, std::strerror(reason))};
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

void CutDisk::cut_at(std::uint64_t change) {
  const std::lock_guard lock(mutex_);
  cut_at_ = changes_ + change;
}

void CutDisk::fail_at(std::uint64_t call, int reason, Failing failing) {
  const std::lock_guard lock(mutex_);
  fail_at_ = calls_ + call;
  reason_ = reason;
  failing_ = failing;
  failures_ = 0;
}

void CutDisk::heal() {
  const std::lock_guard lock(mutex_);
  fail_at_.reset();
  cut_at_.reset();
}

bool CutDisk::is_off() const {
  const std::lock_guard lock(mutex_);
  return is_off_;
}
std::uint64_t CutDisk::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}
std::uint64_t CutDisk::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}
std::uint64_t CutDisk::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

Result<Done> CutDisk::begin(bool is_change, std::string_view verb, const std::string& path) const {
  ++calls_;
  if (is_change && !is_off_) is_off_ = ++changes_ == cut_at_;
  if (is_off_) return Error{Errc::io, "the power is off"};
  if (!fail_at_ || calls_ < *fail_at_) return done;
  if (failing_ == Failing::once && failures_ > 0) return done;
  ++failures_;
  return failed(verb, path, reason_);
}

CutDisk::FilePointer CutDisk::find(const std::string& path) const {
  const auto found = now_.find(path);
  return found == now_.end() ? nullptr : found->second;
}

void CutDisk::change_names(Change change) {
  for (const auto& [path, file] : change) {
    if (file) {
      now_[path] = file;
    } else {
      now_.erase(path);
    }
  }
  pending_.push_back(std::move(change));
}

Result<std::optional<Bytes>> CutDisk::read(const fs::path& file, std::size_t bytes_max) const {
  const std::lock_guard lock(mutex_);
  BMSG_TRY(begin(false, "read", file));
  const FilePointer found = find(file);
  if (!found) return std::optional<Bytes>();
  if (found->is_directory) return failed("read", file, EISDIR);
  if (found->now.size() > bytes_max) {
    return Error{Errc::corrupt, fmt::format("'{}' is longer than {}", file.string(), bytes_max)};
  }
  return std::optional(found->now);
}

Result<Done> CutDisk::write(File& file, std::size_t at, ByteView bytes, const std::string& name) {
  const auto allowed = begin(true, "write", name);
  if (is_off_) return allowed;
  const ByteView written = allowed ? bytes : bytes.first(bytes.size() / 2);
  if (file.now.size() < at + written.size()) {
    // A hole is there as soon as what lies behind it is.
    if (file.now.size() < at) file.synced.resize(std::max(file.synced.size(), at));
    file.now.resize(at + written.size());
  }
  std::ranges::copy(written, file.now.begin() + static_cast<std::ptrdiff_t>(at));
  file.unsynced.emplace_back(at, at + written.size());
  return allowed;
}

Result<Done> CutDisk::sync(File& file, const std::string& name) {
  BMSG_TRY(begin(true, "sync", name));
  file.synced = file.now;
  file.unsynced.clear();
  return done;
}

Result<Done> CutDisk::make_file(const std::string& file, ByteView bytes) {
  BMSG_TRY(begin(true, "create", file));
  if (find(file)) return failed("create", file, EEXIST);
  if (!is_reached(file, now_)) return failed("create", file, ENOENT);
  change_names({{file, std::make_shared<File>()}});
  return fill(file, bytes);
}

Result<Done> CutDisk::fill(const std::string& name, ByteView bytes) {
  const FilePointer file = find(name);
  auto written = write(*file, 0, bytes, name);
  if (written) written = sync(*file, name);
  if (!written && begin(true, "remove", name)) change_names({{name, nullptr}});
  return written;
}

Result<Done> CutDisk::create(const fs::path& file, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  return make_file(file, bytes);
}

Result<Done> CutDisk::replace(const fs::path& file, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  const std::string beside =
      fmt::format("{}/.{}.{:06}", directory_of(file), name_of(file), ++beside_);
  BMSG_TRY(make_file(beside, bytes));
  if (auto allowed = begin(true, "replace", file); !allowed) {
    if (begin(true, "remove", beside)) change_names({{beside, nullptr}});
    return allowed;
  }
  change_names({{beside, nullptr}, {file, find(beside)}});
  return sync_directory(directory_of(file));
}

Result<Done> CutDisk::overwrite(const fs::path& file, std::uint64_t at, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  const FilePointer found = find(file);
  if (!found) return failed("open", file, ENOENT);
  BMSG_TRY(write(*found, static_cast<std::size_t>(at), bytes, file));
  return sync(*found, file);
}

Result<Done> CutDisk::link(const fs::path& file, const fs::path& name) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY(begin(true, "link", name));
  const FilePointer found = find(file);
  if (!found || !is_reached(name, now_)) return failed("link", name, ENOENT);
  if (find(name)) return failed("link", name, EEXIST);
  change_names({{name, found}});
  return done;
}

Result<Done> CutDisk::rename(const fs::path& from, const fs::path& to) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY(begin(true, "rename", from));
  const FilePointer found = find(from);
  if (!found || !is_reached(to, now_)) return failed("rename", from, ENOENT);
  change_names({{from, nullptr}, {to, found}});
  return done;
}

Result<Done> CutDisk::remove(const fs::path& file) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY(begin(true, "remove", file));
  if (find(file)) change_names({{file, nullptr}});
  return done;
}

Result<Done> CutDisk::sync_directory(const fs::path& directory) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY(begin(true, "sync", directory));
  std::vector<bool> chosen;
  for (const Change& change : pending_) {
    chosen.push_back(std::ranges::any_of(change, [&](const auto& one) {
      // A directory that is synced is itself there too, and those above it.
      return directory_of(one.first) == directory ||
             (directory.string() + "/").starts_with(one.first + "/");
    }));
  }
  close(chosen);
  apply(chosen);
  return done;
}

Result<Done> CutDisk::make_directory(const fs::path& directory) {
  const std::lock_guard lock(mutex_);
  if (directory == root_ || find(directory)) return done;
  BMSG_TRY(make_directory(directory_of(directory)));
  BMSG_TRY(begin(true, "make directory", directory));
  const auto made = std::make_shared<File>();
  made->is_directory = true;
  change_names({{directory, made}});
  return SystemDisk().make_directory(directory);
}

Result<std::vector<std::string>> CutDisk::list(const fs::path& directory) const {
  const std::lock_guard lock(mutex_);
  BMSG_TRY(begin(false, "list", directory));
  std::vector<std::string> names;
  for (const auto& [path, file] : now_) {
    if (directory_of(path) == directory) names.push_back(name_of(path));
  }
  std::ranges::sort(names);
  return names;
}

Result<std::uint64_t> CutDisk::free_bytes(const fs::path&) const { return std::uint64_t{1} << 40; }

void CutDisk::close(std::vector<bool>& chosen) const {
  std::set<std::string> followed;
  for (std::size_t i = pending_.size(); i-- > 0;) {
    const Change& change = pending_[i];
    chosen[i] = chosen[i] || std::ranges::any_of(change, [&](const auto& one) {
                  return followed.contains(one.first);
                });
    if (!chosen[i]) continue;
    for (const auto& [path, file] : change) followed.insert(path);
  }
}

void CutDisk::apply(const std::vector<bool>& chosen) {
  std::vector<Change> left;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (!chosen[i]) {
      left.push_back(std::move(pending_[i]));
      continue;
    }
    for (const auto& [path, file] : pending_[i]) {
      if (file) {
        durable_[path] = file;
      } else {
        durable_.erase(path);
      }
    }
  }
  pending_ = std::move(left);
}

std::vector<bool> CutDisk::drawn(Names names, std::mt19937_64& random) const {
  const std::size_t first = number_up_to(random, pending_.size());
  std::vector<bool> chosen;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    chosen.push_back(names == Names::kept || (names == Names::first && i < first) ||
                     (names == Names::any && number_up_to(random, 1) == 1));
  }
  close(chosen);
  return chosen;
}

Bytes CutDisk::drawn(const File& file, Tail tail, std::mt19937_64& random) {
  if (tail == Tail::kept || file.unsynced.empty()) return file.now;
  if (tail == Tail::lost) return file.synced;
  Bytes found = file.synced;
  for (const auto& [begin, end] : file.unsynced) {
    for (std::size_t at = begin; at < end;) {
      const std::size_t next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
      const bool is_taken = number_up_to(random, 1) == 1;
      if (is_taken || tail == Tail::garbled) found.resize(std::max(found.size(), next));
      for (std::size_t i = at; i < next && i < found.size(); ++i) {
        if (is_taken) found[i] = file.now[i];
        if (!is_taken && tail == Tail::garbled) found[i] = static_cast<std::uint8_t>(random());
      }
      at = next;
    }
  }
  return found;
}

bool CutDisk::is_reached(const std::string& path, const Tree& tree) const {
  const std::string directory = directory_of(path);
  if (directory == root_) return true;
  const auto found = tree.find(directory);
  return found != tree.end() && found->second->is_directory && is_reached(directory, tree);
}

void CutDisk::reboot(Tail tail, Names names, std::mt19937_64& random) {
  const std::lock_guard lock(mutex_);
  apply(drawn(names, random));
  pending_.clear();
  std::set<File*> settled;
  now_.clear();
  for (const auto& [path, file] : durable_) {
    if (!is_reached(path, durable_)) continue;
    if (settled.insert(file.get()).second) {
      file->now = file->synced = drawn(*file, tail, random);
      file->unsynced.clear();
    }
    now_[path] = file;
  }
  durable_ = now_;
  is_off_ = false;
  heal();
}

void CutDisk::restart() {
  const std::lock_guard lock(mutex_);
  is_off_ = false;
  heal();
}

}  // namespace bmsg
