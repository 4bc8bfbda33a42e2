#include "tests/support/power_cut_fs.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <unistd.h>

#include <fstream>

#include "lib/core/try.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class CutFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  CutFile(std::unique_ptr<rocksdb::FSWritableFile> file, PowerCut& power, std::string name)
      : FSWritableFileOwnerWrapper(std::move(file)), power_(power), name_(std::move(name)) {}

  IOStatus Append(const Slice& bytes, const IOOptions& options, IODebugContext* debug) override {
    const auto held = power_.hold();
    power_.wrote(name_, bytes.size());
    return target()->Append(bytes, options, debug);
  }
  IOStatus Append(const Slice& bytes, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(bytes, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const auto held = power_.hold();
    power_.truncated(name_, size);
    return target()->Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    power_.sync(name_);
    return IOStatus::OK();
  }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    power_.sync(name_);
    return IOStatus::OK();
  }

 private:
  PowerCut& power_;
  std::string name_;
};

class CutDirectory final : public rocksdb::FSDirectory {
 public:
  CutDirectory(PowerCut& power, std::string name) : power_(power), name_(std::move(name)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    power_.sync_directory(name_);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  PowerCut& power_;
  std::string name_;
};

class CutFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit CutFileSystem(PowerCut& power)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), power_(power) {}
  const char* Name() const override { return "CutFileSystem"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* made,
                           IODebugContext* debug) override {
    const auto held = power_.hold();
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const IOStatus status = target()->NewWritableFile(name, options, &file, debug);
    if (!status.ok()) return status;
    power_.made(name);
    made->reset(new CutFile(std::move(file), power_, name));
    return status;
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* made, IODebugContext*) override {
    made->reset(new CutDirectory(power_, name));
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    power_.rename(from, to);
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions&, IODebugContext*) override {
    power_.remove(name);
    return IOStatus::OK();
  }

 private:
  PowerCut& power_;
};

bool is_in(const std::string& file, const std::string& directory) {
  return fs::path(file).parent_path() == fs::path(directory);
}

}  // namespace

PowerCut::PowerCut(std::uint64_t sync, Tail tail, std::uint64_t seed, fs::path graveyard)
    : syncs_left_(sync), tail_(tail), random_(seed), graveyard_(std::move(graveyard)) {
  fs::create_directory(graveyard_);
}

void PowerCut::made(const std::string& file) {
  files_[file] = File();
  changes_.push_back({Change::Kind::made, file, "", ""});
}

void PowerCut::wrote(const std::string& file, std::uint64_t bytes) { files_[file].size += bytes; }

void PowerCut::truncated(const std::string& file, std::uint64_t size) {
  files_[file].size = size;
  files_[file].synced = std::min(files_[file].synced, size);
}

void PowerCut::sync(const std::string& file) {
  const auto held = hold();
  count_sync();
  files_[file].synced = files_[file].size;
}

void PowerCut::sync_directory(const std::string& directory) {
  const auto held = hold();
  count_sync();
  std::erase_if(changes_, [&](const Change& change) { return is_in(change.file, directory); });
}

void PowerCut::rename(const std::string& from, const std::string& to) {
  const auto held = hold();
  changes_.push_back({Change::Kind::moved, to, from, fs::exists(to) ? bury(to) : ""});
  fs::rename(from, to);
  files_[to] = files_[from];
  files_.erase(from);
}

void PowerCut::remove(const std::string& file) {
  const auto held = hold();
  if (fs::exists(file)) changes_.push_back({Change::Kind::removed, file, "", bury(file)});
  files_.erase(file);
}

void PowerCut::overwrite(const std::string& file, std::uint64_t at, const std::string& bytes) {
  const auto held = hold();
  File& known =
      files_.try_emplace(file, File{fs::file_size(file), fs::file_size(file)}).first->second;
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  Part part{file, at, std::string(bytes.size(), ' '), bytes};
  stream.seekg(static_cast<std::streamoff>(at));
  stream.read(part.before.data(), static_cast<std::streamsize>(part.before.size()));
  part.before.resize(static_cast<std::size_t>(stream.gcount()));
  stream.clear();
  stream.seekp(static_cast<std::streamoff>(at));
  stream << bytes << std::flush;
  part_ = std::move(part);
  count_sync();
  part_.reset();
  known.size = known.synced = std::max(known.size, at + bytes.size());
}

