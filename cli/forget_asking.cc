#include "cli/forget_asking.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/session.h"
#include "cli/store_blobs.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/forget_files.h"
#include "lib/mail/forget_request.h"
#include "lib/mail/revocation_marks.h"

namespace bmsg::cli {
namespace {

Error not_ours(const MessageId& id, std::string_view why) {
  return Error{Errc::denied, fmt::format("message {} {}", to_hex(id.view()), why),
               "without --ask-peers it is forgotten here"};
}

Result<bool> honours(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  return settings.text("forget.honour") == "true";
}

/// Errors: as forget_letters().
Result<ForgetLetter> letter_for(const Mailroom& room, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto item, room.box().item(id));
  const auto author = item && item->summary.signature == mail::SignatureState::good
                          ? item->summary.identity()
                          : std::nullopt;
  const mail::Identity* identity = author ? room.keyring().find(*author) : nullptr;
  if (identity == nullptr)
    return not_ours(id, "is not signed by an identity of yours: only its author can ask");
  if (!item->summary.room.empty()) return not_ours(id, "went to a room, which cannot be asked");
  ForgetLetter made{.author = identity, .letter = {}};
  made.letter.audience = item->summary.audience;
  if (made.letter.audience == mail::Audience::sealed) made.letter.to = item->summary.to;
  if (made.letter.audience == mail::Audience::sealed && made.letter.to.empty())
    return not_ours(id, "does not say here whom it went to");
  made.letter.content.kind = mail::Kind::application;
  made.letter.content.media_type = mail::kForgetType;
  made.letter.content.re = {id};
  made.letter.ttl = item->summary.ttl;
  return made;
}

bool go_together(const ForgetLetter& one, const ForgetLetter& other) {
  return one.author == other.author && one.letter.audience == other.letter.audience &&
         one.letter.to == other.letter.to && one.letter.content.re.size() < mail::kForgetIdsMax;
}

/// What a request may make us drop: a text that the same key signed and sealed.
bool is_owed(const mail::Summary& asked, const mail::Summary& request) {
  return !asked.fault && asked.signature == mail::SignatureState::good &&
         asked.audience == mail::Audience::sealed && asked.kind == mail::Kind::text &&
         asked.room.empty() && !asked.sender.empty() && asked.sender == request.sender;
}

/// What one request comes to.
struct Judged {
  std::vector<MessageId> ids;
  bool waits = false;  // For one of them to get into a block.
};

Result<Judged> judge(const mail::Mailbox& box, const node::ChainReader& chain, UnixSeconds now,
                     const mail::Summary& request) {
  Judged judged;
  for (const MessageId& id : request.re) {
    BMSG_TRY_ASSIGN(const auto item, box.item(id));
    if (!item || !is_owed(item->summary, request)) continue;
    BMSG_TRY_ASSIGN(const auto found, node::judge_forgettable(chain, id, now));
    judged.waits = judged.waits || found.keeping == node::Keeping::pooled;
    // Where the body has gone, whoever dropped it may have died before the line of it went, too.
    const bool is_due =
        found.keeping == node::Keeping::nothing || found.keeping == node::Keeping::body_gone;
    if (is_due) judged.ids.push_back(id);
  }
  return judged;
}

}  // namespace

Result<std::vector<ForgetLetter>> forget_letters(Context& context, const Mailroom& room,
                                                 const ForgetPlan& plan) {
  std::vector<ForgetLetter> letters;
  for (const node::Forgettable& one : plan.messages) {
    BMSG_TRY_ASSIGN(auto made, letter_for(room, one.id));
    const auto same = std::ranges::find_if(
        letters, [&](const ForgetLetter& other) { return go_together(other, made); });
    if (same == letters.end()) {
      letters.push_back(std::move(made));
      continue;
    }
    same->letter.content.re.push_back(one.id);
    same->letter.ttl = std::max(same->letter.ttl, made.letter.ttl);
  }
  // As long as what it names: whoever gets that one later gets the request too.
  const auto& rules = room.rules().rules;
  for (ForgetLetter& one : letters)
    one.letter.ttl = std::min(std::max(one.letter.ttl, 6 * rules.interval), rules.maxttl);
  context.out.detail(fmt::format("{} requests to forget", letters.size()));
  return letters;
}

Result<std::size_t> ask_peers(Context& context, const StoreDir& store, const Mailroom& room,
                              const std::vector<ForgetLetter>& letters) {
  const mail::CardDirectory cards(context.disk, store.cards(), room.rules().id);
  mail::Outbox outbox(context.disk, store.outbox());
  std::size_t count = 0;
  for (const ForgetLetter& one : letters) {
    const auto sending =
        sending_with(context, room.rules(), cards, outbox, &room.keyring(), one.author);
    BMSG_TRY_ASSIGN(const auto sent, mail::send(one.letter, sending, std::stop_token()));
    count += sent.size();
  }
  if (count > 0) poke_node(store);
  return count;
}

Result<Done> collect_public(Context& context, const StoreDir& store, const node::ChainReader& chain,
                            mail::CardDirectory& cards, node::Service& service) {
  BMSG_TRY(cards.collect_all(chain));
  auto requests = cards.forget_requests();
  BMSG_TRY_ASSIGN(const auto owed, requests.owed());
  if (owed.empty()) return done;
  BMSG_TRY_ASSIGN(const bool honour, honours(context, store));
  for (const auto& one : owed) {
    if (honour) BMSG_TRY(service.forget(one.ids, node::DropRule::asked));
    BMSG_TRY(requests.remove(one));
  }
  return done;
}

Result<bool> honour_sealed(Context& context, const StoreDir& store, mail::CardDirectory& cards,
                           const mail::Mailbox& box, const mail::MailKeys& keys,
                           const mail::MailReader& index, const node::ChainReader& chain) {
  const std::string flag(mail::kForgetFlag);
  BMSG_TRY_ASSIGN(const auto flagged, index.with_flag(flag));
  if (flagged.empty()) return false;
  mail::MailChange looked_at;
  std::vector<MessageId> ids;
  BMSG_TRY(cards.collect_all(chain));  // A revocation may have come beside the request.
  mail::RevocationMarks marks(cards, chain);
  for (const MessageId& id : flagged) {
    BMSG_TRY_ASSIGN(const auto item, box.item(id));
    if (!item) continue;
    BMSG_TRY_ASSIGN(const bool is_late, marks.is_after(*item));
    const auto judged =
        is_late ? Result<Judged>(Judged()) : judge(box, chain, context.clock.now(), item->summary);
    if (!judged) return judged.error();
    ids.insert(ids.end(), judged.value().ids.begin(), judged.value().ids.end());
    if (judged.value().waits) continue;
    mail::Flags left = item->flags;
    left.erase(flag);
    looked_at.flags.emplace(id, std::move(left));
  }
  BMSG_TRY_ASSIGN(const bool honour, honours(context, store));
  if (honour && !ids.empty()) {
    BMSG_TRY_ASSIGN(const auto blobs, open_blobs(context, store));
    BMSG_TRY_ASSIGN(const auto chunks, mail::going_chunks(box, keys, blobs->directory(), ids));
    BMSG_TRY(mail::remove_chunks(blobs->directory(), chunks));
    {
      BMSG_TRY_ASSIGN(const auto session, open_node(context, store));
      BMSG_TRY(session->service().forget(ids, node::DropRule::asked));
    }
    BMSG_TRY(forget_in_index(context, store));
  }
  if (looked_at.flags.empty()) return false;
  BMSG_TRY(change_index(context, store, looked_at));
  return true;
}

}  // namespace bmsg::cli
