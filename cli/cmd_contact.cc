// bmsg contact: our words for addresses, and how far we trust them.

#include <fmt/format.h>

#include <iostream>
#include <iterator>

#include "cli/command.h"
#include "cli/contact_change.h"
#include "cli/contact_log.h"
#include "cli/contact_view.h"
#include "cli/keyring_file.h"
#include "cli/list_form.h"
#include "cli/own_cards.h"
#include "cli/prompt.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/api/contacts_json.h"
#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/box.h"
#include "lib/mail/card_directory.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string name;
  std::string other;  // Address, file, new name, or member, as the verb says.
  std::vector<std::string> names;
  std::string fingerprint;
  bool undo = false;
  ListForm form;
};

/// Of a card, or of a file of contacts.
constexpr std::size_t kGivenBytesMax = 256u << 20;

Result<std::string> read_given(const Context& context, const std::string& file) {
  if (file == "-" && context.inner.input) return *context.inner.input;
  if (file == "-") {
    std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    return text;
  }
  BMSG_TRY_ASSIGN(const auto bytes, context.disk.read(file, kGivenBytesMax));
  if (!bytes)
    return Error{Errc::not_found, fmt::format("'{}' is neither an address nor a file", file)};
  return to_string(*bytes);
}

/// Of two cards of one number, the one that somebody gives us by hand is the one that counts.
Result<Done> pick(mail::CardDirectory& cards, const mail::Card& given) {
  BMSG_TRY_ASSIGN(const auto kept, cards.kept(given.identity, given.device));
  const bool is_one_of_two = kept.size() > 1 && kept.front().seq == given.seq;
  return is_one_of_two ? cards.settle(given) : Result<Done>(done);
}

/// An address, or the card in a file, which is kept.
Result<IdentityKey> address_given(Context& context, const StoreDir& store, const ChainId& chain,
                                  const std::string& text, const std::string& read = {}) {
  if (const auto address = from_address(text)) return *address;
  std::string given = read;
  if (given.empty()) {
    BMSG_TRY_ASSIGN(given, read_given(context, text));
  }
  std::string_view trimmed = given;
  while (!trimmed.empty() && std::isspace(static_cast<unsigned char>(trimmed.back())) != 0)
    trimmed.remove_suffix(1);
  if (const auto address = from_address(trimmed)) return *address;
  auto card = mail::card_from_text(trimmed, chain);
  if (!card) return in_context("'" + text + "'", card.error());
  mail::CardDirectory cards(context.disk, store.cards(), chain);
  BMSG_TRY(cards.put(card.value()));
  BMSG_TRY(pick(cards, card.value()));
  return card.value().identity;
}

/// Of a room to which one can post.
Result<std::optional<mail::Box>> box_given(const Context& context, const ChainId& chain,
                                           const Options& options, std::string& text) {
  if (from_address(options.other)) return std::optional<mail::Box>();
  BMSG_TRY_ASSIGN(text, read_given(context, options.other));
  if (!mail::looks_like_box(text)) return std::optional<mail::Box>();
  auto box = mail::box_from_text(text, chain);
  if (!box) return in_context("'" + options.other + "'", box.error());
  if (context.clock.now() >= box.value().expires())
    return Error{Errc::bad_input, fmt::format("'{}': the box has expired", options.other),
                 "ask its keeper for the output of 'bmsg room box'"};
  return std::optional(std::move(box).value());
}

Result<ExitCode> add_box(const Options& options, Context& context, const StoreDir& store,
                         const chain::ChainRules& rules, const mail::Box& box) {
  BMSG_TRY_ASSIGN(const auto name, mail::to_contact_name(options.name));
  BMSG_TRY(change_book(context, store, [&](mail::ContactBook& book) -> Result<Done> {
    warn_of_look_alike(context, book, name);
    mail::Contact contact;
    contact.name = name;
    contact.kind = mail::ContactKind::room;
    contact.address = box.keeper;
    contact.room = box.room;
    contact.box = mail::to_text(box);
    contact.added = context.clock.now();
    return book.add(std::move(contact));
  }));
  BMSG_TRY_ASSIGN(const auto view, contact_view(context, store, rules, name));
  context.out.line(context.options.json ? api::contact_json(view) : shown_line(name));
  return ExitCode::ok;
}

Result<ExitCode> run_add(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  std::string text;
  BMSG_TRY_ASSIGN(const auto box, box_given(context, rules.id, options, text));
  if (box) return add_box(options, context, store, rules, *box);
  BMSG_TRY_ASSIGN(const auto address, address_given(context, store, rules.id, options.other, text));
  BMSG_TRY_ASSIGN(const auto name, add_person(context, store, options.name, address));
  BMSG_TRY_ASSIGN(const auto view, contact_view(context, store, rules, name));
  if (view.card == "none") {
    context.out.note(
        fmt::format("no card of {} yet: sync, or ask for the output of `bmsg id --card`", name));
  }
  context.out.line(context.options.json ? api::contact_json(view) : shown_line(name));
  return ExitCode::ok;
}

