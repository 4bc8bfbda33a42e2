// Approvals: signed messages by which somebody stands for what a message says, posted where that
// message was posted, and how many of those that a policy lists have done so.
// Source: bmsg-format(5), "Approval".

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/mailbox.h"
#include "lib/mail/quorum.h"
#include "lib/mail/revocation_marks.h"
#include "lib/mail/send.h"
#include "lib/mail/summary.h"

namespace bmsg::mail {

inline constexpr std::string_view kApprovalType = "application/x-bmsg-approval";

/// H of what a message says: the value of its record 09, which may be empty.
Digest content_hash(const Content& content);

/// Whether records are an approval, whoever signed them.
bool is_approval(const Content& content);
bool is_approval(const Summary& summary);

/// What a summary keeps of an approval in place of its first words: the hash, in hex.
std::string approval_snippet(const Content& content);
/// nullopt if it is none.
std::optional<Digest> approved_hash(const Summary& summary);

/// The letter that approves a message, without its room and how long it lasts. `note` may be empty.
/// Errors: Errc::bad_usage for what was sealed to persons, or is no text.
Result<Letter> approval_letter(const MailText& approved, const std::string& note);

/// Puts down that an approval with a good signature came; `id` is its own.
void note_approval(const MessageId& id, const Summary& summary,
                   const crypto::SecretBytes& mailbox_key, MailChange& change);

/// Approvals of a message by one person, as they were put down.
Result<std::vector<MessageId>> approvals_by(const MailReader& mail,
                                            const crypto::SecretBytes& mailbox_key,
                                            const MessageId& id, const IdentityKey& person);

/// Whether an approval says what that message says and stands where it stands.
bool approves(const Summary& approval, const MailItem& message, const Digest& content);

/// Somebody who stands for a message.
struct Signer {
  IdentityKey person;
  std::optional<MessageId> approval = {};  // nullopt: the author.
  std::string note = {};                   // Untrusted text; may be empty.
};

/// How far a message is.
struct Approvals {
  std::uint32_t have = 0;
  std::uint32_t needed = 1;
  std::vector<Signer> by = {};  // Of those that count, each once, in the order of the rule.

  bool enough() const { return have >= needed; }
};

/// From where on an approval counts.
enum class CountFrom { block, pool };

/// Counts for one store.
/// Threads: one at a time. What is passed must outlive it.
/// Errors:  as Mailbox and RevocationMarks: what is not known does not count as signed.
class ApprovalCount {
 public:
  ApprovalCount(const Mailbox& box, const MailReader& mail, const crypto::SecretBytes& mailbox_key,
                RevocationMarks& marks)
      : box_(box), mail_(mail), mailbox_key_(mailbox_key), marks_(marks) {}

  /// The author counts if the message is signed and its text approved if it can be read. Neither
  /// counts above the first block that revokes the signer's key.
  Result<Approvals> of(const MailItem& message, const Quorum& quorum, CountFrom from) const;

 private:
  Result<bool> is_author(const MailItem& message, const IdentityKey& person) const;
  Result<std::optional<Signer>> approved_by(const MailItem& message, const Digest& content,
                                            const IdentityKey& person, CountFrom from,
                                            const std::vector<MessageId>& approvals) const;

  const Mailbox& box_;
  const MailReader& mail_;
  const crypto::SecretBytes& mailbox_key_;
  RevocationMarks& marks_;
};

}  // namespace bmsg::mail
