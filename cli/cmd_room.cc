// bmsg room: keys that several people share.

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/contact_view.h"
#include "cli/list_form.h"
#include "cli/new_file.h"
#include "cli/prompt.h"
#include "cli/room_grants.h"
#include "cli/rooms.h"
#include "cli/text.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> members;
  std::string history;  // Empty: the newest secret.
  std::string file = "-";
  bool yes = false;
  ListForm form;
};

std::string row_of(const api::ContactView& view) {
  const std::string members =
      view.members ? std::to_string(view.members->size()) + " members" : "-";
  return fmt::format("{}\tepoch {}\t{}\t{}", shown_line(view.name), *view.epoch, members,
                     view.address.value_or("-"));
}

/// The keeper gave two secrets for one epoch: told each time, until the room is left.
void warn_of_alarms(const Context& context, const api::ContactView& view) {
  for (const auto& alarm : view.alarms) {
    context.out.warn(fmt::format(
        "the keeper of '{}' gave another secret for epoch {} in message {}: it was left",
        shown_line(view.name), alarm.epoch, to_hex(alarm.message.view()).substr(0, 16)));
  }
}

std::string text_of(const Rooms& rooms, const api::ContactView& view, const mail::Room& room) {
  std::string text = fmt::format("name        {}\nkind        room\n", shown_line(view.name));
  if (view.name != room.name) text += fmt::format("granted as  {}\n", shown_line(room.name));
  text += fmt::format("id          {}\n", to_hex(room.id));
  text += fmt::format("keeper      {}\naddress     {}\nfingerprint {}\n",
                      shown_line(rooms.member_name(room.keeper)), *view.address, view.fingerprint);
  text += fmt::format("epoch       {}\n", *view.epoch);
  for (const mail::RoomSecret& key : room.keys) {
    if (key.epoch != *view.epoch) text += fmt::format("still read  epoch {}\n", key.epoch);
  }
  for (const std::string& member : view.members.value_or(std::vector<std::string>()))
    text += fmt::format("member      {}\n", shown_line(member));
  for (const auto& alarm : view.alarms) {
    text += fmt::format("alarm       another secret for epoch {} in message {}\n", alarm.epoch,
                        to_hex(alarm.message.view()).substr(0, 16));
  }
  return text;
}

/// The room as it is now; as contacts are printed.
Result<ExitCode> print_room(Context& context, const Rooms& rooms, const std::string& name) {
  BMSG_TRY_ASSIGN(const auto* room, rooms.find(name));
  const auto view = rooms.view(*room);
  context.out.line(context.options.json ? api::contact_json(view) : shown_line(view.name));
  return ExitCode::ok;
}

Result<ExitCode> run_create(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto rooms, Rooms::open(context, store));
  BMSG_TRY_ASSIGN(const auto* room, rooms.create(options.name, options.members));
  return print_room(context, rooms, rooms.name_of(*room));
}

Result<ExitCode> run_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  api::ContactView sample;
  sample.epoch = 1;
  BMSG_TRY_ASSIGN(auto printer,
                  ListPrinter::make(context, options.form, api::contact_json(sample)));
  BMSG_TRY_ASSIGN(const auto rooms, Rooms::open(context, store));
  for (const mail::Contact* contact : rooms.all()) {
    const auto room = rooms.find(contact->name);
    api::ContactView view;
    if (room) {
      view = rooms.view(*room.value());
      warn_of_alarms(context, view);
    } else {
      BMSG_TRY_ASSIGN(view, contact_view_of(context, store, rooms.mailroom().rules(), *contact));
    }
    printer.add_row(
        {api::contact_json(view), view.name,
         room ? row_of(view)
              : fmt::format("{}\tbox\t-\t{}", shown_line(view.name), view.address.value_or("-"))});
  }
  printer.print_rows();
  BMSG_TRY_ASSIGN(const auto waiting, invitations(rooms.mailroom().box()));
  for (const std::string& line : waiting) context.out.warn(line);
  return ExitCode::ok;
}

Result<ExitCode> run_show(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rooms, Rooms::open(context, store));
  BMSG_TRY_ASSIGN(const auto* room, rooms.find(options.name));
  const auto view = rooms.view(*room);
  context.out.raw(context.options.json ? api::contact_json(view) + "\n"
                                       : text_of(rooms, view, *room));
  warn_of_alarms(context, view);
  return ExitCode::ok;
}

