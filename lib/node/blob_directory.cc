#include "lib/node/blob_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

namespace fs = std::filesystem;

constexpr std::array kShelves = {Shelf::own, Shelf::kept, Shelf::fetched};
constexpr std::uint64_t kSecondsPerDay = 86400;
constexpr std::size_t kFewIds = 16;  // Each is looked for in one folder of sixteen.
constexpr std::string_view kDigits = "0123456789abcdef";

std::string_view name_of(Shelf shelf) {
  switch (shelf) {
    case Shelf::own:
      return "own";
    case Shelf::kept:
      return "kept";
    case Shelf::fetched:
      return "fetched";
  }
  return "own";
}

/// Takes `digits` hexadecimal digits and, unless it is the last, the '-' after them.
template <class T>
bool take_number(std::string_view& text, std::size_t digits, T& number) {
  if (text.size() < digits) return false;
  const std::string_view part = text.substr(0, digits);
  if (part.find_first_not_of(kDigits) != std::string_view::npos) return false;
  (void)std::from_chars(part.data(), part.data() + part.size(), number, 16);  // Digits they are.
  text.remove_prefix(digits);
  if (text.empty()) return true;
  if (text.front() != '-') return false;
  text.remove_prefix(1);
  return true;
}

constexpr std::size_t kIdDigits = 2 * MessageId::kSize;
constexpr std::size_t kExpiryDigits = 9;  // The sum of two numbers of 32 bits.
constexpr std::size_t kBytesDigits = 5;
constexpr std::size_t kRankDigits = 16;
constexpr std::size_t kNameBytes =
    kIdDigits + 1 + kExpiryDigits + 1 + kBytesDigits + 1 + kRankDigits;

/// Of a file that is being written, which is called ".NAME.XXXXXX", the name that it will have.
std::string_view whole_name(std::string_view name) {
  return name.starts_with('.') ? name.substr(1, kNameBytes) : name;
}

}  // namespace

Blob blob_of(const Message& chunk, const MessageId& id) {
  const std::uint64_t days = (chunk.head.ttl + kSecondsPerDay - 1) / kSecondsPerDay;
  const std::uint64_t paid_for = std::max<std::uint64_t>(1, days * chunk.head.encoded_bytes());
  return {.expiry = chunk.head.expiry(),
          .rank = chain::stamp_achieved(id, chunk.nonce) / paid_for,
          .id = id,
          .bytes = static_cast<std::uint32_t>(chunk.head.encoded_bytes())};
}

std::uint64_t cost_of(const Blob& blob) {
  return std::max<std::uint64_t>(kBlobCostMin, blob.bytes);
}

std::string file_name_of(const Blob& blob) {
  return fmt::format("{}-{:09x}-{:05x}-{:016x}", to_hex(blob.id.view()), blob.expiry, blob.bytes,
                     blob.rank);
}

std::optional<Blob> blob_named(std::string_view name) {
  if (name.size() != kNameBytes || name[kIdDigits] != '-') return std::nullopt;
  const auto id = fixed_from_hex<MessageId>(name.substr(0, kIdDigits));
  Blob blob;
  name.remove_prefix(kIdDigits + 1);
  if (!id || !take_number(name, kExpiryDigits, blob.expiry) ||
      !take_number(name, kBytesDigits, blob.bytes) || !take_number(name, kRankDigits, blob.rank))
    return std::nullopt;
  blob.id = *id;
  return blob;
}

BlobDirectory::BlobDirectory(Disk& disk, fs::path directory, const chain::ChainRules& chain,
                             const Clock& clock, std::uint64_t quota)
    : disk_(disk), directory_(std::move(directory)), chain_(chain), clock_(clock), quota_(quota) {}

/// Sixteen folders to a shelf, so that looking for one of many reads few names.
fs::path BlobDirectory::folder(Shelf shelf, const MessageId& id) const {
  return directory_ / name_of(shelf) / std::string(1, kDigits[id.data()[0] >> 4]);
}

Result<std::vector<Blob>> BlobDirectory::list_folder(const fs::path& folder) const {
  BMSG_TRY_ASSIGN(const auto names, disk_.list(folder));
  std::vector<Blob> blobs;
  for (const std::string& name : names) {
    if (const auto blob = blob_named(name)) blobs.push_back(*blob);
  }
  return blobs;
}

