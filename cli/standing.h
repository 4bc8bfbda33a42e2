// Where messages of ours stand, wherever they lie by now, and who has acknowledged them.

#pragma once

#include <memory>
#include <optional>

#include "cli/command.h"
#include "lib/chain/rules_text.h"
#include "lib/mail/keyring.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/mail_overlay.h"
#include "lib/mail/mailbox.h"
#include "lib/mail/outbox.h"

namespace bmsg::cli {

/// Why a letter is held, in words.
inline constexpr std::string_view kHeldReason = "waits for a card of a recipient";

/// Looks again and again without changing anything: what it scans stays in memory.
/// Threads: one.
class Standings {
 public:
  /// `keyring` may be null: then nobody's acknowledgement is seen. Both must outlive it.
  static Result<Standings> open(Context& context, const StoreDir& store,
                                const mail::Keyring* keyring);

  /// Reads the chain as it is now.
  Result<Done> refresh();

  /// What a letter that was held is called now: its messages. Any other id, and one that is held
  /// still, stands for itself.
  Result<std::vector<MessageId>> now_called(const MessageId& id) const;
  /// Of a letter in several messages the one that is least far. nullopt: neither in the outbox nor
  /// in chain or pool.
  Result<std::optional<mail::OutboxStatus>> status_of(const MessageId& id) const;
  bool is_ours(const IdentityKey& address) const;
  /// Whether they are we ourselves, or have signed that they read it.
  Result<bool> is_read_by(const MessageId& id, const IdentityKey& address) const;

  /// A message by reference; "@" counts back through what was received, which needs a keyring.
  /// Errors: as find_message().
  Result<MessageId> find(const std::string& ref) const;

  const node::ChainReader& chain() const { return *chain_; }
  const mail::Outbox& outbox() const { return outbox_; }
  /// Null without a keyring; with one, what it found in new blocks is in it.
  const mail::MailReader* index() const { return overlay_.get(); }
  /// These two only with a keyring.
  const mail::MailKeys& keys() const { return *keys_; }
  mail::Mailbox mailbox() const { return {*chain_, *overlay_, *keys_, outbox_}; }

 private:
  Standings(Context& context, const StoreDir& store, chain::ChainRules rules);
  Result<Done> scan();
  Result<std::optional<mail::OutboxStatus>> status_of_one(const MessageId& id) const;

  Context* context_;
  StoreDir store_;
  chain::ChainRules rules_;
  mail::Outbox outbox_;
  std::unique_ptr<node::ChainReader> chain_;
  std::optional<mail::MailKeys> keys_;
  std::unique_ptr<mail::MailReader> index_;
  std::unique_ptr<mail::MailOverlay> overlay_;
};

}  // namespace bmsg::cli
