// Changing the book of contacts under its lock.

#pragma once

#include <functional>
#include <string>

#include "cli/command.h"
#include "lib/core/ids.h"
#include "lib/mail/contact_book.h"

namespace bmsg::cli {

/// Changes the book under the lock of the store's small files.
Result<Done> change_book(Context& context, const StoreDir& store,
                         const std::function<Result<Done>(mail::ContactBook&)>& change);

/// "never", "asked" or "read". Errors: Errc::bad_usage.
Result<mail::AckPolicy> parse_ack(const std::string& policy);

void warn_of_look_alike(const Context& context, const mail::ContactBook& book,
                        const std::string& name);

/// Adds a person with the settings of a new contact; the same person by the same name is no error.
/// Returns the name as it is kept.
/// Errors: Errc::bad_input for a name that is none; Errc::exists if name or address is taken.
Result<std::string> add_person(Context& context, const StoreDir& store, const std::string& name,
                               const IdentityKey& address);

/// Notes that a person's fingerprint was compared: with the words that were read out, or by asking.
/// Errors: Errc::denied if it is another, or the contact has another address by then.
Result<Done> verify_contact(Context& context, const StoreDir& store, const std::string& name,
                            const std::string& read);

}  // namespace bmsg::cli
