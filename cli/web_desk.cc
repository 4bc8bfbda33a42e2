#include "cli/web_desk.h"

#include <fmt/format.h>

#include "cli/acknowledge.h"
#include "cli/contact_view.h"
#include "cli/deliver.h"
#include "cli/hooks.h"
#include "cli/message_view.h"
#include "cli/mining.h"
#include "cli/outbox_desk.h"
#include "cli/send_options.h"
#include "cli/session.h"
#include "cli/state_view.h"
#include "cli/store_facts.h"
#include "lib/api/json_objects.h"
#include "lib/api/web_input.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kMessagesMax = 500;

Result<MessageId> id_of(const std::string& text) {
  if (const auto id = fixed_from_hex<MessageId>(text)) return *id;
  return Error{Errc::bad_input, "a message is named by all 128 digits of its id"};
}

void add_line(std::string& lines, std::string_view object) { lines.append(object).append("\n"); }

Result<mail::MailText> readable(const Mailroom& room, const MessageId& id) {
  BMSG_TRY_ASSIGN(auto text, room.box().read(id));
  if (!text) return Error{Errc::not_found, "no message of yours has this id"};
  if (!text->opened.fault) return std::move(*text);
  if (*text->opened.fault == mail::Fault::body)
    return Error{Errc::not_found, "the body of this message is not here", "'bmsg sync' may get it"};
  return Error{Errc::corrupt,
               fmt::format("this message cannot be read: {}", mail::name_of(*text->opened.fault))};
}

}  // namespace

Result<Done> WebDesk::open() {
  BMSG_TRY_ASSIGN(room_, Mailroom::open(context_, store_));
  const auto& passphrase = room_->open_keyring().passphrase;
  if (passphrase.size() > 0) context_.passphrase = passphrase.clone();
  // From here on nobody sits at the terminal: the page asks.
  context_.options.no_input = true;
  return done;
}

Result<Done> WebDesk::unlock(crypto::SecretBytes passphrase) {
  lock();
  context_.passphrase = std::move(passphrase);
  auto opened = open();
  if (!opened) lock();
  if (opened) locked_ = false;
  return opened;
}

void WebDesk::lock() {
  room_.reset();
  files_.clear();
  locked_ = locked_ || context_.passphrase.has_value();
  context_.passphrase.reset();
}

/// Whatever else could open them: a lock is for somebody who sits at the page.
Result<Done> WebDesk::check_open() const {
  if (locked_) return Error{Errc::denied, "the keys are closed", "type the passphrase"};
  return done;
}

Result<Mailroom*> WebDesk::room() {
  BMSG_TRY(check_open());
  if (!room_) {
    BMSG_TRY(open());
    return room_.get();
  }
  const auto fresh = room_->refresh();
  if (!fresh) {
    room_.reset();  // What is half new is not shown; the next question opens it again.
    return fresh.error();
  }
  return room_.get();
}

Result<std::string> WebDesk::run(InnerCommand command) {
  BMSG_TRY_ASSIGN(const auto end, run_inner(context_, std::move(command)));
  return lines_of(end);
}

Result<std::string> WebDesk::change(InnerCommand command) {
  BMSG_TRY(check_open());
  return run(std::move(command));
}

Result<std::string> WebDesk::identity() {
  BMSG_TRY_ASSIGN(const Mailroom* open, room());
  BMSG_TRY_ASSIGN(const auto* mine, chosen_identity(context_, store_, open->keyring()));
  BMSG_TRY_ASSIGN(const auto facts, store_facts(context_, store_, mine->address()));
  return api::store_json(facts) + "\n";
}

Result<std::string> WebDesk::state() {
  BMSG_TRY_ASSIGN(const auto view, state_view(context_, store_));
  return api::state_json(view) + "\n";
}

Result<std::string> WebDesk::inbox() {
  BMSG_TRY_ASSIGN(const Mailroom* open, room());
  BMSG_TRY_ASSIGN(const auto items, open->box().list({}, kMessagesMax));
  std::string lines;
  for (const mail::MailItem& item : items)
    add_line(lines, api::message_json(message_view(*open, item)));
  return lines;
}

Result<std::string> WebDesk::message(const std::string& id) {
  BMSG_TRY_ASSIGN(const MessageId wanted, id_of(id));
  BMSG_TRY_ASSIGN(const Mailroom* open, room());
  BMSG_TRY_ASSIGN(const auto text, readable(*open, wanted));
  return api::message_json(message_view(*open, text)) + "\n";
}

Result<std::string> WebDesk::mark_read(std::string_view body) {
  BMSG_TRY_ASSIGN(const auto given, api::parse_web_text(body, "id"));
  BMSG_TRY_ASSIGN(const MessageId id, id_of(given));
  BMSG_TRY_ASSIGN(const Mailroom* open, room());
  BMSG_TRY_ASSIGN(const auto item, open->box().item(id));
  if (!item) return Error{Errc::not_found, "no message of yours has this id"};
  auto flags = item->flags;
  if (flags.contains("unread")) {
    BMSG_TRY(change_flags(context_, store_, {id}, mail::FlagChange::without("unread")));
    flags.erase("unread");
  }
  if (item->summary.direction != mail::Direction::out)
    BMSG_TRY(acknowledge_message(context_, store_, *open, *item, AckWish::as_policy_says));
  return api::marked_json(id, flags) + "\n";
}

