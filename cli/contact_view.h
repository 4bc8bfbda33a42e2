// Contacts as they are shown.

#pragma once

#include <string>

#include "cli/command.h"
#include "lib/api/json_objects.h"
#include "lib/chain/rules_text.h"
#include "lib/mail/contact_book.h"

namespace bmsg::cli {

/// A contact with the state of its cards. Errors: Errc::no_recipient.
Result<api::ContactView> contact_view(Context& context, const StoreDir& store,
                                      const chain::ChainRules& rules, const std::string& name);
Result<api::ContactView> contact_view_of(Context& context, const StoreDir& store,
                                         const chain::ChainRules& rules,
                                         const mail::Contact& contact);

/// One TAB-separated line; several lines.
std::string contact_line(const api::ContactView& view);
std::string contact_text(const api::ContactView& view);

}  // namespace bmsg::cli
