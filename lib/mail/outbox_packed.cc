// Packs in the outbox: found and read as if each message had a file, and unpacked where one of
// them goes another way than the rest.

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/core/try.h"
#include "lib/mail/outbox.h"

namespace bmsg::mail {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{10};  // For another that unpacks.

Error holds_another(const std::string& name) {
  return Error{Errc::corrupt, fmt::format("{}: holds another message", name)};
}

Result<OutboxFile> file_in(const OutboxPack& pack, const PackedFile& packed) {
  auto file = decode_outbox_file(pack.bytes_of(packed));
  if (!file) return in_context(packed.name(), file.error());
  if (chain::id_of(file.value().message.head) != packed.id) return holds_another(packed.name());
  return file;
}

/// The name while a pack is unpacked.
std::string unpacked_name(const std::string& name) {
  return name.substr(0, kOutboxNameBytes) + std::string(kUnpackedEnd);
}

}  // namespace

Result<Outbox::Pack> Outbox::pack_at(OutboxPlace place, const std::string& name) const {
  const fs::path path = place_path(place) / name;
  if (path == last_path_ && last_pack_) return last_pack_;
  BMSG_TRY_ASSIGN(auto bytes, disk_.read(path, kPackBytesMax));
  if (!bytes) return Pack();
  auto pack = OutboxPack::decode(std::move(*bytes));
  if (!pack) return in_context(name, pack.error());
  last_path_ = path;
  last_pack_ = std::make_shared<const OutboxPack>(std::move(pack).value());
  return last_pack_;
}

Result<Done> Outbox::add_packed(OutboxPlace place, const std::string& name,
                                std::vector<OutboxEntry>& found) const {
  const auto pack = pack_at(place, name);
  if (!pack && pack.error().code != Errc::corrupt && pack.error().code != Errc::bad_config)
    return pack.error();
  if (!pack) {
    // Its messages are unknown, but not that there were some: it stands for them.
    const auto parsed = parse_outbox_name(name.substr(0, kOutboxNameBytes));
    found.push_back({name, parsed->id, parsed->since, place, name});
    return done;
  }
  if (!pack.value()) return done;
  for (const PackedFile& file : pack.value()->files()) {
    // Where somebody was killed while they unpacked, some lie beside.
    const bool is_beside = name.ends_with(kUnpackedEnd) &&
                           std::ranges::find(found, file.id, &OutboxEntry::id) != found.end();
    if (!is_beside) found.push_back({file.name(), file.id, file.since, place, name});
  }
  return done;
}

Result<std::optional<OutboxFile>> Outbox::read_packed(const OutboxEntry& entry) const {
  BMSG_TRY_ASSIGN(const auto pack, pack_at(entry.place, entry.pack));
  if (!pack) {  // Unpacked meanwhile, or moved on.
    OutboxEntry alone = entry;
    alone.pack.clear();
    return read(alone);
  }
  const PackedFile* packed = pack->find(entry.id);
  if (packed == nullptr) return std::optional<OutboxFile>();
  BMSG_TRY_ASSIGN(auto file, file_in(*pack, *packed));
  return std::optional(std::move(file));
}

Result<FileLock> Outbox::lock_packs() const {
  return FileLock::take(directory_ / "packs.lock", "outbox", kPatience, SystemClock());
}

Result<Done> Outbox::unpack(OutboxPlace place, const std::string& name) {
  BMSG_TRY_ASSIGN(const auto lock, lock_packs());
  return unpack_locked(place, name);
}

/// First it gets a name that everybody knows for half done, so that no message is taken, moved or
/// cancelled as a file while it is in the pack as well.
Result<Done> Outbox::unpack_locked(OutboxPlace place, const std::string& name) {
  BMSG_TRY_ASSIGN(const auto pack, pack_at(place, name));
  if (!pack) return done;
  last_pack_.reset();
  const fs::path directory = place_path(place);
  const fs::path begun = directory / unpacked_name(name);
  if (name.ends_with(kPackEnd)) {
    // Somebody may have been faster, and then there is none to rename.
    const auto renamed = disk_.rename(directory / name, begun);
    BMSG_TRY_ASSIGN(const auto there, disk_.read(directory / name, kPackBytesMax));
    if (!renamed && there) return renamed;
    if (!renamed) return done;
    // Before any of its files: after a power cut each of them would lie there twice.
    BMSG_TRY(disk_.sync_directory(directory));
  }
  BMSG_TRY_ASSIGN(const auto names, disk_.list(directory));
  std::vector<Coming> files;
  for (const PackedFile& file : pack->files()) {
    if (std::ranges::binary_search(names, file.name())) continue;  // Of one who was killed here.
    files.push_back(
        {temporary_path(file.name()), directory / file.name(), to_bytes(pack->bytes_of(file))});
  }
  std::vector<fs::path> made;
  // It may be gone: a power cut takes directories of which nothing was made durable.
  BMSG_TRY(disk_.make_directory(directory_ / "tmp"));
  BMSG_TRY(publish(files, directory, made));
  BMSG_TRY(disk_.remove(begun));
  // Else it might come back after a power cut, with what was cancelled.
  return disk_.sync_directory(directory);
}

