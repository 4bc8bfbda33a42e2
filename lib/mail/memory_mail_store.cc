#include "lib/mail/memory_mail_store.h"

#include <algorithm>

namespace bmsg::mail {
namespace {

template <class Map, class Key>
auto find_in(const Map& map, const Key& key) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Result<std::optional<MailEntry>> MemoryMailStore::entry(const MessageId& id) const {
  return find_in(entries_, id);
}

Result<std::vector<MailEntry>> MemoryMailStore::newest(std::optional<Place> before,
                                                       std::size_t max) const {
  auto at = before ? order_.lower_bound({before->time, before->order, MessageId()}) : order_.end();
  std::vector<MailEntry> found;
  while (at != order_.begin() && found.size() < max)
    found.push_back(entries_.at(std::get<MessageId>(*--at)));
  return found;
}

Result<std::uint64_t> MemoryMailStore::count() const { return std::uint64_t{entries_.size()}; }

Result<Flags> MemoryMailStore::flags(const MessageId& id) const {
  return find_in(flags_, id).value_or(Flags());
}

Result<std::vector<MessageId>> MemoryMailStore::with_flag(const std::string& flag) const {
  std::vector<MessageId> ids;
  for (const auto& [id, flags] : flags_) {
    if (flags.contains(flag)) ids.push_back(id);
  }
  return ids;
}

Result<std::vector<MessageId>> MemoryMailStore::ids_with_prefix(ByteView prefix,
                                                                std::size_t max) const {
  std::vector<MessageId> ids;
  for (const auto& [id, entry] : entries_) {
    const bool begins = prefix.size() <= MessageId::kSize &&
                        std::ranges::equal(id.view().first(prefix.size()), prefix);
    if (begins && ids.size() < max) ids.push_back(id);
  }
  return ids;
}

Result<std::optional<ScanPosition>> MemoryMailStore::position() const { return position_; }

Result<std::optional<Bytes>> MemoryMailStore::value(const std::string& name) const {
  return find_in(values_, name);
}

Result<std::map<std::string, Bytes>> MemoryMailStore::values(const std::string& prefix) const {
  std::map<std::string, Bytes> found;
  for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix);
       ++at) {
    found.insert(*at);
  }
  return found;
}

void MemoryMailStore::put(MailEntry entry) {
  const auto old = find_in(entries_, entry.id);
  if (old) order_.erase({old->time, old->order, old->id});
  if (entry.order == 0) entry.order = old ? old->order : next_order_;
  next_order_ = std::max(next_order_, entry.order + 1);
  order_.insert({entry.time, entry.order, entry.id});
  entries_[entry.id] = std::move(entry);
}

void MemoryMailStore::remove(const MessageId& id) {
  const auto old = find_in(entries_, id);
  if (old) order_.erase({old->time, old->order, old->id});
  entries_.erase(id);
  flags_.erase(id);
}

Result<Done> MemoryMailStore::apply(const MailChange& change) {
  for (const MailEntry& entry : change.put) put(entry);
  for (const auto& [id, flags] : change.flags) {
    if (flags.empty()) {
      flags_.erase(id);
    } else {
      flags_[id] = flags;
    }
  }
  for (const MessageId& id : change.remove) remove(id);
  if (change.position) position_ = change.position;
  for (const auto& [name, value] : change.values) {
    if (value) {
      values_[name] = *value;
    } else {
      values_.erase(name);
    }
  }
  return done;
}

}  // namespace bmsg::mail
