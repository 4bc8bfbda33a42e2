// The outbox: what we have sent and not yet seen buried. Plain files, so that sending needs no
// lock and no database, and a crash leaves a message there or not there, never half.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/disk.h"
#include "lib/core/file_lock.h"
#include "lib/core/ids.h"
#include "lib/mail/outbox_file.h"
#include "lib/mail/outbox_pack.h"
#include "lib/node/outbox_source.h"
#include "lib/node/store.h"

namespace bmsg::mail {

/// Where a message of ours stands. Derived each time, never stored.
enum class OutboxState : std::uint8_t {
  held,     // Not sealed yet: a recipient has no card.
  queued,   // In a file, no node has it.
  pooled,   // A node has it, no block has it.
  relayed,  // And so have peers of that node.
  mined,    // In a block of the best chain.
  buried,   // So deep that it is not expected to come back.
  read,     // Every recipient has acknowledged it. Told by the mail index, never by the outbox.
  failed,   // Refused for good.
  expired,  // Its time ran out before a block took it.
};
std::string_view name_of(OutboxState state);

/// Where a file lies.
enum class OutboxPlace : std::uint8_t { fresh, taken, failed };

/// One message of the outbox, judged by its name, or by the front of the pack that holds it.
struct OutboxEntry {
  std::string name;
  MessageId id;
  UnixSeconds since;
  OutboxPlace place = OutboxPlace::fresh;
  std::string pack = {};  // The file that holds it, if it has none of its own.
};

/// A message, where it stands, and why.
struct OutboxStatus {
  OutboxState state = OutboxState::queued;
  std::optional<Height> height;
  std::uint32_t confirmations = 0;  // 1: in the tip.
  std::uint64_t relayed_to = 0;     // Peers that have said they have it, or its block.
  std::string reason;               // In words; empty if there is nothing to say.
};

/// A directory with tmp, new, cur, failed, keys, seq, held and relayed.
///
/// Threads: one at a time; other processes may add, take and remove files at any time.
/// Errors:  as Disk.
class Outbox final : public node::OutboxSource {
 public:
  /// `disk` must outlive it. Directories are made when they are needed.
  Outbox(Disk& disk, std::filesystem::path directory);

  /// Makes all directories.
  Result<Done> prepare();

  /// Puts messages in, all or none as long as the process lives; many of them as a pack
  /// (outbox_pack.h). When it returns, they are durable and only then their ids may be told to
  /// anybody. The same message twice is no error.
  Result<Done> queue(const std::vector<OutboxFile>& files);

  /// The two halves of queue() for a send under a key (send_key.h): durable where no node looks,
  /// and moved to where they do. finish() takes what is staged, by whomever, and leaves what is
  /// not.
  Result<Done> stage(const std::vector<OutboxFile>& files);
  Result<Done> unstage(const std::vector<OutboxFile>& files);
  Result<Done> finish(const std::vector<MessageId>& ids);
  /// The same for a letter that is to wait in held/ (held.h). `name` is that of its file.
  Result<Done> stage_held(const std::string& name, ByteView file);
  Result<Done> unstage_held(const std::string& name);
  Result<Done> finish_held(const MessageId& id);
  /// What finish() would find, whosever it is.
  Result<std::set<MessageId>> staged() const;

  /// Oldest first. `place` nullopt: of all places.
  Result<std::vector<OutboxEntry>> entries(std::optional<OutboxPlace> place = std::nullopt) const;
  /// Looks in all places; nullopt if it is not here.
  Result<std::optional<OutboxEntry>> find(const MessageId& id) const;
  /// nullopt if somebody has removed it meanwhile.
  Result<std::optional<OutboxFile>> read(const OutboxEntry& entry) const;

  /// Whether a message's block on the best chain is `depth` blocks deep. Looks at nothing else.
  static Result<bool> is_buried(const MessageId& id, const node::ChainReader& chain, Height tip,
                                std::uint32_t depth);

  /// Where it stands by the file's place, the chain and the clock. `burial_depth`: blocks, its own
  /// included.
  Result<OutboxStatus> status(const OutboxEntry& entry, const node::ChainReader& chain,
                              std::uint32_t burial_depth, UnixSeconds now) const;

  /// The same for one that has left the outbox; nullopt if neither chain nor pool has it.
  Result<std::optional<OutboxStatus>> status_on_chain(const MessageId& id,
                                                      const node::ChainReader& chain,
                                                      std::uint32_t burial_depth) const;

