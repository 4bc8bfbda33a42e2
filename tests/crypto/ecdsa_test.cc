#include "lib/crypto/ecdsa.h"

#include <gtest/gtest.h>

#include "lib/crypto/agree.h"
#include "lib/crypto/sha256.h"
#include "tests/crypto/hex_bytes.h"

namespace bmsg::crypto {
namespace {

struct Vector {
  std::string_view key, message, signature;
};

// Nonces of RFC 6979 with SHA-256 on secp256k1, as published with Bitcoin's libraries.
constexpr Vector kVectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000001", "Satoshi Nakamoto",
     "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
     "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"},
    {"0000000000000000000000000000000000000000000000000000000000000001",
     "All those moments will be lost in time, like tears in rain. Time to die...",
     "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b"
     "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21"},
    {"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", "Satoshi Nakamoto",
     "fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0"
     "6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5"}};

// The order of the group, and half of it, rounded down.
constexpr std::string_view kOrder =
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
constexpr std::string_view kZero =
    "0000000000000000000000000000000000000000000000000000000000000000";

Bytes public_of(const SecretBytes& key) { return *public_key_of(Curve::secp256k1, key); }

/// n - s, big-endian.
Bytes negated(ByteView s) {
  Bytes made = unhex(kOrder);
  int borrow = 0;
  for (std::size_t i = made.size(); i-- > 0;) {
    const int left = made[i] - s[i] - borrow;
    borrow = left < 0 ? 1 : 0;
    made[i] = static_cast<std::uint8_t>(left + 256 * borrow);
  }
  return made;
}

Signature joined(ByteView r, ByteView s) {
  Bytes both = to_bytes(r);
  append(both, s);
  return Signature::from(both);
}

TEST(Ecdsa, GivesThePublishedSignatures) {
  for (const Vector& vector : kVectors) {
    const SecretBytes key = secret(vector.key);
    const Bytes hash = to_bytes(sha256(as_bytes(vector.message)));
    const Signature made = ecdsa_sign(key, hash);
    EXPECT_EQ(to_hex(made.view()), vector.signature);
    EXPECT_TRUE(ecdsa_verify(public_of(key), hash, made));
  }
}

TEST(Ecdsa, TakesOnlyTheLowerOfTwoSpellings) {
  for (unsigned i = 1; i <= 40; ++i) {
    const SecretBytes key = SecretBytes::from(Bytes(32, static_cast<std::uint8_t>(i)));
    const Bytes hash = ecdsa_hash(Bytes(i, 0x55));
    const Signature low = ecdsa_sign(key, hash);
    EXPECT_LE(low.view()[32], 0x7f);
    EXPECT_TRUE(ecdsa_verify(public_of(key), hash, low));
    const Bytes high = negated(low.view().subspan(32));
    EXPECT_FALSE(ecdsa_verify(public_of(key), hash, joined(low.view().first(32), high)));
  }
}

TEST(Ecdsa, RefusesNumbersThatAreNoSignature) {
  const SecretBytes key = secret(kVectors[0].key);
  const Bytes hash = ecdsa_hash(as_bytes("a"));
  const Signature good = ecdsa_sign(key, hash);
  const ByteView r = good.view().first(32);
  const ByteView s = good.view().subspan(32);
  for (const std::string_view bad : {kZero, kOrder}) {
    EXPECT_FALSE(ecdsa_verify(public_of(key), hash, joined(unhex(bad), s)));
    EXPECT_FALSE(ecdsa_verify(public_of(key), hash, joined(r, unhex(bad))));
  }
  for (std::size_t bit = 0; bit < 512; ++bit) {
    Signature altered = good;
    altered.data()[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(ecdsa_verify(public_of(key), hash, altered)) << bit;
  }
}

TEST(Ecdsa, RefusesWhatIsNoKeyAndWhatOthersSigned) {
  const SecretBytes key = secret(kVectors[0].key);
  const Bytes hash = ecdsa_hash(as_bytes("a"));
  const Signature good = ecdsa_sign(key, hash);
  const Bytes own = public_of(key);
  EXPECT_TRUE(ecdsa_verify(own, hash, good));
  EXPECT_FALSE(ecdsa_verify(own, ecdsa_hash(as_bytes("b")), good));
  EXPECT_FALSE(ecdsa_verify(public_of(secret(kVectors[2].key)), hash, good));
  for (const int first : {0x00, 0x02, 0x06, 0x07}) {
    Bytes other = own;
    other[0] = static_cast<std::uint8_t>(first);
    EXPECT_FALSE(ecdsa_verify(other, hash, good)) << first;
  }
  Bytes compressed(own.begin(), own.begin() + 33);
  compressed[0] = static_cast<std::uint8_t>(own.back() % 2 == 0 ? 2 : 3);
  EXPECT_FALSE(ecdsa_verify(compressed, hash, good));
  Bytes beside = own;
  beside.back() ^= 1;
  EXPECT_FALSE(ecdsa_verify(beside, hash, good));
  EXPECT_FALSE(ecdsa_verify(own, ByteView(hash).first(31), good));
}

TEST(Ecdsa, SignsTheFrontOfSha512) {
  EXPECT_EQ(to_hex(ecdsa_hash(as_bytes("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a");
}

}  // namespace
}  // namespace bmsg::crypto
