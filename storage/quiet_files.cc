#include "storage/quiet_files.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace bmsg::storage {
namespace {

/// Where a name lies; without slashes at its end, which a directory may be named with.
std::string place_of(const std::string& file) {
  return std::filesystem::path(file).lexically_normal().parent_path().string();
}

std::string directory_named(const std::string& name) {
  return place_of((std::filesystem::path(name) / "file").string());
}

class SyncedOnce final : public rocksdb::FSDirectoryWrapper {
 public:
  SyncedOnce(std::unique_ptr<rocksdb::FSDirectory> directory, std::string name,
             std::shared_ptr<UnsyncedNames> names)
      : FSDirectoryWrapper(std::move(directory)),
        name_(std::move(name)),
        names_(std::move(names)) {}

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    return once([&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }
  rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions& options,
                                        rocksdb::IODebugContext* debug,
                                        const rocksdb::DirFsyncOptions& what) override {
    return once([&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, what); });
  }

 private:
  template <class Sync>
  rocksdb::IOStatus once(const Sync& sync) {
    if (!names_->has_any(name_)) return rocksdb::IOStatus::OK();
    const std::uint64_t made = names_->made(name_);
    auto status = sync();
    if (status.ok()) names_->synced(name_, made);
    return status;
  }

  std::string name_;
  std::shared_ptr<UnsyncedNames> names_;
};

}  // namespace

void UnsyncedNames::add(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  ++counts_[directory].made;
}

std::uint64_t UnsyncedNames::made(const std::string& directory) const {
  const std::lock_guard lock(mutex_);
  return counts_[directory].made;
}

void UnsyncedNames::synced(const std::string& directory, std::uint64_t made) {
  const std::lock_guard lock(mutex_);
  Count& count = counts_[directory];
  count.synced = std::max(count.synced, made);
}

bool UnsyncedNames::has_any(const std::string& directory) const {
  const std::lock_guard lock(mutex_);
  const Count& count = counts_[directory];
  return count.synced < count.made;
}

QuietFiles::QuietFiles(const std::shared_ptr<rocksdb::FileSystem>& base)
    : FileSystemWrapper(base), names_(std::make_shared<UnsyncedNames>()) {}

rocksdb::IOStatus QuietFiles::NewWritableFile(const std::string& name,
                                              const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSWritableFile>* made,
                                              rocksdb::IODebugContext* debug) {
  if (std::filesystem::path(name).filename().string().starts_with("OPTIONS-"))
    return rocksdb::IOStatus::NotSupported("options are in the program");
  auto status = FileSystemWrapper::NewWritableFile(name, options, made, debug);
  names_->add(place_of(name));  // Even if it failed: it may be there.
  return status;
}

rocksdb::IOStatus QuietFiles::ReopenWritableFile(const std::string& name,
                                                 const rocksdb::FileOptions& options,
                                                 std::unique_ptr<rocksdb::FSWritableFile>* made,
                                                 rocksdb::IODebugContext* debug) {
  auto status = FileSystemWrapper::ReopenWritableFile(name, options, made, debug);
  names_->add(place_of(name));
  return status;
}

rocksdb::IOStatus QuietFiles::ReuseWritableFile(const std::string& name,
                                                const std::string& old_name,
                                                const rocksdb::FileOptions& options,
                                                std::unique_ptr<rocksdb::FSWritableFile>* made,
                                                rocksdb::IODebugContext* debug) {
  auto status = FileSystemWrapper::ReuseWritableFile(name, old_name, options, made, debug);
  names_->add(place_of(name));
  names_->add(place_of(old_name));
  return status;
}

rocksdb::IOStatus QuietFiles::NewRandomRWFile(const std::string& name,
                                              const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSRandomRWFile>* made,
                                              rocksdb::IODebugContext* debug) {
  auto status = FileSystemWrapper::NewRandomRWFile(name, options, made, debug);
  names_->add(place_of(name));
  return status;
}

rocksdb::IOStatus QuietFiles::RenameFile(const std::string& from, const std::string& to,
                                         const rocksdb::IOOptions& options,
                                         rocksdb::IODebugContext* debug) {
  auto status = FileSystemWrapper::RenameFile(from, to, options, debug);
  names_->add(place_of(from));
  names_->add(place_of(to));
  return status;
}

rocksdb::IOStatus QuietFiles::LinkFile(const std::string& from, const std::string& to,
                                       const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) {
  auto status = FileSystemWrapper::LinkFile(from, to, options, debug);
  names_->add(place_of(to));
  return status;
}

rocksdb::IOStatus QuietFiles::NewDirectory(const std::string& name,
                                           const rocksdb::IOOptions& options,
                                           std::unique_ptr<rocksdb::FSDirectory>* made,
                                           rocksdb::IODebugContext* debug) {
  auto status = FileSystemWrapper::NewDirectory(name, options, made, debug);
  if (status.ok())
    *made = std::make_unique<SyncedOnce>(std::move(*made), directory_named(name), names_);
  return status;
}

}  // namespace bmsg::storage
