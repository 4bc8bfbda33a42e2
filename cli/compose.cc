#include "cli/compose.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "cli/hooks.h"
#include "cli/listing.h"
#include "cli/own_cards.h"
#include "cli/refs.h"
#include "cli/room_post.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/api/hook_json.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/addressing.h"
#include "lib/mail/held.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/mailbox.h"
#include "lib/mail/revocation.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kTopicText = 4;

Error too_long(std::size_t bytes, const chain::ChainRules& rules) {
  return Error{Errc::bad_input,
               fmt::format("message is {} bytes; the limit is {} bytes (chain rule maxmessage)",
                           bytes, rules.rules.maxmessage)};
}

std::size_t estimated_bytes(const mail::Letter& letter, bool is_signed, std::size_t slots) {
  mail::Content content = letter.content;
  if (is_signed) content.sender = Bytes(IdentityKey::kSize);
  const auto records = mail::encode_records(content);
  // What does not encode is longer than any record may be.
  const std::size_t size = records ? records.value().size() + mail::kSignatureRecordBytes
                                   : letter.content.content.size();
  if (letter.audience == mail::Audience::open) return kHeadBytesFixed + kNonceBytes + size;
  constexpr std::size_t kSealing =
      32 + 48;  // Encapsulated key in the head; commitment and tag in the body.
  return kHeadBytesFixed + kNonceBytes + kSealing + slots * kSlotBytes + mail::padded_bytes(size);
}

}  // namespace

Error not_verified(const std::string& whom) {
  return Error{Errc::denied, whom + " is not verified",
               "'bmsg contact verify NAME' compares fingerprints"};
}

Topic topic_of(const std::string& text) {
  const bool ascii = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  if (text.size() == kTopicText && ascii) return Topic::from(as_bytes(text));
  if (text.starts_with("0x")) {
    if (const auto topic = fixed_from_hex<Topic>(std::string_view(text).substr(2))) return *topic;
  }
  return prefix_of<Topic>(crypto::sha512({as_bytes("bmsg1 topic"), as_bytes(text)}));
}

Sender::Sender(Context& context, StoreDir store, const SendPolicy& policy)
    : context_(&context), store_(std::move(store)), policy_(policy) {}

Result<Sender> Sender::open(Context& context, const StoreDir& store, const SendPolicy& policy) {
  Sender sender(context, store, policy);
  BMSG_TRY_ASSIGN(sender.settings_, context.settings(&store));
  BMSG_TRY_ASSIGN(sender.patience_, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(sender.rules_, rules_now(context, store));
  BMSG_TRY_ASSIGN(sender.contacts_, read_contacts(context, store));
  sender.policy_.sign = policy.sign && sender.settings_.text("send.sign") != "false";
  cli::look_for_cards(context, store, sender.rules_.id);
  sender.policy_.require_verified =
      policy.require_verified || sender.settings_.text("send.require_verified") == "true";
  if (!sender.policy_.sign) return sender;
  BMSG_TRY_ASSIGN(sender.keyring_, unlock_keyring(context, store));
  const auto mended = mend_own_cards(context, store, sender.rules_, *sender.keyring_);
  if (!mended) context.out.warn("an own card stays as it is: " + mended.error().message);
  BMSG_TRY_ASSIGN(sender.identity_,
                  writing_identity(context, store, sender.rules_, sender.keyring_->keyring));
  sender.signer_.emplace(sender.identity_->seed);
  tell_if_ended(context, store, sender.rules_, *sender.identity_);
  return sender;
}

Result<std::vector<mail::Addressee>> Sender::addressees(const SendRequest& request) const {
  std::vector<mail::Addressee> all;
  std::unordered_set<IdentityKey, FixedBytesHash> there;
  const auto add = [&](const IdentityKey& address, const std::string& name) {
    if (there.insert(address).second) all.push_back({address, name});
  };
  for (const std::string& text : request.to) {
    if (const auto address = from_address(text)) {
      const mail::Contact* contact = contacts_.by_address(*address);
      const bool verified = contact != nullptr && contact->trust == mail::Trust::verified;
      if (policy_.require_verified && !verified) return not_verified(fmt::format("'{}'", text));
      add(*address, contact == nullptr ? "" : contact->name);
      continue;
    }
    auto persons = contacts_.persons(text);
    if (!persons) return persons.error();
    for (const mail::Contact& person : persons.value()) {
      if (policy_.require_verified && person.trust != mail::Trust::verified) {
        return not_verified(fmt::format("'{}'", person.name));
      }
      add(*person.address, person.name);
    }
  }
  return all;
}

Result<std::uint32_t> Sender::ttl_of(const SendRequest& request) const {
  auto seconds =
      request.expires.empty() ? settings_.seconds("send.expires") : parse_duration(request.expires);
  if (!seconds) return seconds.error();
  const std::uint64_t least = std::uint64_t{6} * rules_.rules.interval;
  if (!request.expires.empty() && seconds.value() < least) {
    return Error{
        Errc::bad_usage,
        fmt::format(
            "--expires {}: at least {} s (six intervals), or it may expire before a block takes it",
            request.expires, least)};
  }
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(std::max(seconds.value(), least), rules_.rules.maxttl));
}

