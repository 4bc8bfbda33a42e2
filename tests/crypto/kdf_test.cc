#include "lib/crypto/kdf.h"

#include <gtest/gtest.h>

#include "tests/crypto/hex_bytes.h"

namespace bmsg::crypto {
namespace {

struct HmacVector {
  Bytes key;
  Bytes message;
  std::string_view sha512;
};

// RFC 4231, sections 4.2 to 4.8. Case 5 is published cut to 16 bytes.
const HmacVector kHmacVectors[] = {
    {Bytes(20, 0x0b), to_bytes("Hi There"),
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
    {to_bytes("Jefe"), to_bytes("what do ya want for nothing?"),
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {Bytes(20, 0xaa), Bytes(50, 0xdd),
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
     "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
    {unhex("0102030405060708090a0b0c0d0e0f10111213141516171819"), Bytes(50, 0xcd),
     "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
     "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
    {Bytes(20, 0x0c), to_bytes("Test With Truncation"), "415fad6271580a531d4179bc891d87a6"},
    {Bytes(131, 0xaa), to_bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
    {Bytes(131, 0xaa),
     to_bytes("This is a test using a larger than block-size key and a larger than block-size "
              "data. The key needs to be hashed before being used by the HMAC algorithm."),
     "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
     "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"}};

struct HkdfVector {
  std::string_view ikm, salt, info, prk, okm;
};

// RFC 5869, appendices A.1 to A.3.
constexpr HkdfVector kHkdfSha256[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
     "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
     "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828384858687"
     "88898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7"
     "d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac78272"
     "71cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f"
     "1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"}};

TEST(Hmac, GivesThePublishedSha512Codes) {
  for (const HmacVector& vector : kHmacVectors) {
    const std::string code = hex(hmac(Hash::sha512, vector.key, vector.message));
    EXPECT_EQ(code.size(), 128u);
    EXPECT_EQ(code.substr(0, vector.sha512.size()), vector.sha512);
  }
}

TEST(Hmac, HashesAKeyOnlyWhenItIsLongerThanABlock) {
  Bytes zero_extended(127, 0xaa);
  const std::string short_code = hex(hmac(Hash::sha512, zero_extended, {}));
  zero_extended.push_back(0);
  EXPECT_EQ(hex(hmac(Hash::sha512, zero_extended, {})), short_code);
  zero_extended.push_back(0);
  EXPECT_NE(hex(hmac(Hash::sha512, zero_extended, {})), short_code);
}

TEST(Hkdf, GivesThePublishedSha256Keys) {
  for (const HkdfVector& vector : kHkdfSha256) {
    const SecretBytes prk = hkdf_extract(Hash::sha256, unhex(vector.salt), unhex(vector.ikm));
    EXPECT_EQ(hex(prk), vector.prk);
    const std::size_t size = vector.okm.size() / 2;
    EXPECT_EQ(hex(hkdf_expand(Hash::sha256, prk.view(), unhex(vector.info), size)), vector.okm);
    EXPECT_EQ(
        hex(hkdf(Hash::sha256, unhex(vector.salt), unhex(vector.ikm), unhex(vector.info), size)),
        vector.okm);
  }
}

// The input of RFC 5869, A.1, with SHA-512; computed with Python's hmac module.
TEST(Hkdf, GivesTheExpectedSha512Key) {
  const HkdfVector& vector = kHkdfSha256[0];
  EXPECT_EQ(hex(hkdf(Hash::sha512, unhex(vector.salt), unhex(vector.ikm), unhex(vector.info), 42)),
            "832390086cda71fb47625bb5ceb168e4c8e26a1a16ed34d9fc7fe92c14815793"
            "38da362cb8d9f925d7cb");
}

TEST(Hkdf, GivesAShorterKeyAsTheBeginningOfALonger) {
  const Bytes prk(64, 7);
  const std::string longest = hex(hkdf_expand(Hash::sha512, prk, as_bytes("info"), 255 * 64));
  for (const std::size_t size : {0, 1, 63, 64, 65, 128, 129, 255 * 64}) {
    EXPECT_EQ(hex(hkdf_expand(Hash::sha512, prk, as_bytes("info"), size)),
              longest.substr(0, 2 * size));
  }
}

TEST(HkdfDeathTest, EndsTheProgramWhenMoreThan255HashesAreAsked) {
  EXPECT_DEATH(hkdf_expand(Hash::sha512, {}, {}, 255 * 64 + 1), "255 hashes");
}

// RFC 7914, section 12, third vector: the one there whose cost we accept.
TEST(Scrypt, GivesThePublishedKey) {
  const auto key = scrypt(as_bytes("pleaseletmein"), as_bytes("SodiumChloride"),
                          {.log2_n = 14, .r = 8, .p = 1}, 64);
  ASSERT_TRUE(key);
  EXPECT_EQ(hex(key.value()),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

// The second vector of the same section at the most lanes we accept; computed with Python's
// hashlib.
TEST(Scrypt, GivesTheExpectedKeyForTheLowestNAndMostLanes) {
  const auto key =
      scrypt(as_bytes("password"), as_bytes("NaCl"), {.log2_n = 10, .r = 8, .p = 4}, 64);
  ASSERT_TRUE(key);
  EXPECT_EQ(hex(key.value()),
            "1ed1b3814e7bd065fea1b64fa617fb05ba290e301b2765b831876fb995044293"
            "cb8dc225ddc50b3dec862ae3c295d54caad62f4dfa00cf6853f8aa3ceb4354e0");
}

TEST(Scrypt, RunsAtItsDefaultCost) {
  EXPECT_TRUE(scrypt(as_bytes("passphrase"), Bytes(32, 1), ScryptCost(), 64));
}

TEST(Scrypt, DerivesFromAnEmptyPassphraseToo) {
  const ScryptCost cheap{.log2_n = 10};
  const auto empty = scrypt({}, Bytes(32, 1), cheap, 32);
  const auto other = scrypt(as_bytes("x"), Bytes(32, 1), cheap, 32);
  ASSERT_TRUE(empty && other);
  EXPECT_NE(hex(empty.value()), hex(other.value()));
}

TEST(Scrypt, RefusesCostsOutsideTheAcceptedRange) {
  constexpr ScryptCost kRefused[] = {
      {.log2_n = 9},          {.log2_n = 23},         {.log2_n = 63},
      {.log2_n = 255},        {.log2_n = 0},          {.log2_n = 2},
      {.log2_n = 10, .r = 7}, {.log2_n = 10, .r = 9}, {.log2_n = 10, .r = 0},
      {.log2_n = 10, .p = 0}, {.log2_n = 10, .p = 5}, {.log2_n = 10, .p = 255}};
  for (const ScryptCost& cost : kRefused) {
    const auto key = scrypt(as_bytes("x"), Bytes(32, 1), cost, 32);
    ASSERT_FALSE(key) << int{cost.log2_n} << " " << int{cost.r} << " " << int{cost.p};
    EXPECT_EQ(key.error().code, Errc::bad_input);
  }
}

}  // namespace
}  // namespace bmsg::crypto
