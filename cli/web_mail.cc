#include "cli/web_mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cli/conversations.h"
#include "cli/file_view.h"
#include "cli/keyring_file.h"
#include "cli/message_view.h"
#include "cli/safe_name.h"
#include "cli/session.h"
#include "lib/api/json_objects.h"
#include "lib/api/web_input.h"
#include "lib/api/web_mail_input.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/flag_change.h"

namespace bmsg::cli {
namespace {

using Desk = WebDesk&;
using Question = const WebQuestion&;

constexpr std::size_t kFoundMax = 500;
constexpr std::size_t kShownMax = 1000;
constexpr std::size_t kShown = 50;

std::string text_in(Question question, std::string_view name) {
  const auto found = question.query.find(name);
  return found == question.query.end() ? std::string() : found->second;
}

Result<MessageId> id_of(const std::string& text) {
  if (const auto id = fixed_from_hex<MessageId>(text)) return *id;
  return Error{Errc::bad_input, "a message is named by all 128 digits of its id"};
}

Result<std::size_t> count_in(Question question) {
  const std::string text = text_in(question, "count");
  if (text.empty()) return kShown;
  std::size_t count = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || count == 0)
    return Error{Errc::bad_input, "'count' is no number from 1 on"};
  return std::min(count, kShownMax);
}

Result<std::string> list(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const Mailroom* room, desk.room());
  const std::string which = text_in(question, "which");
  BMSG_TRY_ASSIGN(const auto all, conversations(*room, which.empty() ? "all" : which));
  std::string lines;
  for (const api::ConversationView& one : all) lines += api::conversation_json(one) + "\n";
  return lines;
}

/// With their texts, newest first; of those with a flag, or without one, if the question says so.
Result<std::string> conversation(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto key,
                  parse_conversation(text_in(question, "kind"), text_in(question, "name")));
  BMSG_TRY_ASSIGN(const auto count, count_in(question));
  BMSG_TRY_ASSIGN(const Mailroom* room, desk.room());
  auto filter = filter_of(*room, key);
  if (const auto flag = text_in(question, "has"); !flag.empty()) filter.flag = flag;
  if (const auto flag = text_in(question, "lacks"); !flag.empty()) filter.without_flag = flag;
  BMSG_TRY_ASSIGN(const auto items, room->box().list(filter, count));
  std::string lines;
  for (const mail::MailItem& item : items) {
    BMSG_TRY_ASSIGN(const auto text, room->box().read(item.id));
    const auto view = text ? message_view(*room, *text) : message_view(*room, item);
    lines += api::message_json(view) + "\n";
  }
  return lines;
}

Result<std::string> search(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto typed, question.at("q"));
  mail::ListFilter filter;
  BMSG_TRY_ASSIGN(filter.phrases, mail::Phrases::make(api::search_phrases(typed)));
  BMSG_TRY_ASSIGN(const Mailroom* room, desk.room());
  BMSG_TRY_ASSIGN(const auto items, room->box().list(filter, kFoundMax));
  std::string lines;
  for (const mail::MailItem& item : items)
    lines += api::message_json(message_view(*room, item)) + "\n";
  return lines;
}

Result<std::string> mark(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto wish, api::parse_web_mark(question.body));
  mail::FlagChange change;
  for (const std::string& word : wish.changes) BMSG_TRY(change.add(word));
  BMSG_TRY_ASSIGN(const Mailroom* room, desk.room());
  std::vector<MessageId> ids;
  for (const std::string& text : wish.ids) {
    BMSG_TRY_ASSIGN(const MessageId id, id_of(text));
    BMSG_TRY_ASSIGN(const auto entry, room->index().entry(id));
    if (!entry) return Error{Errc::not_found, "no message of yours has this id"};
    ids.push_back(id);
  }
  BMSG_TRY_ASSIGN(const auto changed, change_flags(desk.context(), desk.store(), ids, change));
  std::string lines;
  for (const Flagged& one : changed) lines += api::marked_json(one.id, one.flags) + "\n";
  return lines;
}

/// What a letter may be on this chain, and how long it may last.
Result<std::string> limits(Desk desk, Question) {
  BMSG_TRY_ASSIGN(const auto rules, rules_now(desk.context(), desk.store()));
  const auto& chain = rules.rules;
  return api::summary_json({.command = "send",
                            .numbers = {{"maxmessage", static_cast<double>(chain.maxmessage)},
                                        {"maxttl", static_cast<double>(chain.maxttl)},
                                        {"minttl", 6.0 * static_cast<double>(chain.interval)}},
                            .texts = {}}) +
         "\n";
}

