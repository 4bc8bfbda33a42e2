// bmsg read: show messages.

#include <fmt/format.h>

#include <algorithm>

#include "cli/acknowledge.h"
#include "cli/command.h"
#include "cli/cursor.h"
#include "cli/file_view.h"
#include "cli/forgetting.h"
#include "cli/listing.h"
#include "cli/mailroom.h"
#include "cli/message_view.h"
#include "cli/refs.h"
#include "cli/text.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/absent.h"

namespace bmsg::cli {
namespace {

struct Options {
  std::string raw;  // "yes" or "force".
  bool headers = false;
  bool body = false;
  bool thread = false;
  bool no_mark = false;
  bool ack = false;
  std::string cursor;
  std::string attachments;  // A directory.
  bool from_input = false;  // --stdin
  std::vector<std::string> refs;
};

Result<std::vector<MessageId>> wanted(const Options& options, const Context& context,
                                      const StoreDir& store, const Mailroom& room) {
  std::vector<std::string> refs = options.refs;
  if (options.from_input) add_refs_of_input(refs);
  if (!options.from_input && refs.empty()) refs.emplace_back("@");
  std::vector<MessageId> ids;
  for (const std::string& given : refs) {
    BMSG_TRY_ASSIGN(const auto ref, listed_ref(context, store, given));
    BMSG_TRY_ASSIGN(const auto id, room.find(ref));
    ids.push_back(id);
  }
  return ids;
}

/// Every message of their conversations, each conversation once and oldest first.
Result<std::vector<MessageId>> whole_threads(const Mailroom& room,
                                             const std::vector<MessageId>& named) {
  std::vector<MessageId> ids;
  for (const MessageId& id : named) {
    if (std::ranges::find(ids, id) != ids.end()) continue;
    BMSG_TRY_ASSIGN(const auto item, room.box().item(id));
    mail::ListFilter filter;
    if (item) filter.thread = item->thread();
    BMSG_TRY_ASSIGN(const auto items, room.box().list(filter, item ? SIZE_MAX : 0));
    const auto before = std::ssize(ids);
    for (const mail::MailItem& one : items) ids.push_back(one.id);
    std::reverse(ids.begin() + before, ids.end());
    // Of others, or no text: told when it is read.
    if (std::find(ids.begin() + before, ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

Result<Done> check_readable(const mail::MailText& text, const MessageId& id) {
  if (!text.opened.fault) return done;
  const bool gone = *text.opened.fault == mail::Fault::body;
  return Error{gone ? Errc::not_found : Errc::corrupt,
               gone ? fmt::format("the body of message {} is not here any more", to_hex(id.view()))
                    : fmt::format("message {} cannot be read: {}", to_hex(id.view()),
                                  mail::name_of(*text.opened.fault))};
}

/// A light store may get it: by a sync, which is told to ask for it.
Result<Done> check_here(Mailroom& room, const std::optional<mail::MailText>& text,
                        const MessageId& id) {
  if (!room.chain().is_light()) return done;
  BMSG_TRY_ASSIGN(const bool absent, mail::is_absent(room.index(), id));
  const bool gone = text && text->opened.fault == mail::Fault::body;
  if (!absent && !gone) return done;
  if (gone) BMSG_TRY(room.want({id}));
  return Error{Errc::not_found,
               fmt::format("the body of message {} is not here yet", to_hex(id.view())),
               "'bmsg sync' asks for it"};
}

Result<Done> print(const Options& options, Context& context, const Mailroom& room,
                   const mail::MailText& text, const std::vector<std::string>& saved) {
  const std::string_view body = as_text(text.opened.content.content);
  if (context.options.json) {
    auto view = message_view(room, text);
    for (std::size_t i = 0; i < saved.size(); ++i) view.attachments[i].path = saved[i];
    context.out.line(api::message_json(view));
  } else if (options.headers) {
    context.out.raw(message_headers(room, text.item));
  } else if (!options.raw.empty()) {
    context.out.raw(body);
  } else if (options.body) {
    context.out.raw(shown(body));
    if (!body.ends_with('\n')) context.out.raw("\n");
  } else {
    context.out.raw(message_text(room, text));
    for (const std::string& path : saved)
      context.out.line(fmt::format("saved   {}", shown_line(path)));
  }
  return done;
}

/// "unread" goes at a terminal only, so that a script that looks does not hide mail from a person.
Result<Done> mark_read(const Options& options, Context& context, const StoreDir& store,
                       const std::vector<mail::MailText>& read) {
  if (options.no_mark || !context.out.to_terminal()) return done;
  std::vector<MessageId> unread;
  for (const mail::MailText& text : read) {
    if (text.item.flags.contains("unread")) unread.push_back(text.item.id);
  }
  if (unread.empty()) return done;
  const auto changed = change_flags(context, store, unread, mail::FlagChange::without("unread"));
  const bool busy =
      !changed && (changed.error().code == Errc::locked || changed.error().code == Errc::try_again);
  if (changed || busy) return done;  // It was read; if they are busy, it stays unread.
  return changed.error();
}

/// By itself where mail is marked as read, with --ack in any case.
Result<Done> acknowledge(const Options& options, Context& context, const StoreDir& store,
                         const Mailroom& room, const std::vector<mail::MailText>& read) {
  const bool by_itself = !options.no_mark && context.out.to_terminal();
  for (const mail::MailText& text : read) {
    if (text.item.summary.direction == mail::Direction::out) continue;
    if (options.ack) {
      BMSG_TRY(acknowledge_message(context, store, room, text.item, AckWish::always));
    } else if (by_itself) {
      BMSG_TRY(acknowledge_message(context, store, room, text.item, AckWish::as_policy_says));
    }
  }
  return done;
}

/// Null where nobody wants the files.
Result<std::unique_ptr<FileFetcher>> file_fetcher(const Options& options, Context& context,
                                                  const StoreDir& store) {
  if (options.attachments.empty()) return std::unique_ptr<FileFetcher>();
  std::error_code unreadable;
  if (!std::filesystem::is_directory(options.attachments, unreadable))
    return Error{Errc::not_found, fmt::format("no directory '{}'", options.attachments),
                 "make it first: files are written nowhere else"};
  return FileFetcher::open(context, store);
}

Result<ExitCode> run(const Options& options, Context& context) {
  if (!options.raw.empty() && context.out.to_terminal() && options.raw != "force") {
    return Error{
        Errc::bad_usage,
        "--raw writes a stranger's bytes to the terminal; --raw=force does it all the same"};
  }
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto files, file_fetcher(options, context, store));
  BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
  BMSG_TRY_ASSIGN(auto ids, wanted(options, context, store, *room));
  if (options.thread) {
    BMSG_TRY_ASSIGN(ids, whole_threads(*room, ids));
  }
  context.allow_pager();
  std::vector<mail::MailText> read;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(auto text, room->box().read(id));
    BMSG_TRY(check_remembered(room->chain(), id));
    BMSG_TRY(check_here(*room, text, id));
    if (!text)
      return Error{Errc::denied, fmt::format("message {} is not for you", to_hex(id.view())),
                   "'bmsg inbox' lists what is"};
    BMSG_TRY(check_readable(*text, id));
    std::vector<std::string> saved;
    if (files) {
      BMSG_TRY_ASSIGN(saved,
                      save_files(context, *files, text->opened.content, options.attachments));
    }
    BMSG_TRY(print(options, context, *room, *text, saved));
    read.push_back(std::move(*text));
  }
  BMSG_TRY(context.out.end());
  BMSG_TRY(mark_read(options, context, store, read));
  // Whether or not the sender can be told: a script must get past the message.
  const auto told = acknowledge(options, context, store, *room, read);
  if (!options.cursor.empty()) BMSG_TRY(handle_by_hand(context, store, *room, options.cursor, ids));
  BMSG_TRY(told);
  return ExitCode::ok;
}

}  // namespace

void add_read(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command read = add_command(app, context, "read", "Show messages", options, run);
  read.add_option("refs", options->refs, "Which; @ is the newest").type_name("REF");
  Parameter raw = read.add_flag("--raw{yes}", options->raw, "The exact bytes of the text");
  raw.one_of({"force", "yes"});
  Parameter headers = read.add_flag("--headers", options->headers, "Only who, when and what about");
  headers.excludes(raw);
  read.add_flag("--body", options->body, "Only the text").excludes(raw).excludes(headers);
  read.add_flag("--thread", options->thread, "The whole conversation");
  read.add_option("--attachments", options->attachments, "Write the files into this directory")
      .type_name("DIR");
  Parameter ack = read.add_flag("--ack", options->ack, "Tell the sender that it was read");
  read.add_option("--cursor", options->cursor, "With --ack: handled, for this reader")
      .type_name("READER")
      .needs(ack);
  read.add_flag("--no-mark", options->no_mark, "Leave it unread");
  read.add_flag("--stdin", options->from_input, "Take references from standard input");
}

}  // namespace bmsg::cli
