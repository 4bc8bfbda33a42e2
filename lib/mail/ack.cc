#include "lib/mail/ack.h"

#include <algorithm>

#include "lib/core/byte_reader.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/kdf.h"
#include "lib/mail/send_once.h"

namespace bmsg::mail {
namespace {

constexpr std::uint32_t kAckSeconds = 30 * 86400;
constexpr std::uint64_t kAckKeySeconds = 10ull * 365 * 86400;

/// Which of ours the message was for.
std::vector<const Identity*> readers_of(const Summary& summary, const SendContext& context) {
  std::vector<const Identity*> readers;
  for (const Addressee& to : summary.to) {
    const Identity* own = context.keyring->find(to.address);
    if (own != nullptr && std::ranges::find(readers, own) == readers.end()) readers.push_back(own);
  }
  if (readers.empty() && context.identity != nullptr) readers.push_back(context.identity);
  return readers;
}

SendKey key_of(const MessageId& id, const IdentityKey& reader,
               const crypto::SecretBytes& mailbox_key) {
  const std::string name = "bmsg1 " + ack_value(mailbox_key, id, reader.view());
  return {.name = key_name(name), .content = {}, .seconds = kAckKeySeconds};
}

/// nullopt if this reader has acknowledged it before.
Result<std::optional<Sent>> acknowledge_as(const Identity& reader, const MessageId& id,
                                           const IdentityKey& sender, const MailReader& mail,
                                           const SendContext& context, std::stop_token stop) {
  BMSG_TRY_ASSIGN(const auto before,
                  acknowledged(mail, context.keyring->archive, id, reader.address()));
  if (before || sender == reader.address()) return std::optional<Sent>();
  Letter letter;
  letter.content.kind = Kind::ack;
  letter.content.re = {id};
  letter.to = {{sender, ""}};
  letter.ttl = std::min<std::uint32_t>(kAckSeconds, context.chain.rules.maxttl);
  SendContext as_reader = context;
  as_reader.identity = &reader;
  const SendKey key = key_of(id, reader.address(), context.keyring->archive);
  SendKeys keys(context.outbox);
  BMSG_TRY_ASSIGN(const auto earlier, keys.find(key, context.clock.now()));
  if (earlier) return std::optional<Sent>();
  BMSG_TRY_ASSIGN(auto once, send_once(letter, key, as_reader, stop));
  if (once.sent.empty()) return std::optional<Sent>();
  return std::optional(std::move(once.sent.front()));
}

}  // namespace

std::string ack_value(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                      ByteView address) {
  Bytes text = to_bytes("bmsg1 ack");
  append(text, id.view());
  append(text, address);
  const auto mac = crypto::hmac(crypto::Hash::sha512, mailbox_key.view(), text);
  return "ack." + to_hex(mac.view().first(32));
}

Result<std::optional<UnixSeconds>> acknowledged(const MailReader& mail,
                                                const crypto::SecretBytes& mailbox_key,
                                                const MessageId& id, const IdentityKey& address) {
  BMSG_TRY_ASSIGN(const auto value, mail.value(ack_value(mailbox_key, id, address.view())));
  if (!value) return std::optional<UnixSeconds>();
  ByteReader reader(*value);
  const UnixSeconds when{reader.integer<std::uint64_t>()};
  if (!reader.finished()) return Error{Errc::corrupt, "mail index: a damaged acknowledgement"};
  return std::optional(when);
}

void note_ack(const Summary& summary, const crypto::SecretBytes& mailbox_key, MailChange& change) {
  if (summary.fault || summary.kind != Kind::ack) return;
  // One each: a stranger's message puts down no more than it paid a stamp for.
  if (summary.signature != SignatureState::good || summary.re.size() != 1) return;
  Bytes when;
  append_be(when, std::uint64_t{summary.time});
  change.values.emplace(ack_value(mailbox_key, summary.re.front(), summary.sender), when);
}

bool acknowledges(const Summary& summary, const ContactBook& contacts) {
  const bool text = !summary.fault && summary.kind == Kind::text;
  const auto sender = summary.identity();
  if (!text || summary.direction != Direction::in || !sender) return false;
  // One message would bring one from each who reads it, with who that is.
  if (!summary.room.empty() || summary.audience == Audience::open) return false;
  if (summary.signature != SignatureState::good) return false;
  const Contact* contact = contacts.by_address(*sender);
  if (contact == nullptr || contact->trust == Trust::blocked) return false;
  return contact->ack == AckPolicy::read || (contact->ack == AckPolicy::asked && summary.ask_ack);
}

Result<std::vector<Sent>> acknowledge(const MessageId& id, const Summary& summary,
                                      const MailReader& mail, const SendContext& context,
                                      std::stop_token stop) {
  check(context.keyring != nullptr, "an acknowledgement is signed");
  const auto sender = summary.identity();
  const auto readers = readers_of(summary, context);
  if (!sender || summary.signature != SignatureState::good || readers.empty())
    return Error{Errc::bad_input, "nobody signed this message, so nobody can be told"};
  std::vector<Sent> all;
  for (const Identity* reader : readers) {
    BMSG_TRY_ASSIGN(auto sent, acknowledge_as(*reader, id, *sender, mail, context, stop));
    if (sent) all.push_back(std::move(*sent));
  }
  return all;
}

}  // namespace bmsg::mail
