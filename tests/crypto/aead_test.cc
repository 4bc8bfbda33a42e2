#include "lib/crypto/aead.h"

#include <gtest/gtest.h>

#include "tests/crypto/hex_bytes.h"

namespace bmsg::crypto {
namespace {

struct Vector {
  std::string_view key, nonce, aad, plain, sealed;
};

constexpr std::string_view kZeroKey =
    "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kKey =
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";

// McGrew and Viega, «The Galois/Counter Mode of Operation», appendix B, test cases 13 to 16.
constexpr Vector kVectors[] = {
    {kZeroKey, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {kZeroKey, "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {kKey, "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    {kKey, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"}};

AeadNonce nonce_of(const Vector& vector) { return AeadNonce::from(unhex(vector.nonce)); }

/// Test case 16, which has all of key, nonce, associated data and text.
class SealedText : public testing::Test {
 protected:
  std::optional<SecretBytes> open() const { return aead_open(key, nonce, aad, sealed); }

  SecretBytes key = secret(kVectors[3].key);
  AeadNonce nonce = nonce_of(kVectors[3]);
  Bytes aad = unhex(kVectors[3].aad);
  Bytes sealed = unhex(kVectors[3].sealed);
};

TEST(Aead, SealsThePublishedVectors) {
  for (const Vector& vector : kVectors) {
    const Bytes sealed =
        aead_seal(secret(vector.key), nonce_of(vector), unhex(vector.aad), unhex(vector.plain));
    EXPECT_EQ(to_hex(sealed), vector.sealed);
  }
}

// The second text under a key must not depend on what the first one was, nor on how it ended.
TEST(Aead, OpensOneTextAfterTheOther) {
  AeadOpener opener(secret(kVectors[3].key));
  for (int times = 0; times < 2; ++times) {
    for (const Vector& vector : {kVectors[2], kVectors[3]}) {
      Bytes sealed = unhex(vector.sealed);
      const auto plain = opener.open(nonce_of(vector), unhex(vector.aad), sealed);
      ASSERT_TRUE(plain);
      EXPECT_EQ(hex(*plain), vector.plain);
      sealed[0] ^= 1;
      EXPECT_FALSE(opener.open(nonce_of(vector), unhex(vector.aad), sealed));
      EXPECT_FALSE(opener.open(nonce_of(vector), {}, ByteView(sealed).first(15)));
    }
  }
}

TEST(Aead, OpensThePublishedVectors) {
  for (const Vector& vector : kVectors) {
    const auto plain =
        aead_open(secret(vector.key), nonce_of(vector), unhex(vector.aad), unhex(vector.sealed));
    ASSERT_TRUE(plain) << vector.sealed;
    EXPECT_EQ(hex(*plain), vector.plain);
  }
}

TEST(Aead, SealsAndOpensEveryLengthAroundItsBlocks) {
  const SecretBytes key = secret(kKey);
  for (std::size_t size = 0; size <= 70; ++size) {
    const Bytes plain(size, 0x5a);
    const Bytes sealed = aead_seal(key, AeadNonce(), {}, plain);
    EXPECT_EQ(sealed.size(), size + kAeadTagBytes);
    const auto opened = aead_open(key, AeadNonce(), {}, sealed);
    ASSERT_TRUE(opened) << size;
    EXPECT_EQ(hex(*opened), to_hex(plain));
  }
}

TEST_F(SealedText, Opens) { EXPECT_TRUE(open()); }

TEST_F(SealedText, StaysShutWhenAnyBitOfItChanges) {
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    sealed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(open()) << bit;
    sealed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
  }
}

TEST_F(SealedText, StaysShutWhenCutShortAnywhere) {
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(aead_open(key, nonce, aad, ByteView(sealed).first(size))) << size;
  }
}

TEST_F(SealedText, StaysShutUnderAnotherKey) {
  key.writable()[31] ^= 1;
  EXPECT_FALSE(open());
}

TEST_F(SealedText, StaysShutUnderAnotherNonce) {
  nonce.data()[11] ^= 1;
  EXPECT_FALSE(open());
}

TEST_F(SealedText, StaysShutUnderOtherAssociatedData) {
  aad.pop_back();
  EXPECT_FALSE(open());
  aad.clear();
  EXPECT_FALSE(open());
}

}  // namespace
}  // namespace bmsg::crypto
