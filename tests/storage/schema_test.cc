#include "storage/schema.h"

#include <gtest/gtest.h>

#include <functional>

#include "lib/chain/block_hash.h"
#include "storage/mail_schema.h"
#include "tests/support/chain_builder.h"

namespace bmsg::storage {
namespace {

TEST(SchemaKeys, SortByHeightNumberAndIndex) {
  EXPECT_LT(key(Kind::height, Height{255}), key(Kind::height, Height{256}));
  EXPECT_LT(key(Kind::messages, std::uint64_t{255}), key(Kind::messages, std::uint64_t{65536}));
  EXPECT_LT(body_key(1, 255), body_key(1, 256));
  EXPECT_LT(body_key(1, 0xffffffff), body_key(2, 0));
  EXPECT_LT(tree_key(0, 1000), tree_key(1, 0));
}

TEST(SchemaKeys, KeepTheKindsApart) {
  const BlockHash hash;
  EXPECT_NE(key(Kind::main_block, hash.view()), key(Kind::side_block, hash.view()));
  EXPECT_NE(key(Kind::height, Height{1}), key(Kind::checkpoint, Height{1}));
}

TEST(SchemaKeys, OfABodyBeginWithThoseOfItsBlock) {
  const Bytes block = key(Kind::body, std::uint64_t{7});
  const Bytes body = body_key(7, 3);
  EXPECT_TRUE(std::ranges::equal(block, ByteView(body).first(block.size())));
}

TEST(MailKeys, SortByTimeThenOrder) {
  EXPECT_LT(order_key({{255}, 9}), order_key({{256}, 1}));
  EXPECT_LT(order_key({{5}, 255}), order_key({{5}, 256}));
}

TEST(MailKeys, OfAFlagDoNotBeginWithAnother) {
  const Bytes longer = flagged_key("unread", MessageId());
  const Bytes shorter = flagged_key("un");
  EXPECT_FALSE(std::ranges::equal(shorter, ByteView(longer).first(shorter.size())));
}

/// A record as bytes, and what reads it.
struct Sample {
  const char* name;
  Bytes bytes;
  std::function<bool(ByteView)> decodes;
  bool open_ended = false;  // Ends with free text: longer is another value, not a fault.
};

template <class T>
std::function<bool(ByteView)> reader(Result<T> (*decode)(ByteView)) {
  return [decode](ByteView value) { return bool(decode(value)); };
}

node::Peer full_peer() {
  node::Peer peer;
  peer.url = "http://peer.example:5512";
  peer.key = NodeKey::filled(9);
  peer.source = node::PeerSource::learned;
  peer.score = 40;
  peer.failures = 3;
  peer.added = {1};
  peer.last_seen = {2};
  peer.not_before = {3};
  peer.height = Height{77};
  peer.latency_ms = 12;
  peer.clock_ahead = -3;
  peer.last_error = "no answer";
  peer.record = node::PeerRecord{"peer.example:5512", NodeKey::filled(9), {5}, {}};
  peer.told_by = "11.0.0.0/16";
  peer.reached = {6};
  peer.exchanges = 7;
  peer.records_asked = {8};
  peer.cursor = "0123456789abcdef.5";
  peer.own_cursor = "12";
  peer.cursors_since = {9};
  return peer;
}

BlockRecord some_record() {
  const ChainBuilder builder;
  return {.no = 3,
          .total_work = Work::filled(1),
          .bytes = 1234,
          .sealed = {builder.genesis(), {{.index = 2, .signature = Signature::filled(8)}}}};
}

node::PooledMessage some_pooled() {
  const ChainBuilder builder;
  const UnixSeconds time{builder.genesis().time.value + 1};
  node::PooledMessage pooled;
  pooled.message = builder.public_message("hello", time);
  pooled.id = chain::id_of(pooled.message.head);
  pooled.since = {88};
  pooled.origin = node::Origin::reorg;
  return pooled;
}

std::vector<Sample> samples() {
  const node::Tip tip{{5}, BlockHash::filled(1), Work::filled(2), {99}};
  const mail::ScanPosition position{{1}, BlockHash::filled(2), 3, Digest::filled(4)};
  const auto peer = [](ByteView value) { return bool(decode_peer("u", value)); };
  const auto entry = [](ByteView value) { return bool(decode_entry(MessageId(), value)); };
  return {
      {"block record", encode(some_record()), reader(decode_block_record)},
      {"height record", encode(HeightRecord{BlockHash::filled(7), some_record()}),
       reader(decode_height_record)},
      {"places", encode(std::vector<PlaceRecord>{{1, 2}}), reader(decode_places)},
      {"counters", encode(Counters{5, 6}), reader(decode_counters)},
      {"tip", encode(tip), reader(decode_tip)},
      {"pooled", encode_pooled(some_pooled()), reader(decode_pooled)},
      {"peer", encode(full_peer()), peer, true},
      {"number", encode_number(7), reader(decode_number)},
      {"height", encode(Height{7}), reader(decode_height)},
      {"position", encode(position), reader(decode_position)},
      {"entry", encode(mail::MailEntry{MessageId(), 1, {2}, {}}), entry, true},
      {"flags", encode(mail::Flags{"a"}), reader(decode_flags)},
  };
}

TEST(SchemaRecords, AreReadOnlyWhole) {
  for (const Sample& sample : samples()) {
    EXPECT_TRUE(sample.decodes(sample.bytes)) << sample.name;
    const std::size_t shortest = sample.open_ended ? sample.bytes.size() - 9 : sample.bytes.size();
    for (std::size_t length = 0; length < shortest; ++length) {
      EXPECT_FALSE(sample.decodes(ByteView(sample.bytes).first(length)))
          << sample.name << " cut to " << length;
    }
    Bytes longer = sample.bytes;
    longer.push_back(0);
    EXPECT_EQ(sample.decodes(longer), sample.open_ended) << sample.name;
  }
}

TEST(SchemaRecords, GiveBackABlock) {
  EXPECT_EQ(decode_block_record(encode(some_record())).value(), some_record());
  const auto at = decode_height_record(encode(HeightRecord{BlockHash::filled(7), some_record()}));
  EXPECT_EQ(at.value().hash, BlockHash::filled(7));
  EXPECT_EQ(at.value().record, some_record());
}

TEST(SchemaRecords, GiveBackAPeer) {
  const node::Peer peer = full_peer();
  EXPECT_EQ(decode_peer(peer.url, encode(peer)).value(), peer);
  node::Peer plain;
  plain.url = "unix:/x";
  EXPECT_EQ(decode_peer(plain.url, encode(plain)).value(), plain);
}

TEST(SchemaRecords, ReadPeersAsTheyWereKeptBeforeTheyHadRecords) {
  node::Peer peer = full_peer();
  peer.record.reset();
  peer.told_by.clear();
  peer.reached = {};
  peer.exchanges = 0;
  peer.records_asked = {};
  peer.cursor.clear();
  peer.own_cursor.clear();
  peer.cursors_since = {};
  Bytes old{1};  // A key.
  append(old, peer.key->view());
  const Bytes rest{2,    0,    0,    0,    40,  0,   0,   0,   3,   0,   0,   0,   0,  0,
                   0,    0,    1,    0,    0,   0,   0,   0,   0,   0,   2,   0,   0,  0,
                   0,    0,    0,    0,    3,   1,   0,   0,   0,   77,  0,   0,   0,  12,
                   0xff, 0xff, 0xff, 0xfd, 'n', 'o', ' ', 'a', 'n', 's', 'w', 'e', 'r'};
  append(old, rest);
  EXPECT_EQ(decode_peer(peer.url, old).value(), peer);
  EXPECT_EQ(encode(peer), old);
}

TEST(SchemaRecords, ReadPeersAsTheyWereKeptBeforeTheyHadCursors) {
  node::Peer peer = full_peer();
  const std::size_t cursors = 2 + peer.cursor.size() + 2 + peer.own_cursor.size() + 8;
  Bytes old = encode(peer);
  ASSERT_EQ(old.front(), 7);
  old.front() = 3;
  const auto from = old.end() - static_cast<std::ptrdiff_t>(peer.last_error.size() + cursors);
  old.erase(from, from + static_cast<std::ptrdiff_t>(cursors));
  peer.cursor.clear();
  peer.own_cursor.clear();
  peer.cursors_since = {};
  EXPECT_EQ(decode_peer(peer.url, old).value(), peer);
  EXPECT_EQ(encode(peer), old);
}

TEST(SchemaRecords, RefuseAPeerOfWhichMoreIsSaidThanIsKnown) {
  Bytes value = encode(full_peer());
  EXPECT_TRUE(decode_peer("u", value));
  value.front() = 8;
  EXPECT_EQ(decode_peer("u", value).error().code, Errc::corrupt);
}

TEST(SchemaRecords, RefuseAPeerOfWhichMoreIsSaidThanThereIs) {
  Bytes value = encode(node::Peer());
  EXPECT_TRUE(decode_peer("u", value));
  for (const std::uint8_t flag :
       {std::uint8_t{2}, std::uint8_t{4}}) {  // More, and cursors: empty ones.
    Bytes longer = value;
    longer.front() = flag;
    longer.resize(value.size() + 64);
    EXPECT_EQ(decode_peer("u", longer).error().code, Errc::corrupt) << int(flag);
  }
}

TEST(SchemaRecords, GiveBackWhoBroughtAWaitingMessage) {
  node::PooledMessage pooled = some_pooled();
  pooled.origin = node::Origin::peer;
  const std::size_t unnamed = encode_pooled(pooled).size();
  EXPECT_EQ(decode_pooled(encode_pooled(pooled)).value().giver, 0U);
  pooled.giver = 0x0102030405060708;
  const Bytes value = encode_pooled(pooled);
  EXPECT_EQ(value.size(), unnamed + 8);
  EXPECT_EQ(value[8], 0x81);
  EXPECT_EQ(decode_pooled(value).value().giver, pooled.giver);
  EXPECT_EQ(decode_pooled(value).value().origin, node::Origin::peer);
  EXPECT_EQ(decode_pooled(value).value().message, pooled.message);
}

TEST(SchemaRecords, RefuseAPeerWhoseRecordIsNone) {
  node::Peer peer = full_peer();
  peer.record->host_port = "Peer.example:5512";
  EXPECT_EQ(decode_peer(peer.url, encode(peer)).error().code, Errc::corrupt);
  peer.record->host_port = "peer.example:5512";
  EXPECT_TRUE(decode_peer(peer.url, encode(peer)));
}

TEST(SchemaRecords, RefuseAPeerFromAnUnknownSource) {
  Bytes value = encode(node::Peer());
  value[1] = static_cast<std::uint8_t>(node::PeerSource::dht);
  EXPECT_TRUE(decode_peer("u", value));
  ++value[1];
  EXPECT_EQ(decode_peer("u", value).error().code, Errc::corrupt);
}

TEST(SchemaRecords, GiveBackAWaitingMessage) {
  const node::PooledMessage pooled = some_pooled();
  const auto read = decode_pooled(encode_pooled(pooled));
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().message, pooled.message);
  EXPECT_EQ(read.value().since, pooled.since);
  EXPECT_EQ(read.value().origin, node::Origin::reorg);
}

TEST(SchemaRecords, RefuseAWaitingMessageOfAnUnknownOrigin) {
  Bytes value = encode_pooled(some_pooled());
  ++value[8];
  EXPECT_EQ(decode_pooled(value).error().code, Errc::corrupt);
}

TEST(SchemaRecords, RefuseFlagsOutOfOrderOrWithoutAName) {
  EXPECT_TRUE(decode_flags(Bytes{1, 'a', 1, 'b'}));
  EXPECT_FALSE(decode_flags(Bytes{1, 'b', 1, 'a'}));
  EXPECT_FALSE(decode_flags(Bytes{1, 'a', 1, 'a'}));
  EXPECT_FALSE(decode_flags(Bytes{0}));
}

TEST(MessageTable, GivesBackHeadsNoncesAndWhoHasABody) {
  Message with = some_pooled().message;
  Message without = with;
  without.nonce = 4711;
  without.body.reset();
  Bytes table = begin_table(BlockHash::filled(5));
  append_entry(table, with);
  append_entry(table, without);

  TableReader reader(table);
  EXPECT_EQ(reader.block(), BlockHash::filled(5));
  const auto first = reader.next().value();
  EXPECT_EQ(first->head, with.head);
  EXPECT_TRUE(first->has_body);
  const auto second = reader.next().value();
  EXPECT_EQ(second->nonce, 4711);
  EXPECT_FALSE(second->has_body);
  EXPECT_FALSE(reader.next().value());
}

TEST(MessageTable, SkipsToAnEntry) {
  Bytes table = begin_table(BlockHash());
  for (std::uint64_t i = 0; i < 3; ++i) {
    Message message = some_pooled().message;
    message.nonce = i;
    append_entry(table, message);
  }
  EXPECT_EQ(TableReader(table).skip(0).value()->nonce, 0);
  EXPECT_EQ(TableReader(table).skip(2).value()->nonce, 2);
  EXPECT_FALSE(TableReader(table).skip(3).value());
}

TEST(MessageTable, IsRefusedWhereItIsCut) {
  Bytes table = begin_table(BlockHash());
  append_entry(table, some_pooled().message);
  for (std::size_t length = BlockHash::kSize + 1; length < table.size(); ++length) {
    const Bytes cut = to_bytes(ByteView(table).first(length));
    const auto entry = TableReader(cut).next();
    ASSERT_FALSE(entry) << length;
    EXPECT_EQ(entry.error().code, Errc::corrupt);
  }
}

}  // namespace
}  // namespace bmsg::storage
