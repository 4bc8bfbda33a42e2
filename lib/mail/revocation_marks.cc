#include "lib/mail/revocation_marks.h"

#include "lib/core/try.h"

namespace bmsg::mail {

Result<const std::vector<RevocationMarks::Ended>*> RevocationMarks::ended(
    const IdentityKey& identity) {
  const auto [at, is_new] = known_.try_emplace(identity);
  if (!is_new) return &at->second;
  BMSG_TRY_ASSIGN(const auto revocations, cards_.revocations_of(identity));
  for (const Revocation& one : revocations) {
    BMSG_TRY_ASSIGN(const auto first, first_height(one, chain_));
    if (first) at->second.push_back({one.statement.scope, *first});
  }
  return &at->second;
}

Result<bool> RevocationMarks::is_after(const MailItem& item) {
  const auto sender = item.summary.identity();
  if (!sender) return false;
  return is_after(*sender, item.summary.device,
                  item.block ? std::optional(item.block->height) : std::nullopt);
}

Result<bool> RevocationMarks::is_after(const IdentityKey& sender, std::uint8_t device,
                                       const std::optional<Height>& block) {
  BMSG_TRY_ASSIGN(const auto* all, ended(sender));
  for (const Ended& one : *all) {
    const bool is_theirs = one.scope == kWholeIdentity || one.scope == device;
    if (is_theirs && (!block || *block > one.first)) return true;
  }
  return false;
}

}  // namespace bmsg::mail
