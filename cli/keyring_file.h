// The keyring on disk: unlocking it, saving it, choosing who to be.

#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "lib/chain/rules_text.h"
#include "lib/mail/card.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/keyring.h"
#include "lib/mail/send.h"

namespace bmsg::cli {

/// A keyring and what is needed to write it again.
struct OpenKeyring {
  mail::Keyring keyring;
  crypto::SecretBytes passphrase;
  crypto::ScryptCost cost;
};

/// Reads and unlocks the keyring: with what the agent keeps, else with a passphrase, which is asked
/// for only if it has one.
/// Errors: Errc::not_found if the store has none; Errc::denied for a wrong passphrase.
Result<OpenKeyring> unlock_keyring(const Context& context, const StoreDir& store);

/// Reads and unlocks it with a passphrase that is known: for whoever has taken the mail lock since.
Result<OpenKeyring> reopen_keyring(const Context& context, const StoreDir& store,
                                   crypto::SecretBytes passphrase);

/// The address of the store's only identity, if no passphrase stands before it.
Result<std::optional<IdentityKey>> address_if_open(const Context& context, const StoreDir& store);

/// Writes the keyring, whole or not at all. The caller holds the mail lock, but for a new store.
Result<Done> save_keyring(Context& context, const StoreDir& store, const OpenKeyring& open);

/// The identity that --identity, BMSG_IDENTITY or user.identity names, else the only one.
/// Errors: Errc::not_found; Errc::bad_usage if there are several and none is named.
Result<const mail::Identity*> chosen_identity(const Context& context, const StoreDir& store,
                                              const mail::Keyring& keyring);

/// Writes into the store's settings which identity its commands use: by name, or by address where a
/// file of settings cannot hold the name, or there is none.
enum class ChosenBy : std::uint8_t { name, address };
Result<Done> choose_identity(const Context& context, const StoreDir& store,
                             const mail::Identity& identity, ChosenBy by = ChosenBy::name);
/// Whether they name this one. Errors: as Settings.
Result<bool> is_chosen(const Context& context, const StoreDir& store,
                       const mail::Identity& identity);
/// They name none any more.
Result<Done> choose_none(const Context& context, const StoreDir& store);

/// Makes the identity's next card: prekey into the keyring, saved before anybody can see the card;
/// the card into the outbox and the directory of cards. `skipped` numbers are left free, for cards
/// that were made and are not known here.
Result<mail::Sent> issue_card(Context& context, const StoreDir& store, OpenKeyring& open,
                              const std::string& identity_name, const chain::ChainRules& rules,
                              std::uint64_t skipped = 0);

/// The two halves of issue_card(), between which the caller saves the keyring: a fresh prekey, and
/// the card of the newest.
Result<Done> add_card_key(Context& context, mail::Identity& identity,
                          const chain::ChainRules& rules, std::uint64_t skipped = 0);
Result<mail::Sent> queue_card(Context& context, const StoreDir& store, const OpenKeyring& open,
                              const mail::Identity& identity, const chain::ChainRules& rules);

/// The newest card of an identity of ours on this store.
/// Errors: Errc::not_found.
Result<mail::Card> own_card(Context& context, const StoreDir& store, const mail::Identity& identity,
                            const ChainId& chain);

/// contacts.jsonl.
Result<mail::ContactBook> read_contacts(const Context& context, const StoreDir& store);
Result<Done> write_contacts(Context& context, const StoreDir& store, const mail::ContactBook& book);

/// What sending needs; the stamp takes all threads of the machine. What is passed must outlive it.
/// Without a keyring nothing is signed and no readable copy is kept.
mail::SendContext sending_with(Context& context, const chain::ChainRules& rules,
                               const mail::CardDirectory& cards, mail::Outbox& outbox,
                               const mail::Keyring* keyring = nullptr,
                               const mail::Identity* identity = nullptr);

/// Threads for stamps, mining and scanning: the setting, or all of the machine's.
unsigned threads_for(std::uint64_t wanted);

}  // namespace bmsg::cli
