#include "lib/mail/outbox.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <set>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/thread.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"

namespace bmsg::mail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReasonBytesMax = 4096;
constexpr std::size_t kFilesPerThread = 8;  // For fewer, one waits as long as many.
constexpr std::size_t kThreadsMax = 15;
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

constexpr std::size_t kRelayBytes = 16;

/// How the names of a message's records in relayed/ begin.
std::string relay_prefix(const MessageId& id) { return to_hex(id.view().first(kRelayBytes)) + "."; }

}  // namespace

std::string_view name_of(OutboxState state) {
  constexpr std::array<std::string_view, 9> kNames = {
      "held", "queued", "pooled", "relayed", "mined", "buried", "read", "failed", "expired"};
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
  for (const char* name : {"tmp", "new", "cur", "failed", "keys", "seq", "held", "relayed"}) {
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

/// Many at once wait for the disk together: what it makes durable for one, it does for all.
Result<Done> Outbox::make_all(const std::vector<OutboxFile>& files,
                              const std::vector<fs::path>& made) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> failed;
  const auto work = [&](const std::stop_token&) {
    for (std::size_t i = next++; i < files.size(); i = next++) {
      auto written = disk_.remove(made[i]);  // A leftover of ours, from a disk that failed.
      if (written) written = disk_.create(made[i], encode(files[i]));
      if (written) continue;
      const std::lock_guard lock(mutex);
      failed = written.error();
      next = files.size();
    }
  };
  std::vector<std::jthread> others;
  const std::size_t wanted = std::min(files.size() / kFilesPerThread, kThreadsMax);
  while (others.size() < wanted && start_thread(others, work)) {
  }
  work({});
  others.clear();  // Joins.
  return failed ? Result<Done>(*failed) : done;
}

Result<Done> Outbox::publish(const std::vector<OutboxFile>& files, std::vector<fs::path>& made) {
  for (const OutboxFile& file : files) made.push_back(temporary_path(file));
  BMSG_TRY(make_all(files, made));
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

Result<Done> Outbox::stage(const std::vector<OutboxFile>& files) {
  BMSG_TRY(prepare());
  for (const OutboxFile& file : files) {
    BMSG_TRY(disk_.remove(temporary_path(file)));  // A leftover of ours, from a disk that failed.
    const auto made = disk_.create(temporary_path(file), encode(file));
    if (made) continue;
    (void)unstage(files);  // The disk fails already; what stays is swept.
    return made;
  }
  return disk_.sync_directory(directory_ / "tmp");
}

Result<Done> Outbox::unstage(const std::vector<OutboxFile>& files) {
  for (const OutboxFile& file : files) BMSG_TRY(disk_.remove(temporary_path(file)));
  return done;
}

Result<Done> Outbox::finish(const std::vector<MessageId>& ids) {
  if (ids.empty()) return done;
  BMSG_TRY_ASSIGN(const auto names, disk_.list(directory_ / "tmp"));
  for (const std::string& name : names) {
    const std::string own = name.substr(0, kOutboxNameBytes);
    const auto parsed = parse_outbox_name(own);
    if (!parsed || std::ranges::find(ids, parsed->id) == ids.end()) continue;
    BMSG_TRY(move(directory_ / "tmp" / name, place_path(OutboxPlace::fresh) / own));
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

Result<std::optional<OutboxStatus>> Outbox::status_on_chain(const MessageId& id,
                                                            const node::ChainReader& chain,
                                                            std::uint32_t depth) const {
  OutboxStatus status;
  BMSG_TRY_ASSIGN(status.relayed_to, count_relayed(id));
  BMSG_TRY_ASSIGN(const auto place, main_place(chain, id));
  if (place) {
    BMSG_TRY_ASSIGN(const auto tip, chain.tip());
    status.height = place->height;
    status.confirmations = tip.height.value - std::min(tip.height, place->height).value + 1;
    status.state = status.confirmations >= depth ? OutboxState::buried : OutboxState::mined;
    BMSG_TRY_ASSIGN(const auto peers, chain.peers());
    const auto has_block = [&](const node::Peer& peer) {
      return peer.height && *peer.height >= place->height;
    };
    const auto count = static_cast<std::uint64_t>(std::ranges::count_if(peers, has_block));
    status.relayed_to = std::max(status.relayed_to, count);
    return std::optional(std::move(status));
  }
  BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(id));
  if (!pooled) return std::optional<OutboxStatus>();
  status.state = status.relayed_to > 0 ? OutboxState::relayed : OutboxState::pooled;
  BMSG_TRY(judge_waiting(id, chain, status));
  return std::optional(std::move(status));
}

/// Why a message waits that a node has.
Result<Done> Outbox::judge_waiting(const MessageId& id, const node::ChainReader& chain,
                                   OutboxStatus& status) const {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  status.reason = places.empty() ? "waiting for a block"
                                 : "the block that held it was replaced; waiting for another";
  if (status.relayed_to > 0) status.reason += fmt::format("; {} peers have it", status.relayed_to);
  return done;
}

Result<bool> Outbox::is_buried(const MessageId& id, const node::ChainReader& chain, Height tip,
                               std::uint32_t depth) {
  BMSG_TRY_ASSIGN(const auto place, main_place(chain, id));
  return place && tip.value - std::min(tip, place->height).value + 1 >= depth;
}

Result<OutboxStatus> Outbox::status(const OutboxEntry& entry, const node::ChainReader& chain,
                                    std::uint32_t depth, UnixSeconds now) const {
  BMSG_TRY_ASSIGN(auto there, status_on_chain(entry.id, chain, depth));
  if (there && there->height) return std::move(*there);
  OutboxStatus status;
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
  if (there) return std::move(*there);
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(entry.id));
  status.reason = places.empty()
                      ? "waiting for a node to take it"
                      : "the block that held it was replaced; waiting for a node to take it";
  return status;
}

Result<Done> Outbox::note_relayed(const std::string& peer_url, const std::vector<ShortId>& has) {
  const std::set<ShortId> theirs(has.begin(), has.end());
  const std::string peer = to_hex(crypto::sha512(as_bytes(peer_url)).view().first(kRelayBytes));
  BMSG_TRY_ASSIGN(const auto taken, entries());
  for (const OutboxEntry& entry : taken) {
    if (!theirs.contains(prefix_of<ShortId>(entry.id))) continue;
    BMSG_TRY(disk_.make_directory(directory_ / "relayed"));
    const auto made = disk_.create(directory_ / "relayed" / (relay_prefix(entry.id) + peer), {});
    if (!made && made.error().code != Errc::exists) return made;
  }
  return done;
}

Result<std::uint64_t> Outbox::count_relayed(const MessageId& id) const {
  BMSG_TRY_ASSIGN(const auto names, disk_.list(directory_ / "relayed"));
  const std::string prefix = relay_prefix(id);
  return static_cast<std::uint64_t>(std::ranges::count_if(
      names, [&](const std::string& name) { return name.starts_with(prefix); }));
}

/// What is buried has left, and its count with it.
Result<Done> Outbox::sweep_relayed() {
  BMSG_TRY_ASSIGN(const auto names, disk_.list(directory_ / "relayed"));
  if (names.empty()) return done;
  std::set<std::string> here;
  BMSG_TRY_ASSIGN(const auto all, entries());
  for (const OutboxEntry& entry : all) here.insert(relay_prefix(entry.id));
  for (const std::string& name : names) {
    if (here.contains(name.substr(0, 2 * kRelayBytes + 1))) continue;
    BMSG_TRY(disk_.remove(directory_ / "relayed" / name));
  }
  return done;
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
    // A light node offers what came back from a block only once it is taken from here again.
    if (pooled && (!chain.is_light() || pooled->origin == node::Origin::own)) continue;
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
  return sweep_relayed();
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
  return move(place_path(OutboxPlace::fresh) / name, target);
}

Result<Done> Outbox::move(const fs::path& from, const fs::path& target) {
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
