// References: how a person names a message or a block.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/result.h"
#include "lib/mail/mail_store.h"
#include "lib/mail/mailbox.h"
#include "lib/node/store.h"

namespace bmsg::cli {

/// A block by full hash, HEIGHT, HEIGHT:LAST8, "tip" or "tip~N".
/// Errors: Errc::not_found; Errc::bad_usage for words that name no block.
Result<node::StoredHeader> find_block(const node::ChainReader& chain, const std::string& ref);

/// True if `ref` can only mean a block.
bool names_block(const std::string& ref);

/// A message by full id or by a unique prefix of 8 hex or more. `mail` may be null.
/// Errors: Errc::not_found; Errc::bad_usage if several begin so, listing them, and for "@".
Result<MessageId> find_message(const node::ChainReader& chain, const mail::MailReader* mail,
                               const std::string& ref);

/// The same where the mailbox is open: "@" is the newest that was received, "@~N" the N-th before.
Result<MessageId> find_message(const node::ChainReader& chain, const mail::MailReader& mail,
                               const mail::Mailbox& box, const std::string& ref);

/// Adds the references on standard input: one a line, or each ended by NUL, as -z prints them.
void add_refs_of_input(std::vector<std::string>& refs);

/// N of "@~N", 0 of "@"; nullopt for anything else.
std::optional<std::uint32_t> inbox_steps(const std::string& ref);

/// "1482:0a1b2c3d": how a block is written in text.
std::string block_name(Height height, const BlockHash& hash);

}  // namespace bmsg::cli
