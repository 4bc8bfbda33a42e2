#include "lib/mail/outbox.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::mail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReasonBytesMax = 4096;
constexpr std::array kPlaces = {OutboxPlace::fresh, OutboxPlace::taken, OutboxPlace::failed};
constexpr std::array<std::string_view, 3> kPlaceNames = {"new", "cur", "failed"};

std::string name_of_file(const OutboxFile& file) {
  return outbox_name(file.since, chain::id_of(file.message.head));
}

/// The block of the best chain that holds the message.
Result<std::optional<node::MessagePlace>> main_place(const node::ChainReader& chain,
                                                     const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  const auto found = std::ranges::find(places, node::Branch::main, &node::MessagePlace::branch);
  return found == places.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

std::string_view name_of(OutboxState state) {
  constexpr std::array<std::string_view, 7> kNames = {"held",   "queued", "pooled", "mined",
                                                      "buried", "failed", "expired"};
  return kNames[static_cast<std::size_t>(state)];
}

std::uint32_t burial_depth(chain::Mode mode) { return mode == chain::Mode::pow ? 6 : 2; }

Outbox::Outbox(Disk& disk, fs::path directory) : disk_(disk), directory_(std::move(directory)) {}

fs::path Outbox::place_path(OutboxPlace place) const {
  return directory_ / kPlaceNames[static_cast<std::size_t>(place)];
}

fs::path Outbox::reason_path(const std::string& name) const {
  return place_path(OutboxPlace::failed) / (name + ".reason");
}

Result<Done> Outbox::prepare() {
  for (const char* name : {"tmp", "new", "cur", "failed", "keys", "seq", "held"}) {
    BMSG_TRY(disk_.make_directory(directory_ / name));
  }
  return done;
}

Result<Done> Outbox::queue(const std::vector<OutboxFile>& files) {
  BMSG_TRY(prepare());
  std::vector<fs::path> made;
  auto published = publish(files, made);
  if (published) return published;
  for (const fs::path& file : made) {
    // The disk fails already; what stays in tmp is swept, what stays in new may be sent although
    // its id was not told.
    (void)disk_.remove(file);
  }
  return published;
}

Result<Done> Outbox::publish(const std::vector<OutboxFile>& files, std::vector<fs::path>& made) {
  for (const OutboxFile& file : files) {
    made.push_back(temporary_path(file));
    BMSG_TRY(disk_.remove(made.back()));  // A leftover of ours, from a disk that failed.
    BMSG_TRY(disk_.create(made.back(), encode(file)));
  }
  // Only now may a node see any of them.
  for (std::size_t i = 0; i < files.size(); ++i) {
    const fs::path target = place_path(OutboxPlace::fresh) / name_of_file(files[i]);
    // The very same message of an earlier call is not ours to take back if this one fails.
    BMSG_TRY_ASSIGN(const auto there, disk_.read(target, kOutboxFileBytesMax));
    BMSG_TRY(disk_.rename(made[i], target));
    if (!there) made[i] = target;
  }
  return disk_.sync_directory(place_path(OutboxPlace::fresh));
}

fs::path Outbox::temporary_path(const OutboxFile& file) const {
  return directory_ / "tmp" / fmt::format("{}.{}", name_of_file(file), ::getpid());
}

Result<std::vector<OutboxEntry>> Outbox::entries(std::optional<OutboxPlace> place) const {
  std::vector<OutboxEntry> found;
  for (const OutboxPlace one : kPlaces) {
    if (place && *place != one) continue;
    BMSG_TRY_ASSIGN(const auto names, disk_.list(place_path(one)));
    for (const std::string& name : names) {
      const auto parsed = parse_outbox_name(name);
      if (parsed) found.push_back({name, parsed->id, parsed->since, one});
    }
  }
  std::ranges::stable_sort(found, {}, &OutboxEntry::name);
  return found;
}

Result<std::optional<OutboxEntry>> Outbox::find(const MessageId& id) const {
  BMSG_TRY_ASSIGN(const auto all, entries());
  const auto found = std::ranges::find(all, id, &OutboxEntry::id);
  return found == all.end() ? std::nullopt : std::optional(*found);
}

Result<std::optional<OutboxFile>> Outbox::read(const OutboxEntry& entry) const {
  BMSG_TRY_ASSIGN(const auto bytes,
                  disk_.read(place_path(entry.place) / entry.name, kOutboxFileBytesMax));
  if (!bytes) return std::optional<OutboxFile>();
  auto file = decode_outbox_file(*bytes);
  if (!file) return in_context(entry.name, file.error());
  if (chain::id_of(file.value().message.head) != entry.id) {
    return Error{Errc::corrupt, fmt::format("{}: holds another message", entry.name)};
  }
  return std::optional(std::move(file).value());
}

Result<OutboxStatus> Outbox::status(const OutboxEntry& entry, const node::ChainReader& chain,
                                    std::uint32_t depth, UnixSeconds now) const {
  OutboxStatus status;
  BMSG_TRY_ASSIGN(const auto place, main_place(chain, entry.id));
  if (place) {
    BMSG_TRY_ASSIGN(const auto tip, chain.tip());
    status.height = place->height;
    status.confirmations = tip.height.value - std::min(tip.height, place->height).value + 1;
    status.state = status.confirmations >= depth ? OutboxState::buried : OutboxState::mined;
    return status;
  }
  if (entry.place == OutboxPlace::failed) {
    status.state = OutboxState::failed;
    BMSG_TRY_ASSIGN(status.reason, failure_reason(entry));
    return status;
  }
  BMSG_TRY_ASSIGN(const auto file, read(entry));
  if (file && now.value >= file->message.head.expiry()) {
    status.state = OutboxState::expired;
    status.reason = "its time ran out before a block took it";
    return status;
  }
  BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(entry.id));
  status.state = pooled ? OutboxState::pooled : OutboxState::queued;
  status.reason = pooled ? "waiting for a block" : "waiting for a node to take it";
  return status;
}

