// EndorserLog: what an endorser has signed, kept before a signature leaves the process.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/disk.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::node {

/// A block that was signed, and when: the generation of the block's own time after its parent, and
/// that of our clock then.
struct Endorsed {
  Height height;
  BlockHash parent;
  std::uint64_t generation = 0;
  std::uint64_t clock_generation = 0;
  BlockHash hash;

  bool operator==(const Endorsed&) const = default;
};

/// Entries are kept for so many heights; below them nothing is signed any more.
inline constexpr std::uint32_t kEndorsedHeights = 128;

/// Threads: one at a time, and one process: whoever endorses holds a lock.
/// Errors:  as Disk.
class EndorserLog {
 public:
  /// Reads the file. One that is missing or damaged, or of another key, is begun anew: then nothing
  /// is known of before `now`, and only what begins later may be signed; kTimeAheadMax later, for
  /// what was signed may be dated so far ahead.
  static Result<EndorserLog> open(Disk& disk, std::filesystem::path file, const EndorserKey& key,
                                  UnixSeconds now);

  /// The log of a key that has never signed.
  static Result<Done> begin(Disk& disk, const std::filesystem::path& file, const EndorserKey& key);

  /// Whether a file is what was written for this key.
  static bool is_whole(const EndorserKey& key, std::string_view text);

  /// Whether this was begun anew, for the caller to tell.
  bool is_new() const { return is_new_; }
  const std::vector<Endorsed>& entries() const { return entries_; }
  /// Nothing that began before is signed.
  UnixSeconds since() const { return since_; }

  /// Whether a block may be signed, by all that was signed before: one for each parent and
  /// generation, and one for each parent and generation of our clock. `began` is when the earlier
  /// of its two generations began.
  bool allows(const Endorsed& wanted, UnixSeconds began) const;

  /// Remembers it; durable when this returns.
  Result<Done> add(const Endorsed& signed_now);
  /// Something was signed with our key that is not in here: the log is an old copy, as good as one
  /// begun anew.
  Result<Done> distrust(UnixSeconds now);

 private:
  EndorserLog(Disk* disk, std::filesystem::path file, const EndorserKey& key)
      : disk_(disk), file_(std::move(file)), key_(key) {}
  bool parse(std::string_view text);
  std::string print() const;

  Disk* disk_;
  std::filesystem::path file_;
  EndorserKey key_;
  UnixSeconds since_;
  bool is_new_ = false;
  std::vector<Endorsed> entries_;
};

}  // namespace bmsg::node