void PowerCut::tear(const Part& part) {
  std::string left = part.before;
  const auto kept = static_cast<std::size_t>(number_up_to(random_, part.after.size()));
  if (tail_ != Tail::clean)
    left = part.after.substr(0, kept) + left.substr(std::min(kept, left.size()));
  if (tail_ == Tail::garbled && kept > 0) left[number_up_to(random_, kept - 1)] = 0;
  std::fstream stream(part.file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(part.at));
  stream << left << std::flush;
}

std::string PowerCut::bury(const std::string& file) {
  const std::string grave = graveyard_ / std::to_string(graves_++);
  fs::rename(file, grave);
  return grave;
}

void PowerCut::count_sync() {
  if (--syncs_left_ == 0) cut();
}

void PowerCut::cut() {
  for (const auto& [name, file] : files_) cut_file(name, file);
  if (part_) tear(*part_);
  for (auto keep = number_up_to(random_, changes_.size()); changes_.size() > keep;) {
    undo(changes_.back());
    changes_.pop_back();
  }
  ::_exit(kExitCode);
}

void PowerCut::cut_file(const std::string& name, const File& file) {
  const std::uint64_t unsynced = file.size - file.synced;
  const std::uint64_t kept = tail_ == Tail::clean ? 0 : number_up_to(random_, unsynced);
  fs::resize_file(name, file.synced + kept);
  if (tail_ == Tail::garbled && kept > 0 && name.ends_with(".log")) {
    std::fstream stream(name, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(file.synced + number_up_to(random_, kept - 1)));
    stream.put(0);
  }
}

void PowerCut::undo(const Change& change) {
  if (change.kind == Change::Kind::made) fs::remove(change.file);
  if (change.kind == Change::Kind::moved) fs::rename(change.file, change.from);
  if (!change.grave.empty()) fs::rename(change.grave, change.file);
}

std::shared_ptr<rocksdb::Env> power_cut_env(PowerCut& power) {
  return rocksdb::NewCompositeEnv(std::make_shared<CutFileSystem>(power));
}

Result<std::optional<Bytes>> PowerCutDisk::read(const fs::path& file, std::size_t bytes_max) const {
  return system_.read(file, bytes_max);
}
Result<Done> PowerCutDisk::create(const fs::path& file, ByteView bytes) {
  return system_.create(file, bytes);
}

Result<Done> PowerCutDisk::replace(const fs::path& file, ByteView bytes) {
  const std::string beside = file.string() + ".new";
  {
    const auto held = power_.hold();
    power_.made(beside);
    power_.wrote(beside, bytes.size());
    std::ofstream(beside, std::ios::binary) << as_text(bytes);
  }
  power_.sync(beside);
  power_.rename(beside, file.string());
  power_.sync_directory(file.parent_path().string());
  return done;
}

Result<Done> PowerCutDisk::overwrite(const fs::path& file, std::uint64_t at, ByteView bytes) {
  power_.overwrite(file.string(), at, std::string(as_text(bytes)));
  return done;
}

Result<Done> PowerCutDisk::link(const fs::path& file, const fs::path& name) {
  return system_.link(file, name);
}
Result<Done> PowerCutDisk::rename(const fs::path& from, const fs::path& to) {
  return system_.rename(from, to);
}
Result<Done> PowerCutDisk::remove(const fs::path& file) { return system_.remove(file); }
Result<Done> PowerCutDisk::sync_directory(const fs::path& directory) {
  return system_.sync_directory(directory);
}
Result<Done> PowerCutDisk::make_directory(const fs::path& directory) {
  return system_.make_directory(directory);
}
Result<std::vector<std::string>> PowerCutDisk::list(const fs::path& directory) const {
  return system_.list(directory);
}
Result<std::uint64_t> PowerCutDisk::free_bytes(const fs::path& directory) const {
  return system_.free_bytes(directory);
}

}  // namespace bmsg
