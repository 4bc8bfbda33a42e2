#include "storage/mail_schema.h"
#include "storage/schema.h"
#include "storage/witness.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/chain_builder.h"

namespace bmsg::fuzz {
namespace {

storage::BlockRecord record_of(ChainBuilder builder) {
  storage::BlockRecord record;
  record.no = 3;
  record.bytes = 400;
  const Block block = builder.block(builder.genesis());
  record.sealed = {block.header, block.seal};
  return record;
}

node::Peer full_peer() {
  node::Peer peer;
  peer.url = "http://a";
  peer.key = NodeKey();
  peer.height = Height{7};
  peer.last_error = "timeout";
  peer.told_by = "10.0";
  return peer;
}

Bytes full_table() {
  ChainBuilder builder{pow_rules_text()};
  Bytes table = storage::begin_table(BlockHash());
  storage::append_entry(table, builder.public_message("one", UnixSeconds{kEasyGenesisTime + 9}));
  storage::append_entry(table, builder.public_message("two", UnixSeconds{kEasyGenesisTime + 9}));
  return table;
}

}  // namespace

std::vector<Seed> store_seeds() {
  std::vector<Seed> out;
  const auto add = [&out](const char* target, Bytes bytes) {
    out.push_back({target, std::move(bytes)});
  };
  for (const std::string& rules : {pow_rules_text(), endorse_rules_text(3, 4)}) {
    const storage::BlockRecord record = record_of(ChainBuilder(rules));
    add("block_record", storage::encode(record));
    add("chain_values", storage::encode(storage::HeightRecord{BlockHash(), record}));
  }
  add("chain_values", storage::encode(std::vector<storage::PlaceRecord>{{1, 2}, {3, 4}}));
  add("chain_values", storage::encode(storage::Counters{5, 6}));
  add("chain_values", storage::encode(Height{9}));
  add("tip_record", storage::encode(node::Tip{}));
  add("dropped_value", storage::encode(node::DroppedBody{}));
  node::PooledMessage pooled;
  pooled.message =
      ChainBuilder(pow_rules_text()).public_message("one", UnixSeconds{kEasyGenesisTime + 9});
  add("pooled_value", storage::encode_pooled(pooled));
  pooled.origin = node::Origin::peer;
  pooled.giver = 77;
  add("pooled_value", storage::encode_pooled(pooled));
  add("peer_value", storage::encode(node::Peer()));
  add("peer_value", storage::encode(full_peer()));
  add("table", full_table());
  mail::MailEntry entry;
  entry.sealed = Bytes(60, 1);
  add("mail_entry", storage::encode(entry));
  add("mail_values", storage::encode(mail::Flags{"unread", "flagged"}));
  add("mail_values", storage::encode(mail::ScanPosition{}));
  add("witness", to_bytes(storage::print(storage::Witness{})));
  return out;
}

}  // namespace bmsg::fuzz
