// What a message takes from the one that it answers or repeats.

#include <algorithm>

#include "cli/compose.h"
#include "cli/forgetting.h"
#include "cli/listing.h"
#include "cli/room_post.h"
#include "cli/session.h"
#include "cli/standing.h"
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

/// Who is answered: whoever signed it, or whom we wrote it to.
void add_persons(std::vector<mail::Addressee>& to, const mail::Summary& summary,
                 const mail::MailKeys& keys) {
  const auto sender = summary.identity();
  if (summary.direction == mail::Direction::out) {
    for (const mail::Addressee& one : summary.to) add_person(to, one, keys);
  } else if (sender && summary.signature == mail::SignatureState::good) {
    add_person(to, {*sender, ""}, keys);
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
  if (!item->summary.room.empty()) {
    BMSG_TRY_ASSIGN(letter.room, room_marked(contacts_, keyring_->keyring, item->summary.room));
    return check_room(*letter.room, request);
  }
  return address_reply(letter, standings, *item, request.reply);
}

Result<Done> Sender::address_reply(mail::Letter& letter, const Standings& standings,
                                   const mail::MailItem& item, Reply reply) const {
  add_persons(letter.to, item.summary, standings.keys());
  if (reply == Reply::all) {
    mail::ListFilter filter;
    filter.thread = item.thread();
    BMSG_TRY_ASSIGN(const auto thread, standings.mailbox().list(filter, SIZE_MAX));
    for (const mail::MailItem& one : thread) add_persons(letter.to, one.summary, standings.keys());
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
    const bool verified = contact != nullptr && contact->trust == mail::Trust::verified;
    if (policy_.require_verified && !verified) return not_verified("the sender of that message");
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
    BMSG_TRY_ASSIGN(letter.room,
                    room_marked(contacts_, keyring_->keyring, text->item.summary.room));
  }
  letter.topic = text->item.summary.topic;
  letter.stale = policy_.stale;
  BMSG_TRY_ASSIGN(letter.ttl, ttl_of({}));
  if (!letter.content.manifests.empty()) return resend_files(letter, std::move(stop));
  BMSG_TRY(ask_leave(letter, std::nullopt));
  return queue(letter, std::nullopt, stop);
}

}  // namespace bmsg::cli
