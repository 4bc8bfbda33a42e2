// FaultDisk: another disk that fails when a test says so.

#pragma once

#include <cstdint>
#include <optional>

#include "lib/core/disk.h"

namespace bmsg {

/// Whether the disk works again after the failing call.
enum class Failing { once, from_then_on };

/// Passes every call on to `disk`, but fails one of them, or all from one on, with that code. A
/// failing call has done nothing. Reading calls count too.
class FaultDisk : public Disk {
 public:
  explicit FaultDisk(Disk& disk, Errc code = Errc::io) : disk_(disk), code_(code) {}

  /// The call after `calls` further ones fails.
  void fail_after(std::uint64_t calls, Failing failing) {
    left_ = calls;
    failing_ = failing;
    failures_ = 0;
  }
  void heal() { left_.reset(); }
  /// How often a call was made to fail: a test that never saw one shows nothing.
  std::uint64_t failures() const { return failures_; }

  Result<std::optional<Bytes>> read(const std::filesystem::path& file,
                                    std::size_t bytes_max) const override {
    if (fails()) return error();
    return disk_.read(file, bytes_max);
  }
  Result<Done> create(const std::filesystem::path& file, ByteView bytes) override {
    if (fails()) return error();
    return disk_.create(file, bytes);
  }
  Result<Done> replace(const std::filesystem::path& file, ByteView bytes) override {
    if (fails()) return error();
    return disk_.replace(file, bytes);
  }
  Result<Done> overwrite(const std::filesystem::path& file, std::uint64_t at,
                         ByteView bytes) override {
    if (fails()) return error();
    return disk_.overwrite(file, at, bytes);
  }
  Result<Done> link(const std::filesystem::path& file, const std::filesystem::path& name) override {
    if (fails()) return error();
    return disk_.link(file, name);
  }
  Result<Done> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (fails()) return error();
    return disk_.rename(from, to);
  }
  Result<Done> remove(const std::filesystem::path& file) override {
    if (fails()) return error();
    return disk_.remove(file);
  }
  Result<Done> sync_directory(const std::filesystem::path& directory) override {
    if (fails()) return error();
    return disk_.sync_directory(directory);
  }
  Result<Done> make_directory(const std::filesystem::path& directory) override {
    if (fails()) return error();
    return disk_.make_directory(directory);
  }
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) const override {
    if (fails()) return error();
    return disk_.list(directory);
  }
  Result<std::uint64_t> free_bytes(const std::filesystem::path& directory) const override {
    if (fails()) return error();
    return disk_.free_bytes(directory);
  }

 private:
  Error error() const { return {code_, "the disk fails, as the test asked"}; }

  bool fails() const {
    if (!left_) return false;
    if (*left_ > 0) {
      --*left_;
      return false;
    }
    if (failing_ == Failing::once) left_.reset();
    ++failures_;
    return true;
  }

  Disk& disk_;
  Errc code_;
  mutable std::optional<std::uint64_t> left_;
  Failing failing_ = Failing::once;
  mutable std::uint64_t failures_ = 0;
};

}  // namespace bmsg
