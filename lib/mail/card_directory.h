// The newest cards that were seen anywhere, as files, so that sending opens no database.

#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "lib/core/disk.h"
#include "lib/mail/card.h"
#include "lib/mail/chain_walk.h"
#include "lib/mail/forget_request.h"
#include "lib/mail/posted_evidence.h"
#include "lib/mail/revocation.h"

namespace bmsg::mail {

/// A directory with one file for each identity and device: the card's message. It can be thrown
/// away: collect() finds public cards again (those from files and sealed messages are lost).
///
/// Beside them it keeps what was seen of statements that end an identity or a device.
///
/// Shape:   ADDRESS.DEVICE; ADDRESS.DEVICE.conflict for a second card of the same number;
///          ADDRESS.revoked (revocation.h); "position" for collect();
///          "forget/" (forget_request.h); "evidence/" (posted_evidence.h).
/// Threads: one at a time; other processes may write beside, the last one wins.
/// Errors:  as Disk; a damaged card counts as absent, damaged statements are Errc::corrupt: whoever
///          was revoked must not come back with a flipped bit.
class CardDirectory {
 public:
  /// `disk` and the chain's id must outlive it.
  CardDirectory(Disk& disk, std::filesystem::path directory, const ChainId& chain);

  /// Keeps the card if it is newer than what is there; notes a conflict.
  Result<CardOrder> put(const Card& card);
  /// The newest card of each device of an identity; none: it has no card here. What is revoked
  /// has none.
  Result<NewestCards> cards_of(const IdentityKey& identity) const;
  /// From now on an identity is looked up once. For who asks often within a moment.
  void remember() { remembered_.emplace(); }
  /// What is kept of one device: its newest card, and another of the same number if there is one.
  Result<std::vector<Card>> kept(const IdentityKey& identity, std::uint8_t device) const;
  /// Forgets the conflict of a device: the user has chosen this card.
  Result<Done> settle(const Card& chosen);

  /// Keeps a statement for good, and the message in which it was seen. False if nothing is new.
  Result<bool> put_statement(ByteView statement, const std::optional<StatementPost>& post);
  /// Statements about an identity, in the order in which they were seen.
  Result<std::vector<Revocation>> revocations_of(const IdentityKey& identity) const;

  struct Collected {
    std::size_t cards = 0;       // That were new.
    std::size_t statements = 0;  // New, or posted again.
    bool more = false;           // Call again.
    bool again = false;          // Some of it was here already.
  };
  /// Public requests to forget that were seen and are not done.
  ForgetRequests forget_requests() const { return {disk_, directory_ / "forget"}; }

  /// Evidence against endorsers that was posted.
  PostedEvidence evidence() const { return {disk_, directory_ / "evidence"}; }

  /// How far collect() has come; nullopt: nowhere.
  Result<std::optional<WalkPlace>> position() const;
  /// Takes in public cards, statements, requests to forget and evidence of chain and pool since the
  /// last time.
  Result<Collected> collect(const node::ChainReader& chain, const WalkLimits& limits = {});
  /// The same until none is left.
  Result<Done> collect_all(const node::ChainReader& chain);

 private:
  Result<CardOrder> keep(const Card& card);
  Result<bool> keep_statement(ByteView statement, const std::optional<StatementPost>& post);
  std::filesystem::path revocations_file(const IdentityKey& identity) const;
  Result<bool> is_after_revocation(const ForgetRequest& request, const node::ChainReader& chain,
                                   const MessageId& id) const;
  Result<Done> collect_one(const node::ChainReader& chain, const MessageId& id,
                           const Message& message, Collected& collected);
  std::filesystem::path file_of(const IdentityKey& identity, std::uint8_t device) const;
  Result<std::optional<Card>> read(const std::filesystem::path& file) const;
  Result<Done> add_kept(const std::filesystem::path& file, const IdentityKey& identity,
                        std::size_t device, std::vector<Card>& cards) const;
  Result<NewestCards> look_up(const IdentityKey& identity) const;

  Disk& disk_;
  std::filesystem::path directory_;
  ChainId chain_;
  mutable std::optional<std::map<IdentityKey, NewestCards>> remembered_;
};

}  // namespace bmsg::mail
