#include "lib/mail/locator.h"

#include <algorithm>

#include "lib/core/try.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kRemembered = 1'024;

/// Makes room for one more: what was looked up long ago is not asked for again.
template <class Map>
void make_room(Map& map) {
  if (map.size() >= kRemembered) map.clear();
}

}  // namespace

Result<Done> Locator::locate(MailItem& item) {
  BMSG_TRY_ASSIGN(item.block, place_of(item.id));
  if (item.block) {
    if (!tip_) {
      BMSG_TRY_ASSIGN(const auto tip, chain_.tip());
      tip_ = tip.height;
    }
    item.confirmations = tip_->value - std::min(*tip_, item.block->height).value + 1;
    BMSG_TRY(judge_time(item));
  } else {
    BMSG_TRY_ASSIGN(const auto pooled, chain_.pooled(item.id));
    item.pooled = pooled.has_value();
  }
  return look_before(item);
}

Result<std::optional<node::MessagePlace>> Locator::place_of(const MessageId& id) {
  const auto known = places_.find(id);
  if (known != places_.end()) return known->second;
  BMSG_TRY_ASSIGN(const auto all, chain_.places_of(id));
  const auto best = std::ranges::find(all, node::Branch::main, &node::MessagePlace::branch);
  const auto place = best == all.end() ? std::nullopt : std::optional(*best);
  make_room(places_);
  places_.emplace(id, place);
  return place;
}

Result<Done> Locator::judge_time(MailItem& item) {
  auto known = times_.find(item.block->block);
  if (known == times_.end()) {
    BMSG_TRY_ASSIGN(const auto header, chain_.header(item.block->block));
    make_room(times_);
    const auto time = header ? std::optional(header->sealed.header.time) : std::nullopt;
    known = times_.emplace(item.block->block, time).first;
  }
  if (known->second) item.late = known->second->value >= item.time().value + kLateSeconds;
  return done;
}

/// Heights and not the order of finding: in one block messages lie by their ids, and every store
/// of a chain has the same heights.
Result<Done> Locator::look_before(MailItem& item) {
  if (!item.summary.prev) return done;
  BMSG_TRY_ASSIGN(const auto earlier, mail_.ids_with_prefix(item.summary.prev->view(), 1));
  if (!earlier.empty()) {
    BMSG_TRY_ASSIGN(const auto before, place_of(earlier.front()));
    item.out_of_order = item.block && (!before || before->height > item.block->height);
    return done;
  }
  BMSG_TRY_ASSIGN(const auto known, chain_.ids_with_prefix(item.summary.prev->view(), 1));
  item.gap = true;
  if (known.empty()) return done;
  // What was forgotten here is not missing.
  BMSG_TRY_ASSIGN(const auto dropped, chain_.dropped(known.front()));
  item.gap = !dropped;
  return done;
}

}  // namespace bmsg::mail