Result<std::vector<Blob>> BlobDirectory::list(Shelf shelf) const {
  std::vector<Blob> all;
  for (const char digit : kDigits) {
    BMSG_TRY_ASSIGN(const auto some,
                    list_folder(directory_ / name_of(shelf) / std::string(1, digit)));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

Result<std::optional<Message>> BlobDirectory::read(const fs::path& folder, const Blob& blob) const {
  auto bytes = disk_.read(folder / file_name_of(blob), kChunkMessageBytesMax);
  if (!bytes && bytes.error().code == Errc::corrupt) return std::optional<Message>();
  if (!bytes) return bytes.error();
  if (!bytes.value()) return std::optional<Message>();
  auto chunk = decode_message(*bytes.value());
  const bool is_whole = chunk && chunk.value().body &&
                        chain::id_of(chunk.value().head) == blob.id &&
                        !chain::find_body_violation(chunk.value());
  if (!is_whole) return std::optional<Message>();
  return std::optional(std::move(chunk).value());
}

Result<std::optional<Message>> BlobDirectory::offered(const ShortId& id) const {
  for (const Shelf shelf : {Shelf::own, Shelf::kept}) {
    const fs::path place = directory_ / name_of(shelf) / std::string(1, kDigits[id.data()[0] >> 4]);
    BMSG_TRY_ASSIGN(const auto blobs, list_folder(place));
    for (const Blob& blob : blobs) {
      if (prefix_of<ShortId>(blob.id) != id || blob.expiry <= clock_.now().value) continue;
      BMSG_TRY_ASSIGN(auto chunk, read(place, blob));
      if (chunk) return chunk;
    }
  }
  return std::optional<Message>();
}

Result<bool> BlobDirectory::offers(const ShortId& id) const {
  for (const Shelf shelf : {Shelf::own, Shelf::kept}) {
    BMSG_TRY_ASSIGN(const auto blobs, list_folder(directory_ / name_of(shelf) /
                                                  std::string(1, kDigits[id.data()[0] >> 4])));
    const bool has = std::ranges::any_of(blobs, [&](const Blob& blob) {
      return prefix_of<ShortId>(blob.id) == id && blob.expiry > clock_.now().value;
    });
    if (has) return true;
  }
  return false;
}

Result<bool> BlobDirectory::has(const MessageId& id) const {
  for (const Shelf shelf : kShelves) {
    BMSG_TRY_ASSIGN(const auto blobs, list_folder(folder(shelf, id)));
    if (std::ranges::find(blobs, id, &Blob::id) != blobs.end()) return true;
  }
  return false;
}

Result<std::vector<bool>> BlobDirectory::offers(const std::vector<ShortId>& ids) const {
  std::vector<bool> held(ids.size());
  if (ids.size() < kFewIds) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      BMSG_TRY_ASSIGN(held[i], offers(ids[i]));
    }
    return held;
  }
  std::unordered_set<ShortId, FixedBytesHash> all;
  for (const Shelf shelf : {Shelf::own, Shelf::kept}) {
    BMSG_TRY_ASSIGN(const auto blobs, list(shelf));
    for (const Blob& blob : blobs) {
      if (blob.expiry > clock_.now().value) all.insert(prefix_of<ShortId>(blob.id));
    }
  }
  for (std::size_t i = 0; i < ids.size(); ++i) held[i] = all.contains(ids[i]);
  return held;
}

Result<std::optional<Message>> BlobDirectory::find_on(Shelf shelf, const MessageId& id) const {
  const fs::path place = folder(shelf, id);
  BMSG_TRY_ASSIGN(const auto blobs, list_folder(place));
  for (const Blob& blob : blobs) {
    if (blob.id != id) continue;
    BMSG_TRY_ASSIGN(auto chunk, read(place, blob));
    if (chunk) return chunk;
  }
  return std::optional<Message>();
}

Result<std::optional<Message>> BlobDirectory::find(const MessageId& id) const {
  for (const Shelf shelf : kShelves) {
    BMSG_TRY_ASSIGN(auto chunk, find_on(shelf, id));
    if (chunk) return chunk;
  }
  return std::optional<Message>();
}

Result<Done> BlobDirectory::put(Shelf shelf, const Message& chunk, const MessageId& id) {
  const fs::path place = folder(shelf, id);
  BMSG_TRY(disk_.make_directory(place));
  return disk_.replace(place / file_name_of(blob_of(chunk, id)), encode(chunk));
}

Result<Done> BlobDirectory::adopt(const fs::path& from, const std::vector<Blob>& blobs) {
  std::set<fs::path> places;
  for (const Blob& blob : blobs) {
    const fs::path place = folder(Shelf::own, blob.id);
    if (places.insert(place).second) BMSG_TRY(disk_.make_directory(place));
    BMSG_TRY(disk_.rename(from / file_name_of(blob), place / file_name_of(blob)));
  }
  for (const fs::path& place : places) BMSG_TRY(disk_.sync_directory(place));
  return done;
}

Result<Done> BlobDirectory::load_kept() {
  BMSG_TRY_ASSIGN(const auto blobs, list(Shelf::kept));
  kept_.emplace(blobs.begin(), blobs.end());
  kept_bytes_ = 0;
  for (const Blob& blob : blobs) kept_bytes_ += cost_of(blob);
  return done;
}

Result<std::uint64_t> BlobDirectory::room() {
  if (quota_ == 0) return std::uint64_t{0};
  const std::lock_guard lock(mutex_);
  if (!kept_) BMSG_TRY(load_kept());
  return quota_ > kept_bytes_ ? quota_ - kept_bytes_ : 0;
}

