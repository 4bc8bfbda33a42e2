#include "lib/mail/summary.h"

#include <algorithm>

#include "lib/core/byte_reader.h"
#include "lib/core/try.h"
#include "lib/crypto/aead.h"
#include "lib/mail/approval.h"
#include "lib/mail/seal_scheme.h"
#include "lib/mail/text.h"

namespace bmsg::mail {
namespace {

constexpr std::uint8_t kVersion = 1;

void put_bytes(Bytes& out, ByteView value) {
  append_be(out, static_cast<std::uint32_t>(value.size()));
  append(out, value);
}

ByteView take_bytes(ByteReader& in) { return in.take(in.integer<std::uint32_t>()); }
std::string take_text(ByteReader& in) { return to_string(take_bytes(in)); }

template <class Fixed>
void put_optional(Bytes& out, const std::optional<Fixed>& value) {
  out.push_back(value ? 1 : 0);
  if (value) append(out, value->view());
}

template <class Fixed>
std::optional<Fixed> take_optional(ByteReader& in) {
  if (in.integer<std::uint8_t>() == 0) return std::nullopt;
  return in.fixed<Fixed>();
}

/// Kinds of one byte: value 0 stands for "none" where a value may be missing.
template <class Enum>
std::uint8_t code_of(const std::optional<Enum>& value) {
  return value ? static_cast<std::uint8_t>(static_cast<std::uint8_t>(*value) + 1) : 0;
}

void put_lists(Bytes& out, const Summary& summary) {
  append_be(out, static_cast<std::uint32_t>(summary.to.size()));
  for (const Addressee& to : summary.to) {
    append(out, to.address.view());
    put_bytes(out, as_bytes(to.name));
  }
  append_be(out, static_cast<std::uint32_t>(summary.re.size()));
  for (const MessageId& id : summary.re) append(out, id.view());
}

void take_lists(ByteReader& in, Summary& summary) {
  for (auto left = in.integer<std::uint32_t>(); left > 0 && !in.ran_short(); --left) {
    const auto address = in.fixed<IdentityKey>();
    summary.to.push_back({address, take_text(in)});
  }
  for (auto left = in.integer<std::uint32_t>(); left > 0 && !in.ran_short(); --left) {
    summary.re.push_back(in.fixed<MessageId>());
  }
}

void put_head(Bytes& out, const Summary& summary) {
  append(out, summary.topic.view());
  append_be(out, summary.time);
  append_be(out, summary.ttl);
  append_be(out, summary.bytes);
  append_be(out, summary.slots);
}

void take_head(ByteReader& in, Summary& summary) {
  summary.topic = in.fixed<Topic>();
  summary.time = in.integer<std::uint32_t>();
  summary.ttl = in.integer<std::uint32_t>();
  summary.bytes = in.integer<std::uint32_t>();
  summary.slots = in.integer<std::uint32_t>();
}

void take_enums(ByteReader& in, Summary& summary) {
  summary.direction = Direction{in.integer<std::uint8_t>()};
  summary.audience = Audience{in.integer<std::uint8_t>()};
  if (const auto fault = in.integer<std::uint8_t>()) {
    summary.fault = Fault{static_cast<std::uint8_t>(fault - 1)};
  }
  summary.signature = SignatureState{in.integer<std::uint8_t>()};
  summary.kind = Kind{in.integer<std::uint8_t>()};
  summary.device = in.integer<std::uint8_t>();
  summary.ask_ack = in.integer<std::uint8_t>() != 0;
  if (in.integer<std::uint8_t>() != 0) summary.seq = in.integer<std::uint64_t>();
}

bool in_range(const Summary& summary) {
  return summary.direction <= Direction::out && summary.audience <= Audience::open &&
         summary.signature <= SignatureState::bad && summary.kind <= Kind::box &&
         (!summary.fault || *summary.fault <= Fault::newer);
}

std::uint32_t count_slots(const MessageHead& head) {
  if (head.suite != Suite::sealed && head.suite != Suite::sealed_secp256k1) return 0;
  const std::size_t enc = scheme::enc_bytes(head.suite);
  if (head.key_section.size() < enc) return 0;
  return static_cast<std::uint32_t>((head.key_section.size() - enc) / kSlotBytes);
}

}  // namespace

std::optional<IdentityKey> Summary::identity() const {
  if (signature != SignatureState::good || sender.size() != IdentityKey::kSize) return std::nullopt;
  return IdentityKey::from(sender);
}

bool Summary::is_from(ByteView key) const {
  return signature == SignatureState::good && std::ranges::equal(sender, key);
}

Summary summary_of(const Message& message, const Opened& opened) {
  Summary made;
  made.audience = message.head.suite == Suite::open ? Audience::open : Audience::sealed;
  made.topic = message.head.topic;
  made.time = message.head.time;
  made.ttl = message.head.ttl;
  made.bytes = static_cast<std::uint32_t>(message.head.encoded_bytes());
  made.slots = count_slots(message.head);
  made.content_key = to_bytes(opened.content_key.view());
  made.fault = opened.fault;
  if (opened.fault) return made;

  const Content& content = opened.content;
  made.signature = opened.signature;
  made.kind = content.kind;
  made.sender = content.sender;
  made.device = content.device.value_or(0);
  made.seq = content.seq;
  made.prev = content.prev;
  made.subject = content.subject;
  made.media_type = content.media_type;
  if (content.media_type.empty())
    made.snippet = snippet(as_text(content.content), kSnippetBytesMax);
  if (is_approval(content)) made.snippet = approval_snippet(content);
  made.re = content.re;
  made.thread = content.thread;
  made.attachments = static_cast<std::uint32_t>(content.manifests.size());
  made.ask_ack = content.ask_ack;
  return made;
}

Bytes encode(const Summary& summary) {
  Bytes out{kVersion,
            static_cast<std::uint8_t>(summary.direction),
            static_cast<std::uint8_t>(summary.audience),
            code_of(summary.fault),
            static_cast<std::uint8_t>(summary.signature),
            static_cast<std::uint8_t>(summary.kind),
            summary.device,
            static_cast<std::uint8_t>(summary.ask_ack),
            static_cast<std::uint8_t>(summary.seq.has_value())};
  if (summary.seq) append_be(out, *summary.seq);
  put_optional(out, summary.prev);
  put_optional(out, summary.thread);
  put_bytes(out, summary.sender);
  put_bytes(out, as_bytes(summary.room));
  put_bytes(out, as_bytes(summary.subject));
  put_bytes(out, as_bytes(summary.snippet));
  put_bytes(out, as_bytes(summary.media_type));
  append_be(out, summary.attachments);
  put_lists(out, summary);
  put_head(out, summary);
  put_bytes(out, summary.content_key);
  return out;
}

Result<Summary> decode_summary(ByteView bytes) {
  ByteReader in(bytes);
  const auto version = in.integer<std::uint8_t>();
  if (version > kVersion) return Error{Errc::bad_config, "a note of a newer bmsg"};
  Summary read;
  take_enums(in, read);
  read.prev = take_optional<IdPrefix>(in);
  read.thread = take_optional<ThreadId>(in);
  read.sender = to_bytes(take_bytes(in));
  read.room = take_text(in);
  read.subject = take_text(in);
  read.snippet = take_text(in);
  read.media_type = take_text(in);
  read.attachments = in.integer<std::uint32_t>();
  take_lists(in, read);
  take_head(in, read);
  read.content_key = to_bytes(take_bytes(in));
  // Written again it must be the same: no second spelling of a flag.
  if (version == 0 || !in.finished() || !in_range(read) ||
      !std::ranges::equal(encode(read), bytes)) {
    return Error{Errc::corrupt, "a note of a message does not decode"};
  }
  return read;
}

Result<Bytes> seal_note(const crypto::SecretBytes& mailbox_key, const MessageId& id, ByteView plain,
                        Entropy& entropy) {
  Bytes made(crypto::AeadNonce::kSize);
  BMSG_TRY(entropy.fill(made));
  append(made, crypto::aead_seal(mailbox_key, crypto::AeadNonce::from(made), id.view(), plain));
  return made;
}

Result<crypto::SecretBytes> open_note(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                                      ByteView sealed) {
  ByteReader in(sealed);
  const auto nonce = in.fixed<crypto::AeadNonce>();
  auto plain = crypto::aead_open(mailbox_key, nonce, id.view(), in.rest());
  if (in.ran_short() || !plain) {
    return Error{Errc::corrupt, "a note of a message was changed, or is another keyring's"};
  }
  return std::move(*plain);
}

Result<Bytes> seal_summary(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                           const Summary& summary, Entropy& entropy) {
  Bytes plain = encode(summary);
  auto made = seal_note(mailbox_key, id, plain, entropy);
  crypto::wipe(plain);
  return made;
}

Result<Summary> open_summary(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                             ByteView sealed) {
  BMSG_TRY_ASSIGN(const auto plain, open_note(mailbox_key, id, sealed));
  return decode_summary(plain.view());
}

}  // namespace bmsg::mail
