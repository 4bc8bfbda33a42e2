#include "cli/conversations.h"

#include <algorithm>
#include <array>
#include <map>

#include "cli/message_view.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/room.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kMessagesMax = 5000;
constexpr std::array<std::string_view, 4> kKinds = {"with", "room", "thread", "public"};

std::string room_name(const Mailroom& room, const mail::Summary& summary) {
  const mail::Contact* contact = room.contacts().by_room(mail::room_id_in(summary.room));
  return contact == nullptr ? mail::room_name_in(summary.room) : contact->name;
}

std::string thread_of(const MessageId& id, const mail::Summary& summary) {
  mail::MailItem item;
  item.id = id;
  item.summary.thread = summary.thread;
  return to_hex(item.thread().view());
}

Result<mail::ListFilter> filter_for(std::string_view which) {
  mail::ListFilter filter;
  if (which == "unread") {
    filter.flag = "unread";
  } else if (which == "archived") {
    filter.flag = "archived";
  } else if (which == "all" || which == "public") {
    filter.without_flag = "archived";
  } else {
    return Error{Errc::bad_input, "'which' is none of all, unread, archived and public"};
  }
  if (which == "public") {
    filter.wanted = [](const MessageId&, const mail::Summary& summary) {
      return summary.audience == mail::Audience::open;
    };
  }
  return filter;
}

/// As its newest message says.
api::ConversationView begun(const Mailroom& room, const ConversationKey& key,
                            const mail::MailItem& item) {
  const mail::Summary& summary = item.summary;
  api::ConversationView view;
  view.kind = key.kind;
  view.name = key.name;
  view.newest = message_view(room, item);
  view.snippet = summary.snippet;
  view.files = summary.attachments;
  if (key.kind != "with") return view;
  const auto address = from_address(key.name);
  if (!address) return view;
  if (const auto name = room.name_of(*address); !name.empty()) view.title = name;
  view.claims = room.claimed_name(*address);
  const mail::Contact* contact = room.contacts().by_address(*address);
  view.trust = "unknown";
  if (contact != nullptr) {
    view.trust = contact->trust == mail::Trust::verified  ? "verified"
                 : contact->trust == mail::Trust::blocked ? "blocked"
                                                          : "known";
  }
  return view;
}

}  // namespace

ConversationKey conversation_of(const Mailroom& room, const MessageId& id,
                                const mail::Summary& summary) {
  if (summary.audience == mail::Audience::open) return {"public", ""};
  if (!summary.room.empty()) return {"room", room_name(room, summary)};
  if (summary.direction == mail::Direction::out && summary.to.size() == 1)
    return {"with", to_address(summary.to.front().address)};
  const auto sender = summary.identity();
  const bool is_theirs = summary.direction == mail::Direction::in && sender &&
                         summary.signature == mail::SignatureState::good;
  if (is_theirs) return {"with", to_address(*sender)};
  return {"thread", thread_of(id, summary)};
}

Result<ConversationKey> parse_conversation(std::string_view kind, std::string_view name) {
  if (std::ranges::find(kKinds, kind) == kKinds.end())
    return Error{Errc::bad_input, "'kind' is none of with, room, thread and public"};
  return ConversationKey{std::string(kind), std::string(name)};
}

mail::ListFilter filter_of(const Mailroom& room, const ConversationKey& key) {
  mail::ListFilter filter;
  filter.wanted = [&room, key](const MessageId& id, const mail::Summary& summary) {
    return conversation_of(room, id, summary) == key;
  };
  return filter;
}

Result<std::vector<api::ConversationView>> conversations(const Mailroom& room,
                                                         std::string_view which) {
  BMSG_TRY_ASSIGN(const auto filter, filter_for(which));
  BMSG_TRY_ASSIGN(const auto items, room.box().list(filter, kMessagesMax));
  std::vector<api::ConversationView> all;
  std::map<ConversationKey, std::size_t> places;
  for (const mail::MailItem& item : items) {
    const ConversationKey key = conversation_of(room, item.id, item.summary);
    const auto [place, is_new] = places.emplace(key, all.size());
    if (is_new) all.push_back(begun(room, key, item));
    api::ConversationView& one = all[place->second];
    ++one.messages;
    if (item.flags.contains("unread")) ++one.unread;
  }
  return all;
}

}  // namespace bmsg::cli
