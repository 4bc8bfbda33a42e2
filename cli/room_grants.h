// What comes to rooms by themselves: grants that arrive, grants that are owed, secrets that are
// over, names. Done by whoever reads or changes with the key; the keyring is written under the
// mail lock, whole, before anything rests on it.

#pragma once

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "lib/chain/rules_text.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/mailbox.h"
#include "lib/mail/revocation_marks.h"

namespace bmsg::cli {

/// Takes in the grants that the scan has found: those of contacts, of ourselves and of a room's
/// keeper. Others become invitations. A grant keeps its flag until the keyring that holds it is on
/// disk, so nothing is lost whoever dies. Nothing is done, and nothing lost, where the mail lock
/// stays busy. True if index or keyring changed.
Result<bool> take_grants(Context& context, const StoreDir& store, const mail::Mailbox& box,
                         const mail::MailReader& index, const mail::ContactBook& contacts,
                         mail::RevocationMarks& marks, OpenKeyring& open);

/// Gives each room of the keyring a name among the contacts, its own or one like it. Reads the
/// book again where that changed it.
Result<Done> name_rooms(Context& context, const StoreDir& store, const mail::Keyring& keyring,
                        mail::ContactBook& contacts);

/// Queues the grants that are owed, as far as there are cards. Without the mail lock, but for the
/// moment of writing down what is settled. How many members still lack a card.
Result<std::size_t> send_owed_grants(Context& context, const StoreDir& store,
                                     const chain::ChainRules& rules, OpenKeyring& open);

/// Deletes secrets that nothing can be sealed to any more. Source: bmsg-format(5), "Rooms".
Result<Done> drop_old_room_keys(Context& context, const StoreDir& store,
                                const chain::ChainRules& rules, OpenKeyring& open);

/// One line for each invitation that waits.
Result<std::vector<std::string>> invitations(const mail::Mailbox& box);

}  // namespace bmsg::cli
