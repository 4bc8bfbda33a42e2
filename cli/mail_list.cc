#include "cli/mail_list.h"

#include "cli/listing.h"
#include "cli/message_view.h"
#include "cli/text.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

std::string line_of(const Context& context, const Mailroom& room, const mail::MailItem& item,
                    std::size_t number) {
  if (!context.out.to_terminal()) return message_line(room, item);
  const std::string row =
      fitted(message_row(room, item, number, context.clock.now()), context.out.columns());
  return item.flags.contains("unread") ? context.out.painted(row, Paint::strong) : row;
}

}  // namespace

Result<MailList> MailList::make(Context& context, const ListForm& form, Bodies bodies) {
  api::MessageView sample;  // With the members that a list has.
  if (bodies == Bodies::with) sample.body = Bytes();
  BMSG_TRY_ASSIGN(
      auto printer,
      ListPrinter::make(context, form, form.format.empty() ? "" : api::message_json(sample)));
  return MailList(context, std::move(printer), bodies);
}

Result<Done> MailList::print(const StoreDir& store, const Mailroom& room,
                             const std::vector<mail::MailItem>& items) const {
  context_->allow_pager();
  std::vector<MessageId> listed;
  for (const mail::MailItem& item : items) {
    listed.push_back(item.id);
    BMSG_TRY(print_one(room, item, listed.size()));
  }
  return keep_listing(*context_, store, listed);
}

Result<Done> MailList::print_one(const Mailroom& room, const mail::MailItem& item,
                                 std::size_t number) const {
  std::string json;
  if (printer_.wants_json()) {
    auto view = message_view(room, item);
    if (bodies_ == Bodies::with) {
      BMSG_TRY_ASSIGN(const auto text, room.box().read(item.id));
      if (text) view = message_view(room, *text);
    }
    json = api::message_json(view);
  }
  printer_.print({std::move(json), to_hex(item.id.view()), line_of(*context_, room, item, number)});
  return done;
}

}  // namespace bmsg::cli