/// As `send --dry-run`, with the time that the stamps of files take here.
Result<std::string> estimate(Desk desk, Question question) {
  BMSG_TRY(desk.check_open());
  BMSG_TRY_ASSIGN(const auto letter, api::parse_web_letter(question.body));
  BMSG_TRY_ASSIGN(const auto request, desk.request_of(letter));
  BMSG_TRY_ASSIGN(auto sender, Sender::open(desk.context(), desk.store(), {.sign = letter.sign}));
  BMSG_TRY_ASSIGN(const auto found, sender.estimate(request));
  return api::summary_json(
             {.command = "send",
              .numbers = {{"bytes", static_cast<double>(found.bytes)},
                          {"recipients", static_cast<double>(found.to.size())},
                          {"limit", static_cast<double>(sender.rules().rules.maxmessage)},
                          {"chunks", static_cast<double>(found.files.chunks)},
                          {"hashes", static_cast<double>(found.files.hashes)},
                          {"seconds", found.files.seconds}},
              .texts = {}}) +
         "\n";
}

Result<std::string> begin_file(Desk desk, Question question) {
  BMSG_TRY(desk.check_open());
  BMSG_TRY_ASSIGN(const auto file, api::parse_web_file(question.body));
  BMSG_TRY_ASSIGN(const auto ticket, desk.files().begin(file.name, file.size));
  return api::web_file_json({.ticket = ticket, .name = file.name, .size = file.size}) + "\n";
}

Result<std::string> put_piece(Desk desk, Question question) {
  BMSG_TRY(desk.check_open());
  BMSG_TRY_ASSIGN(const auto piece, api::parse_web_piece(question.body));
  BMSG_TRY_ASSIGN(const auto have, desk.files().put(piece.file, piece.at, piece.data));
  return api::web_file_json({.ticket = piece.file, .name = {}, .size = have}) + "\n";
}

Result<std::string> drop_file(Desk desk, Question question) {
  BMSG_TRY_ASSIGN(const auto ticket, api::parse_web_text(question.body, "file"));
  desk.files().drop(ticket);
  return std::string();
}

constexpr std::array kCalls = {
    WebCall{"/api/conversations", WebEffect::looks, list},
    WebCall{"/api/conversation", WebEffect::looks, conversation},
    WebCall{"/api/search", WebEffect::looks, search},
    WebCall{"/api/limits", WebEffect::looks, limits},
    WebCall{"/api/mark", WebEffect::changes, mark},
    WebCall{"/api/estimate", WebEffect::changes, estimate},
    WebCall{"/api/file/begin", WebEffect::changes, begin_file},
    WebCall{"/api/file/put", WebEffect::changes, put_piece},
    WebCall{"/api/file/drop", WebEffect::changes, drop_file},
};

}  // namespace

std::span<const WebCall> mail_calls() { return kCalls; }

Result<ChosenFile> chosen_file(WebDesk& desk, std::string_view body) {
  BMSG_TRY_ASSIGN(const auto choice, api::parse_web_file_choice(body));
  BMSG_TRY_ASSIGN(const MessageId id, id_of(choice.id));
  BMSG_TRY_ASSIGN(const Mailroom* room, desk.room());
  BMSG_TRY_ASSIGN(const auto text, room->box().read(id));
  if (!text) return Error{Errc::not_found, "no message of yours has this id"};
  if (text->opened.fault) {
    return Error{Errc::not_found, "the body of this message is not here", "'bmsg sync' may get it"};
  }
  BMSG_TRY_ASSIGN(auto manifest, manifest_of(text->opened.content, choice.number));
  return ChosenFile{std::move(manifest), desk.files().generation()};
}

Result<std::string> fetch_for_page(Context& context, const StoreDir& store, WebFiles& files,
                                   const ChosenFile& chosen) {
  const mail::Manifest& manifest = chosen.manifest;
  const std::string name = safe_name(manifest.name);
  BMSG_TRY_ASSIGN(const auto ticket, files.begin_in(chosen.generation, name, manifest.size));
  std::uint64_t have = 0;
  const auto fetched = [&]() -> Result<Done> {
    BMSG_TRY_ASSIGN(const auto fetcher, FileFetcher::open(context, store));
    return fetcher->fetch(manifest, [&](ByteView piece) -> Result<Done> {
      BMSG_TRY_ASSIGN(have, files.put(ticket, have, piece));
      return done;
    });
  }();
  if (!fetched) {
    files.drop(ticket);
    return fetched.error();
  }
  return api::web_file_json({.ticket = ticket, .name = name, .size = manifest.size}) + "\n";
}

}  // namespace bmsg::cli
