// TempDir: a directory of its own for a test, gone afterwards.

#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "lib/core/check.h"

namespace bmsg {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bmsg-test-XXXXXX").string();
    check(::mkdtemp(pattern.data()) != nullptr, "no temporary directory");
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;  // What cannot be removed stays in the temporary directory.
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace bmsg
