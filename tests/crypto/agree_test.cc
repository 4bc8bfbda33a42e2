#include "lib/crypto/agree.h"

#include <array>
#include <barrier>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tests/crypto/hex_bytes.h"

namespace bmsg::crypto {
namespace {

// RFC 7748, section 6.1.
constexpr std::string_view kAliceSecret =
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
constexpr std::string_view kAlicePublic =
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
constexpr std::string_view kBobSecret =
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
constexpr std::string_view kBobPublic =
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
constexpr std::string_view kShared =
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

// Public keys from which every private key makes zero: the points of small order, and those of
// their other spellings that the top bit, which is ignored, does not already give.
constexpr std::string_view kSmallOrder[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};

// The base point of secp256k1. Source: SEC 2, 2.4.1.
constexpr std::string_view kG =
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
constexpr std::string_view kOrder =
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
constexpr std::string_view kOne =
    "0000000000000000000000000000000000000000000000000000000000000001";
constexpr std::string_view kTwo =
    "0000000000000000000000000000000000000000000000000000000000000002";
constexpr std::string_view kXOfTwiceG =
    "c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";

std::optional<std::string> agreed(Curve curve, std::string_view own, std::string_view other) {
  const auto shared = agree(curve, secret(own), unhex(other));
  return shared ? std::optional(hex(*shared)) : std::nullopt;
}

std::optional<std::string> public_of(Curve curve, std::string_view own) {
  const auto key = public_key_of(curve, secret(own));
  return key ? std::optional(to_hex(*key)) : std::nullopt;
}

// RFC 7748, section 5.2. The second point has its top bit set, which must not matter.
TEST(AgreeX25519, GivesThePublishedResults) {
  EXPECT_EQ(
      agreed(Curve::x25519, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
             "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  EXPECT_EQ(
      agreed(Curve::x25519, "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
             "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
      "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST(AgreeX25519, GivesThePublishedResultAfterAThousandRounds) {
  SecretBytes key = SecretBytes(32);
  key.writable()[0] = 9;
  Bytes point = to_bytes(key.view());
  for (int round = 1; round <= 1000; ++round) {
    auto next = agree(Curve::x25519, key, point);
    ASSERT_TRUE(next) << round;
    point = to_bytes(key.view());
    key = *std::move(next);
    if (round == 1) {
      EXPECT_EQ(hex(key), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
  }
  EXPECT_EQ(hex(key), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST(AgreeX25519, GivesBothSidesThePublishedSecret) {
  EXPECT_EQ(public_of(Curve::x25519, kAliceSecret), kAlicePublic);
  EXPECT_EQ(public_of(Curve::x25519, kBobSecret), kBobPublic);
  EXPECT_EQ(agreed(Curve::x25519, kAliceSecret, kBobPublic), kShared);
  EXPECT_EQ(agreed(Curve::x25519, kBobSecret, kAlicePublic), kShared);
}

TEST(AgreeX25519, RefusesTheAllZeroResultAndLeavesNoError) {
  for (const std::string_view point : kSmallOrder) {
    EXPECT_EQ(agreed(Curve::x25519, kAliceSecret, point), std::nullopt) << point;
    Bytes spelled_otherwise = unhex(point);
    spelled_otherwise[31] |= 0x80;
    EXPECT_FALSE(agree(Curve::x25519, secret(kAliceSecret), spelled_otherwise)) << point;
  }
  EXPECT_EQ(ERR_peek_error(), 0ul);
}

TEST(AgreeX25519, RefusesKeysOfAnotherLength) {
  for (const std::size_t size : {0, 31, 33, 65}) {
    const Bytes key(size, 9);
    EXPECT_FALSE(agree(Curve::x25519, secret(kAliceSecret), key)) << size;
    EXPECT_FALSE(agree(Curve::x25519, SecretBytes::from(key), unhex(kBobPublic))) << size;
    EXPECT_FALSE(public_key_of(Curve::x25519, SecretBytes::from(key))) << size;
  }
}

TEST(Agreement, AgreesAsThePlainFunctionDoes) {
  const Agreement alice(secret(kAliceSecret));
  EXPECT_EQ(to_hex(alice.public_key().view()), kAlicePublic);
  for (int times = 0; times < 3; ++times) {
    const auto shared = alice.with(unhex(kBobPublic));
    ASSERT_TRUE(shared);
    EXPECT_EQ(hex(*shared), kShared);
    EXPECT_FALSE(alice.with(unhex(kSmallOrder[0])));
    EXPECT_FALSE(alice.with(ByteView(unhex(kBobPublic)).first(31)));
  }
}

TEST(Agreement, IsPreparedForItsClonesWhicheverIsUsedFirst) {
  const Agreement alice(secret(kAliceSecret));
  const Agreement clone = alice.clone();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([own = std::make_shared<Agreement>(alice.clone())] {
      EXPECT_EQ(hex(own->with(unhex(kBobPublic)).value()), kShared);
      EXPECT_EQ(to_hex(own->public_key().view()), kAlicePublic);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(hex(clone.with(unhex(kBobPublic)).value()), kShared);
  EXPECT_EQ(hex(alice.with(unhex(kBobPublic)).value()), kShared);
}

TEST(Agreement, MovesWithItsKey) {
  Agreement alice(secret(kAliceSecret));
  Agreement moved(std::move(alice));
  EXPECT_EQ(to_hex(moved.public_key().view()), kAlicePublic);
  Agreement bob(secret(kBobSecret));
  bob = std::move(moved);
  EXPECT_EQ(to_hex(bob.public_key().view()), kAlicePublic);
  const auto shared = bob.with(unhex(kBobPublic));
  ASSERT_TRUE(shared);
  EXPECT_EQ(hex(*shared), kShared);
}

TEST(Agreement, IsClonedForManyThreadsThatOutliveIt) {
  std::optional<Agreement> alice(secret(kAliceSecret));
  std::array<std::string, 4> found;
  {
    std::vector<std::jthread> threads;
    std::barrier cloned(static_cast<std::ptrdiff_t>(found.size()) + 1);
    for (std::string& mine : found) {
      threads.emplace_back([&] {
        const Agreement own = alice->clone();
        cloned.arrive_and_wait();
        for (int times = 0; times < 100; ++times) mine = hex(*own.with(unhex(kBobPublic)));
      });
    }
    cloned.arrive_and_wait();
    alice.reset();
  }
  for (const std::string& mine : found) EXPECT_EQ(mine, kShared);
}

TEST(AgreeSecp256k1, GivesThePlainXCoordinate) {
  EXPECT_EQ(public_of(Curve::secp256k1, kOne), kG);
  EXPECT_EQ(agreed(Curve::secp256k1, kOne, kG), kG.substr(2, 64));
  EXPECT_EQ(agreed(Curve::secp256k1, kTwo, kG), kXOfTwiceG);
}

TEST(AgreeSecp256k1, GivesBothSidesTheSameSecret) {
  const auto alice = public_of(Curve::secp256k1, kAliceSecret);
  const auto bob = public_of(Curve::secp256k1, kBobSecret);
  ASSERT_TRUE(alice && bob);
  const auto shared = agreed(Curve::secp256k1, kAliceSecret, *bob);
  EXPECT_TRUE(shared);
  EXPECT_EQ(shared, agreed(Curve::secp256k1, kBobSecret, *alice));
}

TEST(AgreeSecp256k1, TakesPrivateKeysFromOneToBelowTheOrder) {
  std::string below(kOrder);
  below.back() = '0';
  const std::string zero(64, '0');
  EXPECT_EQ(agreed(Curve::secp256k1, below, kG), kG.substr(2, 64));
  for (const std::string_view key : {std::string_view(zero), kOrder}) {
    EXPECT_EQ(agreed(Curve::secp256k1, key, kG), std::nullopt) << key;
    EXPECT_EQ(public_of(Curve::secp256k1, key), std::nullopt) << key;
  }
  EXPECT_EQ(agreed(Curve::secp256k1, kOne.substr(2), kG), std::nullopt);
  EXPECT_EQ(public_of(Curve::secp256k1, kOne.substr(2)), std::nullopt);
}

TEST(AgreeSecp256k1, RefusesEverySpellingOfAPointButTheUncompressed) {
  const std::string x_and_y(kG.substr(2));
  EXPECT_TRUE(agreed(Curve::secp256k1, kTwo, "04" + x_and_y));
  for (const std::string_view first : {"00", "02", "03", "05", "06", "07"}) {
    EXPECT_FALSE(agreed(Curve::secp256k1, kTwo, std::string(first) + x_and_y)) << first;
  }
  EXPECT_FALSE(agreed(Curve::secp256k1, kTwo, "02" + x_and_y.substr(0, 64)));
  EXPECT_FALSE(agreed(Curve::secp256k1, kTwo, "04" + x_and_y.substr(2)));
  EXPECT_FALSE(agreed(Curve::secp256k1, kTwo, "04" + x_and_y + "00"));
  EXPECT_FALSE(agreed(Curve::secp256k1, kTwo, ""));
}

TEST(AgreeSecp256k1, RefusesAPointThatIsNotOnTheCurve) {
  for (const std::size_t byte : {1, 32, 33, 64}) {
    Bytes point = unhex(kG);
    point[byte] ^= 1;
    EXPECT_FALSE(agree(Curve::secp256k1, secret(kTwo), point)) << byte;
  }
  EXPECT_FALSE(agreed(Curve::secp256k1, kTwo, "04" + std::string(128, '0')));
}

TEST(PublicKeyBytes, AreWhatPublicKeysHave) {
  for (const Curve curve : {Curve::x25519, Curve::secp256k1}) {
    EXPECT_EQ(public_key_of(curve, secret(kAliceSecret))->size(), public_key_bytes(curve));
  }
}

}  // namespace
}  // namespace bmsg::crypto