Result<std::string> Outbox::failure_reason(const OutboxEntry& entry) const {
  BMSG_TRY_ASSIGN(const auto reason, disk_.read(reason_path(entry.name), kReasonBytesMax));
  return reason ? to_string(*reason) : std::string("refused");
}

Result<Done> Outbox::cancel(const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto entry, find(id));
  if (!entry) return Error{Errc::not_found, "no such message in the outbox"};
  if (entry->place == OutboxPlace::taken) {
    return Error{Errc::exists, "a node has it already; it cannot be called back"};
  }
  const fs::path aside = directory_ / "tmp" / entry->name;
  BMSG_TRY(disk_.rename(place_path(entry->place) / entry->name, aside));
  BMSG_TRY(disk_.sync_directory(place_path(entry->place)));
  BMSG_TRY(disk_.remove(aside));
  return disk_.remove(reason_path(entry->name));
}

Result<Done> Outbox::retry(const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto entry, find(id));
  if (!entry) return Error{Errc::not_found, "no such message in the outbox"};
  if (entry->place != OutboxPlace::failed) return done;
  BMSG_TRY_ASSIGN(const auto file, read(*entry));  // A damaged one would only fail again.
  if (!file) return done;
  BMSG_TRY(disk_.rename(place_path(OutboxPlace::failed) / entry->name,
                        place_path(OutboxPlace::fresh) / entry->name));
  BMSG_TRY(disk_.sync_directory(place_path(OutboxPlace::fresh)));
  return disk_.remove(reason_path(entry->name));
}

Result<Done> Outbox::remove(const OutboxEntry& entry) {
  return disk_.remove(place_path(entry.place) / entry.name);
}

Result<std::size_t> Outbox::return_lost(const node::ChainReader& chain, UnixSeconds now) {
  std::size_t returned = 0;
  BMSG_TRY_ASSIGN(const auto taken, entries(OutboxPlace::taken));
  for (const OutboxEntry& entry : taken) {
    BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(entry.id));
    if (pooled) continue;
    BMSG_TRY_ASSIGN(const auto place, main_place(chain, entry.id));
    if (place) continue;
    BMSG_TRY_ASSIGN(const auto file, read(entry));
    if (!file || now.value >= file->message.head.expiry()) continue;
    BMSG_TRY(disk_.rename(place_path(OutboxPlace::taken) / entry.name,
                          place_path(OutboxPlace::fresh) / entry.name));
    ++returned;
  }
  return returned;
}

Result<Done> Outbox::sweep(UnixSeconds now) {
  BMSG_TRY_ASSIGN(const auto names, disk_.list(directory_ / "tmp"));
  for (const std::string& name : names) {
    const auto parsed = parse_outbox_name(std::string_view(name).substr(0, kOutboxNameBytes));
    if (parsed && now.value > parsed->since.value + kOutboxLeftoverSeconds) {
      BMSG_TRY(disk_.remove(directory_ / "tmp" / name));
    }
  }
  return done;
}

Result<std::vector<node::OutboxSource::Queued>> Outbox::new_messages(std::size_t max) {
  std::vector<Queued> found;
  BMSG_TRY_ASSIGN(const auto names, disk_.list(place_path(OutboxPlace::fresh)));
  for (const std::string& name : names) {
    if (found.size() >= max) break;
    const auto parsed = parse_outbox_name(name);
    if (!parsed) continue;  // Not ours, so not ours to move.
    auto file = read({name, parsed->id, parsed->since, OutboxPlace::fresh});
    if (!file && file.error().code == Errc::corrupt) {
      BMSG_TRY(mark_failed(name, file.error().message));
    } else if (!file && file.error().code != Errc::bad_config) {
      return file.error();
    }
    // One of a newer version waits for that version.
    if (file && file.value()) found.push_back({name, std::move(file.value()->message)});
  }
  return found;
}

Result<Done> Outbox::move_fresh(const std::string& name, const fs::path& target) {
  const fs::path from = place_path(OutboxPlace::fresh) / name;
  const auto moved = disk_.rename(from, target);
  if (moved) return done;
  // Another process may have moved or cancelled it meanwhile.
  BMSG_TRY_ASSIGN(const auto still, disk_.read(from, kOutboxFileBytesMax));
  return still ? moved : done;
}

Result<Done> Outbox::mark_taken(const std::string& name) {
  // Not synced: if the name falls back, the pool only says that it knows the message.
  return move_fresh(name, place_path(OutboxPlace::taken) / name);
}

Result<Done> Outbox::mark_failed(const std::string& name, const std::string& reason) {
  const fs::path target = place_path(OutboxPlace::failed) / name;
  BMSG_TRY(disk_.make_directory(place_path(OutboxPlace::failed)));
  const std::string kept = reason.substr(0, kReasonBytesMax);
  BMSG_TRY(disk_.replace(reason_path(name), as_bytes(kept)));
  BMSG_TRY(move_fresh(name, target));
  return disk_.sync_directory(place_path(OutboxPlace::failed));
}

}  // namespace bmsg::mail