Result<ExitCode> run_members(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rooms, Rooms::open(context, store));
  BMSG_TRY_ASSIGN(const auto* room, rooms.find(options.name));
  const auto view = rooms.view(*room);
  if (!view.members) {
    return Error{Errc::denied,
                 fmt::format("only the keeper of '{}' knows its members, and that is {}", view.name,
                             rooms.member_name(room->keeper)),
                 "ask them"};
  }
  if (context.options.json) {
    context.out.line(api::contact_json(view));
    return ExitCode::ok;
  }
  for (const std::string& member : *view.members) context.out.line(shown_line(member));
  return ExitCode::ok;
}

Result<ExitCode> run_invite(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto rooms, Rooms::open(context, store));
  const History history = options.history.empty()    ? History::newest
                          : options.history == "all" ? History::all
                                                     : History::none;
  BMSG_TRY(rooms.invite(options.name, options.members, history));
  return print_room(context, rooms, options.name);
}

Result<ExitCode> run_remove(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto rooms, Rooms::open(context, store));
  BMSG_TRY(rooms.remove(options.name, options.members));
  return print_room(context, rooms, options.name);
}

Result<ExitCode> run_rotate(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto rooms, Rooms::open(context, store));
  BMSG_TRY(rooms.rotate(options.name));
  return print_room(context, rooms, options.name);
}

Result<ExitCode> run_leave(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(auto rooms, Rooms::open(context, store));
  const auto room = rooms.find(options.name);
  if (!options.yes && room) {
    const bool keeps = rooms.view(*room.value()).members.has_value();
    BMSG_TRY(confirm_by_typing(
        context,
        fmt::format("what is posted to '{}' from now on cannot be read here{}", options.name,
                    keeps ? ", and nobody can invite or remove any more" : ""),
        options.name));
  }
  BMSG_TRY(rooms.leave(options.name));
  return ExitCode::ok;
}

Result<ExitCode> run_box(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rooms, Rooms::open(context, store));
  BMSG_TRY_ASSIGN(const auto box, rooms.box(options.name));
  const std::string line = mail::to_text(box);
  if (options.file == "-") {
    context.out.line(line);
    return ExitCode::ok;
  }
  NewFile file(context.disk, options.file);
  BMSG_TRY(file.open());
  BMSG_TRY(file.write(as_bytes(line + "\n")));
  BMSG_TRY(file.publish());
  return ExitCode::ok;
}

using Adder = std::function<Command(const char*, const char*,
                                    std::function<Result<ExitCode>(const Options&, Context&)>)>;

Command with_name(Command verb, const std::shared_ptr<Options>& options) {
  verb.add_option("name", options->name, "Which").required().type_name("NAME");
  return verb;
}

Command with_members(Command verb, const std::shared_ptr<Options>& options) {
  with_name(verb, options);
  verb.add_option("members", options->members, "Contacts, groups or addresses")
      .required()
      .type_name("NAME|ADDRESS");
  return verb;
}

}  // namespace

void add_room(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command room = app.add_verb("room", "Share a key with several people");
  room.require_verb();
  const Adder add = [&](const char* name, const char* says, auto work) {
    return add_command(room, context, name, says, options, work);
  };
  Command create = add("create", "Make a room and keep it", run_create);
  create.add_option("name", options->name, "Its name").required().type_name("NEW");
  create.add_option("--member", options->members, "Who gets its secret; again for another")
      .type_name("NAME|ADDRESS")
      .one_value_each();
  add_list_options(add("list", "List rooms and invitations", run_list), options->form);
  with_name(add("show", "Print one room", run_show), options);
  with_name(add("members", "Print who is in a room that you keep", run_members), options);
  Command invite = with_members(add("invite", "Give somebody the secret", run_invite), options);
  invite.add_option("--history", options->history, "What they can read of before: all or none")
      .one_of({"all", "none"})
      .type_name("WHAT");
  with_members(add("remove", "Put somebody out: the rest gets a new secret", run_remove), options);
  with_name(add("rotate", "Give all members a new secret", run_rotate), options);
  Command leave = with_name(add("leave", "Forget a room and its secrets", run_leave), options);
  leave.add_flag("--yes", options->yes, "Do not ask");
  Command box = with_name(add("box", "Write what others need to post only", run_box), options);
  box.add_option("file", options->file, "A new file, or - for output").type_name("FILE");
}

}  // namespace bmsg::cli
