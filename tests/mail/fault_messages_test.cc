// Messages with one fault each: codec, rules, slots, seal, records, signature.

#include <gtest/gtest.h>

#include "lib/chain/message_rules.h"
#include "lib/core/codec.h"
#include "lib/crypto/aead.h"
#include "lib/mail/seal_scheme.h"
#include "tests/mail/faults.h"

namespace bmsg::mail {
namespace {

using namespace faults;

constexpr UnixSeconds kThen{golden::kMessageTime};

Message letter() {
  FakeEntropy entropy(7);
  const auto alice = secret(1);
  Content content = text(std::string(1500, 'w'));
  return seal(rules(), content, {recipient(0xb0, 2), recipient(0xc0, 3)}, &alice, month(), entropy)
      .value()
      .with_nonce(0);
}

/// A message as Bob's program takes it, layer by layer.
Refusal refusal_of(ByteView bytes, std::uint8_t ikm = 0xb0, std::uint8_t owner = 2) {
  const auto message = decode_message(bytes);
  if (!message) return {"codec", message.error().message};
  const auto id = chain::id_of(message.value().head);
  if (const auto broken = chain::find_violation(message.value(), id, kThen, rules()))
    return {"rules", std::string(chain::name_of(broken->rule))};
  const auto opened = open(message.value(), rules().id, agreement(ikm), identity(owner));
  if (!opened) return {"slots", "not ours"};
  if (opened->fault) {
    EXPECT_EQ(opened->content, Content()) << "shown in part";
    return {std::string(name_of(*opened->fault)), opened->detail};
  }
  if (opened->signature == SignatureState::bad) return {"signature", "bad"};
  return {};
}

Refusal refusal_of(const Message& message) { return refusal_of(encode(message)); }

crypto::SecretBytes key_of(const Message& message) {
  return std::move(*find_content_key(message.head, rules().id, agreement(0xb0), identity(2)));
}

/// The letter with another plaintext, as a sender with its content key makes it. Zeros fill it to
/// the length of the letter's: slots hold for one head alone.
Message with_plain(Bytes plain) {
  Message message = letter();
  const auto key = key_of(message);
  plain.resize(message.head.body_bytes - scheme::kBodyOverheadBytes);
  const auto keys = scheme::body_keys(key, head_hash(message.head));
  Bytes body = keys.commitment;
  append(body, crypto::aead_seal(keys.key, crypto::AeadNonce(), {}, plain));
  set_body(message, std::move(body));
  return message;
}

void add_encodings(Rows& rows) {
  const Bytes good = encode(letter());
  const auto changed = [&](std::size_t at, std::uint8_t to) {
    Bytes bytes = good;
    bytes[at] = to;
    return refusal_of(bytes);
  };
  const auto cut = [&](std::size_t size) { return refusal_of(ByteView(good).first(size)); };
  add(rows, "nothing", {"codec", "magic"}, cut(0));
  add(rows, "half a magic", {"codec", "magic"}, cut(2));
  add(rows, "a head cut", {"codec", "head"}, cut(60));
  add(rows, "a body cut", {"codec", "body length"}, cut(good.size() - 1));
  add(rows, "another magic", {"codec", "magic"}, changed(0, 'B'));
  add(rows, "reserved byte", {"codec", "reserved"}, changed(5, 1));
  add(rows, "keys of no suite", {"codec", "key length"}, changed(4, 0));
  add(rows, "half a slot", {"codec", "key length"}, changed(7, 0x81));
  Bytes longer = good;
  longer.push_back(0);
  add(rows, "a byte more", {"codec", "body length"}, refusal_of(longer));
}

void add_rules(Rows& rows) {
  const auto with = [&](std::string what, std::string rule, auto change) {
    Message message = letter();
    change(message);
    add(rows, std::move(what), {"rules", std::move(rule)}, refusal_of(message));
  };
  with("another chain", "chain", [](Message& m) { m.head.chain = ChainTag::filled(1); });
  with("no life", "ttl", [](Message& m) { m.head.ttl = 0; });
  with("too long a life", "ttl", [](Message& m) { m.head.ttl = rules().rules.maxttl + 1; });
  with("from tomorrow", "early", [](Message& m) { m.head.time += 86400; });
  with("over", "expired", [](Message& m) { m.head.time -= m.head.ttl; });
  with("too large", "size", [](Message& m) { set_body(m, Bytes(rules().rules.maxmessage)); });
  with("another body", "body", [](Message& m) { m.body->front() ^= 1; });
  with("another hash", "body", [](Message& m) { m.head.body_hash = BodyHash::filled(1); });
}

void add_seals(Rows& rows) {
  const Bytes good = encode(letter());
  add(rows, "another key", {"slots", ""}, refusal_of(good, 0xb1, 2));
  add(rows, "another owner", {"slots", ""}, refusal_of(good, 0xb0, 66));
  const auto with = [&](std::string what, std::string layer, auto change) {
    Message message = letter();
    change(message);
    add(rows, std::move(what), {std::move(layer), ""}, refusal_of(message));
  };
  with("another enc", "slots", [](Message& m) { m.head.key_section[3] ^= 1; });
  with("all-zero enc", "slots",
       [](Message& m) { std::fill_n(m.head.key_section.begin(), 32, std::uint8_t{0}); });
  with("all slots changed", "slots", [](Message& m) {
    for (std::size_t at = 32; at < m.head.key_section.size(); at += 48) m.head.key_section[at] ^= 1;
  });
  with("another topic", "slots", [](Message& m) { m.head.topic = Topic::filled(1); });
  with("another date", "slots", [](Message& m) { m.head.time -= 60; });
  with("another life", "slots", [](Message& m) { m.head.ttl -= 60; });
  for (const std::size_t at : {0u, 31u}) {
    with("commitment", "commitment", [at](Message& m) {
      Bytes body = *m.body;
      body[at] ^= 1;
      set_body(m, body);
    });
  }
  for (const std::size_t from_end : {1u, 16u, 17u, 1000u}) {
    with("ciphertext or tag", "tag", [from_end](Message& m) {
      Bytes body = *m.body;
      body[body.size() - from_end] ^= 1;
      set_body(m, body);
    });
  }
  with("another length", "slots", [](Message& m) { set_body(m, Bytes(47)); });
}

Bytes record(std::uint8_t type, const Bytes& value) {
  Bytes made{type, static_cast<std::uint8_t>(value.size() >> 8),
             static_cast<std::uint8_t>(value.size())};
  append(made, value);
  return made;
}

void add_record(Rows& rows, std::string what, Refusal expected, const std::vector<Bytes>& records) {
  Bytes plain;
  for (const Bytes& one : records) append(plain, one);
  add(rows, std::move(what), std::move(expected), refusal_of(with_plain(plain)));
}

void add_record_lengths(Rows& rows) {
  const Bytes kind = record(1, {0});
  struct Length {
    std::uint8_t type;
    std::size_t size;
    const char* name;
  };
  for (const auto& [type, size, name] : {Length{3, 1, "device"},
                                         {4, 8, "seq"},
                                         {5, 16, "prev"},
                                         {6, 64, "re"},
                                         {0x0c, 5, "inbox"},
                                         {0x0d, 36, "grant"},
                                         {0x0e, 193, "statement"},
                                         {0x0f, 16, "thread"}}) {
    const Refusal refusal{"records", name};
    add_record(rows, std::string("short ") + name, refusal, {kind, record(type, Bytes(size - 1))});
    add_record(rows, std::string("long ") + name, refusal, {kind, record(type, Bytes(size + 1))});
  }
  struct Empty {
    std::uint8_t type;
    const char* name;
  };
  for (const auto& [type, name] : {Empty{2, "sender"},
                                   {7, "media type"},
                                   {8, "subject"},
                                   {9, "content"},
                                   {0x0a, "manifest"},
                                   {0x0b, "prekey"},
                                   {0x41, "sent to"}})
    add_record(rows, std::string("empty ") + name, {"records", name}, {kind, record(type, {})});
}

void add_record_values(Rows& rows) {
  const Bytes kind = record(1, {0});
  const Bytes one = record(9, {'a'});
  const Bytes sender = record(2, filled(1));
  const Bytes signature = record(0x7f, filled(1, 64));
  const auto bad = [&](std::string what, std::string why, const std::vector<Bytes>& records) {
    add_record(rows, std::move(what), {"records", std::move(why)}, records);
  };
  bad("no kind", "kind: missing", {one});
  bad("kind of two bytes", "kind", {record(1, {0, 0})});
  bad("kind twice", "type 01 after 01", {kind, kind});
  bad("text twice", "type 09 after 09", {kind, one, one});
  bad("going back", "type 08 after 09", {kind, one, record(8, {'a'})});
  bad("a sender who did not sign", "one without the other", {kind, sender, one});
  bad("signed by nobody", "one without the other", {kind, one, signature});
  bad("a record behind the signature", "after the signature",
      {kind, sender, one, signature, record(0x80, {1})});
  bad("a short signature", "signature", {kind, sender, one, record(0x7f, filled(1, 63))});
  bad("a sender of 33 bytes", "sender", {kind, record(2, filled(1, 33)), one, signature});
  bad("a subject that is no text", "subject", {kind, record(8, {0xff})});
  bad("a media type with a line end", "media type", {kind, record(7, {'a', '\n'})});
  bad("an inbox of 33 bits", "inbox", {kind, record(0x0c, {33, 0, 0, 0, 0})});
  bad("a prekey too long", "prekey", {kind, record(0x0b, filled(1, 34))});
  bad("asking with 2", "ask", {kind, record(0x40, {2})});
  bad("an unknown one twice", "type 50 after 50", {kind, record(0x50, {1}), record(0x50, {1})});
  bad("padding alone", "kind: missing", {Bytes(256)});
  bad("cut by its length", "cut short", {kind, {9, 0xff, 0xff}});
  add_record(rows, "a type of tomorrow", {"newer", "type 10"}, {kind, record(0x10, {1})});
  add_record(rows, "a kind of tomorrow", {"newer", "kind 9"}, {record(1, {9})});
  Bytes padded = kind;
  padded.resize(255);
  padded.push_back(1);
  add_record(rows, "padding that is not zero", {"padding", ""}, {padded});
  add_record(rows, "a signature of nobody's", {"signature", "bad"}, {kind, sender, one, signature});
}

TEST(FaultVectors, OfMessagesAreRefusedByTheirLayer) {
  ASSERT_EQ(refusal_of(letter()).layer, "") << "the letter itself opens";
  Rows rows;
  for (const auto add_some :
       {add_encodings, add_rules, add_seals, add_record_lengths, add_record_values})
    add_some(rows);
  EXPECT_GE(rows.size(), kOfMessagesMin);
  expect_refusals(rows);
}

/// Every bit of 2 kB: as it came, and where the sender's hash of the body was made to fit again.
TEST(FaultVectors, NoBitOfASealedMessageMayChange) {
  const Message message = letter();
  const Bytes good = encode(message);
  ASSERT_GE(good.size(), 1'900u);
  const std::size_t nonce_at = message.head.head_bytes();
  const auto key = key_of(message);
  const auto shows_nothing = [](const Opened& found) {
    return found.fault && found.content == Content();
  };
  std::size_t opened = 0;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    if (bit / 8 >= nonce_at && bit / 8 < nonce_at + kNonceBytes) continue;  // The stamp's.
    Bytes bytes = good;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    auto bad = decode_message(bytes);
    if (!bad) continue;
    ++opened;
    // With the key in hand too, which spares whoever flips the search for a slot.
    ASSERT_TRUE(shows_nothing(open_with_content_key(bad.value(), rules().id, key))) << bit;
    if (bit / 8 < nonce_at) {
      const auto found = open(bad.value(), rules().id, agreement(0xb0), identity(2));
      ASSERT_TRUE(!found || shows_nothing(*found)) << bit;
      continue;
    }
    bad.value().head.body_hash = chain::body_hash_of(*bad.value().body);
    ASSERT_TRUE(shows_nothing(open_with_content_key(bad.value(), rules().id, key)))
        << bit << " and its hash";
  }
  EXPECT_GT(opened, 8 * message.body->size());
}

}  // namespace
}  // namespace bmsg::mail