Result<mail::Letter> Sender::letter_of(const SendRequest& request, const Attachments& files) {
  mail::Letter letter;
  if (!is_utf8(request.body)) return Error{Errc::bad_input, "the message is not UTF-8 text"};
  if (!is_utf8(request.subject)) return Error{Errc::bad_input, "the subject is not UTF-8 text"};
  const bool open = request.audience == mail::Audience::open;
  if (open && request.ask_ack)
    return Error{Errc::bad_usage,
                 "--public goes to nobody of whom one could be told that it was read",
                 "--wait mined waits until it is in a block"};
  if (open && !request.to.empty()) return Error{Errc::bad_usage, "--public takes no recipient"};
  if (!open && request.to.empty() && request.reply == Reply::none)
    return Error{Errc::bad_usage, "a recipient is needed: a name, an address, or --public"};
  letter.audience = request.audience;
  BMSG_TRY(learn_grants(request.to));
  BMSG_TRY_ASSIGN(letter.room,
                  room_among(*context_, store_, rules_, contacts_, keyring(), request.to));
  if (letter.room) {
    BMSG_TRY(check_room(*letter.room, request));
  } else {
    BMSG_TRY_ASSIGN(letter.to, addressees(request));
  }
  BMSG_TRY_ASSIGN(letter.ttl, ttl_of(request));
  letter.content.subject = request.subject;
  letter.content.content = to_bytes(request.body);
  letter.content.media_type = request.media_type;
  if (!request.topic.empty()) letter.topic = topic_of(request.topic);
  letter.stale = policy_.stale;
  letter.content.ask_ack = request.ask_ack;
  letter.content.manifests = files.outlines();
  if (!request.reply_to.empty()) BMSG_TRY(answer(letter, request));
  // Told before any work: records hold 65,535 bytes at most, and the chain may want less.
  const std::size_t bytes = estimated_bytes(letter, policy_.sign, 1);
  if (bytes > rules_.rules.maxmessage) return too_long(bytes, rules_);
  return letter;
}

mail::SendContext Sender::sending(mail::CardDirectory& cards, mail::Outbox& outbox) const {
  return {.chain = rules_,
          .cards = cards,
          .outbox = outbox,
          .clock = context_->clock,
          .entropy = context_->entropy,
          .keyring = keyring_ ? &keyring_->keyring : nullptr,
          .identity = identity_,
          .threads = threads_,
          .patience = patience_,
          .conversations = nullptr,
          .signer = signer_ ? &*signer_ : nullptr};
}

