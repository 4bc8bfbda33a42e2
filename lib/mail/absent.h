// Messages of ours whose bodies are not here: a light store finds them by their heads, asks for
// them among others, and enters them when they have come.

#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/core/entropy.h"
#include "lib/core/result.h"
#include "lib/mail/mail_store.h"
#include "lib/node/store.h"

namespace bmsg::mail {

/// Others that are asked for with each message of ours.
inline constexpr std::size_t kDecoys = 7;

/// Those that wait for their bodies, in the order of ids.
Result<std::vector<MessageId>> absent_in(const MailReader& mail);
Result<bool> is_absent(const MailReader& mail, const MessageId& id);

// Each adds to a change that the caller applies under the mail lock.
void set_absent(MailChange& change, const MessageId& id);
void clear_absent(MailChange& change, const MessageId& id);

/// Chooses among the neighbours of messages of ours those that are asked for beside them: of the
/// same suite, from the blocks around, without their bodies here.
/// Threads: one at a time.
/// Errors:  as ChainReader; Errc::io without randomness.
class Decoys {
 public:
  Decoys(const node::ChainReader& chain, Entropy& entropy, UnixSeconds now)
      : chain_(chain), entropy_(entropy), now_(now) {}

  /// These and kDecoys others for each, if there are so many near, in the order of ids. Ours is the
  /// first to the last of its eight in the chain with the same chance, unless fewer than kDecoys
  /// are above it: then the newest eight are asked for, whichever of them is ours.
  Result<std::vector<MessageId>> among(const std::vector<MessageId>& ids);

 private:
  struct Other {
    MessageId id;
    Suite suite = Suite::sealed;
    bool expired = false;
  };
  /// Those that could be asked for in its place, nearest first.
  struct Near {
    std::vector<MessageId> below;
    std::vector<MessageId> above;
  };
  Result<Done> add_decoys(const MessageId& id, std::set<MessageId>& all);
  Result<const std::vector<Other>*> others_in(std::uint32_t height);
  Result<Done> add_near(std::uint32_t height, std::uint32_t of_ours, const Other& ours,
                        const std::set<MessageId>& all, Near& near);
  Result<Near> near(const node::MessagePlace& place, const Other& ours,
                    const std::set<MessageId>& all);
  Result<std::size_t> draw_up_to(std::size_t most);

  const node::ChainReader& chain_;
  Entropy& entropy_;
  UnixSeconds now_;
  std::map<std::uint32_t, std::vector<Other>> blocks_;  // By height, as they were looked at.
};

}  // namespace bmsg::mail
