#include "lib/mail/outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"

namespace bmsg::mail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReasonBytesMax = 4096;
constexpr std::array kPlaces = {OutboxPlace::fresh, OutboxPlace::taken, OutboxPlace::failed};
constexpr std::array<std::string_view, 3> kPlaceNames = {"new", "cur", "failed"};

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

Result<std::vector<OutboxEntry>> Outbox::entries(std::optional<OutboxPlace> place) const {
  std::vector<OutboxEntry> found;
  for (const OutboxPlace one : kPlaces) {
    if (place && *place != one) continue;
    BMSG_TRY_ASSIGN(const auto names, disk_.list(place_path(one)));
    for (const std::string& name : names) {
      const auto parsed = parse_outbox_name(name);
      if (parsed) found.push_back({name, parsed->id, parsed->since, one});
    }
    for (const std::string& name : names) {
      if (is_pack_name(name)) BMSG_TRY(add_packed(one, name, found));
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
  if (!entry.pack.empty()) return read_packed(entry);
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
  BMSG_TRY(prepare());
  BMSG_TRY_ASSIGN(const auto names, disk_.list(place_path(OutboxPlace::fresh)));
  BMSG_TRY(unpack_rest(OutboxPlace::fresh, names));  // Else it may lie there twice.
  BMSG_TRY_ASSIGN(const auto entry, find(id));
  if (!entry) {
    // Whoever cancelled it may have died before that was durable.
    for (const OutboxPlace place : kPlaces) BMSG_TRY(disk_.sync_directory(place_path(place)));
    return Error{Errc::not_found, "no such message in the outbox"};
  }
  if (entry->place == OutboxPlace::taken) {
    return Error{Errc::exists, "a node has it already; it cannot be called back"};
  }
  if (entry->pack != entry->name && !entry->pack.empty())
    BMSG_TRY(unpack(entry->place, entry->pack));
  const fs::path aside = directory_ / "tmp" / entry->name;
  BMSG_TRY(disk_.rename(place_path(entry->place) / entry->name, aside));
  BMSG_TRY(disk_.sync_directory(place_path(entry->place)));
  // It may have come from a pack there, which must not come back either.
  BMSG_TRY(disk_.sync_directory(place_path(OutboxPlace::taken)));
  BMSG_TRY(disk_.remove(aside));
  return disk_.remove(reason_path(entry->name));
}

Result<Done> Outbox::retry(const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto entry, find(id));
  if (!entry) return Error{Errc::not_found, "no such message in the outbox"};
  // Whoever put it back may have died before that was durable.
  if (entry->place != OutboxPlace::failed)
    return disk_.sync_directory(place_path(OutboxPlace::fresh));
  BMSG_TRY_ASSIGN(const auto file, read(*entry));  // A damaged one would only fail again.
  if (!file) return done;
  BMSG_TRY(move(place_path(OutboxPlace::failed) / entry->name,
                place_path(OutboxPlace::fresh) / entry->name));
  BMSG_TRY(disk_.sync_directory(place_path(OutboxPlace::fresh)));
  return disk_.remove(reason_path(entry->name));
}

Result<Done> Outbox::remove(const std::vector<OutboxEntry>& entries) {
  std::map<std::pair<OutboxPlace, std::string>, std::vector<OutboxEntry>> packed;
  for (const OutboxEntry& entry : entries) {
    if (entry.pack.empty() || entry.pack == entry.name) {
      BMSG_TRY(disk_.remove(place_path(entry.place) / entry.name));
    } else {
      packed[{entry.place, entry.pack}].push_back(entry);
    }
  }
  for (const auto& [pack, of_it] : packed) BMSG_TRY(remove_packed(of_it));
  return entries.empty() ? Result<Done>(done) : sweep_relayed();
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
  BMSG_TRY_ASSIGN(const bool went_on, unpack_rest(OutboxPlace::fresh, names));
  if (went_on) return new_messages(max);
  forget_offers_but(names);
  for (const std::string& name : names) {
    if (found.size() >= max) break;
    if (is_pack_name(name)) {
      BMSG_TRY_ASSIGN(const bool is_offered, offer(name, max, found));
      if (!is_offered) return new_messages(max);
    }
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
  if (disk_.rename(from, target)) return done;
  // Another process may have moved or cancelled it meanwhile.
  BMSG_TRY_ASSIGN(const auto still, disk_.read(from, kPackBytesMax));
  if (!still) return done;
  // Or a power cut has taken the directory, of which nothing was durable yet.
  BMSG_TRY(disk_.make_directory(target.parent_path()));
  return disk_.rename(from, target);
}

Result<Done> Outbox::mark_taken(const std::string& name) {
  // Not synced: if the name falls back, the pool only says that it knows the message.
  if (pack_of_.contains(name)) return take_pack(name);
  return move_fresh(name, place_path(OutboxPlace::taken) / name);
}

Result<Done> Outbox::mark_failed(const std::string& name, const std::string& reason) {
  if (const auto packed = pack_of_.find(name); packed != pack_of_.end()) {
    const std::string pack = packed->second;
    BMSG_TRY(unpack(OutboxPlace::fresh, pack));
    forget_offer(pack);
  }
  const fs::path target = place_path(OutboxPlace::failed) / name;
  BMSG_TRY(disk_.make_directory(place_path(OutboxPlace::failed)));
  const std::string kept = reason.substr(0, kReasonBytesMax);
  BMSG_TRY(disk_.replace(reason_path(name), as_bytes(kept)));
  BMSG_TRY(move_fresh(name, target));
  return disk_.sync_directory(place_path(OutboxPlace::failed));
}

}  // namespace bmsg::mail
