// The witness: a record of the tip in a file of its own, beside the database.
//
// RocksDB recovers to a point in time: a log that lost its end, by a flipped bit or a deleted file,
// opens without a word and with fewer blocks. Whoever opens the store compares it with the last
// tip that was acknowledged.

#pragma once

#include <filesystem>
#include <optional>

#include "lib/core/disk.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/node/store.h"

namespace bmsg::storage {

/// A tip that was committed. The store it belongs to has this tip or a better one.
struct Witness {
  Height height;
  BlockHash hash;
  Work work;

  bool operator==(const Witness&) const = default;
};

Witness witness_of(const node::Tip& tip);

/// Shape: one line, "HEIGHT HASH WORK CRC": decimal, hex, hex, and the CRC-32 of what is before it
///        and its space, as hex.
std::string print(const Witness& witness);
/// Errors: Errc::corrupt for anything that print() does not write.
Result<Witness> parse_witness(std::string_view text);

/// What a file of one holds: up to two slots, each a line that spaces fill. They are written in
/// turn and in place, which costs one sync: a crash that spoils one leaves the other. The better
/// tip counts. Older programs wrote one line, unfilled.
inline constexpr std::size_t kWitnessSlotBytes = 512;
struct WitnessFile {
  Witness newest;
  std::optional<std::size_t> slot;  // Where it lies; nullopt in an old file.
  bool is_spoiled = false;          // The other slot holds no witness.
  bool has_both_slots = false;
};
/// Errors: Errc::corrupt if no slot is whole.
Result<WitnessFile> parse_witness_file(std::string_view text);

/// nullopt if there is no such file.
Result<std::optional<WitnessFile>> read_witness_file(const Disk& disk,
                                                     const std::filesystem::path& file);
/// Its newest.
Result<std::optional<Witness>> read_witness(const Disk& disk, const std::filesystem::path& file);
/// Makes the file anew: whatever it said before counts no more.
Result<Done> write_witness(Disk& disk, const std::filesystem::path& file, const Witness& witness);
/// Writes a better one than what the file says.
Result<Done> advance_witness(Disk& disk, const std::filesystem::path& file, const Witness& witness);

/// Whether a store that ends at `tip` may have that witness. It may be ahead of it, since a commit
/// comes before its witness.
/// Errors: Errc::corrupt if the store is behind: it lost blocks or was replaced by an old copy.
Result<Done> compare(const node::Tip& tip, const std::optional<Witness>& witness);
/// The same with the whole file. A crash spoils a slot only after the commit that it was to tell
/// of: a store that is not ahead of the other slot lost that commit, or the file is damaged.
Result<Done> compare_file(const node::Tip& tip, const std::optional<WitnessFile>& file);

}  // namespace bmsg::storage