Result<mail::SentOnce> Sender::send_letter(const mail::Letter& letter,
                                           const std::optional<mail::SendKey>& key,
                                           std::stop_token stop) {
  mail::CardDirectory cards(context_->disk, store_.cards(), rules_.id);
  mail::Outbox outbox(context_->disk, store_.outbox());
  if (key) return mail::send_once(letter, *key, sending(cards, outbox), stop);
  if (gathers_ && letter.content.manifests.empty()) return gather_letter(letter, stop);
  BMSG_TRY_ASSIGN(auto sent, mail::send(letter, sending(cards, outbox), stop));
  return mail::SentOnce{std::move(sent), {}};
}

void Sender::gather() {
  gathers_ = true;
  conversations_ = std::make_unique<mail::OpenConversations>();
}

Result<mail::SentOnce> Sender::gather_letter(const mail::Letter& letter, std::stop_token stop) {
  if (!gathering_) {
    gathering_ = std::make_unique<mail::CardDirectory>(context_->disk, store_.cards(), rules_.id);
    gathering_->remember();
  }
  mail::Outbox outbox(context_->disk, store_.outbox());
  mail::SendContext context = sending(*gathering_, outbox);
  context.conversations = conversations_.get();
  BMSG_TRY_ASSIGN(auto prepared, mail::prepare(letter, context, stop));
  mail::SentOnce gathered;
  for (mail::Prepared& one : prepared) {
    gathered_bytes_ += one.sent.bytes;
    gathered_.push_back(std::move(one.file));
    gathered.sent.push_back(std::move(one.sent));
  }
  return gathered;
}

Result<Done> Sender::keep() {
  if (!gathers_) return done;
  gathering_.reset();
  has_no_hook_ = false;
  gathered_bytes_ = 0;
  const auto files = std::exchange(gathered_, {});
  BMSG_TRY(conversations_->keep());
  if (files.empty()) return done;
  return mail::Outbox(context_->disk, store_.outbox()).queue(files);
}

Result<mail::SentOnce> Sender::hold(const mail::Letter& letter,
                                    const std::optional<mail::SendKey>& key) {
  mail::CardDirectory cards(context_->disk, store_.cards(), rules_.id);
  mail::Outbox outbox(context_->disk, store_.outbox());
  BMSG_TRY_ASSIGN(const auto found,
                  mail::address_anonymous(cards, letter.to, context_->clock.now(), letter.stale));
  if (!found.revoked.empty()) return *mail::refusal(found);  // No card is to come.
  if (key) return mail::hold_once(letter, *key, sending(cards, outbox));
  mail::HeldLetters held(outbox, keyring_->keyring.archive);
  BMSG_TRY_ASSIGN(const MessageId id, held.hold(letter, identity_->address(), context_->clock.now(),
                                                context_->entropy));
  return mail::SentOnce{{}, id};
}

Result<std::optional<mail::SendKey>> Sender::key_of(const SendRequest& request,
                                                    const mail::Letter& letter) {
  if (request.key.empty() && request.once.empty()) return std::optional<mail::SendKey>();
  mail::CardDirectory cards(context_->disk, store_.cards(), rules_.id);
  mail::Outbox outbox(context_->disk, store_.outbox());
  BMSG_TRY_ASSIGN(const Digest content, mail::letter_digest(letter, sending(cards, outbox)));
  mail::SendKey key{.name = content};
  if (!request.once.empty()) {
    BMSG_TRY_ASSIGN(key.seconds, parse_duration(request.once));
    if (key.seconds == 0) return Error{Errc::bad_usage, "--once 0: within no time nothing repeats"};
    return std::optional(key);
  }
  key.name = mail::key_name(request.key);
  // Without the mailbox key a kept digest would tell who can guess the text.
  if (keyring_) key.content = content;
  BMSG_TRY_ASSIGN(key.seconds, settings_.seconds("send.key_ttl"));
  return std::optional(key);
}

Result<Done> Sender::look_for_cards() {
  BMSG_TRY_ASSIGN(const auto chain, open_chain(*context_, store_));
  mail::CardDirectory cards(context_->disk, store_.cards(), rules_.id);
  return cards.collect_all(*chain);
}

