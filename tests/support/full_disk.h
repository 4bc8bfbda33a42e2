// FullDisk: the disk of this machine, which claims to have as much room as a test says.

#pragma once

#include "lib/core/disk.h"

namespace bmsg {

class FullDisk final : public Disk {
 public:
  void set_free_bytes(std::uint64_t bytes) { free_bytes_ = bytes; }
  /// Whether files of ours can still be written: replace() fails otherwise.
  void set_writable(bool writable) { writable_ = writable; }

  Result<std::optional<Bytes>> read(const std::filesystem::path& file,
                                    std::size_t bytes_max) const override {
    return system_.read(file, bytes_max);
  }
  Result<Done> create(const std::filesystem::path& file, ByteView bytes) override {
    return system_.create(file, bytes);
  }
  Result<Done> replace(const std::filesystem::path& file, ByteView bytes) override {
    if (!writable_) return Error{Errc::io, "the test's disk takes no more"};
    return system_.replace(file, bytes);
  }
  Result<Done> link(const std::filesystem::path& file, const std::filesystem::path& name) override {
    return system_.link(file, name);
  }
  Result<Done> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return system_.rename(from, to);
  }
  Result<Done> remove(const std::filesystem::path& file) override { return system_.remove(file); }
  Result<Done> sync_directory(const std::filesystem::path& directory) override {
    return system_.sync_directory(directory);
  }
  Result<Done> make_directory(const std::filesystem::path& directory) override {
    return system_.make_directory(directory);
  }
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) const override {
    return system_.list(directory);
  }
  Result<std::uint64_t> free_bytes(const std::filesystem::path&) const override {
    return free_bytes_;
  }

 private:
  SystemDisk system_;
  std::uint64_t free_bytes_ = 1u << 30;
  bool writable_ = true;
};

}  // namespace bmsg
