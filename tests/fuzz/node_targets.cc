#include "lib/node/dht_value.h"
#include "lib/node/endorser_log.h"
#include "lib/node/peer_record.h"
#include "tests/fuzz/target.h"

namespace bmsg::fuzz {
namespace {

constexpr std::size_t kRecords = 32;

bool peer_record(ByteView bytes) {
  return one_text(bytes, node::parse_peer_record, node::print_peer_record);
}

bool peer_records(ByteView bytes) {
  const auto records = node::parse_peer_records(text_of(bytes), kRecords);
  if (!records) return false;
  check(records.value().size() <= kRecords, "no more records than were asked for");
  const std::string written = node::print_peer_records(records.value());
  check(node::print_peer_records(node::parse_peer_records(written, kRecords).value()) == written,
        "records are read as they were written");
  return true;
}

bool dht_value(ByteView bytes) {
  const bool is_value = node::read_dht_value(bytes, ChainId(), crypto::SecretBytes(32)).has_value();
  return is_value || node::parse_dht_secret(bytes);
}

bool endorser_log(ByteView bytes) {
  return node::EndorserLog::is_whole(EndorserKey(), text_of(bytes));
}

constexpr Target kTargets[] = {
    {"peer_record", peer_record},
    {"peer_records", peer_records},
    {"dht_value", dht_value},
    {"endorser_log", endorser_log},
};

}  // namespace

std::span<const Target> node_targets() { return kTargets; }

}  // namespace bmsg::fuzz
