// A file that is made for somebody else: there whole, or not at all.

#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "lib/core/descriptor.h"
#include "lib/core/disk.h"
#include "lib/core/result.h"

namespace bmsg::cli {

/// Gives a whole file that lies beside another name its own, never in place of another; by a move
/// where the file system knows no links. Errors: Errc::exists; Errc::io.
Result<Done> give_name(Disk& disk, const std::filesystem::path& beside,
                       const std::filesystem::path& file);

/// Gets its name when it is whole and durable, and never in place of another. Until then it has
/// none, or where the file system cannot do that, lies beside under one that nobody can foresee.
class NewFile {
 public:
  NewFile(Disk& disk, std::filesystem::path file);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// Where to write; closed by this object. Errors: Errc::exists if the file is there already, or
  /// may not be made; Errc::io.
  Result<int> open();
  Result<Done> write(ByteView bytes);
  /// What fails leaves no file of this name behind.
  Result<Done> publish();
  /// Another name in the same directory, where publish() found the first one taken.
  void rename(std::filesystem::path file) { file_ = std::move(file); }

 private:
  Error exists() const;

  Disk& disk_;
  std::filesystem::path file_;
  std::string beside_;  // Empty: it has no name.
  Descriptor opened_;
};

}  // namespace bmsg::cli
