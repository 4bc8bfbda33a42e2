#include "lib/crypto/sha512.h"

#include <utility>

#include <gtest/gtest.h>

#include "tests/crypto/hex_bytes.h"

namespace bmsg::crypto {
namespace {

struct Vector {
  std::string_view message;  // Hex.
  std::string_view digest;
};

// NIST CAVP, SHA512ShortMsg.rsp, lengths 0 and 8; FIPS 180-2, appendix C.1 and C.2.
constexpr Vector kVectors[] = {
    {"",
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
     "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
    {"21",
     "3831a6a6155e509dee59a7f451eb35324d8f8f2df6e3708894740f98fdee2388"
     "9f4de5adb0c5010dfb555cda77c8ab5dc902094c52de3278f35a75ebc25f093a"},
    {"616263",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {"61626364656667686263646566676869636465666768696a6465666768696a6b65666768696a6b6c"
     "666768696a6b6c6d6768696a6b6c6d6e68696a6b6c6d6e6f696a6b6c6d6e6f706a6b6c6d6e6f7071"
     "6b6c6d6e6f7071726c6d6e6f707172736d6e6f70717273746e6f707172737475",
     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
     "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"}};

// NIST CAVP, SHA512Monte.rsp: the seed, and the digests of counts 0 to 2.
constexpr std::string_view kMonteSeed =
    "5c337de5caf35d18ed90b5cddfce001ca1b8ee8602f367e7c24ccca6f893802f"
    "b1aca7a3dae32dcd60800a59959bc540d63237876b799229ae71a2526fbc52cd";
constexpr std::string_view kMonteDigests[] = {
    "ada69add0071b794463c8806a177326735fa624b68ab7bcab2388b9276c036e4"
    "eaaff87333e83c81c0bca0359d4aeebcbcfd314c0630e0c2af68c1fb19cc470e",
    "ef219b37c24ae507a2b2b26d1add51b31fb5327eb8c3b19b882fe38049433dbe"
    "ccd63b3d5b99ba2398920bcefb8aca98cd28a1ee5d2aaf139ce58a15d71b06b4",
    "c3d5087a62db0e5c6f5755c417f69037308cbce0e54519ea5be8171496cc6d18"
    "023ba15768153cfd74c7e7dc103227e9eed4b0f82233362b2a7b1a2cbcda9daf"};

Bytes counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

TEST(Sha512, GivesThePublishedDigests) {
  for (const Vector& vector : kVectors) {
    EXPECT_EQ(to_hex(sha512(unhex(vector.message)).view()), vector.digest) << vector.message;
  }
}

TEST(Sha512, GivesThePublishedDigestOfAMillionBytes) {
  EXPECT_EQ(to_hex(sha512(Bytes(1'000'000, 'a')).view()),
            "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
            "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b");
}

TEST(Sha512, PassesThePublishedMonteCarloRounds) {
  Digest seed = Digest::from(unhex(kMonteSeed));
  for (const std::string_view expected : kMonteDigests) {
    Digest a = seed;
    Digest b = seed;
    Digest c = seed;
    for (int i = 0; i < 1000; ++i) {
      const Digest next = sha512({a.view(), b.view(), c.view()});
      a = std::exchange(b, std::exchange(c, next));
    }
    seed = c;
    EXPECT_EQ(to_hex(seed.view()), expected);
  }
}

TEST(Sha512, DoesNotDependOnHowTheBytesAreDivided) {
  const Bytes bytes = counting(300);
  const Digest whole = sha512(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const ByteView head = ByteView(bytes).first(cut);
    const ByteView tail = ByteView(bytes).subspan(cut);
    EXPECT_EQ(sha512({head, {}, tail}), whole) << cut;
    EXPECT_EQ(Sha512().update(head).update(tail).finish(), whole) << cut;
  }
}

TEST(Sha512, ACopyGoesOnFromTheCommonBeginning) {
  const Bytes bytes = counting(200);
  Sha512 beginning;
  beginning.update(ByteView(bytes).first(130));
  Sha512 copy = beginning;
  Sha512 assigned;
  assigned.update(bytes);
  assigned = beginning;

  EXPECT_EQ(copy.update(ByteView(bytes).subspan(130)).finish(), sha512(bytes));
  EXPECT_EQ(assigned.update(ByteView(bytes).subspan(130)).finish(), sha512(bytes));
  EXPECT_EQ(beginning.finish(), sha512(ByteView(bytes).first(130)));
}

}  // namespace
}  // namespace bmsg::crypto
