#include "cli/message_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/file_view.h"
#include "cli/refs.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/crypto/ecdsa.h"
#include "lib/mail/room.h"

namespace bmsg::cli {
namespace {

std::string trust_of(const Mailroom& room, const std::optional<IdentityKey>& sender) {
  if (!sender) return "unknown";
  if (const mail::Contact* contact = room.contacts().by_address(*sender)) {
    if (contact->trust == mail::Trust::verified) return "verified";
    return contact->trust == mail::Trust::blocked ? "blocked" : "known";
  }
  const bool own =
      std::ranges::any_of(room.keys().own, [&](const auto& one) { return one.address == *sender; });
  return own ? "verified" : "unknown";
}

std::string own_name(const Mailroom& room, const IdentityKey& address) {
  for (const mail::OwnIdentity& own : room.keys().own) {
    if (own.address == address) return own.name.empty() ? "me" : own.name;
  }
  return {};
}

std::string named(const Mailroom& room, const IdentityKey& address) {
  if (const auto name = room.name_of(address); !name.empty()) return name;
  return to_address(address);
}

/// Our word for the room of a message, or what it was called.
std::string room_text(const Mailroom& room, const mail::Summary& summary) {
  const mail::Contact* contact = room.contacts().by_room(mail::room_id_in(summary.room));
  return contact == nullptr ? mail::room_name_in(summary.room) : contact->name;
}

std::string recipients_text(const Mailroom& room, const mail::Summary& summary) {
  if (summary.audience == mail::Audience::open) return "everybody";
  if (!summary.room.empty()) return room_text(room, summary);
  std::vector<std::string> names;
  for (const mail::Addressee& one : summary.to) names.push_back(named(room, one.address));
  return fmt::format("{}", fmt::join(names, ", "));
}

bool is_pending(const std::optional<mail::Approvals>& approvals) {
  return approvals && !approvals->enough();
}

/// "pending 1 of 2", "2 of 2".
std::string standing_text(const mail::Approvals& approvals) {
  return fmt::format("{}{} of {}", approvals.enough() ? "" : "pending ", approvals.have,
                     approvals.needed);
}

/// What a reader should know of how a message came.
std::vector<std::string> marks_of(const Mailroom& room, const mail::MailItem& item,
                                  const std::optional<mail::Approvals>& approvals) {
  std::vector<std::string> marks;
  if (item.late) marks.emplace_back("late");
  if (item.gap) marks.emplace_back("gap");
  if (item.out_of_order) marks.emplace_back("out-of-order");
  if (room.is_after_revocation(item)) marks.emplace_back("after-revocation");
  if (is_pending(approvals)) marks.emplace_back("pending");
  return marks;
}

/// The same for a person, who wants to know how many are missing.
std::vector<std::string> shown_marks_of(const Mailroom& room, const mail::MailItem& item) {
  const auto approvals = room.approvals_shown(item);
  auto marks = marks_of(room, item, approvals);
  if (is_pending(approvals)) marks.back() = standing_text(*approvals);
  return marks;
}

api::ApprovalsView approvals_view(const Mailroom& room, const mail::Approvals& approvals) {
  api::ApprovalsView view{
      .pending = !approvals.enough(), .have = approvals.have, .needed = approvals.needed, .by = {}};
  for (const mail::Signer& one : approvals.by) {
    api::ApprovalsView::Signer signer{to_address(one.person), std::nullopt, one.approval, one.note};
    if (const auto name = room.name_of(one.person); !name.empty()) signer.name = name;
    view.by.push_back(std::move(signer));
  }
  return view;
}

/// Who stands for a message, a line each.
std::string approvals_text(const Mailroom& room, const mail::Approvals& approvals) {
  std::string text = fmt::format("policy  {}\n", standing_text(approvals));
  for (const mail::Signer& one : approvals.by) {
    const std::string note = one.note.empty() ? "" : ": " + one.note;
    text += fmt::format("        {}{}\n", shown_line(named(room, one.person)),
                        one.approval ? shown_line(note) : ", who wrote it");
  }
  return text;
}

/// Who vouches for a message, in one word: nobody, a key that is unknown, one that a contact has.
std::string vouched_text(const Mailroom& room, const mail::Summary& summary) {
  if (summary.signature == mail::SignatureState::good) return trust_of(room, summary.identity());
  return summary.signature == mail::SignatureState::bad ? "bad" : "unsigned";
}

std::string first_words(const mail::Summary& summary) {
  if (summary.fault) return fmt::format("(cannot be read: {})", mail::name_of(*summary.fault));
  if (summary.kind == mail::Kind::room_grant)
    return fmt::format("(invitation to the room '{}')", summary.subject);
  return summary.subject.empty() ? summary.snippet : summary.subject;
}

/// Age, who and what about, for a list that a person reads.
std::string columns_of(const Mailroom& room, const mail::MailItem& item, UnixSeconds now) {
  constexpr std::size_t kWhoColumns = 20;
  const bool out = item.summary.direction == mail::Direction::out;
  std::string who =
      shown_line(out ? "to " + recipients_text(room, item.summary) : sender_text(room, item));
  if (!out && !item.summary.room.empty()) who += shown_line(" in " + room_text(room, item.summary));
  who = fitted(who, kWhoColumns);
  who.append(kWhoColumns - std::min(kWhoColumns, width_of(who)), ' ');
  const auto marks = shown_marks_of(room, item);
  const std::string told = marks.empty() ? "" : fmt::format("[{}] ", fmt::join(marks, ", "));
  return fmt::format("{:>10}  {}  {}{}", to_relative(item.time(), now), who, told,
                     shown_line(first_words(item.summary)));
}

}  // namespace

std::string pair_text(ByteView sender) {
  constexpr std::size_t kShownBytes = 9;
  if (sender.size() != crypto::kEcdsaPublicBytes) return {};
  return fmt::format("secp256k1 key {}", to_hex(sender.first(kShownBytes)));
}

std::string sender_text(const Mailroom& room, const mail::MailItem& item) {
  const auto sender = item.summary.identity();
  if (item.summary.signature == mail::SignatureState::bad) return "(bad signature)";
  if (const auto pair = pair_text(item.summary.sender); !pair.empty()) return pair + " (unknown)";
  if (!sender) return "(anonymous)";
  const char* mark = room.is_after_revocation(item) ? " (after revocation)" : "";
  if (const auto name = room.name_of(*sender); !name.empty()) return name + mark;
  const std::string claimed = room.claimed_name(*sender);
  return claimed.empty()
             ? fmt::format("{} (unknown){}", to_address(*sender), mark)
             : fmt::format("{} (unknown; calls itself {}){}", to_address(*sender), claimed, mark);
}

api::MessageView message_view(const Mailroom& room, const mail::MailItem& item) {
  const mail::Summary& summary = item.summary;
  api::MessageView view;
  view.id = item.id;
  view.time = item.time();
  view.expires = UnixSeconds{item.expires()};
  view.outgoing = summary.direction == mail::Direction::out;
  view.open = summary.audience == mail::Audience::open;
  view.kind = mail::name_of(summary.kind);
  if (const auto sender = summary.identity()) {
    view.from = to_address(*sender);
    if (const auto name = room.name_of(*sender); !name.empty()) view.from_name = name;
  }
  for (const mail::Addressee& one : summary.to) view.to.push_back(to_address(one.address));
  if (!summary.room.empty()) view.room = room_text(room, summary);
  if (!summary.topic.is_zero()) view.topic = summary.topic;
  if (!summary.subject.empty()) view.subject = summary.subject;
  if (!summary.media_type.empty()) view.media_type = summary.media_type;
  view.size = summary.bytes;
  if (!summary.re.empty()) view.reply_to = summary.re.front();
  view.thread = to_hex(item.thread().view());
  view.seq = summary.seq;
  view.flags.assign(item.flags.begin(), item.flags.end());
  const auto approvals = room.approvals_shown(item);
  view.marks = marks_of(room, item, approvals);
  if (approvals) view.approvals = approvals_view(room, *approvals);
  view.trust = trust_of(room, summary.identity());
  view.signature = mail::name_of(summary.signature);
  if (item.block) view.block = api::MessageView::Place{item.block->block, item.block->height};
  view.confirmations = item.confirmations;
  return view;
}

api::MessageView message_view(const Mailroom& room, const mail::MailText& text) {
  api::MessageView view = message_view(room, text.item);
  if (text.opened.fault) return view;
  view.body = text.opened.content.content;
  view.attachments = attachment_views(text.opened.content);
  return view;
}

std::string message_line(const Mailroom& room, const mail::MailItem& item) {
  const bool out = item.summary.direction == mail::Direction::out;
  const std::string who =
      out ? "to " + recipients_text(room, item.summary) : sender_text(room, item);
  std::string standing = vouched_text(room, item.summary);
  for (const std::string& mark : shown_marks_of(room, item)) standing += "," + mark;
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}", to_hex(item.id.view()),
                     item.flags.contains("unread") ? "unread" : "-", to_rfc3339(item.time()),
                     shown_line(who), shown_line(first_words(item.summary)), standing);
}

