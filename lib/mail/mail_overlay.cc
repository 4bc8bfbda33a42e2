#include "lib/mail/mail_overlay.h"

#include <algorithm>
#include <tuple>

#include "lib/core/check.h"
#include "lib/core/try.h"

namespace bmsg::mail {
namespace {

bool is_newer(const MailEntry& a, const MailEntry& b) {
  return std::tie(a.time, a.order) > std::tie(b.time, b.order);
}

bool starts_with(const MessageId& id, ByteView prefix) {
  return prefix.size() <= MessageId::kSize &&
         std::ranges::equal(id.view().first(prefix.size()), prefix);
}

}  // namespace

void MailOverlay::add(const MailChange& change) {
  check(change.remove.empty(), "a change that takes away, over an index that cannot be written");
  for (MailEntry entry : change.put) {
    if (entry.order == 0) entry.order = next_order_++;
    entries_.insert_or_assign(entry.id, std::move(entry));
  }
  for (const auto& [id, flags] : change.flags) flags_.insert_or_assign(id, flags);
  if (change.position) position_ = change.position;
  for (const auto& [name, value] : change.values) values_.insert_or_assign(name, value);
}

Result<std::optional<MailEntry>> MailOverlay::entry(const MessageId& id) const {
  const auto found = entries_.find(id);
  if (found != entries_.end()) return std::optional(found->second);
  return base_.entry(id);
}

Result<std::vector<MailEntry>> MailOverlay::newest(std::optional<Place> before,
                                                   std::size_t max) const {
  // Replaced entries may take up places below, so as many more are asked for.
  BMSG_TRY_ASSIGN(auto found, base_.newest(before, max + entries_.size()));
  std::erase_if(found, [&](const MailEntry& entry) { return entries_.contains(entry.id); });
  for (const auto& [id, entry] : entries_) {
    const bool wanted =
        !before || std::tie(entry.time, entry.order) < std::tie(before->time, before->order);
    if (wanted) found.push_back(entry);
  }
  std::ranges::sort(found, is_newer);
  if (found.size() > max) found.resize(max);
  return found;
}

Result<std::uint64_t> MailOverlay::count() const {
  BMSG_TRY_ASSIGN(std::uint64_t counted, base_.count());
  for (const auto& [id, entry] : entries_) {
    BMSG_TRY_ASSIGN(const auto below, base_.entry(id));
    if (!below) ++counted;
  }
  return counted;
}

Result<Flags> MailOverlay::flags(const MessageId& id) const {
  const auto found = flags_.find(id);
  if (found != flags_.end()) return found->second;
  return base_.flags(id);
}

Result<std::vector<MessageId>> MailOverlay::with_flag(const std::string& flag) const {
  BMSG_TRY_ASSIGN(auto found, base_.with_flag(flag));
  std::erase_if(found, [&](const MessageId& id) { return flags_.contains(id); });
  for (const auto& [id, flags] : flags_) {
    if (flags.contains(flag)) found.push_back(id);
  }
  return found;
}

Result<std::vector<MessageId>> MailOverlay::ids_with_prefix(ByteView prefix,
                                                            std::size_t max) const {
  BMSG_TRY_ASSIGN(auto found, base_.ids_with_prefix(prefix, max));
  for (const auto& [id, entry] : entries_) {
    if (found.size() >= max) break;
    if (starts_with(id, prefix) && std::ranges::find(found, id) == found.end()) {
      found.push_back(id);
    }
  }
  return found;
}

Result<std::optional<ScanPosition>> MailOverlay::position() const {
  if (position_) return position_;
  return base_.position();
}

Result<std::optional<Bytes>> MailOverlay::value(const std::string& name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  return base_.value(name);
}

Result<std::map<std::string, Bytes>> MailOverlay::values(const std::string& prefix) const {
  BMSG_TRY_ASSIGN(auto found, base_.values(prefix));
  for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix);
       ++at) {
    if (at->second) {
      found.insert_or_assign(at->first, *at->second);
    } else {
      found.erase(at->first);
    }
  }
  return found;
}

}  // namespace bmsg::mail
