// bmsg export: own messages for other programs, as JSON Lines, an mbox or a maildir.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/command.h"
#include "cli/file_view.h"
#include "cli/forgetting.h"
#include "cli/listing.h"
#include "cli/mail_filter.h"
#include "cli/mailroom.h"
#include "cli/message_view.h"
#include "cli/new_file.h"
#include "cli/refs.h"
#include "lib/api/json_objects.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/internet_mail.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string format = "jsonl";
  std::string to;
  bool from_input = false;  // --stdin
  MailFilter filter;
  std::vector<std::string> refs;
};

/// Where exported messages go, one at a time.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Result<Done> add(const Mailroom& room, const mail::MailText& text) = 0;
  virtual Result<Done> finish() = 0;
};

mail::MailParty party(const Mailroom& room, const IdentityKey& address) {
  return {room.name_of(address), to_address(address)};
}

mail::InternetMail internet_mail(const Mailroom& room, const mail::MailText& text) {
  const mail::Summary& summary = text.item.summary;
  const api::MessageView view = message_view(room, text.item);
  mail::InternetMail mail{.id = text.item.id,
                          .time = text.item.time(),
                          .from = {},
                          .to = {},
                          .subject = summary.subject,
                          .re = summary.re,
                          .media_type = summary.media_type,
                          .body = text.opened.content.content,
                          .signature = view.signature,
                          .trust = view.trust};
  for (const api::AttachmentView& file : attachment_views(text.opened.content))
    mail.files.push_back({file.name, file.size});
  if (const auto sender = summary.identity()) mail.from = party(room, *sender);
  if (summary.audience == mail::Audience::open) return mail;
  for (const mail::Addressee& one : summary.to) mail.to.push_back(party(room, one.address));
  return mail;
}

std::string entry_of(const Options& options, const Mailroom& room, const mail::MailText& text) {
  if (options.format == "mbox") return mail::to_mbox_entry(internet_mail(room, text));
  return api::message_json(message_view(room, text)) + "\n";
}

/// Standard output, as it comes.
class StreamSink final : public Sink {
 public:
  StreamSink(const Options& options, Context& context) : options_(options), context_(context) {}
  Result<Done> add(const Mailroom& room, const mail::MailText& text) override {
    context_.out.raw(entry_of(options_, room, text));
    return done;
  }
  Result<Done> finish() override { return done; }

 private:
  const Options& options_;
  Context& context_;
};

/// One new file, which has its name when it is whole.
class FileSink final : public Sink {
 public:
  FileSink(const Options& options, Context& context)
      : options_(options),
        context_(context),
        file_(fs::path(options.to) / (options.format == "mbox" ? "bmsg.mbox" : "bmsg.jsonl")) {}
  Result<Done> add(const Mailroom& room, const mail::MailText& text) override {
    text_ += entry_of(options_, room, text);
    return done;
  }
  Result<Done> finish() override {
    BMSG_TRY(context_.disk.make_directory(options_.to));
    NewFile file(context_.disk, file_);
    BMSG_TRY(file.open());
    BMSG_TRY(file.write(as_bytes(text_)));
    return file.publish();
  }

 private:
  const Options& options_;
  Context& context_;
  fs::path file_;
  std::string text_;
};

/// A maildir: a file for each message, named by time and id alone. What was exported before stays
/// as it is, wherever a mail program has moved it. Source: maildir(5).
class MaildirSink final : public Sink {
 public:
  MaildirSink(const Options& options, Context& context) : root_(options.to), context_(context) {}

  Result<Done> begin() {
    for (const char* part : {"tmp", "new", "cur"}) {
      BMSG_TRY(context_.disk.make_directory(root_ / part));
    }
    for (const char* part : {"new", "cur"}) {
      BMSG_TRY_ASSIGN(const auto names, context_.disk.list(root_ / part));
      for (const std::string& name : names) there_.insert(name.substr(0, name.find(':')));
    }
    return done;
  }

