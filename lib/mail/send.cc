#include "lib/mail/send.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/room.h"
#include "lib/mail/sent_to.h"

namespace bmsg::mail {
namespace {

constexpr std::uint64_t kMinute = 60;

/// One message on its way through the steps.
struct Draft {
  Batch batch;
  Content content;  // As it was sealed, sender included.
  std::optional<Sealed> sealed;
  Sent sent;
};

std::uint32_t minute_of(UnixSeconds now) {
  return static_cast<std::uint32_t>(now.value - now.value % kMinute);
}

IdentityKey own_address(const SendContext& context) {
  return context.signer ? context.signer->public_key() : context.identity->address();
}

std::optional<SenderDevice> sender_of(const SendContext& context) {
  if (!context.identity) return std::nullopt;
  return SenderDevice{own_address(context), context.identity->device};
}

SigningKey signing_key(const SendContext& context) {
  if (!context.identity) return nullptr;
  return context.signer ? SigningKey::of_signer(*context.signer) : &context.identity->seed;
}

ConversationKey conversation_of(const Letter& letter, const Batch& batch,
                                const SenderDevice& sender) {
  ConversationKey key{.sender = sender.address, .device = sender.device, .to = {}, .scope = {}};
  if (letter.audience == Audience::open) {
    key.scope = to_bytes(letter.topic.view());
    return key;
  }
  if (letter.room) {
    key.to.push_back(letter.room->keeper);
    key.scope = letter.room->id;
    return key;
  }
  for (const Addressee& to : batch.to) key.to.push_back(to.address);
  if (batch.to.empty()) key.to.push_back(sender.address);
  // Devices that get a message of their own see numbers of their own.
  if (batch.inbox.bits == 0) return key;
  key.scope.push_back(batch.inbox.bits);
  append(key.scope, batch.inbox.topic.view());
  return key;
}

Result<std::vector<Batch>> batches_of(const Letter& letter, const SendContext& context) {
  if (letter.audience == Audience::open) return std::vector<Batch>(1);
  if (letter.room) {
    Batch room;
    room.recipients.push_back({letter.room->key, letter.room->keeper});
    return std::vector<Batch>{std::move(room)};
  }
  BMSG_TRY_ASSIGN(Addressing found, address(context.cards, letter.to, sender_of(context),
                                            context.clock.now(), letter.stale));
  if (const auto error = refusal(found)) return *error;
  if (found.batches.empty()) return Error{Errc::bad_input, "no recipient"};
  return std::move(found.batches);
}

/// Makes the message of a draft, numbered already.
Result<Done> make_message(const Letter& letter, const SendContext& context, Draft& draft) {
  const SigningKey signer = signing_key(context);
  HeadOptions head{.suite = Suite::open,
                   .topic = letter.topic,
                   .time = minute_of(context.clock.now()),
                   .ttl = letter.ttl};
  if (letter.audience == Audience::open) {
    BMSG_TRY_ASSIGN(draft.sealed, post(context.chain, draft.content, signer, head));
    return done;
  }
  head.suite = Suite::sealed;
  BMSG_TRY_ASSIGN(head.topic, topic_for(draft.batch.inbox, context.entropy));
  if (letter.room) head.topic = room_topic(letter.room->key, head.time);
  BMSG_TRY_ASSIGN(draft.sealed, seal(context.chain, draft.content, draft.batch.recipients, signer,
                                     head, context.entropy));
  return done;
}

/// Numbers and seals, under the lock of the conversation where there is a number.
Result<Done> seal_draft(const Letter& letter, const SendContext& context, Draft& draft) {
  draft.content = letter.content;
  const auto sender = sender_of(context);
  if (!sender) return make_message(letter, context, draft);
  OpenConversations own;
  OpenConversations& open = context.conversations ? *context.conversations : own;
  BMSG_TRY_ASSIGN(auto* conversation,
                  open.take(context.outbox.disk(), context.outbox.directory() / "seq",
                            conversation_of(letter, draft.batch, *sender), context.keyring->archive,
                            context.patience, context.clock));
  if (sender->device != 0) draft.content.device = sender->device;
  draft.content.seq = conversation->next_seq();
  draft.content.prev = conversation->prev();
  if (draft.batch.own_devices) {
    BMSG_TRY_ASSIGN(
        draft.content.sent_to,
        seal_sent_to(sent_to_key(context.identity->seed),
                     draft.batch.to.empty() ? letter.to : draft.batch.to, context.entropy));
  }
  BMSG_TRY(make_message(letter, context, draft));
  draft.content.sender = to_bytes(sender->address.view());
  conversation->note(draft.sealed->id());
  return own.keep();
}

Result<Bytes> note_of(const Message& message, const Letter& letter, const SendContext& context,
                      const Draft& draft) {
  if (!context.identity) return Bytes();
  Opened opened;
  opened.content = draft.content;
  opened.signature = SignatureState::good;
  opened.content_key = draft.sealed->content_key.clone();
  Summary summary = summary_of(message, opened);
  summary.to = draft.batch.to;
  if (letter.room) summary.room = room_mark(letter.room->id, letter.room->name);
  // What one writes to oneself is to be read.
  const IdentityKey self = own_address(context);
  const bool to_self = std::ranges::find(letter.to, self, &Addressee::address) != letter.to.end();
  summary.direction = to_self ? Direction::in : Direction::out;
  return seal_summary(context.keyring->archive, draft.sent.id, summary, context.entropy);
}

/// Stamps the sealed draft.
Result<std::uint64_t> stamp_draft(const SendContext& context, Draft& draft,
                                  const std::stop_token& stop) {
  const auto start = context.clock.steady();
  const auto nonce = find_stamp(draft.sealed->head, context.chain, context.threads, stop);
  if (!nonce) return Error{Errc::try_again, "stopped before the stamp was found"};
  const auto took = context.clock.steady() - start;
  draft.sent.stamp_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  draft.sent.id = draft.sealed->id();
  draft.sent.bytes = static_cast<std::uint32_t>(draft.sealed->head.encoded_bytes());
  draft.sent.to = draft.batch.to;
  return *nonce;
}

Result<OutboxFile> file_of(const Letter& letter, const SendContext& context, Draft& draft,
                           const std::stop_token& stop) {
  BMSG_TRY_ASSIGN(const std::uint64_t nonce, stamp_draft(context, draft, stop));
  OutboxFile file{.since = context.clock.now(), .message = {}, .note = {}};
  file.message = {.head = draft.sealed->head, .nonce = nonce, .body = draft.sealed->body};
  BMSG_TRY_ASSIGN(file.note, note_of(file.message, letter, context, draft));
  return file;
}

}  // namespace

Result<std::vector<Prepared>> prepare(const Letter& letter, const SendContext& context,
                                      std::stop_token stop) {
  check(!context.identity || context.keyring, "an identity without its keyring");
  BMSG_TRY_ASSIGN(auto batches, batches_of(letter, context));
  std::vector<Draft> drafts;
  for (Batch& batch : batches) {
    drafts.emplace_back().batch = std::move(batch);
    BMSG_TRY(seal_draft(letter, context, drafts.back()));
  }
  std::vector<Prepared> prepared;
  for (Draft& draft : drafts) {
    BMSG_TRY_ASSIGN(auto file, file_of(letter, context, draft, stop));
    prepared.push_back({std::move(file), std::move(draft.sent)});
  }
  return prepared;
}

Result<std::vector<Sent>> send(const Letter& letter, const SendContext& context,
                               std::stop_token stop) {
  BMSG_TRY_ASSIGN(auto prepared, prepare(letter, context, stop));
  std::vector<OutboxFile> files;
  std::vector<Sent> sent;
  for (Prepared& one : prepared) {
    files.push_back(std::move(one.file));
    sent.push_back(std::move(one.sent));
  }
  BMSG_TRY(context.outbox.queue(files));
  return sent;
}

Result<Sent> send_public(Sealed sealed, const SendContext& context, std::stop_token stop) {
  Draft draft;
  draft.sealed = std::move(sealed);
  BMSG_TRY_ASSIGN(const std::uint64_t nonce, stamp_draft(context, draft, stop));
  OutboxFile file{.since = context.clock.now(), .message = {}, .note = {}};
  file.message = std::move(*draft.sealed).with_nonce(nonce);
  BMSG_TRY(context.outbox.queue({file}));
  return std::move(draft.sent);
}

Result<Sent> send_card(const Identity& identity, const CardKey& key, CardDirectory& cards,
                       const SendContext& context, std::stop_token stop) {
  const auto prekey = crypto::public_key_of(crypto::Curve::x25519, key.secret);
  check(prekey.has_value(), "a prekey of the keyring is no key");
  const std::uint32_t time = minute_of(context.clock.now());
  if (key.until.value <= time) return Error{Errc::bad_input, "the card would have expired"};
  const std::uint64_t ttl =
      std::min<std::uint64_t>(key.until.value - time, context.chain.rules.maxttl);
  BMSG_TRY_ASSIGN(Sealed made, make_card(context.chain,
                                         {.name = identity.name,
                                          .device = identity.device,
                                          .seq = key.seq,
                                          .prekey = Prekey::from(*prekey),
                                          .inbox = key.inbox,
                                          .time = time,
                                          .ttl = static_cast<std::uint32_t>(ttl)},
                                         identity.seed));
  const Message unstamped{.head = made.head, .nonce = 0, .body = made.body};
  BMSG_TRY_ASSIGN(const Card card, read_card(unstamped, context.chain.id));
  // The card is kept last: a key without one tells that this was cut short (judge_own_card()).
  BMSG_TRY_ASSIGN(auto sent, send_public(std::move(made), context, stop));
  BMSG_TRY(cards.put(card));
  return sent;
}

}  // namespace bmsg::mail