/// Removes what goes before this one until it fits; nothing if it would not all the same.
Result<bool> BlobDirectory::make_room(const Blob& blob) {
  std::uint64_t freed = 0;
  std::vector<Blob> going;
  for (const Blob& other : *kept_) {
    if (kept_bytes_ - freed + cost_of(blob) <= quota_) break;
    if (!(other < blob)) return false;
    freed += cost_of(other);
    going.push_back(other);
  }
  if (kept_bytes_ - freed + cost_of(blob) > quota_) return false;
  for (const Blob& other : going) {
    BMSG_TRY(disk_.remove(folder(Shelf::kept, other.id) / file_name_of(other)));
    kept_bytes_ -= cost_of(other);
    kept_->erase(other);
  }
  return true;
}

Result<MessageOutcome> BlobDirectory::keep(const Message& chunk, const MessageId& id) {
  const std::lock_guard lock(mutex_);
  if (!kept_) BMSG_TRY(load_kept());
  MessageOutcome outcome{.id = id, .verdict = Verdict::refused, .violation = {}};
  const Blob blob = blob_of(chunk, id);
  BMSG_TRY_ASSIGN(const bool fits, make_room(blob));
  if (!fits) {
    outcome.room = Room::pool_full;
    return outcome;
  }
  BMSG_TRY(put(Shelf::kept, chunk, id));
  kept_->insert(blob);
  kept_bytes_ += cost_of(blob);
  outcome.verdict = Verdict::accepted;
  return outcome;
}

Result<MessageOutcome> BlobDirectory::take(const Message& chunk) {
  const MessageId id = chain::id_of(chunk.head);
  MessageOutcome outcome{.id = id, .verdict = Verdict::refused, .violation = {}};
  if (chunk.head.suite != Suite::chunk || !chunk.body) {
    outcome.violation = chain::Violation{chain::Rule::layout, "no chunk of a file"};
    return outcome;
  }
  outcome.violation = chain::find_violation(chunk, id, clock_.now(), chain_);
  if (outcome.violation) {
    if (outcome.violation->rule == chain::Rule::early) outcome.verdict = Verdict::held;
    return outcome;
  }
  BMSG_TRY_ASSIGN(const bool is_here, offers(prefix_of<ShortId>(id)));
  if (is_here) {
    outcome.verdict = Verdict::known;
    return outcome;
  }
  return keep(chunk, id);
}

Result<Done> BlobDirectory::release(const std::vector<MessageId>& ids) {
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto blobs, list_folder(folder(Shelf::fetched, id)));
    const auto found = std::ranges::find(blobs, id, &Blob::id);
    if (found == blobs.end()) continue;
    if (quota_ >= cost_of(*found)) {
      BMSG_TRY_ASSIGN(const auto chunk, read(folder(Shelf::fetched, id), *found));
      if (chunk) BMSG_TRY(take(*chunk));
    }
    BMSG_TRY(disk_.remove(folder(Shelf::fetched, id) / file_name_of(*found)));
    BMSG_TRY(remove_halves(folder(Shelf::fetched, id), id));
  }
  return done;
}

/// What a kill left of this one.
Result<Done> BlobDirectory::remove_halves(const fs::path& folder, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto names, disk_.list(folder));
  const std::string prefix = "." + to_hex(id.view());
  for (const std::string& name : names) {
    if (name.starts_with(prefix)) BMSG_TRY(disk_.remove(folder / name));
  }
  return done;
}

/// Files that are being written, too.
Result<std::uint64_t> BlobDirectory::remove_in(const fs::path& folder,
                                               const std::function<bool(const Blob&)>& goes) {
  BMSG_TRY_ASSIGN(const auto names, disk_.list(folder));
  std::uint64_t gone = 0;
  for (const std::string& name : names) {
    const auto blob = blob_named(whole_name(name));
    if (!blob || !goes(*blob)) continue;
    BMSG_TRY(disk_.remove(folder / name));
    ++gone;
  }
  return gone;
}

Result<std::uint64_t> BlobDirectory::remove(Shelf shelf, const std::vector<MessageId>& ids) {
  const std::unordered_set<MessageId, FixedBytesHash> wanted(ids.begin(), ids.end());
  const std::lock_guard lock(mutex_);
  kept_.reset();
  std::uint64_t gone = 0;
  for (const char digit : kDigits) {
    const fs::path place = directory_ / name_of(shelf) / std::string(1, digit);
    BMSG_TRY_ASSIGN(const auto some,
                    remove_in(place, [&](const Blob& blob) { return wanted.contains(blob.id); }));
    if (some > 0) BMSG_TRY(disk_.sync_directory(place));
    gone += some;
  }
  return gone;
}

Result<std::uint64_t> BlobDirectory::expire() {
  const std::lock_guard lock(mutex_);
  kept_.reset();
  std::uint64_t gone = 0;
  for (const Shelf shelf : kShelves) {
    for (const char digit : kDigits) {
      BMSG_TRY_ASSIGN(
          const auto some,
          remove_in(directory_ / name_of(shelf) / std::string(1, digit),
                    [&](const Blob& blob) { return blob.expiry <= clock_.now().value; }));
      gone += some;
    }
  }
  return gone;
}

}  // namespace bmsg::node