  Result<Done> add(const Mailroom& room, const mail::MailText& text) override {
    const std::string name =
        fmt::format("{}.{}.bmsg", text.item.time().value, to_hex(text.item.id.view()));
    if (!there_.insert(name).second) return done;
    const bool unread = text.item.flags.contains("unread");
    const bool flagged = text.item.flags.contains("flagged");
    const fs::path target =
        unread ? root_ / "new" / name : root_ / "cur" / (name + (flagged ? ":2,FS" : ":2,S"));
    const fs::path beside = root_ / "tmp" / name;
    const std::string mail = mail::to_internet_mail(internet_mail(room, text));
    BMSG_TRY(context_.disk.remove(beside));  // Of an export that was killed.
    BMSG_TRY(context_.disk.create(beside, as_bytes(mail)));
    auto named = give_name(context_.disk, beside, target);
    if (!named) BMSG_TRY(context_.disk.remove(beside));
    return named;
  }

  Result<Done> finish() override {
    BMSG_TRY(context_.disk.sync_directory(root_ / "new"));
    return context_.disk.sync_directory(root_ / "cur");
  }

 private:
  fs::path root_;
  Context& context_;
  std::set<std::string> there_;
};

Result<std::unique_ptr<Sink>> sink_of(const Options& options, Context& context) {
  if (options.format == "maildir") {
    if (options.to.empty()) return Error{Errc::bad_usage, "a maildir needs --to DIR"};
    auto sink = std::make_unique<MaildirSink>(options, context);
    BMSG_TRY(sink->begin());
    return std::unique_ptr<Sink>(std::move(sink));
  }
  if (options.to.empty()) return std::unique_ptr<Sink>(new StreamSink(options, context));
  return std::unique_ptr<Sink>(new FileSink(options, context));
}

Result<std::vector<MessageId>> named(const Options& options, const Context& context,
                                     const StoreDir& store, const Mailroom& room) {
  std::vector<std::string> refs = options.refs;
  if (options.from_input) add_refs_of_input(refs);
  std::vector<MessageId> ids;
  for (const std::string& given : refs) {
    BMSG_TRY_ASSIGN(const auto ref, listed_ref(context, store, given));
    BMSG_TRY_ASSIGN(const auto id, room.find(ref));
    ids.push_back(id);
  }
  return ids;
}

/// Oldest first; of both directions unless one is asked for.
Result<std::vector<MessageId>> filtered(const Options& options, const Context& context,
                                        const StoreDir& store, const Mailroom& room) {
  BMSG_TRY_ASSIGN(auto filter, list_filter(options.filter, room, context, store));
  if (!options.filter.sent) filter.direction.reset();
  BMSG_TRY_ASSIGN(const auto items, room.box().list(filter, SIZE_MAX));
  std::vector<MessageId> ids;
  for (const mail::MailItem& item : items) ids.push_back(item.id);
  std::ranges::reverse(ids);
  return ids;
}

Result<ExitCode> run(const Options& options, Context& context) {
  BMSG_TRY_ASSIGN(const auto store, context.store());
  BMSG_TRY_ASSIGN(const auto room, Mailroom::open(context, store));
  const bool is_named = !options.refs.empty() || options.from_input;
  BMSG_TRY_ASSIGN(const auto ids, is_named ? named(options, context, store, *room)
                                           : filtered(options, context, store, *room));
  BMSG_TRY_ASSIGN(const auto sink, sink_of(options, context));
  ExitCode outcome = ExitCode::ok;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto text, room->box().read(id));
    if (!text) BMSG_TRY(check_remembered(room->chain(), id));
    if (!text)
      return Error{Errc::denied, fmt::format("message {} is not for you", to_hex(id.view())),
                   "'bmsg inbox' lists what is"};
    if (text->opened.fault) {
      context.out.warn(fmt::format("message {} cannot be read: {}", to_hex(id.view()),
                                   mail::name_of(*text->opened.fault)));
      outcome = ExitCode::partial;
      continue;
    }
    BMSG_TRY(sink->add(*room, *text));
  }
  BMSG_TRY(sink->finish());
  return outcome;
}

}  // namespace

void add_export(Command app, Context& context) {
  const auto options = std::make_shared<Options>();
  Command command =
      add_command(app, context, "export", "Write own messages for other programs", options, run);
  command.add_option("refs", options->refs, "Which; else all").type_name("REF");
  command.add_option("--format", options->format, "jsonl, mbox or maildir")
      .one_of({"jsonl", "mbox", "maildir"})
      .type_name("FORMAT");
  command.add_option("--to", options->to, "Into this directory").type_name("DIR");
  command.add_flag("--stdin", options->from_input, "Take references from standard input");
  add_filter_options(command, options->filter);
}

}  // namespace bmsg::cli
