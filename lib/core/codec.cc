#include "lib/core/codec.h"

#include <fmt/format.h>

#include <cstring>

namespace bmsg {
namespace {

constexpr std::string_view kHeaderMagic = "bmH1";
constexpr std::string_view kMessageMagic = "bmM1";
constexpr std::size_t kX25519EncBytes = 32;
constexpr std::size_t kSecp256k1EncBytes = 65;
constexpr std::size_t kBlockMessageBytesMin = kHeadBytesFixed + kNonceBytes + 1;
constexpr std::size_t kHeaderRoom = 512;  // For a header and most seals.

Error malformed(std::string_view what) {
  return Error{Errc::bad_input, fmt::format("malformed {}", what)};
}

void append_header(Bytes& out, const Header& header) { append(out, header_bytes(header)); }

Result<Header> read_header(ByteReader& reader) {
  if (as_text(reader.take(kHeaderMagic.size())) != kHeaderMagic) return malformed("header: magic");
  Header header;
  header.height.value = reader.integer<std::uint32_t>();
  header.time.value = reader.integer<std::uint64_t>();
  header.bits.value = reader.integer<std::uint32_t>();
  header.count = reader.integer<std::uint32_t>();
  header.rules = reader.fixed<RulesTag>();
  header.previous = reader.fixed<BlockHash>();
  header.root = reader.fixed<MerkleRoot>();
  header.past = reader.fixed<MerkleRoot>();
  header.nonce = reader.integer<std::uint64_t>();
  if (reader.ran_short()) return malformed("header: cut short");
  return header;
}

Result<Message> read_block_message(ByteReader& reader) {
  auto head = read_head(reader);
  if (!head) return head.error();
  Message message{
      .head = std::move(head).value(), .nonce = reader.integer<std::uint64_t>(), .body = {}};
  const auto have = reader.integer<std::uint8_t>();
  if (reader.ran_short() || have > 1) return malformed("block: body flag");
  if (have == 0 && message.head.suite == Suite::charter) return malformed("block: charter's body");
  if (have == 1) message.body = to_bytes(reader.take(message.head.body_bytes));
  if (reader.ran_short()) return malformed("block: body cut short");
  return message;
}

}  // namespace

bool key_section_fits(Suite suite, std::size_t bytes) {
  const auto is_slots_after = [bytes](std::size_t enc) {
    return bytes > enc && (bytes - enc) % kSlotBytes == 0 &&
           (bytes - enc) / kSlotBytes <= kSlotsMax;
  };
  switch (suite) {
    case Suite::open:
    case Suite::chunk:
    case Suite::charter:
      return bytes == 0;
    case Suite::sealed:
      return is_slots_after(kX25519EncBytes);
    case Suite::sealed_secp256k1:
      return is_slots_after(kSecp256k1EncBytes);
  }
  return bytes <= 0xffff;  // A suite of the future: what is in it is its own matter.
}

std::array<std::uint8_t, kHeaderBytes> header_bytes(const Header& header) {
  std::array<std::uint8_t, kHeaderBytes> bytes;
  std::uint8_t* next = bytes.data();
  // Of a size that the compiler knows: copied without a call.
  const auto put = [&next](const auto& fixed) {
    std::memcpy(next, fixed.data(), fixed.size());
    next += fixed.size();
  };
  put(kHeaderMagic);
  next = store_be(next, header.height.value);
  next = store_be(next, header.time.value);
  next = store_be(next, header.bits.value);
  next = store_be(next, header.count);
  put(header.rules.array());
  put(header.previous.array());
  put(header.root.array());
  put(header.past.array());
  next = store_be(next, header.nonce);
  check(next == bytes.data() + bytes.size(), "a header of another length");
  return bytes;
}

Bytes encode(const Header& header) { return to_bytes(header_bytes(header)); }

Result<Header> decode_header(ByteView bytes) {
  ByteReader reader(bytes);
  auto header = read_header(reader);
  if (header && !reader.finished()) return malformed("header: trailing bytes");
  return header;
}

void append_seal(Bytes& out, const Seal& seal) {
  check(seal.size() <= kEndorsersMax, "a seal with too many signatures");
  append_be(out, static_cast<std::uint8_t>(seal.size()));
  for (const SealEntry& entry : seal) {
    append_be(out, entry.index);
    append(out, entry.signature.view());
  }
}

Result<Seal> read_seal(ByteReader& reader) {
  const auto count = reader.integer<std::uint8_t>();
  if (count > kEndorsersMax) return malformed("seal: count");
  Seal seal;
  for (std::uint8_t i = 0; i < count; ++i) {
    SealEntry entry;
    entry.index = reader.integer<std::uint8_t>();
    entry.signature = reader.fixed<Signature>();
    if (!seal.empty() && entry.index <= seal.back().index) return malformed("seal: order");
    if (entry.index >= kEndorsersMax) return malformed("seal: index");
    seal.push_back(entry);
  }
  if (reader.ran_short()) return malformed("seal: cut short");
  return seal;
}

Bytes encode(const SealedHeader& sealed) {
  Bytes out;
  append_header(out, sealed.header);
  append_seal(out, sealed.seal);
  return out;
}

Result<SealedHeader> read_sealed_header(ByteReader& reader) {
  auto header = read_header(reader);
  if (!header) return header.error();
  auto seal = read_seal(reader);
  if (!seal) return seal.error();
  return SealedHeader{std::move(header).value(), std::move(seal).value()};
}

Result<SealedHeader> decode_sealed_header(ByteView bytes) {
  ByteReader reader(bytes);
  auto sealed = read_sealed_header(reader);
  if (sealed && !reader.finished()) return malformed("sealed header: trailing bytes");
  return sealed;
}

void append_head(Bytes& out, const MessageHead& head) {
  check(head.key_section.size() <= 0xffff, "a key section too long");
  append(out, as_bytes(kMessageMagic));
  append_be(out, static_cast<std::uint8_t>(head.suite));
  append_be(out, std::uint8_t{0});
  append_be(out, static_cast<std::uint16_t>(head.key_section.size()));
  append(out, head.chain.view());
  append(out, head.topic.view());
  append_be(out, head.time);
  append_be(out, head.ttl);
  append_be(out, head.body_bytes);
  append(out, head.key_section);
  append(out, head.body_hash.view());
}

Result<MessageHead> read_head(ByteReader& reader) {
  if (as_text(reader.take(kMessageMagic.size())) != kMessageMagic) return malformed("head: magic");
  MessageHead head;
  head.suite = static_cast<Suite>(reader.integer<std::uint8_t>());
  if (reader.integer<std::uint8_t>() != 0) return malformed("head: reserved byte");
  const auto key_bytes = reader.integer<std::uint16_t>();
  if (!key_section_fits(head.suite, key_bytes)) return malformed("head: key length");
  head.chain = reader.fixed<ChainTag>();
  head.topic = reader.fixed<Topic>();
  head.time = reader.integer<std::uint32_t>();
  head.ttl = reader.integer<std::uint32_t>();
  head.body_bytes = reader.integer<std::uint32_t>();
  head.key_section = to_bytes(reader.take(key_bytes));
  head.body_hash = reader.fixed<BodyHash>();
  if (reader.ran_short()) return malformed("head: cut short");
  return head;
}

Bytes encode(const MessageHead& head) {
  Bytes out;
  out.reserve(head.head_bytes());
  append_head(out, head);
  return out;
}

Result<MessageHead> decode_head(ByteView bytes) {
  ByteReader reader(bytes);
  auto head = read_head(reader);
  if (head && !reader.finished()) return malformed("head: trailing bytes");
  return head;
}

Bytes encode(const Message& message) {
  check(message.body.has_value(), "encoded a message without its body");
  check(message.body->size() == message.head.body_bytes, "a body of another length than its head");
  Bytes out;
  out.reserve(message.head.encoded_bytes());
  append_head(out, message.head);
  append_be(out, message.nonce);
  append(out, *message.body);
  return out;
}

Result<Message> decode_message(ByteView bytes) {
  ByteReader reader(bytes);
  auto head = read_head(reader);
  if (!head) return head.error();
  Message message{
      .head = std::move(head).value(), .nonce = reader.integer<std::uint64_t>(), .body = {}};
  if (reader.ran_short() || reader.size_left() != message.head.body_bytes) {
    return malformed("message: body length");
  }
  message.body = to_bytes(reader.rest());
  return message;
}

Bytes encode(const Block& block) {
  std::size_t bytes = kHeaderRoom;
  for (const Message& message : block.messages) {
    bytes += message.head.head_bytes() + kNonceBytes + 1;
    if (message.body) bytes += message.body->size();
  }
  Bytes out;
  out.reserve(bytes);
  append_header(out, block.header);
  append_seal(out, block.seal);
  for (const Message& message : block.messages) {
    append_head(out, message.head);
    append_be(out, message.nonce);
    append_be(out, static_cast<std::uint8_t>(message.body ? 1 : 0));
    if (message.body) append(out, *message.body);
  }
  return out;
}

Result<Block> decode_block(ByteView bytes) {
  ByteReader reader(bytes);
  auto sealed = read_sealed_header(reader);
  if (!sealed) return sealed.error();
  Block block{sealed.value().header, sealed.value().seal, {}};
  // The count is a stranger's word: it must fit into the bytes that came before memory is taken.
  if (block.header.count > reader.size_left() / kBlockMessageBytesMin)
    return malformed("block: count");
  block.messages.reserve(block.header.count);
  for (std::uint32_t i = 0; i < block.header.count; ++i) {
    auto message = read_block_message(reader);
    if (!message) return message.error();
    block.messages.push_back(std::move(message).value());
  }
  if (!reader.finished()) return malformed("block: trailing bytes");
  return block;
}

}  // namespace bmsg
