// WorldMember: somebody in a seeded world: the real node, outbox, keys and mail index, over a disk
// that loses what was not synced. What lives in a process goes with it; the rest is found again.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "lib/mail/mailbox.h"
#include "lib/mail/memory_mail_store.h"
#include "lib/mail/scan.h"
#include "lib/mail/send.h"
#include "lib/node/memory_store.h"
#include "lib/node/node.h"
#include "tests/support/chain_builder.h"
#include "tests/support/cut_disk.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_entropy.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wrong_clock.h"

namespace bmsg::mail {

/// What a member was told is sent: from then on it is hers to keep.
struct Promise {
  MessageId id;
  std::size_t letter = 0;
  std::uint64_t expiry = 0;
  bool is_dropped = false;  // She asked for it back, whatever came of that.
};

/// Threads: one at a time.
class WorldMember {
 public:
  static constexpr std::size_t kPoolBytes = 512 * 1024;
  static constexpr std::uint64_t kSideBytes = 4096;

  WorldMember(const ChainBuilder& builder, const Clock& world, std::uint64_t seed,
              const std::string& name, node::Keeps keeps);

  IdentityKey address() const { return keyring.identities[0].address(); }
  /// The first card, made while nothing fails.
  Card make_first_card();
  MailKeys keys() const { return mail_keys(keyring, builder_.chain().id); }
  Mailbox mailbox(const MailKeys& with) const {
    return Mailbox(store, mail, with, process_->outbox);
  }

  // A process.
  bool is_running() const { return process_ != nullptr; }
  /// What every command does first.
  Result<Done> start();
  void kill();
  node::Node& service() { return *process_->node; }
  Outbox& outbox() { return process_->outbox; }
  SendContext context();

  // What a member does.
  Result<Done> hand_over();
  /// In a light store what is found without a body is asked for.
  Result<Done> scan_all();
  /// Blocks and pool are searched for what has expired for all by now: how much was dropped.
  Result<std::size_t> forget_expired(std::uint64_t margin);

  /// What changed since the last look.
  struct Seen {
    std::size_t left = 0;  // Blocks that are on the best chain no more.
    std::string fault;     // What may never be, whatever happened; empty: nothing.
  };
  Seen look();
  /// Of all blocks that are stored, on any branch.
  std::uint64_t set_of_blocks();
  /// Files of tmp that nobody will come back to.
  std::size_t leftovers() const;

  TempDir temp;  // Locks are taken on the real disk.
  CutDisk disk{temp.path()};
  WrongClock clock;
  FakeEntropy entropy;
  Keyring keyring;
  mutable node::MemoryStore store;  // Its records are looked at.
  MemoryMailStore mail;

  std::vector<Promise> promises;
  std::set<MessageId> known;                             // Of the index, as it was last looked at.
  std::set<MessageId> read;                              // Shown, and no longer new.
  std::set<MessageId> given;                             // To a program by a reader.
  std::set<MessageId> acknowledged;                      // By a receipt that was promised.
  std::set<std::size_t> letters;                         // That came.
  std::set<std::pair<MessageId, IdentityKey>> receipts;  // That came.
  std::map<std::size_t, std::string> cursors;            // Of each other member.
  std::uint64_t latest = 0;                              // That her clock has ever shown.

 private:
  struct Process {
    Process(WorldMember& member, const ChainId& chain)
        : outbox(member.disk, member.root() / "outbox"),
          cards(member.disk, member.root() / "cards", chain) {}
    Outbox outbox;
    CardDirectory cards;
    std::unique_ptr<node::Node> node;
  };
  std::filesystem::path root() const { return temp.path(); }
  bool is_mined(const MessageId& id) const;
  Result<Done> want_absent();
  std::string find_overflow() const;
  std::string find_lost();
  std::string find_not_returned(const std::vector<BlockHash>& left) const;

  const ChainBuilder& builder_;
  std::unique_ptr<Process> process_;
  node::Tip tip_;
  std::vector<BlockHash> main_;
};

}  // namespace bmsg::mail
