// Evidence that somebody posted: proof of who signed two blocks, for those whom only one has
// reached.

#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "lib/chain/evidence.h"
#include "lib/core/disk.h"
#include "lib/core/message.h"
#include "lib/mail/records.h"
#include "lib/node/store.h"

namespace bmsg::mail {

/// What a post of evidence says. Source: bmsg-format(5), "Evidence".
Content evidence_content(const chain::Evidence& evidence);

/// The evidence in a public message, whoever signed that; nullopt unless it holds.
std::optional<chain::Evidence> evidence_in(const Message& message, const ChainId& chain);

/// Whether it is about blocks of this chain: on a block that is here, under rules that it had.
/// Else anybody could accuse anybody by rules of his own.
Result<bool> is_of_chain(const chain::Evidence& evidence, const node::ChainReader& chain,
                         const ChainId& id);

/// A directory with what was posted, a file for each endorser.
///
/// Shape:  the name is the endorser's key in hex; the text that print() writes.
/// Errors: as Disk; a file that does not hold counts as absent.
class PostedEvidence {
 public:
  PostedEvidence(Disk& disk, std::filesystem::path directory)
      : disk_(disk), directory_(std::move(directory)) {}

  /// Of each endorser the first is kept. It must hold.
  Result<Done> note(const chain::Evidence& evidence);
  /// In the order of the keys.
  Result<std::vector<chain::Evidence>> all() const;

 private:
  Disk& disk_;
  std::filesystem::path directory_;
};

/// What the chain's store found itself and what was posted, one for each endorser, in the order of
/// their keys.
Result<std::vector<chain::Evidence>> all_evidence(const node::ChainReader& chain,
                                                  const PostedEvidence& posted);

}  // namespace bmsg::mail
