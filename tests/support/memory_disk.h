// MemoryDisk: files in memory, for tests that write often.

#pragma once

#include <map>

#include "lib/core/disk.h"

namespace bmsg {

/// Threads: one at a time. Directories are always there, and empty.
class MemoryDisk final : public Disk {
 public:
  std::map<std::filesystem::path, Bytes> files;

  Result<std::optional<Bytes>> read(const std::filesystem::path& file,
                                    std::size_t bytes_max) const override {
    const auto found = files.find(file);
    if (found == files.end()) return std::optional<Bytes>();
    if (found->second.size() > bytes_max) return Error{Errc::corrupt, "too long"};
    return std::optional(found->second);
  }
  Result<Done> create(const std::filesystem::path& file, ByteView bytes) override {
    if (files.contains(file)) return Error{Errc::exists, "there already"};
    return replace(file, bytes);
  }
  Result<Done> replace(const std::filesystem::path& file, ByteView bytes) override {
    files[file] = Bytes(bytes.begin(), bytes.end());
    return done;
  }
  Result<Done> link(const std::filesystem::path& file, const std::filesystem::path& name) override {
    if (!files.contains(file)) return Error{Errc::io, "no such file"};
    return create(name, Bytes(files.at(file)));
  }
  Result<Done> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (!files.contains(from)) return Error{Errc::io, "no such file"};
    files[to] = std::move(files.at(from));
    files.erase(from);
    return done;
  }
  Result<Done> remove(const std::filesystem::path& file) override {
    files.erase(file);
    return done;
  }
  Result<Done> sync_directory(const std::filesystem::path&) override { return done; }
  Result<Done> make_directory(const std::filesystem::path&) override { return done; }
  Result<std::vector<std::string>> list(const std::filesystem::path&) const override {
    return std::vector<std::string>();
  }
  Result<std::uint64_t> free_bytes(const std::filesystem::path&) const override {
    return std::uint64_t{1} << 40;
  }
};

}  // namespace bmsg