Result<ExitCode> run_list(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto book, read_contacts(context, store));
  BMSG_TRY_ASSIGN(auto printer,
                  ListPrinter::make(context, options.form, api::contact_json(api::ContactView())));
  look_for_cards(context, store, rules.id);
  for (const mail::Contact* contact : book.all()) {
    BMSG_TRY_ASSIGN(const auto view, contact_view_of(context, store, rules, *contact));
    printer.add_row({api::contact_json(view), view.name, contact_line(view)});
  }
  printer.print_rows();
  return ExitCode::ok;
}

Result<ExitCode> run_show(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto view, contact_view(context, store, rules, options.name));
  context.out.raw(context.options.json ? api::contact_json(view) + "\n" : contact_text(view));
  return ExitCode::ok;
}

/// Of a contact, an own identity, or an address.
Result<IdentityKey> address_named(Context& context, const StoreDir& store,
                                  const std::string& name) {
  if (const auto address = from_address(name)) return *address;
  BMSG_TRY_ASSIGN(const auto book, read_contacts(context, store));
  const mail::Contact* contact = book.find(name);
  if (contact == nullptr) return mail::no_contact(name);
  if (contact->address) return *contact->address;
  return Error{Errc::bad_usage, fmt::format("'{}' is a group: name one of them", name)};
}

Result<ExitCode> run_log(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto address, address_named(context, store, options.name));
  BMSG_TRY_ASSIGN(const auto events, key_history(context, store, rules, address));
  for (const api::KeyEventView& one : events)
    context.out.line(context.options.json ? api::key_event_json(one) : key_event_line(one));
  return ExitCode::ok;
}

Result<Done> print_contact(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                           const mail::Contact& contact) {
  if (!context.options.json) {
    context.out.line(shown_line(contact.name));
    return done;
  }
  BMSG_TRY_ASSIGN(const auto view, contact_view_of(context, store, rules, contact));
  context.out.line(api::contact_json(view));
  return done;
}

/// The contact as it is now, under its new name if it has one.
Result<ExitCode> print_changed(Context& context, const StoreDir& store, const Options& options) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto book, read_contacts(context, store));
  const bool is_renamed = book.find(options.name) == nullptr && book.find(options.other) != nullptr;
  const mail::Contact* contact = book.find(is_renamed ? options.other : options.name);
  if (contact != nullptr) BMSG_TRY(print_contact(context, store, rules, *contact));
  return ExitCode::ok;  // Where it was removed there is nothing left to print.
}

Result<ExitCode> run_verify(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  if (options.undo) {
    BMSG_TRY(change_book(context, store, [&](mail::ContactBook& book) {
      return book.set_verified(options.name, {});
    }));
  } else {
    BMSG_TRY(verify_contact(context, store, options.name, options.fingerprint));
  }
  return print_changed(context, store, options);
}

Result<mail::AckPolicy> ack_setting(const std::string& setting) {
  constexpr std::string_view kName = "ack=";
  if (setting.starts_with(kName)) return parse_ack(setting.substr(kName.size()));
  return Error{Errc::bad_usage,
               fmt::format("'{}': give ack=never, ack=asked or ack=read", setting)};
}

/// A verb that is one change of the book.
template <class Change>
auto changing(Change change) {
  return [change](const Options& options, Context& context) -> Result<ExitCode> {
    BMSG_TRY_ASSIGN(const auto store, context.store());
    BMSG_TRY(change_book(context, store,
                         [&](mail::ContactBook& book) { return change(book, options, context); }));
    return print_changed(context, store, options);
  };
}

/// The name of a room goes with its secret.
Result<Done> forget(mail::ContactBook& book, const std::string& name) {
  const mail::Contact* contact = book.find(name);
  if (contact == nullptr || contact->room.empty() || !contact->box.empty())
    return book.remove(name);
  return Error{Errc::bad_input, fmt::format("'{}' is a room that you are in", contact->name),
               fmt::format("'bmsg room leave {}' forgets it", shown_line(contact->name))};
}

Result<ExitCode> run_move(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto address, address_given(context, store, rules.id, options.other));
  BMSG_TRY(change_book(context, store,
                       [&](mail::ContactBook& book) { return book.move(options.name, address); }));
  return print_changed(context, store, options);
}

Result<ExitCode> run_export(const Options&, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto book, read_contacts(context, store));
  context.out.raw(api::print_contacts(book));
  return ExitCode::ok;
}

/// Whether a name that is given means who has it here.
bool is_same(const mail::Contact* there, const mail::Contact& given) {
  return there != nullptr && there->kind == given.kind && there->address == given.address &&
         there->members == given.members && there->room == given.room;
}