Result<bool> Outbox::unpack_rest(OutboxPlace place, const std::vector<std::string>& names) {
  bool was_there = false;
  for (const std::string& name : names) {
    if (!is_pack_name(name) || !name.ends_with(kUnpackedEnd)) continue;
    const auto unpacked = unpack(place, name);
    if (!unpacked && unpacked.error().code == Errc::corrupt) continue;
    if (!unpacked) return unpacked.error();
    was_there = true;
  }
  return was_there;
}

Result<bool> Outbox::finish_unpacking(OutboxPlace place) {
  BMSG_TRY_ASSIGN(const auto names, disk_.list(place_path(place)));
  return unpack_rest(place, names);
}

Result<Done> Outbox::remove_packed(const std::vector<OutboxEntry>& entries) {
  BMSG_TRY_ASSIGN(const auto lock, lock_packs());
  const OutboxPlace place = entries.front().place;
  const std::string& name = entries.front().pack;
  const auto pack = pack_at(place, name);
  if (!pack) return pack.error();
  const bool all =
      pack.value() && std::ranges::all_of(pack.value()->files(), [&](const auto& file) {
        return std::ranges::find(entries, file.id, &OutboxEntry::id) != entries.end();
      });
  last_pack_.reset();
  if (all && name.ends_with(kPackEnd)) return disk_.remove(place_path(place) / name);
  BMSG_TRY(unpack_locked(place, name));
  for (const OutboxEntry& entry : entries) BMSG_TRY(disk_.remove(place_path(place) / entry.name));
  return done;
}

Result<bool> Outbox::offer(const std::string& name, std::size_t max, std::vector<Queued>& found) {
  const auto pack = pack_at(OutboxPlace::fresh, name);
  if (!pack && pack.error().code == Errc::corrupt) {
    BMSG_TRY(mark_failed(name, pack.error().message));
    return true;
  }
  if (!pack && pack.error().code == Errc::bad_config) return true;
  if (!pack) return pack.error();
  if (!pack.value()) return true;
  const auto [offered, is_new] = offered_.try_emplace(name);
  if (is_new) {
    for (const PackedFile& file : pack.value()->files()) offered->second.insert(file.name());
  }
  for (const PackedFile& packed : pack.value()->files()) {
    const std::string alone = packed.name();
    if (found.size() >= max) break;
    if (!offered->second.contains(alone)) continue;
    auto file = file_in(*pack.value(), packed);
    if (!file && file.error().code == Errc::bad_config) continue;
    if (!file) {
      // The others go on without it; as a file it is set aside.
      BMSG_TRY(unpack(OutboxPlace::fresh, name));
      forget_offer(name);
      return false;
    }
    pack_of_[alone] = name;
    found.push_back({alone, std::move(file.value().message)});
  }
  return true;
}

void Outbox::forget_offer(const std::string& pack) {
  offered_.erase(pack);
  std::erase_if(pack_of_, [&](const auto& one) { return one.second == pack; });
}

void Outbox::forget_offers_but(const std::vector<std::string>& names) {
  std::vector<std::string> gone;
  for (const auto& [pack, left] : offered_) {
    if (!std::ranges::binary_search(names, pack)) gone.push_back(pack);
  }
  for (const std::string& pack : gone) forget_offer(pack);
}

/// A pack moves on when all of it is taken; until then this process knows which of them are.
Result<Done> Outbox::take_pack(const std::string& name) {
  const std::string pack = pack_of_.at(name);
  std::set<std::string>& left = offered_.at(pack);
  if (left.size() > 1) {
    left.erase(name);
    return done;
  }
  BMSG_TRY_ASSIGN(const auto lock, lock_packs());
  BMSG_TRY(move_fresh(pack, place_path(OutboxPlace::taken) / pack));
  last_pack_.reset();
  forget_offer(pack);
  return done;
}

}  // namespace bmsg::mail
