// BlobDirectory: chunks of files, one file each. What is in one nobody can tell without its key.
//
//   own/      of files that we have sent: here until they expire.
//   kept/     of others' files, within the quota.
//   fetched/  of files that are being fetched: whoever is interrupted need not ask for them again.
//
// The name of a file says all that is needed to choose which one goes: id, expiry, bytes, rank.
// Several processes may use the same directory: a file is there whole or not at all.

#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/disk.h"
#include "lib/core/message.h"
#include "lib/node/service.h"

namespace bmsg::node {

/// Why a chunk is here.
enum class Shelf : std::uint8_t { own, kept, fetched };

/// A chunk, as the name of its file tells.
/// Order: what goes first comes first: soonest to expire, then the worse stamp.
struct Blob {
  std::uint64_t expiry = 0;
  std::uint64_t rank = 0;  // Hashes that the stamp shows for each byte and day.
  MessageId id;
  std::uint32_t bytes = 0;  // Of the whole message.

  auto operator<=>(const Blob&) const = default;
};

Blob blob_of(const Message& chunk, const MessageId& id);

/// What it costs a quota: a small file takes a block and an inode too.
inline constexpr std::uint64_t kBlobCostMin = 16384;
std::uint64_t cost_of(const Blob& blob);
/// Each is judged and stored by itself: so many in one request.
inline constexpr std::size_t kChunksPerPut = 64;

/// "ID-EXPIRY-BYTES-RANK" in hexadecimal.
std::string file_name_of(const Blob& blob);
/// nullopt for any other name.
std::optional<Blob> blob_named(std::string_view name);

/// Threads: any; other processes may write beside.
/// Errors:  as Disk. A file that is damaged counts as absent.
/// Source:  bmsg-store(5), "Files".
class BlobDirectory {
 public:
  /// References must outlive it. `quota`: bytes of others' chunks to keep.
  BlobDirectory(Disk& disk, std::filesystem::path directory, const chain::ChainRules& chain,
                const Clock& clock, std::uint64_t quota);

  const std::filesystem::path& path() const { return directory_; }
  Disk& disk() const { return disk_; }
  std::uint64_t quota() const { return quota_; }
  /// Takes effect with the next chunk that comes.
  void set_quota(std::uint64_t bytes) { quota_ = bytes; }
  /// How many more bytes of others' it takes without that any have to go.
  Result<std::uint64_t> room();

  /// For peers: of what is own or kept, those that have not expired.
  Result<std::optional<Message>> offered(const ShortId& id) const;
  Result<bool> offers(const ShortId& id) const;
  /// The same for many, which costs no more than one look at all names.
  Result<std::vector<bool>> offers(const std::vector<ShortId>& ids) const;
  /// Whether it lies on any shelf, judged by the name alone.
  Result<bool> has(const MessageId& id) const;
  /// From any shelf.
  Result<std::optional<Message>> find(const MessageId& id) const;

  /// Puts a chunk on a shelf, durably. It is not judged.
  Result<Done> put(Shelf shelf, const Message& chunk, const MessageId& id);
  /// Moves files of ours from a directory of the same file system to the shelf `own`, durably.
  Result<Done> adopt(const std::filesystem::path& from, const std::vector<Blob>& blobs);
  /// What a peer brought: judged, and kept if there is room, or if others would have to go first.
  Result<MessageOutcome> take(const Message& chunk);
  /// What was fetched and is not needed any more: kept within the quota, else removed.
  Result<Done> release(const std::vector<MessageId>& ids);

  /// Removes these from the shelf, durably, with what a kill left of them; how many were there.
  Result<std::uint64_t> remove(Shelf shelf, const std::vector<MessageId>& ids);

  Result<std::vector<Blob>> list(Shelf shelf) const;
  /// Removes what has expired; how many files went. And looks again at what others changed.
  Result<std::uint64_t> expire();

 private:
  std::filesystem::path folder(Shelf shelf, const MessageId& id) const;
  Result<std::vector<Blob>> list_folder(const std::filesystem::path& folder) const;
  Result<std::optional<Message>> read(const std::filesystem::path& folder, const Blob& blob) const;
  Result<std::optional<Message>> find_on(Shelf shelf, const MessageId& id) const;
  Result<Done> load_kept();
  Result<bool> make_room(const Blob& blob);
  Result<Done> remove_halves(const std::filesystem::path& folder, const MessageId& id);
  Result<std::uint64_t> remove_in(const std::filesystem::path& folder,
                                  const std::function<bool(const Blob&)>& goes);
  Result<MessageOutcome> keep(const Message& chunk, const MessageId& id);

  Disk& disk_;
  const std::filesystem::path directory_;
  const chain::ChainRules& chain_;
  const Clock& clock_;
  std::atomic<std::uint64_t> quota_;
  std::mutex mutex_;                    // Of what follows.
  std::optional<std::set<Blob>> kept_;  // Absent until somebody needs it.
  std::uint64_t kept_bytes_ = 0;
};

}  // namespace bmsg::node