Result<Done> Sender::ask_leave(const mail::Letter& letter,
                               const std::optional<mail::SendKey>& key) {
  mail::Outbox outbox(context_->disk, store_.outbox());
  if (key) {
    BMSG_TRY_ASSIGN(const auto earlier, mail::SendKeys(outbox).find(*key, context_->clock.now()));
    if (earlier) return done;  // A repeat sends nothing.
  }
  if (gathers_ && has_no_hook_) return done;
  BMSG_TRY_ASSIGN(const auto hook, state_of(*context_, store_, Hook::pre_send));
  has_no_hook_ = hook.kind == HookState::Kind::absent || hook.kind == HookState::Kind::disabled;
  if (has_no_hook_) return done;
  const auto from = signer_ ? std::optional(signer_->public_key()) : std::nullopt;
  return ask_hook(*context_, store_, Hook::pre_send, api::letter_json(letter, from));
}

Result<Queued> Sender::queue(const mail::Letter& letter, const std::optional<mail::SendKey>& key,
                             std::stop_token stop) {
  auto once = send_letter(letter, key, stop);
  if (!once && once.error().code == Errc::no_recipient) {
    // The card may have come with blocks that nobody has looked through yet.
    BMSG_TRY(look_for_cards());
    gathering_.reset();
    once = send_letter(letter, key, stop);
  }
  const bool holds =
      !once && policy_.hold && !letter.room && once.error().code == Errc::no_recipient;
  if (holds && identity_ != nullptr) once = hold(letter, key);
  if (!once) return once.error();
  const bool gathered = gathers_ && !key && !once.value().held && letter.content.manifests.empty();
  return Queued{.sent = std::move(once.value().sent),
                .held = once.value().held,
                .to = letter.to,
                .gathered = gathered};
}

Result<Queued> Sender::send(const SendRequest& request, std::stop_token stop) {
  BMSG_TRY_ASSIGN(auto files, Attachments::open(*context_, request.attachments));
  BMSG_TRY_ASSIGN(auto letter, letter_of(request, files));
  BMSG_TRY_ASSIGN(const auto key, attach(letter, request, files, stop));
  BMSG_TRY_ASSIGN(auto queued, queue(letter, key, stop));
  queued.key = request.key;
  return queued;
}

Result<Done> Sender::check_key_of(const SendRequest& request, mail::Letter letter,
                                  Attachments& files) {
  // What a pipe holds is known when it was read.
  if (request.key.empty() || files.has_pipe()) return done;
  BMSG_TRY(files.hash());
  letter.content.manifests = files.outlines();
  BMSG_TRY_ASSIGN(const auto key, key_of(request, letter));
  return mail::check_key(mail::Outbox(context_->disk, store_.outbox()), *key);
}

Result<Sender::Estimate> Sender::estimate(const SendRequest& request) {
  BMSG_TRY_ASSIGN(auto files, Attachments::open(*context_, request.attachments));
  BMSG_TRY_ASSIGN(const auto letter, letter_of(request, files));
  BMSG_TRY(check_key_of(request, letter, files));
  Estimate estimate{.to = letter.to, .bytes = 0};
  estimate.files = files.work({.chain = rules_, .time = 0, .ttl = letter.ttl});
  estimate.has_pipe = files.has_pipe();
  std::size_t devices = letter.room ? 1 : 0;
  if (letter.room) estimate.room = letter.room->name;
  if (letter.audience == mail::Audience::sealed && !letter.room) {
    const mail::CardDirectory cards(context_->disk, store_.cards(), rules_.id);
    BMSG_TRY_ASSIGN(const auto keys, mail::address_anonymous(cards, letter.to,
                                                             context_->clock.now(), policy_.stale));
    if (const auto error = mail::refusal(keys)) return *error;
    for (const mail::Batch& batch : keys.batches) devices += batch.recipients.size();
  }
  estimate.bytes = estimated_bytes(letter, policy_.sign, devices);
  return estimate;
}

}  // namespace bmsg::cli
