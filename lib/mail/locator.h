// Where messages of the index stand in the chain now.

#pragma once

#include <optional>
#include <unordered_map>

#include "lib/mail/mailbox.h"

namespace bmsg::mail {

/// Looks up places for one listing. Messages that are listed one after the other often stand in one
/// block, and the one before each is the next that is listed, so what was found is remembered a
/// while.
/// Threads: one. What is passed must outlive it and stay as it is.
/// Errors:  Errc::io, Errc::corrupt.
class Locator {
 public:
  Locator(const node::ChainReader& chain, const MailReader& mail) : chain_(chain), mail_(mail) {}

  /// Fills in all that the chain says of it.
  Result<Done> locate(MailItem& item);

 private:
  Result<std::optional<node::MessagePlace>> place_of(const MessageId& id);
  Result<Done> judge_time(MailItem& item);
  Result<Done> look_before(MailItem& item);

  const node::ChainReader& chain_;
  const MailReader& mail_;
  std::optional<Height> tip_;
  std::unordered_map<MessageId, std::optional<node::MessagePlace>, FixedBytesHash> places_;
  std::unordered_map<BlockHash, std::optional<UnixSeconds>, FixedBytesHash> times_;  // Of blocks.
};

}  // namespace bmsg::mail
