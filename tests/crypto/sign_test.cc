#include "lib/crypto/sign.h"

#include <gtest/gtest.h>

#include "tests/crypto/hex_bytes.h"

namespace bmsg::crypto {
namespace {

struct Vector {
  std::string_view seed, key, message, signature;
};

// RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc).
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
     "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"}};

// The order of the base point, 2^252 + 27742317777372353535851937790883648493, little-endian.
constexpr std::string_view kOrder =
    "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

// y of every point of small order, without the sign bit.
constexpr std::string_view kSmallOrder[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};

/// Adds the little-endian number `term` to the second half of a signature.
Signature with_s_raised(Signature signature, ByteView term) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned sum = signature.data()[32 + i] + term[i] + carry;
    signature.data()[32 + i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8;
  }
  return signature;
}

IdentityKey with_sign_bit(IdentityKey key) {
  key.data()[31] |= 0x80;
  return key;
}

IdentityKey key_from(std::string_view hex) { return IdentityKey::from(unhex(hex)); }

bool is_signed(std::string_view key, std::string_view message, std::string_view signature) {
  return verify(key_from(key), as_bytes(message), Signature::from(unhex(signature)));
}

TEST(Sign, GivesThePublishedKeysAndSignatures) {
  for (const Vector& vector : kVectors) {
    const SecretBytes seed = secret(vector.seed);
    EXPECT_EQ(to_hex(public_key_of(seed).view()), vector.key);
    EXPECT_EQ(to_hex(sign(seed, unhex(vector.message)).view()), vector.signature);
  }
}

TEST(Signer, SignsAsTheSeedDoes) {
  for (const Vector& vector : kVectors) {
    Signer signer(secret(vector.seed));
    EXPECT_EQ(to_hex(signer.public_key().view()), vector.key);
    for (int turn = 0; turn < 3; ++turn)
      EXPECT_EQ(to_hex(signer.sign(unhex(vector.message)).view()), vector.signature);
    Signer moved(secret(kVectors[0].seed));
    moved = std::move(signer);
    EXPECT_EQ(to_hex(moved.public_key().view()), vector.key);
    EXPECT_EQ(to_hex(moved.sign(unhex(vector.message)).view()), vector.signature);
  }
}

TEST(Verify, AcceptsThePublishedSignatures) {
  for (const Vector& vector : kVectors) {
    EXPECT_TRUE(verify(key_from(vector.key), unhex(vector.message),
                       Signature::from(unhex(vector.signature))));
  }
}

