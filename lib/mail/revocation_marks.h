// Which messages stand in the chain after their sender's key was revoked. By block and not by date:
// whoever stole the key can date a message back, but not put it into a block that is there.

#pragma once

#include <map>
#include <optional>
#include <vector>

#include "lib/mail/card_directory.h"
#include "lib/mail/mailbox.h"

namespace bmsg::mail {

/// Looks once for each sender.
/// Threads: one at a time. What is passed must outlive it.
/// Errors:  as CardDirectory and ChainReader.
class RevocationMarks {
 public:
  RevocationMarks(const CardDirectory& cards, const node::ChainReader& chain)
      : cards_(cards), chain_(chain) {}

  /// True above the first block with a statement about the sender, or the device it was sent from;
  /// also for what no block has yet. While no block has the statement, nothing is after it.
  Result<bool> is_after(const MailItem& item);
  /// The same of what that device has signed; nullopt: in no block.
  Result<bool> is_after(const IdentityKey& sender, std::uint8_t device,
                        const std::optional<Height>& block);

 private:
  struct Ended {
    std::uint8_t scope = kWholeIdentity;
    Height first;
  };
  Result<const std::vector<Ended>*> ended(const IdentityKey& identity);

  const CardDirectory& cards_;
  const node::ChainReader& chain_;
  std::map<IdentityKey, std::vector<Ended>> known_;
};

}  // namespace bmsg::mail
