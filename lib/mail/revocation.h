// Revocations: statements as messages, as lines on paper, and what is known of those about an
// identity. A statement proves itself, so anybody may post it, and again before the post expires.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/seal.h"
#include "lib/mail/statement.h"
#include "lib/node/store.h"

namespace bmsg::mail {

/// A message that carries a statement.
struct StatementPost {
  MessageId id;
  UnixSeconds expires;

  bool operator==(const StatementPost&) const = default;
};

/// A statement whose signatures are good, and the messages in which it was seen.
struct Revocation {
  Statement statement;
  Bytes bytes;                       // 193, as they were signed.
  std::vector<StatementPost> posts;  // The first ones that were seen, and the newest; may be none.

  bool covers(std::uint8_t device) const {
    return statement.scope == kWholeIdentity || statement.scope == device;
  }
};

/// How many of one identity are kept: one for each scope, and successors that stand for nothing
/// but a quarrel.
inline constexpr std::size_t kSuccessorsMax = 16;
inline constexpr std::size_t kPostsMax = 8;

/// Whether any of these ends the whole identity.
bool ends_identity(const std::vector<Revocation>& known);
/// The keys that are proposed, in the order in which they were seen.
std::vector<IdentityKey> successors_in(const std::vector<Revocation>& known);

/// Adds a statement or a post of it. False if nothing is new, or there is no room for one more
/// successor.
bool add_statement(std::vector<Revocation>& known, ByteView bytes,
                   const std::optional<StatementPost>& post);

/// Whether a message is a public statement, judged by its outside and its kind only.
bool looks_like_statement(const Message& message);

/// The statement that a public message carries; nullopt if it carries none, or one that is not
/// good. Who posted it does not matter.
std::optional<Bytes> statement_in(const Message& message, const ChainId& chain);

/// A public message with the statement, for as long as the chain allows, without its stamp. Signed
/// by nobody: the statement proves itself.
/// Errors: Errc::bad_input for a statement that is not good.
Result<Sealed> post_statement(const chain::ChainRules& chain, ByteView statement, UnixSeconds now);

/// When to post it again: as its newest post has a twelfth of the longest life left.
bool is_due_again(const Revocation& known, const chain::ChainRules& chain, UnixSeconds now);

/// "bmsg-revocation " and hexadecimal, one line without its end. The line is for successions too.
std::string statement_text(ByteView statement);
/// Surrounding white space is allowed. Errors: Errc::bad_input, also for bad signatures.
Result<Bytes> statement_from_text(std::string_view text);

/// The lowest block of the best chain that holds the statement; nullopt while none does.
Result<std::optional<Height>> first_height(const Revocation& known, const node::ChainReader& chain);

/// All that is known about one identity, for a file.
///
/// Shape:  "bmR1", then for each: statement 193, count 1, count times id 64 and expiry 8; H of all
///         before 64.
/// Source: bmsg-format(5), "Statements that were seen".
Bytes encode_revocations(const std::vector<Revocation>& known);
/// nullopt if it is damaged, or a statement in it is not good.
std::optional<std::vector<Revocation>> decode_revocations(ByteView bytes);
inline constexpr std::size_t kRevocationsBytesMax = 1u << 18;

}  // namespace bmsg::mail
