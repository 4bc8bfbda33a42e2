#include "lib/node/embargo.h"

#include <algorithm>
#include <array>

#include "lib/core/try.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kTakesNothingMax = 4'096;

Result<std::uint64_t> draw_below(Entropy& entropy, std::uint64_t end) {
  std::array<std::uint8_t, 8> bytes{};
  BMSG_TRY(entropy.fill(bytes));
  std::uint64_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return number % end;
}

}  // namespace

void Embargo::note_takes(const std::string& url, bool takes) {
  const std::lock_guard lock(mutex_);
  if (takes) {
    takes_nothing_.erase(url);
    return;
  }
  // Peers come and go: each says it again.
  if (takes_nothing_.size() >= kTakesNothingMax) takes_nothing_.clear();
  takes_nothing_.insert(url);
}

Result<Done> Embargo::set_callable(const std::vector<std::string>& callable) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> urls = callable;
  std::erase_if(urls, [&](const std::string& url) { return takes_nothing_.contains(url); });
  const auto now = clock_.steady();
  if (urls.empty()) {
    confidant_.reset();
    for (auto& [id, due] : due_) due = std::min(due, now);
    return done;
  }
  const bool stays = confidant_ && std::ranges::find(urls, *confidant_) != urls.end();
  if (stays && now - drawn_ < kConfidantTime) return done;
  BMSG_TRY_ASSIGN(const auto at, draw_below(entropy_, urls.size()));
  confidant_ = urls[static_cast<std::size_t>(at)];
  drawn_ = now;
  return done;
}

std::optional<std::string> Embargo::confidant() const {
  const std::lock_guard lock(mutex_);
  return confidant_;
}

bool Embargo::is_confidant(const std::string& url) const {
  const std::lock_guard lock(mutex_);
  return confidant_ == url;
}

Result<bool> Embargo::keep(const MessageId& id) {
  using std::chrono::milliseconds;
  const std::lock_guard lock(mutex_);
  if (!confidant_) return false;
  const auto spread = static_cast<std::uint64_t>(milliseconds(kEmbargoMax - kEmbargoMin).count());
  BMSG_TRY_ASSIGN(const auto more, draw_below(entropy_, spread + 1));
  due_.try_emplace(id, clock_.steady() + kEmbargoMin + milliseconds(more));
  return true;
}

bool Embargo::keeps(const MessageId& id) const {
  const std::lock_guard lock(mutex_);
  return due_.contains(id);
}

bool Embargo::end(const MessageId& id) {
  const std::lock_guard lock(mutex_);
  return due_.erase(id) > 0;
}

std::vector<MessageId> Embargo::kept() const {
  const std::lock_guard lock(mutex_);
  std::vector<MessageId> ids;
  for (const auto& [id, due] : due_) ids.push_back(id);
  return ids;
}

std::optional<Embargo::Moment> Embargo::next_due() const {
  const std::lock_guard lock(mutex_);
  std::optional<Moment> first;
  for (const auto& [id, due] : due_) first = first ? std::min(*first, due) : due;
  return first;
}

std::vector<MessageId> Embargo::take_due() {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.steady();
  std::vector<MessageId> over;
  std::erase_if(due_, [&](const auto& one) {
    if (one.second > now) return false;
    over.push_back(one.first);
    return true;
  });
  std::ranges::sort(over);  // In no order that tells when each was written.
  return over;
}

}  // namespace bmsg::node
