// contacts.jsonl: one contact a line.

#pragma once

#include <string>
#include <string_view>

#include "lib/core/result.h"
#include "lib/mail/contact_book.h"

namespace bmsg::api {

/// Errors: Errc::bad_input naming the line.
/// Source: bmsg-store(5), "Contacts".
Result<mail::ContactBook> parse_contacts(std::string_view text);

std::string print_contacts(const mail::ContactBook& book);

}  // namespace bmsg::api
