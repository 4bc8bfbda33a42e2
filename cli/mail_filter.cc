#include "cli/mail_filter.h"

#include <fmt/format.h>

#include "cli/listing.h"
#include "cli/refs.h"
#include "cli/times.h"
#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/room.h"

namespace bmsg::cli {
namespace {

Result<Bytes> sender_named(const Mailroom& room, const std::string& name) {
  if (const auto address = from_address(name)) return to_bytes(address->view());
  const mail::Contact* contact = room.contacts().find(name);
  if (contact == nullptr) return mail::no_contact(name);
  // The address of a room is its keeper's, whose other mail is not meant.
  if (contact->kind == mail::ContactKind::room)
    return Error{Errc::no_recipient, fmt::format("'{}' is a room, not a person", contact->name),
                 "--room selects what was posted to it"};
  if (contact->kind == mail::ContactKind::person && contact->address)
    return to_bytes(contact->address->view());
  return Error{Errc::no_recipient, fmt::format("'{}' is a group, not one person", contact->name),
               "name one of its members"};
}

}  // namespace

void add_filter_options(Command command, MailFilter& filter) {
  command.add_flag("--unread", filter.unread, "Only those not read yet");
  command.add_flag("--sent", filter.sent, "What was sent instead of what came");
  command.add_option("--from", filter.from, "Only from this contact or address").type_name("NAME");
  command.add_option("--since", filter.since, "Not older than this").type_name("TIME");
  command.add_option("--until", filter.until, "Older than this").type_name("TIME");
  command.add_option("--thread", filter.thread, "Only the conversation of this message")
      .type_name("REF");
  command.add_option("--room", filter.room, "Only what was posted to this room").type_name("ROOM");
}

Result<Bytes> room_id_of(const Mailroom& room, const std::string& name) {
  const mail::Contact* contact = room.contacts().find(name);
  if (contact == nullptr) return mail::no_contact(name);
  if (contact->kind == mail::ContactKind::room) return contact->room;
  return Error{Errc::no_recipient, fmt::format("'{}' is no room", contact->name),
               "'bmsg room list' lists them"};
}

Result<mail::ListFilter> list_filter(const MailFilter& given, const Mailroom& room,
                                     const Context& context, const StoreDir& store) {
  mail::ListFilter filter;
  filter.direction = given.sent ? mail::Direction::out : mail::Direction::in;
  if (given.unread) filter.flag = "unread";
  if (!given.from.empty()) {
    BMSG_TRY_ASSIGN(filter.sender, sender_named(room, given.from));
  }
  if (!given.since.empty()) {
    BMSG_TRY_ASSIGN(filter.since, parse_time(given.since, context.clock.now()));
  }
  if (!given.until.empty()) {
    BMSG_TRY_ASSIGN(filter.until, parse_time(given.until, context.clock.now()));
  }
  if (!given.room.empty()) {
    BMSG_TRY_ASSIGN(const Bytes id, room_id_of(room, given.room));
    filter.wanted = [id](const MessageId&, const mail::Summary& summary) {
      return mail::room_id_in(summary.room) == id;
    };
  }
  if (!given.thread.empty()) {
    BMSG_TRY_ASSIGN(const auto ref, listed_ref(context, store, given.thread));
    BMSG_TRY_ASSIGN(const auto id, room.find(ref));
    BMSG_TRY_ASSIGN(const auto item, room.box().item(id));
    filter.thread = item ? item->thread() : prefix_of<mail::ThreadId>(id);
    filter.direction.reset();
  }
  return filter;
}

}  // namespace bmsg::cli
