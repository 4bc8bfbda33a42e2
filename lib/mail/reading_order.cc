#include "lib/mail/reading_order.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace bmsg::mail {
namespace {

/// Puts messages out one by one, each after those of its minute that it names. The way back is
/// kept in a list and not on the stack: its length is a stranger's choice.
class Sorter {
 public:
  explicit Sorter(const std::vector<Placed>& messages)
      : messages_(messages), entered_(messages.size(), false) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      by_id_.emplace(prefix_of<IdPrefix>(messages[i].id), i);
    }
  }

  void put(std::size_t index) {
    enter(index);
    while (!way_.empty()) {
      const auto before = find_before(way_.back());
      if (before) {
        enter(*before);
        continue;
      }
      order_.push_back(way_.back());
      way_.pop_back();
    }
  }

  std::vector<std::size_t> take() { return std::move(order_); }

 private:
  void enter(std::size_t index) {
    if (entered_[index]) return;
    entered_[index] = true;
    way_.push_back(index);
  }

  /// One that must come first and has not been entered yet.
  std::optional<std::size_t> find_before(std::size_t index) const {
    const Placed& message = messages_[index];
    if (message.prev) {
      if (const auto found = find(*message.prev, message.time)) return found;
    }
    for (const MessageId& id : message.re) {
      if (const auto found = find(prefix_of<IdPrefix>(id), message.time)) return found;
    }
    return std::nullopt;
  }

  std::optional<std::size_t> find(const IdPrefix& id, std::uint32_t time) const {
    const auto found = by_id_.find(id);
    if (found == by_id_.end() || entered_[found->second]) return std::nullopt;
    return messages_[found->second].time == time ? std::optional(found->second) : std::nullopt;
  }

  const std::vector<Placed>& messages_;
  std::map<IdPrefix, std::size_t> by_id_;
  std::vector<bool> entered_;
  std::vector<std::size_t> way_;
  std::vector<std::size_t> order_;
};

}  // namespace

std::vector<std::size_t> reading_order(const std::vector<Placed>& messages) {
  std::vector<std::size_t> by_number(messages.size());
  std::iota(by_number.begin(), by_number.end(), std::size_t{0});
  std::ranges::stable_sort(by_number, [&](std::size_t a, std::size_t b) {
    return std::tie(messages[a].time, messages[a].seq) <
           std::tie(messages[b].time, messages[b].seq);
  });
  Sorter sorter(messages);
  for (const std::size_t index : by_number) sorter.put(index);
  return sorter.take();
}

}  // namespace bmsg::mail
