// The mailroom: unlocks, finds new mail, and hands out the mailbox. Behind inbox, read and show.

#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "cli/policies.h"
#include "lib/chain/rules_text.h"
#include "lib/mail/approval.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/flag_change.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/mail_overlay.h"
#include "lib/mail/mail_store.h"
#include "lib/mail/mailbox.h"
#include "lib/mail/outbox.h"
#include "lib/mail/revocation_marks.h"
#include "lib/mail/scan.h"
#include "lib/node/store.h"

namespace bmsg::cli {

/// Everything that reading mail needs, opened once. New blocks were scanned when it is there; where
/// the mail lock stayed busy, what was found is kept in memory for this command.
class Mailroom {
 public:
  static Result<std::unique_ptr<Mailroom>> open(Context& context, const StoreDir& store);
  /// The same with a keyring that is open.
  static Result<std::unique_ptr<Mailroom>> open(Context& context, const StoreDir& store,
                                                OpenKeyring keyring);

  /// Looks again: chain, contacts, and what is new for us.
  Result<Done> refresh();

  const mail::Mailbox& box() const { return *box_; }
  const mail::MailReader& index() const { return *overlay_; }
  const node::ChainReader& chain() const { return *chain_; }
  const chain::ChainRules& rules() const { return rules_; }
  const mail::ContactBook& contacts() const { return contacts_; }
  const mail::MailKeys& keys() const { return keys_; }
  const OpenKeyring& open_keyring() const { return keyring_; }
  /// As it is after what was found, for whoever needs no more than that.
  OpenKeyring give_keyring() && { return std::move(keyring_); }
  const mail::Keyring& keyring() const { return keyring_.keyring; }
  /// Messages of ours whose bodies a light store does not have yet.
  std::size_t absent() const { return absent_; }
  /// Has their bodies asked for by the next sync of a light store, among others.
  Result<Done> want(const std::vector<MessageId>& ids);

  /// A message by reference; "@" counts back through what was received.
  /// Errors: as find_message().
  Result<MessageId> find(const std::string& ref) const;

  /// Our word for an address; empty if we have none.
  std::string name_of(const IdentityKey& address) const;
  /// Whether a message stands after its sender's key was revoked; what cannot be read is told once.
  bool is_after_revocation(const mail::MailItem& item) const;
  /// How far a message is by the policy that governs it; nullopt: none does. What cannot be counted
  /// is an error for who acts on it; who only shows it is told once, and shows that nobody counts.
  Result<std::optional<mail::Approvals>> approvals(const mail::MailItem& item) const;
  std::optional<mail::Approvals> approvals_shown(const mail::MailItem& item) const;
  bool has_policies() const { return !policies_.empty(); }
  /// Unless told, approvals count when a block has them.
  void count_approvals_from(mail::CountFrom from) { approvals_from_ = from; }
  /// What an address calls itself on its newest card: a claim, untrusted text; empty without one.
  std::string claimed_name(const IdentityKey& address) const;

 private:
  Mailroom(Context& context, StoreDir store, const ChainId& chain);
  static Result<std::unique_ptr<Mailroom>> open_with(Context& context, const StoreDir& store,
                                                     std::optional<OpenKeyring> keyring);
  Result<Done> scan();
  Result<Done> want_absent();
  Result<Done> settle_rooms();
  Result<Done> forget_asked();
  Result<Done> reopen_and_scan();
  Result<Done> reread_keyring();
  /// busy: the index could not be written. overtaken: somebody else scanned meanwhile.
  enum class Applied { written, busy, overtaken };
  Result<Applied> try_apply(const mail::ScanResult& found);
  Result<Done> reopen();
  Result<bool> apply(mail::MailStore& index, const mail::ScanResult& found);

  Context& context_;
  StoreDir store_;
  mutable bool has_looked_for_cards_ = false;  // Once: strangers may have none.
  chain::ChainRules rules_;
  OpenKeyring keyring_;
  std::filesystem::file_time_type keyring_written_{};
  mail::MailKeys keys_;
  mail::ContactBook contacts_;
  mail::Outbox outbox_;
  std::unique_ptr<node::ChainReader> chain_;
  std::unique_ptr<mail::MailReader> mail_;
  std::unique_ptr<mail::MailOverlay> overlay_;
  std::unique_ptr<mail::Mailbox> box_;
  mail::CardDirectory cards_;
  std::unique_ptr<mail::RevocationMarks> marks_;
  Policies policies_;
  mail::CountFrom approvals_from_ = mail::CountFrom::block;
  std::size_t absent_ = 0;
  bool queues_received_ = false;  // For the hook post-receive.
};

/// The index for reading. Where writers come so often that it cannot be opened between two of them,
/// they are kept out meanwhile. Errors: as RocksMailStore; Errc::locked.
Result<std::unique_ptr<mail::MailReader>> open_index(Context& context, const StoreDir& store);

/// Changes values, or flags as they are to be, durably, under the mail lock.
/// Errors: Errc::locked, Errc::io.
Result<Done> change_index(Context& context, const StoreDir& store, const mail::MailChange& change);

/// A message and its flags.
struct Flagged {
  MessageId id;
  mail::Flags flags;
};

/// Changes flags in one batch, durably, whatever they are by then. Those that it made a difference
/// to, in the order given.
/// Errors: Errc::locked; Errc::try_again if one of them is not in the index yet.
Result<std::vector<Flagged>> change_flags(Context& context, const StoreDir& store,
                                          const std::vector<MessageId>& ids,
                                          const mail::FlagChange& change);

}  // namespace bmsg::cli
