// MemoryStore's answers about what a chain of endorsers has beside its blocks.

#include "lib/core/check.h"
#include "lib/node/memory_store.h"

namespace bmsg::node {

void MemoryStore::endorse(const EndorsedChange& change) {
  for (const BlockHash& hash : change.withdraw) records_.proposals.erase(hash);
  for (const Proposal& one : change.propose) records_.proposals[one.hash] = one.block;
  for (const StoredCharter& one : change.charters) records_.charters[one.block] = one.rules_text;
  for (const chain::Evidence& one : change.evidence) {
    const auto endorser = chain::check_evidence(one);
    check(bool(endorser), "evidence that does not hold");
    records_.evidence.emplace(endorser.value(), one);
  }
}

Result<std::vector<Proposal>> MemoryStore::proposals() const {
  const std::lock_guard lock(mutex_);
  std::vector<Proposal> all;
  for (const auto& [hash, block] : records_.proposals) all.push_back({hash, block});
  return all;
}

Result<std::optional<Proposal>> MemoryStore::proposal(const BlockHash& hash) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.proposals.find(hash);
  if (found == records_.proposals.end()) return std::optional<Proposal>();
  return std::optional(Proposal{hash, found->second});
}

Result<std::vector<StoredCharter>> MemoryStore::charters() const {
  const std::lock_guard lock(mutex_);
  std::vector<StoredCharter> all;
  for (const auto& [block, text] : records_.charters) all.push_back({block, text});
  return all;
}

Result<std::vector<chain::Evidence>> MemoryStore::evidence() const {
  const std::lock_guard lock(mutex_);
  std::vector<chain::Evidence> all;
  for (const auto& [endorser, one] : records_.evidence) all.push_back(one);
  return all;
}

}  // namespace bmsg::node
