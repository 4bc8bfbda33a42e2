#include "lib/node/peer_record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lib/core/base64.h"
#include "lib/core/bytes.h"
#include "lib/crypto/sign.h"

namespace bmsg::node {
namespace {

constexpr std::uint64_t kNow = 1'767'225'600;
constexpr std::uint64_t kFourteenDays = 14 * 86'400;
const ChainId kChain = ChainId::filled(7);

crypto::SecretBytes seed(std::uint8_t byte = 1) {
  return crypto::SecretBytes::from(Bytes(crypto::kSeedBytes, byte));
}

PeerRecord record(const std::string& host_port = "11.0.0.1:5512", std::uint64_t time = kNow) {
  return sign_peer_record(seed(), kChain, host_port, UnixSeconds{time});
}

std::string refusal(const std::string& line) {
  const auto parsed = parse_peer_record(line);
  return parsed ? "taken" : parsed.error().message;
}

std::string verdict(const PeerRecord& given, std::uint64_t now = kNow) {
  const auto checked = check_peer_record(given, kChain, UnixSeconds{now});
  return checked ? "good" : checked.error().message;
}

/// The fields of a good line, one of them replaced.
std::string with(std::size_t field, const std::string& text) {
  const std::string line = print_peer_record(record());
  std::vector<std::string> fields;
  for (std::size_t at = 0; at <= line.size();) {
    const auto space = std::min(line.find(' ', at), line.size());
    fields.push_back(line.substr(at, space - at));
    at = space + 1;
  }
  fields.at(field) = text;
  return fmt::format("{} {} {} {}", fields[0], fields[1], fields[2], fields[3]);
}

/// So many 'A', then `end`.
std::string as(std::size_t count, const char* end) {
  std::string text(count, 'A');
  text.append(end);
  return text;
}

TEST(PeerRecord, ReadsWhatItPrints) {
  for (const char* place :
       {"11.0.0.1:1", "node.example.org:65535", "[2a01:db7::1]:5512", "a:443"}) {
    const PeerRecord made = record(place);
    const auto read = parse_peer_record(print_peer_record(made));
    ASSERT_TRUE(read) << place;
    EXPECT_EQ(read.value(), made);
    EXPECT_EQ(verdict(read.value()), "good");
  }
}

TEST(PeerRecord, HasTheTextThatThePageShows) {
  const std::string line = print_peer_record(record());
  const std::string key = to_base64url(crypto::public_key_of(seed()).view());
  EXPECT_TRUE(line.starts_with(fmt::format("11.0.0.1:5512 {} 1767225600 ", key))) << line;
  EXPECT_EQ(key.size(), 43U);
  EXPECT_EQ(line.size() - line.rfind(' ') - 1, 86U);
}

TEST(PeerRecord, SignsLabelChainPlaceAndTime) {
  Bytes text = to_bytes("bmsg1 peer");
  append(text, kChain.view());
  append(text, as_bytes("11.0.0.1:5512"));
  append(text, Bytes{0, 0, 0, 0, 0x69, 0x55, 0xb9, 0x00});  // kNow.
  EXPECT_TRUE(crypto::verify(crypto::public_key_of(seed()), text, record().signature));
}

TEST(PeerRecord, RefusesEveryTruncation) {
  const std::string line = print_peer_record(record());
  for (std::size_t size = 0; size < line.size(); ++size) {
    EXPECT_FALSE(parse_peer_record(line.substr(0, size))) << size;
  }
}

TEST(PeerRecord, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(refusal(print_peer_record(record())), "taken");
  const std::string shape = "peer record: not HOST:PORT NODEKEY TIME SIG";
  EXPECT_EQ(refusal(""), shape);
  EXPECT_EQ(refusal(with(3, "A ")), shape);
  EXPECT_EQ(refusal(with(0, " 11.0.0.1:5512")), shape);
  const std::string key = "peer record: the node key is not 32 bytes in base64url";
  for (const std::string& bad :
       {as(0, ""), as(42, ""), as(44, ""), as(42, "B"), as(43, "="), as(42, "+")}) {
    EXPECT_EQ(refusal(with(1, bad)), key) << bad;
  }
  const std::string time = "peer record: the time is no decimal number";
  for (const char* bad : {"", "-1", "+1", "01", "1x", "18446744073709551616"}) {
    EXPECT_EQ(refusal(with(2, bad)), time) << bad;
  }
  for (const char* good : {"0", "18446744073709551615"}) EXPECT_EQ(refusal(with(2, good)), "taken");
  const std::string signature = "peer record: the signature is not 64 bytes in base64url";
  for (const std::string& bad : {as(0, ""), as(85, ""), as(87, ""), as(85, "B"), as(85, "\n")}) {
    EXPECT_EQ(refusal(with(3, bad)), signature) << bad;
  }
}

TEST(PeerRecord, RefusesWhatIsNoPlace) {
  const std::string place = "peer record: no such HOST:PORT";
  for (const char* bad : {"",
                          ":1",
                          "11.0.0.1",
                          "11.0.0.1:",
                          "11.0.0.1:0",
                          "11.0.0.1:05512",
                          "11.0.0.1:65536",
                          "11.0.0.1:+1",
                          "11.0.0:1",
                          "11.0.0.1.:1",
                          "11.0.0.256:1",
                          "011.0.0.1:1",
                          "0x7f.1:1",
                          "127.1:1",
                          "2130706433:1",
                          "Node.example:1",
                          "node..example:1",
                          ".example:1",
                          "example.:1",
                          "-a.example:1",
                          "a-.example:1",
                          "a_b.example:1",
                          "2a01:db7::1:5512",
                          "[2a01:db7::1]",
                          "[2A01:db7::1]:1",
                          "[2a01:db7:0::1]:1",
                          "[2a01:0db7::1]:1",
                          "[]:1",
                          "[11.0.0.1]:1",
                          "[fe80::1%eth0]:1",
                          "user@example:1",
                          "example/x:1",
                          "https://example:1"}) {
    EXPECT_EQ(refusal(with(0, bad)), place) << bad;
    EXPECT_FALSE(is_host_port(bad)) << bad;
  }
}

TEST(PeerRecord, BoundsNamesAndLines) {
  const std::string label(63, 'a');
  const std::string longest = fmt::format("{0}.{0}.{0}.{1}", label, std::string(61, 'a'));
  ASSERT_EQ(longest.size(), 253U);
  const std::string longest_place = fmt::format("{}:65535", longest);
  EXPECT_TRUE(is_host_port(longest_place));
  EXPECT_FALSE(is_host_port(fmt::format("{}a:65535", longest)));
  EXPECT_TRUE(is_host_port(fmt::format("{}:1", label)));
  EXPECT_FALSE(is_host_port(fmt::format("{}a:1", label)));
  EXPECT_LE(print_peer_record(record(longest_place, UINT64_MAX)).size(), kPeerRecordBytesMax);
  EXPECT_EQ(refusal(std::string(kPeerRecordBytesMax + 1, 'a')),
            "peer record: longer than 512 bytes");
  EXPECT_NE(refusal(std::string(kPeerRecordBytesMax, 'a')), "peer record: longer than 512 bytes");
}

TEST(PeerRecord, IsGoodFor14DaysAndTwoMinutesAhead) {
  EXPECT_EQ(verdict(record(), kNow + kFourteenDays), "good");
  EXPECT_EQ(verdict(record(), kNow + kFourteenDays + 1), "peer record: older than 14 days");
  EXPECT_EQ(verdict(record(), kNow - 120), "good");
  EXPECT_EQ(verdict(record(), kNow - 121), "peer record: its time is in the future");
  EXPECT_EQ(verdict(record("a:1", UINT64_MAX)), "peer record: its time is in the future");
  EXPECT_EQ(verdict(record("a:1", 0)), "peer record: older than 14 days");
}

TEST(PeerRecord, HoldsOnlyAsItsNodeSignedIt) {
  const std::string forged = "peer record: its node has not signed this for this chain";
  const PeerRecord good = record();
  EXPECT_EQ(verdict(good), "good");
  PeerRecord broken = good;
  broken.host_port = "11.0.0.1:5513";
  EXPECT_EQ(verdict(broken), forged);
  broken = good;
  broken.time.value += 1;
  EXPECT_EQ(verdict(broken), forged);
  broken = good;
  broken.key = relabel<NodeKey>(crypto::public_key_of(seed(2)));
  EXPECT_EQ(verdict(broken), forged);
  broken.key = {};  // A weak key, under which anybody can sign.
  EXPECT_EQ(verdict(broken), forged);
  broken = good;
  broken.signature.data()[63] ^= 1;
  EXPECT_EQ(verdict(broken), forged);
  EXPECT_FALSE(check_peer_record(good, ChainId::filled(8), UnixSeconds{kNow}));
}

TEST(PeerRecord, IsReadOneALineUpToALimit) {
  const std::string line = print_peer_record(record());
  const std::string two = print_peer_records({record(), record("a:1")});
  const auto read = parse_peer_records(two, 2);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), (std::vector{record(), record("a:1")}));
  EXPECT_TRUE(parse_peer_records("", 0).value().empty());
  EXPECT_FALSE(parse_peer_records(two, 1));
  EXPECT_FALSE(parse_peer_records(two.substr(0, two.size() - 1), 2));
  EXPECT_FALSE(parse_peer_records(fmt::format("{}\n\n", line), 2));
  EXPECT_FALSE(parse_peer_records(fmt::format("{}\r\n", line), 2));
}

TEST(PeerRecord, StandsOneALine) {
  EXPECT_EQ(print_peer_records({}), "");
  const std::string line = print_peer_record(record());
  EXPECT_EQ(print_peer_records({record(), record()}), fmt::format("{0}\n{0}\n", line));
}

}  // namespace
}  // namespace bmsg::node
