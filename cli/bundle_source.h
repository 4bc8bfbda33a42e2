// Where the bytes of a bundle come from: a file, which can be read twice, or a pipe.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "lib/chain/pack_stream.h"
#include "lib/core/descriptor.h"
#include "lib/core/result.h"

namespace bmsg::cli {

/// Threads: one.
/// Errors:  Errc::io.
class BundleSource {
 public:
  /// "-" is standard input. Errors: Errc::not_found; Errc::bad_usage if it is a terminal.
  static Result<BundleSource> open(const std::string& file);
  /// From where the file stands, to its end. `name` is for complaints.
  static BundleSource over(Descriptor opened, std::string name);

  /// Of a file: how long it is; nullopt where it cannot be read twice.
  std::optional<std::uint64_t> size() const { return size_; }
  /// Back to where it began. Only where there is a size.
  Result<Done> rewind();
  /// `told` hears of each piece, how many bytes came since the beginning or the last rewind().
  /// `idle` is called before a read that may have to wait, and may fail it.
  chain::ReadBytes reader(std::function<void(std::uint64_t)> told,
                          std::function<Result<Done>()> idle);

 private:
  BundleSource(Descriptor opened, int number, std::string name);
  Result<std::size_t> read(std::span<std::uint8_t> into, const std::function<Result<Done>()>& idle);
  Error failed() const;

  Descriptor opened_;  // Of a file; standard input stays open.
  int number_;
  std::string name_;
  std::int64_t start_ = 0;
  std::optional<std::uint64_t> size_;
  std::uint64_t read_ = 0;
};

}  // namespace bmsg::cli