std::string message_row(const Mailroom& room, const mail::MailItem& item, std::size_t number,
                        UnixSeconds now) {
  return fmt::format("{:>4} {} {}", number, item.flags.contains("unread") ? '*' : ' ',
                     columns_of(room, item, now));
}

std::string message_event(const Mailroom& room, const mail::MailItem& item, UnixSeconds now) {
  constexpr std::size_t kDigits = 12;
  return to_hex(item.id.view()).substr(0, kDigits) + " " + columns_of(room, item, now);
}

std::string message_headers(const Mailroom& room, const mail::MailItem& item) {
  const mail::Summary& summary = item.summary;
  std::string text = fmt::format("message {}\n", to_hex(item.id.view()));
  text += fmt::format("from    {}\n", shown_line(sender_text(room, item)));
  text += fmt::format("to      {}\n", shown_line(recipients_text(room, summary)));
  text += fmt::format("time    {}\n", to_rfc3339(item.time()));
  if (!summary.subject.empty()) text += fmt::format("subject {}\n", shown_line(summary.subject));
  if (!summary.re.empty()) text += fmt::format("answers {}\n", to_hex(summary.re.front().view()));
  const std::string sign = summary.signature == mail::SignatureState::good
                               ? "good, " + trust_of(room, summary.identity())
                               : std::string(mail::name_of(summary.signature));
  text += fmt::format("signed  {}\n", sign);
  if (item.block) {
    text += fmt::format("block   {}, {} deep\n", block_name(item.block->height, item.block->block),
                        item.confirmations);
  } else {
    text += item.pooled ? "block   none yet: a node has it\n" : "block   none yet\n";
  }
  if (const auto approvals = room.approvals_shown(item)) text += approvals_text(room, *approvals);
  if (item.gap) text += "note    a number is missing before this message\n";
  if (item.out_of_order) text += "note    its sender's message before this one came after it\n";
  if (item.late) text += "note    its block came a day or more after the time that it gives\n";
  if (room.is_after_revocation(item))
    text += "note    it stands after the revocation of its sender's key: a thief may have it\n";
  const auto sender = summary.identity();
  const bool stranger = sender && room.name_of(*sender).empty() && own_name(room, *sender).empty();
  if (stranger)
    text +=
        fmt::format("note    'bmsg contact add NAME {}' gives them a name{}\n", to_address(*sender),
                    summary.kind == mail::Kind::room_grant ? " and accepts the invitation" : "");
  return text;
}

std::string message_text(const Mailroom& room, const mail::MailText& text) {
  return message_headers(room, text.item) + attachments_text(text.opened.content) + "\n" +
         indented(as_text(text.opened.content.content));
}

}  // namespace bmsg::cli
