#include "lib/mail/send_once.h"

#include <algorithm>

#include "lib/core/big_endian.h"
#include "lib/core/try.h"
#include "lib/crypto/kdf.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/held.h"

namespace bmsg::mail {
namespace {

SentOnce outcome_of(const KeyRecord& record, const Letter& letter) {
  SentOnce outcome;
  if (record.held) outcome.held = record.messages.front().id;
  if (record.held) return outcome;
  for (const KeyRecord::Queued& one : record.messages) {
    outcome.sent.push_back({.id = one.id, .to = letter.to, .bytes = one.bytes, .stamp_ms = 0});
  }
  return outcome;
}

/// An outcome of our own knows who got which message, and what its stamp cost.
void fill_in(SentOnce& outcome, std::vector<Prepared>& prepared) {
  for (Sent& sent : outcome.sent) {
    const auto own =
        std::ranges::find_if(prepared, [&](const Prepared& one) { return one.sent.id == sent.id; });
    if (own != prepared.end()) sent = std::move(own->sent);
  }
}

}  // namespace

Result<Digest> letter_digest(const Letter& letter, const SendContext& context) {
  BMSG_TRY_ASSIGN(Bytes records, encode_records(letter.content));
  std::vector<IdentityKey> to;
  for (const Addressee& one : letter.to) to.push_back(one.address);
  std::ranges::sort(to);
  Bytes text = to_bytes("bmsg1 send once");
  text.push_back(static_cast<std::uint8_t>(letter.audience));
  append(text, letter.topic.view());
  if (context.identity) append(text, context.identity->address().view());
  append_be(text, static_cast<std::uint32_t>(to.size()));
  for (const IdentityKey& address : to) append(text, address.view());
  if (letter.room) append(text, letter.room->id);
  append(text, records);
  crypto::wipe(records);
  const Digest plain = crypto::sha512(text);
  crypto::wipe(text);
  if (!context.keyring) return plain;
  const auto mac =
      crypto::hmac(crypto::Hash::sha512, context.keyring->archive.view(), plain.view());
  return Digest::from(mac.view());
}

Result<SentOnce> send_once(const Letter& letter, const SendKey& key, const SendContext& context,
                           std::stop_token stop) {
  BMSG_TRY_ASSIGN(const auto lock,
                  SendKeys(context.outbox).lock(key, context.patience, context.clock));
  return send_locked(letter, key, context, stop);
}

Result<SentOnce> send_locked(const Letter& letter, const SendKey& key, const SendContext& context,
                             std::stop_token stop) {
  SendKeys keys(context.outbox);
  BMSG_TRY_ASSIGN(const auto earlier, keys.find(key, context.clock.now()));
  if (earlier) return outcome_of(*earlier, letter);
  BMSG_TRY_ASSIGN(auto prepared, prepare(letter, context, stop));
  std::vector<OutboxFile> files;
  for (const Prepared& one : prepared) files.push_back(one.file);
  BMSG_TRY_ASSIGN(const auto record, keys.queue(key, files, context.clock.now()));
  SentOnce outcome = outcome_of(record, letter);
  fill_in(outcome, prepared);
  return outcome;
}

Result<SentOnce> hold_once(const Letter& letter, const SendKey& key, const SendContext& context) {
  check(context.identity && context.keyring, "a held letter has a sender");
  SendKeys keys(context.outbox);
  BMSG_TRY_ASSIGN(const auto lock, keys.lock(key, context.patience, context.clock));
  BMSG_TRY_ASSIGN(const auto earlier, keys.find(key, context.clock.now()));
  if (earlier) return outcome_of(*earlier, letter);
  const HeldLetters held(context.outbox, context.keyring->archive);
  BMSG_TRY_ASSIGN(const SealedHeld made,
                  held.seal(letter, context.identity->address(), context.entropy));
  BMSG_TRY_ASSIGN(const auto record, keys.keep_held(key, made.id, made.file, context.clock.now()));
  return outcome_of(record, letter);
}

}  // namespace bmsg::mail