  /// Remembers which of our messages a peer has. A record that a power cut takes is only missing
  /// from a count.
  Result<Done> note_relayed(const std::string& peer_url, const std::vector<ShortId>& has);

  /// Takes back what no node has. Errc::not_found if it is not here, Errc::exists if a node has
  /// it already and it cannot be called back. A node that is taking it at this moment may still
  /// have it: the caller looks into the pool afterwards.
  Result<Done> cancel(const MessageId& id);
  /// Puts a failed message among the new ones again.
  Result<Done> retry(const MessageId& id);
  /// For those that are buried and whose notes are kept in mail/, or that have expired.
  Result<Done> remove(const std::vector<OutboxEntry>& entries);
  /// Puts back among the new ones what a node had and neither chain nor pool has now.
  Result<std::size_t> return_lost(const node::ChainReader& chain, UnixSeconds now);
  /// Removes leftovers of killed processes from tmp.
  Result<Done> sweep(UnixSeconds now);

  // node::OutboxSource
  Result<std::vector<Queued>> new_messages(std::size_t max) override;
  Result<Done> mark_taken(const std::string& name) override;
  Result<Done> mark_failed(const std::string& name, const std::string& reason) override;

  const std::filesystem::path& directory() const { return directory_; }
  Disk& disk() const { return disk_; }

 private:
  std::filesystem::path place_path(OutboxPlace place) const;
  std::filesystem::path reason_path(const std::string& name) const;
  /// A file that is to be, under a name for now and one for good.
  struct Coming {
    std::filesystem::path made;
    std::filesystem::path target;
    Bytes bytes;
  };
  Result<Done> make_all(const std::vector<Coming>& files);
  Result<Done> publish(const std::vector<Coming>& files, const std::filesystem::path& directory,
                       std::vector<std::filesystem::path>& made);
  std::filesystem::path temporary_path(const std::string& name) const;
  std::vector<Coming> coming(const std::vector<OutboxFile>& files) const;

  using Pack = std::shared_ptr<const OutboxPack>;
  /// Null if it is not there any more.
  Result<Pack> pack_at(OutboxPlace place, const std::string& name) const;
  Result<Done> add_packed(OutboxPlace place, const std::string& name,
                          std::vector<OutboxEntry>& found) const;
  Result<std::optional<OutboxFile>> read_packed(const OutboxEntry& entry) const;
  /// Makes a file of each message of a pack. It may be gone already.
  Result<Done> unpack(OutboxPlace place, const std::string& name);
  Result<Done> unpack_locked(OutboxPlace place, const std::string& name);
  /// Goes on where somebody was killed while they unpacked.
  /// Whether there was such.
  Result<bool> unpack_rest(OutboxPlace place, const std::vector<std::string>& names);
  Result<bool> finish_unpacking(OutboxPlace place);
  Result<FileLock> lock_packs() const;
  Result<Done> remove_packed(const std::vector<OutboxEntry>& entries);
  /// Adds what nobody has taken yet of a pack. False: it was unpacked, so look again.
  Result<bool> offer(const std::string& name, std::size_t max, std::vector<Queued>& found);
  Result<Done> take_pack(const std::string& name);
  void forget_offer(const std::string& pack);
  /// Of packs that somebody has unpacked meanwhile.
  void forget_offers_but(const std::vector<std::string>& names);
  Result<Done> move_staged(const std::vector<MessageId>& ids, const std::filesystem::path& target);
  Result<Done> move(const std::filesystem::path& from, const std::filesystem::path& target);
  Result<Done> move_fresh(const std::string& name, const std::filesystem::path& target);
  Result<std::string> failure_reason(const OutboxEntry& entry) const;
  Result<Done> judge_waiting(const MessageId& id, const node::ChainReader& chain,
                             OutboxStatus& status) const;
  Result<std::uint64_t> count_relayed(const MessageId& id) const;
  Result<Done> sweep_relayed();

  Disk& disk_;
  std::filesystem::path directory_;
  // Of packs that were given out: who of them is still to be taken, and of each where it lies.
  std::map<std::string, std::set<std::string>> offered_;
  std::map<std::string, std::string> pack_of_;
  mutable std::filesystem::path last_path_;  // Of the pack that was read last: it never changes.
  mutable Pack last_pack_;
};

/// How deep a block must lie before what it holds counts as buried: 6 on a pow chain, 2 on an
/// endorse chain (itself and one child).
std::uint32_t burial_depth(chain::Mode mode);

inline constexpr std::uint64_t kOutboxLeftoverSeconds = 36 * 3600;

}  // namespace bmsg::mail
