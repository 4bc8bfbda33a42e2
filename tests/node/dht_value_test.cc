#include "lib/node/dht_value.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/core/base64.h"
#include "lib/core/hex.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sign.h"

namespace bmsg::node {
namespace {

constexpr UnixSeconds kNow{1'800'000'000};
const ChainId kChain = ChainId::filled(1);
const NodeKey kNobody = NodeKey::filled(0);
const crypto::SecretBytes kOpen;

crypto::SecretBytes secret(std::uint8_t byte) {
  return crypto::SecretBytes::from(Bytes(kDhtSecretBytes, byte));
}

PeerRecord record(std::uint16_t node, UnixSeconds time = kNow, const ChainId& chain = kChain) {
  Bytes seed(crypto::kSeedBytes, static_cast<std::uint8_t>(node));
  seed[0] = static_cast<std::uint8_t>(node >> 8);
  return sign_peer_record(crypto::SecretBytes::from(seed), chain, "11.0.0.1:5512", time);
}

Bytes value_of(const PeerRecord& of, const crypto::SecretBytes& with) {
  crypto::SystemEntropy entropy;
  return dht_value(of, kChain, with, entropy).value();
}

TEST(DhtSecret, IsThirtyTwoBytesOfBase64url) {
  const std::string text = to_base64url(secret(7).view());
  ASSERT_EQ(text.size(), 43u);
  for (const std::string& good : {text, text + "\n"}) {
    const auto parsed = parse_dht_secret(as_bytes(good));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(to_hex(parsed.value().view()), to_hex(secret(7).view()));
  }
  for (const std::string& bad : {std::string(), std::string("\n"), text.substr(1), text + "A",
                                 text + "\n\n", text + "=", " " + text, text + "\r\n"}) {
    const auto parsed = parse_dht_secret(as_bytes(bad));
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, Errc::bad_input);
    EXPECT_EQ(parsed.error().message.find(text.substr(1)), std::string::npos);
  }
}

TEST(DhtKey, IsTheHashOfThePage) {
  Bytes whole = to_bytes("bmsg1 dht");
  append(whole, kChain.view());
  EXPECT_EQ(dht_key_of_chain(kChain, kOpen), crypto::sha512(whole));
  append(whole, secret(7).view());
  EXPECT_EQ(dht_key_of_chain(kChain, secret(7)), crypto::sha512(whole));
}

TEST(DhtValue, OfAnOpenChainIsTheLine) {
  const PeerRecord made = record(1);
  const Bytes value = value_of(made, kOpen);
  EXPECT_EQ(to_string(value), print_peer_record(made));
  EXPECT_EQ(read_dht_value(value, kChain, kOpen), made);
}

TEST(DhtValue, WithASecretTellsNothing) {
  const PeerRecord made = record(1);
  const Bytes value = value_of(made, secret(7));
  EXPECT_EQ(value.size(), print_peer_record(made).size() + 28);
  EXPECT_EQ(to_string(value).find("11.0.0.1"), std::string::npos);
  EXPECT_NE(value, value_of(made, secret(7)));  // Another nonce.
  EXPECT_EQ(read_dht_value(value, kChain, secret(7)), made);
  EXPECT_EQ(read_dht_value(value, kChain, secret(8)), std::nullopt);
  EXPECT_EQ(read_dht_value(value, kChain, kOpen), std::nullopt);
  EXPECT_EQ(read_dht_value(value, ChainId::filled(2), secret(7)), std::nullopt);
}

TEST(DhtValue, IsRefusedWithAnyByteChangedOrMissing) {
  const Bytes good = value_of(record(1), secret(7));
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes value = good;
    value[i] ^= 1;
    EXPECT_EQ(read_dht_value(value, kChain, secret(7)), std::nullopt) << i;
    EXPECT_EQ(read_dht_value(ByteView(good).first(i), kChain, secret(7)), std::nullopt) << i;
  }
}

TEST(DhtValue, OfTheLongestPlaceIsReadAndNothingIsEmpty) {
  const std::string label(60, 'a');
  const std::string place = label + "." + label + "." + label + "." + label + ".example:65535";
  const auto seed = crypto::SecretBytes::from(Bytes(crypto::kSeedBytes, 1));
  const PeerRecord made = sign_peer_record(seed, kChain, place, kNow);
  ASSERT_TRUE(parse_peer_record(print_peer_record(made)));
  EXPECT_EQ(read_dht_value(value_of(made, secret(7)), kChain, secret(7)), made);
  EXPECT_EQ(read_dht_value({}, kChain, kOpen), std::nullopt);
  EXPECT_EQ(read_dht_value({}, kChain, secret(7)), std::nullopt);
}

TEST(DhtFinds, KeepTheNewestOfEachNode) {
  DhtFinds finds(kChain, {}, kNobody, Digest());
  const UnixSeconds later{kNow.value + 1};
  for (const UnixSeconds time : {kNow, later, kNow})
    finds.take(value_of(record(1, time), kOpen), kNow);
  finds.take(value_of(record(2), kOpen), kNow);
  auto found = finds.records();
  std::ranges::sort(found, {}, [](const PeerRecord& one) { return one.time.value; });
  EXPECT_EQ(found, (std::vector{record(2), record(1, later)}));
}

TEST(DhtFinds, AreNeitherOursNorForgedNorOld) {
  DhtFinds finds(kChain, {}, record(9).key, Digest());
  finds.take(value_of(record(9), kOpen), kNow);
  finds.take(value_of(record(1, kNow, ChainId::filled(2)), kOpen), kNow);
  PeerRecord forged = record(1);
  forged.host_port = "11.0.0.2:5512";
  finds.take(value_of(forged, kOpen), kNow);
  finds.take(value_of(record(1, UnixSeconds{kNow.value + 121}), kOpen), kNow);
  finds.take(value_of(record(1, UnixSeconds{kNow.value - 14 * 86'400 - 1}), kOpen), kNow);
  EXPECT_EQ(finds.records().size(), 0u);
  finds.take(value_of(record(1), kOpen), kNow);
  EXPECT_EQ(finds.records(), std::vector{record(1)});
}

TEST(DhtFinds, OfTooManyArePartWhateverTheirOrder) {
  DhtFinds forth(kChain, {}, kNobody, Digest::filled(3));
  DhtFinds back(kChain, {}, kNobody, Digest::filled(3));
  DhtFinds other(kChain, {}, kNobody, Digest::filled(4));
  constexpr std::uint16_t kCount = kDhtFindsMax + 50;
  for (std::uint16_t i = 0; i < kCount; ++i) {
    forth.take(value_of(record(i), kOpen), kNow);
    back.take(value_of(record(static_cast<std::uint16_t>(kCount - 1 - i)), kOpen), kNow);
    other.take(value_of(record(i), kOpen), kNow);
  }
  EXPECT_EQ(forth.records().size(), kDhtFindsMax);
  EXPECT_EQ(forth.records(), back.records());
  EXPECT_NE(forth.records(), other.records());
}

TEST(DhtFinds, TakeNoHarmFromTenThousandOthers) {
  DhtFinds finds(kChain, secret(7), kNobody, Digest());
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    Bytes junk(i % (kDhtValueBytesMax + 2), static_cast<std::uint8_t>(i));
    finds.take(junk, kNow);
  }
  finds.take(value_of(record(1), secret(7)), kNow);
  EXPECT_EQ(finds.records(), std::vector{record(1)});
}

}  // namespace
}  // namespace bmsg::node
