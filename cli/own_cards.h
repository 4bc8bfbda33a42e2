// Cards of our own that are not as they should be, and those whose time has come.

#pragma once

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/mail_store.h"

namespace bmsg::cli {

/// Files away all public cards and statements of chain and pool.
Result<Done> collect_cards(Context& context, const StoreDir& store, mail::CardDirectory& cards);
/// The same for who can go on with those that were filed: a node that serves files them a moment
/// after the block is there. Where the chain cannot be read that is told, and it is left.
void look_for_cards(Context& context, const StoreDir& store, const ChainId& chain);

/// Queues the next card of a device whose prekey is as old as the epoch (lib/mail/epoch.h), the
/// card of a prekey whose command died before it could, a card above one that was seen and whose
/// prekey we have not; ends a quarrel of two devices about one number (lib/mail/pairing.h), and
/// tells of two cards of one number. Where all is well, which takes a file or two to see, nothing
/// is locked; where somebody holds the lock, the next command does it. `open` is read again if the
/// keyring has changed.
/// Errors: as keyring and outbox; nothing is half done.
Result<Done> mend_own_cards(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                            OpenKeyring& open);

/// Queues the next card of an identity before its time, since what it says has changed: a fresh
/// prekey, saved before anybody can see the card. Whoever is killed in between has the card queued
/// by mend_own_cards(). `identity` is of `open`; the caller holds the mail lock.
/// Errors: Errc::denied where it makes no more cards; as keyring and outbox.
Result<Done> renew_own_card(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                            OpenKeyring& open, mail::Identity& identity);

/// After a scan: notes which cards are buried, deletes the prekeys that nothing needs any more,
/// queues again the same card where a reorganisation dropped it, and statements about us before
/// their posts expire. `index` is as it is on the disk. What fails, or finds the lock taken, is
/// done by the next command. `open` is read again if the keyring has changed.
Result<Done> settle_own_cards(Context& context, const StoreDir& store,
                              const chain::ChainRules& rules, const node::ChainReader& chain,
                              const mail::MailReader& index, OpenKeyring& open);

/// Warns whoever goes on under a key that was revoked, or on a device that was retired.
void tell_if_ended(const Context& context, const StoreDir& store, const chain::ChainRules& rules,
                   const mail::Identity& identity);

/// As chosen_identity(), for whoever writes: of several, of which none is named, the only one that
/// is not revoked. Errors: as chosen_identity() and CardDirectory.
Result<const mail::Identity*> writing_identity(const Context& context, const StoreDir& store,
                                               const chain::ChainRules& rules,
                                               const mail::Keyring& keyring);

/// Before one identity of ours proposes another: warns where the first is revoked, so that the
/// proposal proves little. Errors: Errc::denied where the other is revoked.
Result<Done> judge_succession(Context& context, const StoreDir& store,
                              const chain::ChainRules& rules, const mail::Identity& ended,
                              const mail::Identity& next);

/// Queues a public message with a statement, and notes it. What cannot be queued now is queued by
/// settle_own_cards(), if the statement is about an identity of the store.
Result<mail::Sent> queue_statement(Context& context, const StoreDir& store,
                                   const chain::ChainRules& rules, ByteView statement);

}  // namespace bmsg::cli