TEST(Verify, RefusesEachChangedBitOfTheSignature) {
  const Vector& vector = kVectors[2];
  for (std::size_t bit = 0; bit < Signature::kSize * 8; ++bit) {
    Signature signature = Signature::from(unhex(vector.signature));
    signature.data()[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(verify(key_from(vector.key), unhex(vector.message), signature)) << bit;
  }
}

TEST(Verify, RefusesAnotherMessageOrKey) {
  const Signature signature = Signature::from(unhex(kVectors[2].signature));
  EXPECT_FALSE(verify(key_from(kVectors[2].key), unhex("af83"), signature));
  EXPECT_FALSE(verify(key_from(kVectors[1].key), unhex("af82"), signature));
}

TEST(Verify, RefusesTheSameSignatureWithSRaisedByTheOrder) {
  for (const Vector& vector : kVectors) {
    const Signature raised = with_s_raised(Signature::from(unhex(vector.signature)), unhex(kOrder));
    EXPECT_FALSE(verify(key_from(vector.key), unhex(vector.message), raised)) << vector.key;
  }
}

// R has a part of order 8, which multiplying the equation by 8 would hide. Made by the affine
// formulas of RFC 8032 from a = H("bmsg test key"), as are the next three.
TEST(Verify, RefusesWhatOnlyTheCofactoredEquationAccepts) {
  EXPECT_FALSE(is_signed("05188b24ccf4571637e314b0806973628e42860c2caeefa8490d13b2c89b3e9e",
                         "message",
                         "356aa7defdee0c3130df0aaef52c2f7ad0229442b7b555be11aa67c6f1da07f6"
                         "0dbc6756446d417605d43c22268f3539e9579110a153b2dc0e2a49833633150d"));
}

TEST(Verify, AcceptsTheNeutralPointAsRButOnlyInItsOneSpelling) {
  constexpr std::string_view kKey =
      "05188b24ccf4571637e314b0806973628e42860c2caeefa8490d13b2c89b3e9e";
  EXPECT_TRUE(is_signed(kKey, "message",
                        "0100000000000000000000000000000000000000000000000000000000000000"
                        "705e1afaba0dbc28be49f9b8728051c152b254eaee3de2e8ff636c9b5cae560d"));
  EXPECT_FALSE(is_signed(kKey, "message",
                         "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
                         "8758ce94fd78357543ad4bdebfd24df0810a0208f08360d090034ffc72d4d20d"));
}

// A key with a part of order 8 is not weak: it signs one message in eight, for every node alike.
TEST(Verify, JudgesAKeyOfMixedOrderByTheEquationAlone) {
  constexpr std::string_view kKey =
      "f9c9001be53fc45266152deae98082be4efe95a66a028e2f2ca624c11d1ed042";
  EXPECT_FALSE(is_weak(key_from(kKey)));
  EXPECT_TRUE(is_signed(kKey, "6",
                        "547d40f3fccae74768e65726c761bf7639858dbc6ea5176738b5400107f04934"
                        "b1896a8edce3a0ddb880511313c6a07e1bb7c5bd84450f6a296dbf02ba12e707"));
  EXPECT_FALSE(is_signed(kKey, "0",
                         "547d40f3fccae74768e65726c761bf7639858dbc6ea5176738b5400107f04934"
                         "18699121eaab9a0c9d03904f1026468d19a1dcf0a4d32d48b38832e6731e4204"));
}

TEST(Verify, RefusesAWeakKeyUnderWhichAnybodyCanSign) {
  const IdentityKey neutral = key_from(kSmallOrder[1]);
  Signature forged;  // R is the neutral point and S is 0, so S·B − h·A is R for every h.
  forged.data()[0] = 1;
  EXPECT_FALSE(verify(neutral, as_bytes("anything"), forged));
}

TEST(Verify, RefusesAKeyThatIsNoPoint) {
  IdentityKey key;
  key.data()[0] = 2;  // No x belongs to y = 2.
  EXPECT_FALSE(is_weak(key));
  EXPECT_FALSE(verify(key, as_bytes("message"), Signature()));
}

TEST(IsWeak, IsTrueForEverySmallOrderAndBothSigns) {
  for (const std::string_view y : kSmallOrder) {
    EXPECT_TRUE(is_weak(key_from(y))) << y;
    EXPECT_TRUE(is_weak(with_sign_bit(key_from(y)))) << y;
  }
}

TEST(IsWeak, IsTrueForEveryUnreducedYAndBothSigns) {
  IdentityKey y = IdentityKey::filled(0xff);
  y.data()[31] = 0x7f;
  for (unsigned low = 0xed; low <= 0xff; ++low) {  // p is 2^255 − 19.
    y.data()[0] = static_cast<std::uint8_t>(low);
    EXPECT_TRUE(is_weak(y)) << low;
    EXPECT_TRUE(is_weak(with_sign_bit(y))) << low;
  }
}

TEST(IsWeak, IsFalseForTheNeighboursOfWeakKeys) {
  IdentityKey below_p = key_from(kSmallOrder[4]);
  below_p.data()[0] = 0xeb;
  EXPECT_FALSE(is_weak(below_p));
  for (const std::string_view y : kSmallOrder) {
    for (std::size_t byte = 1; byte < 31; ++byte) {
      IdentityKey near = key_from(y);
      near.data()[byte] ^= 1;
      EXPECT_FALSE(is_weak(near)) << y << " " << byte;
    }
  }
  EXPECT_FALSE(is_weak(key_from(kVectors[0].key)));
}

}  // namespace
}  // namespace bmsg::crypto