Result<SendRequest> WebDesk::request_of(const api::WebLetter& letter) {
  const api::SendLine& given = letter.line;
  SendRequest request;
  request.to = given.to;
  request.body = given.body;
  request.subject = given.subject;
  request.audience = given.open ? mail::Audience::open : mail::Audience::sealed;
  request.topic = given.topic;
  request.reply_to = given.reply_to;
  request.expires = given.expires;
  request.key = given.key;
  request.ask_ack = given.ask_ack;
  for (const std::string& ticket : letter.files) {
    BMSG_TRY_ASSIGN(auto wish, files_.wish(ticket));
    request.attachments.push_back(std::move(wish));
  }
  return request;
}

Result<std::string> WebDesk::send(std::string_view body, std::stop_token stop) {
  BMSG_TRY(check_open());
  BMSG_TRY_ASSIGN(const auto letter, api::parse_web_letter(body));
  if (letter.line.body.empty() && letter.files.empty())
    return Error{Errc::bad_input, "the message is empty"};
  BMSG_TRY_ASSIGN(const auto request, request_of(letter));
  auto queued = queue(request, {.sign = letter.sign}, stop);
  if (context_.inner.on_status) context_.inner.on_status({});  // Whatever it was, it is over.
  if (!queued) return queued;
  for (const std::string& ticket : letter.files) files_.drop(ticket);
  return queued;
}

Result<std::string> WebDesk::post(const api::RestPost& post, std::stop_token stop) {
  BMSG_TRY(check_open());
  SendRequest request;
  request.audience = mail::Audience::open;
  request.subject = post.author;
  request.body = post.content;
  request.media_type = post.media_type;
  return queue(request, SendPolicy(), stop);
}

Result<std::string> WebDesk::queue(const SendRequest& request, const SendPolicy& policy,
                                   std::stop_token stop) {
  BMSG_TRY_ASSIGN(auto sender, Sender::open(context_, store_, policy));
  BMSG_TRY_ASSIGN(const auto queued, sender.send(request, stop));
  poke_node(store_);
  std::string lines;
  for (const api::QueuedView& view : queued_views(context_, queued))
    add_line(lines, api::queued_json(view));
  return lines;
}

Result<std::string> WebDesk::outbox() {
  BMSG_TRY(room());  // What is buried leaves.
  BMSG_TRY_ASSIGN(auto desk, open_desk(context_));
  std::string lines;
  BMSG_TRY_ASSIGN(const auto held, held_views(desk));
  for (const api::QueuedView& view : held) add_line(lines, api::queued_json(view));
  BMSG_TRY_ASSIGN(const auto entries, desk.outbox.entries());
  for (const mail::OutboxEntry& entry : entries) {
    BMSG_TRY_ASSIGN(const auto view, view_of(context_, desk, entry));
    add_line(lines, api::queued_json(view));
  }
  return lines;
}

Result<std::string> WebDesk::contacts() {
  BMSG_TRY_ASSIGN(const Mailroom* open, room());
  std::string lines;
  for (const mail::Contact* contact : open->contacts().all()) {
    BMSG_TRY_ASSIGN(const auto view, contact_view_of(context_, store_, open->rules(), *contact));
    add_line(lines, api::contact_json(view));
  }
  return lines;
}

std::unique_ptr<Context> context_like(const Context& context) {
  auto made = std::make_unique<Context>(context.clock, context.disk, context.entropy);
  made->options = context.options;
  made->out.set_noise(context.out.noise());
  made->command = "web";
  return made;
}

Result<Mined> mine_and_tell(Context& context, const StoreDir& store,
                            std::optional<std::uint32_t> bury, std::stop_token stop,
                            const std::function<void(const api::StatusView&)>& on_status) {
  BMSG_TRY(refuse_light(store, "to make blocks of"));
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  BMSG_TRY_ASSIGN(const auto threads, settings.number("mine.threads"));
  BMSG_TRY_ASSIGN(const auto usual, settings.number("mine.bury"));
  BMSG_TRY_ASSIGN(const auto limit, settings.seconds("mine.timeout"));
  MineOne wish{.threads = threads_for(threads),
               .bury = bury.value_or(static_cast<std::uint32_t>(usual)),
               .deadline = {},
               .on_progress = {}};
  if (on_status) {
    wish.on_progress = [&on_status](const auto& progress, const auto&) {
      on_status(mining_status(progress));
    };
  }
  if (limit > 0) wish.deadline = context.clock.steady() + std::chrono::seconds(limit);
  BMSG_TRY_ASSIGN(auto mined, mine_one(context, store, wish, stop));
  if (mined.end == Mined::End::out_of_time)
    return Error{Errc::try_again, "no block was found in the time given; nothing is lost"};
  if (mined.end != Mined::End::block) return mined;
  tell_hook(context, store, Hook::post_mine, mined_json(mined));
  const auto told = relay(context, store);
  if (!told) context.out.warn("no peer was told of the block: " + told.error().message);
  return mined;
}

Result<std::string> mine_for_page(Context& context, const StoreDir& store, std::stop_token stop,
                                  const std::function<void(const api::StatusView&)>& on_status) {
  BMSG_TRY_ASSIGN(const auto mined, mine_and_tell(context, store, {}, stop, on_status));
  if (mined.end == Mined::End::block) return mined_json(mined) + "\n";
  return api::summary_json({.command = "mine",
                            .ok = mined.end == Mined::End::no_work,
                            .numbers = {{"blocks", 0}},
                            .texts = {}}) +
         "\n";
}

}  // namespace bmsg::cli