Result<ExitCode> run_import(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto text, read_given(context, options.other));
  BMSG_TRY_ASSIGN(const auto given, api::parse_contacts(text));
  std::vector<mail::Contact> added;
  const auto changed = change_book(context, store, [&](mail::ContactBook& book) -> Result<Done> {
    for (const mail::Contact* contact : given.all()) {
      if (contact->kind == mail::ContactKind::room && contact->room.empty())
        return Error{Errc::bad_input, fmt::format("'{}' is a room without its id", contact->name)};
      if (is_same(book.find(contact->name), *contact)) continue;  // What is thought of them stays.
      warn_of_look_alike(context, book, contact->name);
      BMSG_TRY(book.add(*contact));
      added.push_back(*contact);
    }
    return done;
  });
  BMSG_TRY(changed);
  for (const mail::Contact& contact : added)
    BMSG_TRY(print_contact(context, store, rules, contact));
  return ExitCode::ok;
}

using Adder = std::function<Command(const char*, const char*,
                                    std::function<Result<ExitCode>(const Options&, Context&)>)>;

void add_changes(const Adder& add, const std::shared_ptr<Options>& options) {
  const auto one_name = [&](Command verb) {
    verb.add_option("name", options->name, "Which").required().type_name("NAME");
  };
  one_name(add("block", "Show no mail of a contact as theirs",
               changing([](mail::ContactBook& book, const Options& given, Context&) {
                 return book.block(given.name);
               })));
  one_name(add("unblock", "Undo block",
               changing([](mail::ContactBook& book, const Options& given, Context&) {
                 return book.unblock(given.name);
               })));
  one_name(add("rm", "Forget a contact",
               changing([](mail::ContactBook& book, const Options& given, Context&) {
                 return forget(book, given.name);
               })));
  Command rename = add("rename", "Give a contact another name",
                       changing([](mail::ContactBook& book, const Options& given, Context& in) {
                         warn_of_look_alike(in, book, given.other);
                         return book.rename(given.name, given.other);
                       }));
  one_name(rename);
  rename.add_option("new", options->other, "The new name").required().type_name("NAME");
  Command set =
      add("set", "Change how a contact is treated",
          changing([](mail::ContactBook& book, const Options& given, Context&) -> Result<Done> {
            BMSG_TRY_ASSIGN(const auto ack, ack_setting(given.other));
            return book.set_ack(given.name, ack);
          }));
  one_name(set);
  set.add_option("setting", options->other, "ack=never, ack=asked or ack=read")
      .required()
      .type_name("SETTING");
}

void add_groups(Command contact, Context& context, const std::shared_ptr<Options>& options) {
  Command group = contact.add_verb("group", "Names for several contacts");
  group.require_verb();
  const auto members = [&](Command verb) {
    verb.add_option("group", options->name, "The group").required().type_name("GROUP");
    verb.add_option("names", options->names, "Contacts").required().type_name("NAME");
  };
  members(add_command(group, context, "add", "Put contacts into a group", options,
                      changing([](mail::ContactBook& book, const Options& given, Context& within) {
                        warn_of_look_alike(within, book, given.name);
                        return book.add_members(given.name, given.names, within.clock.now());
                      })));
  members(add_command(group, context, "rm", "Take contacts out of a group", options,
                      changing([](mail::ContactBook& book, const Options& given, Context&) {
                        return book.remove_members(given.name, given.names);
                      })));
}

}  // namespace

void add_contact(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command contact = app.add_verb("contact", "Name addresses and say how far you trust them");
  contact.require_verb();
  const Adder add = [&](const char* name, const char* says, auto work) {
    return add_command(contact, context, name, says, options, work);
  };
  Command make = add("add", "Add a contact", run_add);
  make.add_option("name", options->name, "Your word for them").required().type_name("NAME");
  make.add_option("address", options->other, "Their address, or a file with their card, or -")
      .required()
      .type_name("ADDRESS|FILE");
  add_list_options(add("list", "List contacts", run_list), options->form);
  add("show", "Print one contact", run_show)
      .add_option("name", options->name, "Which")
      .required()
      .type_name("NAME");
  add("log", "Print the history of somebody's keys", run_log)
      .add_option("name", options->name, "A contact or an address")
      .required()
      .type_name("NAME");
  Command verify = add("verify", "Say that fingerprints were compared", run_verify);
  verify.add_option("name", options->name, "Who").required().type_name("NAME");
  verify.add_option("--fingerprint", options->fingerprint, "What they read to you")
      .type_name("WORDS");
  verify.add_flag("--undo", options->undo, "Take it back");
  Command move = add("move", "Give a contact a new address", run_move);
  move.add_option("name", options->name, "Who").required().type_name("NAME");
  move.add_option("address", options->other, "Their new address, or a file with their card")
      .required()
      .type_name("ADDRESS|FILE");
  add_changes(add, options);
  add_groups(contact, context, options);
  add("export", "Print all contacts as JSON Lines", run_export);
  add("import", "Add contacts from JSON Lines", run_import)
      .add_option("file", options->other, "A file, or -")
      .required()
      .type_name("FILE");
}

}  // namespace bmsg::cli
