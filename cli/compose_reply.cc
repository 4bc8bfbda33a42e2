// What a message takes from the one that it answers or repeats.

#include <fmt/format.h>

#include <algorithm>

#include "cli/compose.h"
#include "cli/forgetting.h"
#include "cli/listing.h"
#include "cli/own_cards.h"
#include "cli/room_post.h"
#include "cli/session.h"
#include "cli/standing.h"
#include "lib/core/address.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::string_view kAnswer = "Re: ";

void add_person(std::vector<mail::Addressee>& to, const mail::Addressee& one,
                const mail::MailKeys& keys) {
  const bool there = std::ranges::any_of(
      to, [&](const mail::Addressee& other) { return other.address == one.address; });
  if (!there && keys.own_of(one.address.view()) == nullptr) to.push_back(one);
}

/// Whether somebody who wrote in a conversation of ours is answered with the others. Its id is
/// public: a stranger can write in it unasked, and would get what was meant for those in it.
bool is_party(const mail::Summary& summary, const mail::ContactBook& contacts) {
  if (summary.direction == mail::Direction::out) return true;
  const auto sender = summary.identity();
  const mail::Contact* contact = sender ? contacts.by_address(*sender) : nullptr;
  return contact != nullptr && contact->trust != mail::Trust::blocked && summary.room.empty() &&
         summary.audience == mail::Audience::sealed;
}

/// Who is answered: whoever signed it, or whom we wrote it to.
void add_persons(std::vector<mail::Addressee>& to, const mail::Summary& summary,
                 const mail::MailKeys& keys) {
  const auto sender = summary.identity();
  if (summary.direction == mail::Direction::out) {
    for (const mail::Addressee& one : summary.to) add_person(to, one, keys);
  } else if (sender) {
    add_person(to, {*sender, ""}, keys);
  }
}

/// Names those who do not get what goes to the others.
void tell_left_out(const Context& context, const std::vector<mail::Addressee>& outsiders,
                   const std::vector<mail::Addressee>& to) {
  for (const mail::Addressee& one : outsiders) {
    const bool gets_it = std::ranges::any_of(
        to, [&](const mail::Addressee& other) { return other.address == one.address; });
    if (gets_it) continue;
    context.out.warn(fmt::format(
        "{} wrote in this conversation and does not get this: no contact, or blocked, or in public",
        to_address(one.address)));
  }
}

std::string answer_subject(const std::string& subject) {
  if (subject.empty() || subject.starts_with(kAnswer)) return subject;
  return std::string(kAnswer) + subject;
}

}  // namespace

Result<Done> Sender::answer(mail::Letter& letter, const SendRequest& request) {
  BMSG_TRY_ASSIGN(auto standings, Standings::open(*context_, store_, keyring()));
  BMSG_TRY_ASSIGN(const auto ref, listed_ref(*context_, store_, request.reply_to));
  BMSG_TRY_ASSIGN(const auto id, standings.find(ref));
  letter.content.re.push_back(id);
  letter.content.thread = prefix_of<mail::ThreadId>(id);
  if (!keyring_) return done;
  const auto box = standings.mailbox();
  BMSG_TRY_ASSIGN(const auto item, box.item(id));
  if (item) letter.content.thread = item->thread();
  if (request.reply == Reply::none) return done;
  if (!item) BMSG_TRY(check_remembered(standings.chain(), id));
  if (!item)
    return Error{Errc::denied, "that message is not for you, so nobody can be answered",
                 "'bmsg inbox' lists what can be answered"};
  if (letter.content.subject.empty())
    letter.content.subject = answer_subject(item->summary.subject);
  sign_as_in(item->summary);
  if (!item->summary.room.empty()) {
    BMSG_TRY(learn_grants());
    BMSG_TRY_ASSIGN(letter.room, room_marked(contacts_, keyring_->keyring, item->summary.room));
    return check_room(*letter.room, request);
  }
  return address_reply(letter, standings, *item, request.reply);
}

/// With the identity that a message went to, or came from, unless one was named for this command:
/// another would tell that both are the same person's.
void Sender::sign_as_in(const mail::Summary& summary) {
  const auto named = settings_.said("user.identity");
  const bool is_named = named && (named->origin == "--identity" || named->origin == "-c" ||
                                  named->origin == "BMSG_IDENTITY");
  if (is_named || !keyring_ || identity_ == nullptr) return;
  std::vector<const mail::Identity*> ours;
  if (summary.direction == mail::Direction::out) {
    if (const auto sender = summary.identity()) ours.push_back(keyring_->keyring.find(*sender));
  } else {
    for (const mail::Addressee& to : summary.to) ours.push_back(keyring_->keyring.find(to.address));
  }
  std::erase(ours, nullptr);
  if (ours.empty() || std::ranges::find(ours, identity_) != ours.end()) return;
  identity_ = ours.front();
  signer_.emplace(identity_->seed);
  tell_if_ended(*context_, store_, rules_, *identity_);
}

