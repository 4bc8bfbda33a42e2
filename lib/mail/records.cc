#include "lib/mail/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/check.h"
#include "lib/core/try.h"
#include "lib/mail/statement.h"
#include "lib/mail/text.h"

namespace bmsg::mail {
namespace {

enum Type : std::uint8_t {
  kPadding = 0x00,
  kKind = 0x01,
  kSender = 0x02,
  kDevice = 0x03,
  kSeq = 0x04,
  kPrev = 0x05,
  kRe = 0x06,
  kMediaType = 0x07,
  kSubject = 0x08,
  kContent = 0x09,
  kManifest = 0x0a,
  kPrekey = 0x0b,
  kInbox = 0x0c,
  kGrant = 0x0d,
  kStatement = 0x0e,
  kThread = 0x0f,
  kFirstOptional = 0x40,
  kAskAck = 0x40,
  kSentTo = 0x41,
  kSignature = 0x7f,
};

constexpr std::size_t kGrantBytes = 36;
constexpr std::size_t kValueBytesMax = 0xffff;

bool is_media_type(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_key_size(std::size_t suite, std::size_t size) {
  if (suite == 1) return size == 32;
  if (suite == 2) return size == 65;
  return size > 0;  // A suite of tomorrow: kept for whoever knows it.
}

/// Writes records one after the other and remembers whether one did not fit.
class Writer {
 public:
  void put(Type type, ByteView value) {
    if (value.size() > kValueBytesMax) too_long_ = true;
    bytes_.push_back(type);
    append_be(bytes_, static_cast<std::uint16_t>(value.size()));
    append(bytes_, value);
  }
  void put_unless_empty(Type type, ByteView value) {
    if (!value.empty()) put(type, value);
  }
  template <std::unsigned_integral T>
  void put_number(Type type, T number) {
    Bytes value;
    append_be(value, number);
    put(type, value);
  }

  bool too_long() const { return too_long_; }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
  bool too_long_ = false;
};

void put_key_records(Writer& out, const Content& content) {
  if (content.prekey) {
    Bytes value{content.prekey->suite};
    append(value, content.prekey->key);
    out.put(kPrekey, value);
  }
  if (content.inbox) {
    Bytes value{content.inbox->bits};
    append(value, content.inbox->topic.view());
    out.put(kInbox, value);
  }
  out.put_unless_empty(kGrant, content.grant);
  out.put_unless_empty(kStatement, content.statement);
}

const char* fault_in(const Content& content) {
  const std::size_t sender = content.sender.size();
  if (sender != 0 && sender != 32 && sender != 65) return "sender: neither 32 nor 65 bytes";
  if (!is_media_type(content.media_type)) return "media type: not printable ASCII";
  if (!is_utf8(content.subject)) return "subject: not UTF-8";
  if (content.prekey && !is_key_size(content.prekey->suite, content.prekey->key.size())) {
    return "prekey: not of its suite's length";
  }
  if (content.inbox && content.inbox->bits > kInboxBitsMax) return "inbox: more than 32 bits";
  if (!content.grant.empty() && content.grant.size() != kGrantBytes) return "grant: not 36 bytes";
  if (!content.statement.empty() && content.statement.size() != kStatementBytes) {
    return "statement: not 193 bytes";
  }
  return nullptr;
}

/// Reads one record's value into the content; what is wrong with it, or nullptr.
class Reader {
 public:
  explicit Reader(ReadRecords& out) : out_(out) {}

  const char* take(std::uint8_t type, ByteView value) {
    switch (type) {
      case kKind:
        return value.size() == 1 ? (content().kind = Kind{value[0]}, nullptr) : "kind: not 1 byte";
      case kSender:
        content().sender = to_bytes(value);
        return value.empty() ? "sender: empty" : nullptr;
      case kDevice:
        if (value.size() != 1) return "device: not 1 byte";
        content().device = value[0];
        return nullptr;
      case kSeq:
        if (value.size() != 8) return "seq: not 8 bytes";
        content().seq = load_be<std::uint64_t>(value.data());
        return nullptr;
      case kMediaType:
        content().media_type = to_string(value);
        return value.empty() ? "media type: empty" : nullptr;
      case kSubject:
        content().subject = to_string(value);
        return value.empty() ? "subject: empty" : nullptr;
      case kContent:
        content().content = to_bytes(value);
        return value.empty() ? "content: empty" : nullptr;
      case kManifest:
        content().manifests.push_back(to_bytes(value));
        return value.empty() ? "manifest: empty" : nullptr;
      default:
        return take_id_or_key(type, value);
    }
  }

 private:
  Content& content() { return out_.content; }

  const char* take_id_or_key(std::uint8_t type, ByteView value) {
    switch (type) {
      case kPrev:
        return take_fixed(value, content().prev) ? nullptr : "prev: not 16 bytes";
      case kRe:
        if (value.size() != MessageId::kSize) return "re: not 64 bytes";
        content().re.push_back(MessageId::from(value));
        return nullptr;
      case kThread:
        return take_fixed(value, content().thread) ? nullptr : "thread: not 16 bytes";
      case kPrekey:
        if (value.empty()) return "prekey: empty";
        content().prekey = OfferedKey{value[0], to_bytes(value.subspan(1))};
        return nullptr;
      case kInbox:
        if (value.size() != 5) return "inbox: not 5 bytes";
        content().inbox = InboxPrefix{value[0], Topic::from(value.subspan(1))};
        return nullptr;
      case kGrant:
        content().grant = to_bytes(value);
        return value.empty() ? "grant: empty" : nullptr;
      case kStatement:
        content().statement = to_bytes(value);
        return value.empty() ? "statement: empty" : nullptr;
      case kAskAck:
        content().ask_ack = true;
        return value.size() == 1 && value[0] == 1 ? nullptr : "ask: not 1";
      case kSentTo:
        content().sent_to = to_bytes(value);
        return value.empty() ? "sent to: empty" : nullptr;
      case kSignature:
        return take_fixed(value, out_.signature) ? nullptr : "signature: not 64 bytes";
      default:
        return nullptr;  // From 40 on: for another version.
    }
  }

  template <class Fixed>
  static bool take_fixed(ByteView value, std::optional<Fixed>& out) {
    if (value.size() != Fixed::kSize) return false;
    out = Fixed::from(value);
    return true;
  }

  ReadRecords& out_;
};

bool is_known(std::uint8_t type) { return type <= kThread || type >= kFirstOptional; }

BadRecords bad(std::string detail) { return {RecordFault::records, std::move(detail)}; }

std::optional<BadRecords> find_fault(const ReadRecords& read, bool has_kind) {
  if (!has_kind) return bad("kind: missing");
  if (read.content.sender.empty() == read.signature.has_value()) {
    return bad("sender and signature: one without the other");
  }
  if (const char* fault = fault_in(read.content)) return bad(fault);
  if (read.content.kind > Kind::box) {
    return BadRecords{RecordFault::newer,
                      fmt::format("kind {}", static_cast<unsigned>(read.content.kind))};
  }
  return std::nullopt;
}

/// The part before padding; a fault if what follows is not padding.
std::optional<BadRecords> find_padding_fault(ByteView padding, Padding allowed) {
  if (padding.empty()) return std::nullopt;
  if (allowed == Padding::malformed) {
    return BadRecords{RecordFault::padding, "padding in a public body"};
  }
  if (std::ranges::any_of(padding, [](std::uint8_t byte) { return byte != 0; })) {
    return BadRecords{RecordFault::padding, "padding is not zero"};
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, 9> kNames = {"text",  "card", "revoke",  "grant", "ack",
                                                      "proof", "app",  "profile", "box"};
  const auto index = static_cast<std::size_t>(kind);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::uint8_t InboxPrefix::mask_of(std::size_t byte) const {
  const int kept = std::clamp(static_cast<int>(bits) - static_cast<int>(8 * byte), 0, 8);
  return static_cast<std::uint8_t>(0xff00 >> kept);
}

bool InboxPrefix::matches(const Topic& of_head) const {
  if (bits == 0) return of_head.is_zero();
  if (bits > kInboxBitsMax) return false;
  const auto shift = static_cast<unsigned>(kInboxBitsMax - bits);
  return load_be<std::uint32_t>(of_head.data()) >> shift ==
         load_be<std::uint32_t>(topic.data()) >> shift;
}

std::optional<IdentityKey> Content::identity() const {
  if (sender.size() != IdentityKey::kSize) return std::nullopt;
  return IdentityKey::from(sender);
}

Result<Bytes> encode_records(const Content& content) {
  if (const char* fault = fault_in(content)) return Error{Errc::bad_input, fault};
  Writer out;
  out.put_number(kKind, static_cast<std::uint8_t>(content.kind));
  out.put_unless_empty(kSender, content.sender);
  if (content.device) out.put_number(kDevice, *content.device);
  if (content.seq) out.put_number(kSeq, *content.seq);
  if (content.prev) out.put(kPrev, content.prev->view());
  for (const MessageId& id : content.re) out.put(kRe, id.view());
  out.put_unless_empty(kMediaType, as_bytes(content.media_type));
  out.put_unless_empty(kSubject, as_bytes(content.subject));
  out.put_unless_empty(kContent, content.content);
  for (const Bytes& manifest : content.manifests) out.put(kManifest, manifest);
  put_key_records(out, content);
  if (content.thread) out.put(kThread, content.thread->view());
  if (content.ask_ack) out.put_number(kAskAck, std::uint8_t{1});
  out.put_unless_empty(kSentTo, content.sent_to);
  if (out.too_long()) {
    return Error{Errc::bad_input, fmt::format("a field is longer than {} bytes", kValueBytesMax)};
  }
  return out.take();
}

void append_signature(Bytes& records, const Signature& signature) {
  records.push_back(kSignature);
  append_be(records, static_cast<std::uint16_t>(Signature::kSize));
  append(records, signature.view());
}

std::variant<ReadRecords, BadRecords> decode_records(ByteView bytes, Padding padding) {
  ReadRecords read;
  Reader reader(read);
  ByteReader left(bytes);
  int last = 0;
  while (left.size_left() > 0) {
    const std::size_t begin = bytes.size() - left.size_left();
    const std::uint8_t type = bytes[begin];
    if (type == kPadding) {
      if (auto fault = find_padding_fault(bytes.subspan(begin), padding)) return *fault;
      break;
    }
    if (read.signature) return bad("a record after the signature");
    const bool repeats = type == last && (type == kRe || type == kManifest);
    if (type <= last && !repeats) return bad(fmt::format("type {:02x} after {:02x}", type, last));
    if (!is_known(type)) return BadRecords{RecordFault::newer, fmt::format("type {:02x}", type)};
    last = left.integer<std::uint8_t>();
    const ByteView value = left.take(left.integer<std::uint16_t>());
    if (left.ran_short()) return bad(fmt::format("type {:02x} is cut short", type));
    if (const char* fault = reader.take(type, value)) return bad(fault);
    if (type != kSignature) read.signed_bytes = bytes.size() - left.size_left();
  }
  // 01 is the least type: if it is there, it came first.
  const bool has_kind = !bytes.empty() && bytes[0] == kKind;
  if (auto fault = find_fault(read, has_kind)) return *fault;
  return read;
}

std::size_t padded_bytes(std::size_t size) {
  constexpr std::size_t kLeast = 256;
  if (size <= kLeast) return kLeast;
  const auto exponent = static_cast<unsigned>(std::bit_width(size)) - 1;
  const auto kept = static_cast<unsigned>(std::bit_width(exponent));
  const std::size_t mask = (std::size_t{1} << (exponent - kept)) - 1;
  return (size + mask) & ~mask;
}

Bytes signed_text(const ChainId& chain, const Digest& head_hash, ByteView records) {
  Bytes text = to_bytes("bmsg1 sig");
  append(text, chain.view());
  append(text, head_hash.view());
  append(text, records);
  return text;
}

}  // namespace bmsg::mail
