#include "lib/mail/approval.h"

#include <algorithm>

#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/kdf.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/room.h"

namespace bmsg::mail {
namespace {

bool is_shape(Kind kind, std::string_view media_type, std::size_t ids) {
  return kind == Kind::application && media_type == kApprovalType && ids == 1;
}

/// The beginning of the names of values that say who approved what: an HMAC under the mailbox key,
/// so that the index does not tell. Whom no policy lists is never looked for.
std::string prefix_for(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                       ByteView person) {
  Bytes text = to_bytes("bmsg1 approval");
  append(text, id.view());
  append(text, person);
  const auto mac = crypto::hmac(crypto::Hash::sha512, mailbox_key.view(), text);
  return "approval." + to_hex(mac.view().first(32)) + ".";
}

/// Where others can see it: in a room or in public.
bool is_posted(const Summary& summary) {
  return summary.audience == Audience::open || !summary.room.empty();
}

bool same_place(const Summary& one, const Summary& other) {
  if (!is_posted(one) || one.audience != other.audience) return false;
  return one.room.empty() ? other.room.empty() && one.topic == other.topic
                          : room_id_in(one.room) == room_id_in(other.room);
}

bool stands(const MailItem& item, CountFrom from) {
  return item.block.has_value() || (from == CountFrom::pool && item.pooled);
}

}  // namespace

Digest content_hash(const Content& content) { return crypto::sha512(content.content); }

bool is_approval(const Content& content) {
  return is_shape(content.kind, content.media_type, content.re.size()) &&
         content.content.size() == Digest::kSize;
}

bool is_approval(const Summary& summary) {
  return !summary.fault && is_shape(summary.kind, summary.media_type, summary.re.size());
}

std::string approval_snippet(const Content& content) { return to_hex(content.content); }

std::optional<Digest> approved_hash(const Summary& summary) {
  return is_approval(summary) ? fixed_from_hex<Digest>(summary.snippet) : std::nullopt;
}

Result<Letter> approval_letter(const MailText& approved, const std::string& note) {
  const Summary& summary = approved.item.summary;
  if (summary.fault || summary.kind != Kind::text)
    return Error{Errc::bad_usage, "that is no text that somebody could approve"};
  if (!is_posted(summary))
    return Error{Errc::bad_usage, "that message was sealed to persons: nobody else could see it",
                 "what a topic or a room got can be approved"};
  Letter letter;
  letter.audience = summary.audience;
  if (summary.room.empty()) letter.topic = summary.topic;
  letter.content.kind = Kind::application;
  letter.content.media_type = kApprovalType;
  letter.content.re = {approved.item.id};
  letter.content.thread = approved.item.thread();
  letter.content.content = to_bytes(content_hash(approved.opened.content).view());
  letter.content.subject = note;
  return letter;
}

void note_approval(const MessageId& id, const Summary& summary,
                   const crypto::SecretBytes& mailbox_key, MailChange& change) {
  const bool counts = is_approval(summary) && summary.signature == SignatureState::good;
  if (!counts || !is_posted(summary)) return;
  const std::string prefix = prefix_for(mailbox_key, summary.re.front(), summary.sender);
  change.values.insert_or_assign(prefix + to_hex(id.view()), Bytes());
}

Result<std::vector<MessageId>> approvals_by(const MailReader& mail,
                                            const crypto::SecretBytes& mailbox_key,
                                            const MessageId& id, const IdentityKey& person) {
  const std::string prefix = prefix_for(mailbox_key, id, person.view());
  BMSG_TRY_ASSIGN(const auto values, mail.values(prefix));
  std::vector<MessageId> found;
  for (const auto& [name, value] : values) {
    const auto approval = fixed_from_hex<MessageId>(std::string_view(name).substr(prefix.size()));
    if (!approval) return Error{Errc::corrupt, "mail index: a damaged approval"};
    found.push_back(*approval);
  }
  return found;
}

bool approves(const Summary& approval, const MailItem& message, const Digest& content) {
  return approved_hash(approval) == content && approval.re.front() == message.id &&
         approval.signature == SignatureState::good && same_place(approval, message.summary);
}

Result<bool> ApprovalCount::is_author(const MailItem& message, const IdentityKey& person) const {
  const Summary& summary = message.summary;
  const bool signed_it = !summary.fault && summary.signature == SignatureState::good;
  if (!signed_it || summary.identity() != person) return false;
  BMSG_TRY_ASSIGN(const bool revoked, marks_.is_after(message));
  return !revoked;
}

Result<std::optional<Signer>> ApprovalCount::approved_by(
    const MailItem& message, const Digest& content, const IdentityKey& person, CountFrom from,
    const std::vector<MessageId>& approvals) const {
  for (const MessageId& id : approvals) {
    BMSG_TRY_ASSIGN(const auto item, box_.item(id));
    if (!item || item->summary.identity() != person || !stands(*item, from)) continue;
    if (!approves(item->summary, message, content)) continue;
    BMSG_TRY_ASSIGN(const bool revoked, marks_.is_after(*item));
    if (!revoked) return std::optional(Signer{person, id, item->summary.subject});
  }
  return std::optional<Signer>();
}

Result<Approvals> ApprovalCount::of(const MailItem& message, const Quorum& quorum,
                                    CountFrom from) const {
  Approvals found{.have = 0, .needed = parts_needed(quorum)};
  std::set<IdentityKey> signers;
  std::optional<Digest> content;  // Read only if there is something to compare it with.
  bool unreadable = false;
  for (const IdentityKey& person : persons_in(quorum)) {
    BMSG_TRY_ASSIGN(const bool wrote_it, is_author(message, person));
    if (wrote_it) {
      found.by.push_back({.person = person});
      signers.insert(person);
      continue;
    }
    BMSG_TRY_ASSIGN(const auto approvals, approvals_by(mail_, mailbox_key_, message.id, person));
    if (approvals.empty() || unreadable) continue;
    if (!content) {
      BMSG_TRY_ASSIGN(const auto text, box_.read(message.id));
      unreadable = !text || text->opened.fault;
      if (unreadable) continue;
      content = content_hash(text->opened.content);
    }
    BMSG_TRY_ASSIGN(auto signer, approved_by(message, *content, person, from, approvals));
    if (!signer) continue;
    found.by.push_back(std::move(*signer));
    signers.insert(person);
  }
  found.have = parts_held(quorum, signers);
  return found;
}

}  // namespace bmsg::mail