Result<Done> Sender::address_reply(mail::Letter& letter, const Standings& standings,
                                   const mail::MailItem& item, Reply reply) const {
  add_persons(letter.to, item.summary, standings.keys());
  if (reply == Reply::all) {
    mail::ListFilter filter;
    filter.thread = item.thread();
    BMSG_TRY_ASSIGN(const auto thread, standings.mailbox().list(filter, SIZE_MAX));
    std::vector<mail::Addressee> outsiders;
    for (const mail::MailItem& one : thread) {
      auto& to = is_party(one.summary, contacts_) ? letter.to : outsiders;
      if (one.summary.room.empty()) add_persons(to, one.summary, standings.keys());
    }
    tell_left_out(*context_, outsiders, letter.to);
  }
  // To ourselves, if nobody else has taken part.
  const auto sender = item.summary.identity();
  if (letter.to.empty() && sender && standings.keys().own_of(sender->view()) != nullptr)
    letter.to.push_back({*sender, ""});
  if (letter.to.empty())
    return Error{Errc::no_recipient, "nobody signed that message, so nobody can be answered",
                 "'bmsg send NAME' writes to somebody you know"};
  for (mail::Addressee& to : letter.to) {
    const mail::Contact* contact = contacts_.by_address(to.address);
    if (contact != nullptr) to.name = contact->name;
  }
  return check_verified(letter.to);
}

Result<Done> Sender::check_verified(const std::vector<mail::Addressee>& to) const {
  if (!policy_.require_verified) return done;
  for (const mail::Addressee& one : to) {
    const mail::Contact* contact = contacts_.by_address(one.address);
    if (contact == nullptr || contact->trust != mail::Trust::verified)
      return not_verified(contact == nullptr ? to_address(one.address)
                                             : fmt::format("'{}'", contact->name));
  }
  return done;
}

Result<Queued> Sender::resend(const std::string& given, std::stop_token stop) {
  check(keyring_.has_value(), "what was sent is read with its keyring");
  BMSG_TRY_ASSIGN(auto standings, Standings::open(*context_, store_, keyring()));
  BMSG_TRY_ASSIGN(const auto ref, listed_ref(*context_, store_, given));
  BMSG_TRY_ASSIGN(const auto id, standings.find(ref));
  BMSG_TRY_ASSIGN(const auto text, standings.mailbox().read(id));
  if (!text || text->item.summary.direction != mail::Direction::out)
    return Error{Errc::denied, "that message is none of ours: only what was sent is sent again",
                 "'bmsg inbox --sent' lists what was sent"};
  if (text->opened.fault)
    return Error{Errc::not_found, "the text of that message is not here any more"};
  if (text->item.summary.kind != mail::Kind::text)
    return Error{
        Errc::bad_input, "that is no message that somebody wrote",
        "the command that made it makes another: 'bmsg approve', 'bmsg forget --ask-peers'"};
  sign_as_in(text->item.summary);
  mail::Letter letter;
  letter.content = text->opened.content;
  letter.content.sender = {};
  letter.content.device = std::nullopt;
  letter.content.seq = std::nullopt;
  letter.content.prev = std::nullopt;
  letter.content.sent_to = {};
  letter.content.re = {id};
  letter.content.thread = text->item.thread();
  letter.audience = text->item.summary.audience;
  letter.to = text->item.summary.to;
  if (!text->item.summary.room.empty()) {
    BMSG_TRY(learn_grants());
    BMSG_TRY_ASSIGN(letter.room,
                    room_marked(contacts_, keyring_->keyring, text->item.summary.room));
    BMSG_TRY(check_room(*letter.room, {}));
  }
  BMSG_TRY(check_verified(letter.to));
  letter.topic = text->item.summary.topic;
  letter.stale = policy_.stale;
  BMSG_TRY_ASSIGN(letter.ttl, ttl_of({}));
  if (!letter.content.manifests.empty()) return resend_files(letter, std::move(stop));
  BMSG_TRY(ask_leave(letter, std::nullopt));
  return queue(letter, std::nullopt, stop);
}

}  // namespace bmsg::cli
