#include "lib/crypto/hpke.h"

#include <gtest/gtest.h>

#include "tests/crypto/hex_bytes.h"
#include "tests/vectors/golden.h"

namespace bmsg::crypto {
namespace {

constexpr KemId kX25519 = KemId::x25519_hkdf_sha256;
constexpr KemId kSecp256k1 = KemId::secp256k1_hkdf_sha256;

struct KemVector {
  KemId kem;
  std::string_view ikm_e, sk_e, pk_e;
  std::string_view ikm_r, sk_r, pk_r;
  std::string_view shared_secret;
};

// RFC 9180, A.1.1; draft-wahby-cfrg-hpke-kem-secp256k1-01, base mode; and of the RFC's set in JSON,
// mode 0, kem 32, kdf 3, aead 2, which is the suite of sealed messages.
constexpr KemVector kKems[] = {
    {kX25519, "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
     "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
     "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
     "6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037",
     "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
     "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
     "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc"},
    {kSecp256k1, "41233637379f346f4e70e9ca44c31e7ee284d42a5bfd72572ae8884a09aa355e",
     "8979ee752423d020085c75cce1644959f819464a4c1c4e9a28ce4dd482991c1c",
     "040de7712da136d40779452a32e70ec834fa092ee8e3f26450786c6cd51396e859"
     "6c958065594d30432e812fc7a53a10d7fce2ce9bf52ccce72cbad4c79d3b17f6",
     "323c89b1ca03ca9c4ac6316d02f4604f2f6804665a13d8635786281f00f18006",
     "024be5fda9036a2d81f8c634193b5ce83e65bfc4373ae8b7a960fea8770d1f8f",
     "040986ec455812ddd870414c2753f75dadaefda155bc7bd18c4ab6ff3dd61b2ea3"
     "bee4ab2a0160b8e330757fc6d81d88ece7051bd9a07fa7e5368ea579e2e6c0e6",
     "ad889cd7b11e8881252f8f12539be9f5e36d2b95c96c875fb0e449c711e8bc0d"},
    {kX25519, "e72b39232ee9ef9f6537a72afe28f551dbe632006aa1b300a00518883a3f2dc1",
     "dc926085fd67a0338320c3b47944b56eec296981d646ab5e3492e3460bebaf51",
     "c12ba9fb91d7ebb03057d8bea4398688dcc1d1d1ff3b97f09b96b9bf89bd1e4a",
     "a0484936abc95d587acf7034156229f9970e9dfa76773754e40fb30e53c9de16",
     "bdd8943c1e60191f3ea4e69fc4f322aa1086db9650f1f952fdce88395a4bd1af",
     "aa7bddcf5ca0b2c0cf760b5dffc62740a8e761ec572032a809bebc87aaf7575e",
     "96fe0a805d100153533f0646095a652eecb19346db433089666ee539a796ffb2"}};

struct ScheduleVector {
  HpkeSuite suite;
  std::string_view shared_secret, info;
  std::string_view key, base_nonce, exporter_secret;
  std::string_view sealed;  // Of the plaintext of RFC 9180, A.1.1.1, with aad "Count-0".
};

constexpr std::string_view kInfo = "4f6465206f6e2061204772656369616e2055726e";
constexpr std::string_view kPlain = "4265617574792069732074727574682c20747275746820626561757479";

// The same three, each for its own suite.
constexpr ScheduleVector kSchedules[] = {
    {{kX25519, KdfId::hkdf_sha256, AeadId::aes_128_gcm},
     kKems[0].shared_secret,
     kInfo,
     "4531685d41d65f03dc48f6b8302c05b0",
     "56d890e5accaaf011cff4b7d",
     "45ff1c2e220db587171952c0592d5f5ebe103f1561a2614e38f2ffd47e99e3f8",
     "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a9"
     "6d8770ac83d07bea87e13c512a"},
    {{kSecp256k1, KdfId::hkdf_sha256, AeadId::aes_256_gcm},
     kKems[1].shared_secret,
     "b546c00cece2e2ff0815eb0f8124fb9028c66e80",
     "da2f3e53e24306c97331e92f564b6c207246e9ab4dea07a472401702d0af5c53",
     "d4d0dcfeeb6767d808f319e4",
     "3edae43083bb52033f9ff2eea2bf5a8bdc8bbd5509e5958b09c477b32d2432ae",
     ""},
    {{kX25519, KdfId::hkdf_sha512, AeadId::aes_256_gcm},
     kKems[2].shared_secret,
     kInfo,
     "f3354d286a48f67ca0c22029feb446938efb1b9b8a410852d7bdd3404acd0c09",
     "d654f65e557737ea2a0b5489",
     "74536eda135901a81409ab3f8f4767d2cf41933136bbd194427cec8e6fe2253f"
     "3ac0beae54180a7837dea9277a3290749777f65a874fdd2ca69c7ef5ee5bbcfe",
     "186cbeffd80fd68862b09d968a944c9f1ecc1c3f5dbcd1e26973ec30a9856f00"
     "6f7bb472c3e30fff57ced669fc"}};

Curve curve_of(KemId kem) { return kem == kX25519 ? Curve::x25519 : Curve::secp256k1; }

std::string public_hex(KemId kem, const SecretBytes& private_key) {
  const auto key = public_key_of(curve_of(kem), private_key);
  return key ? to_hex(*key) : "none";
}

TEST(HpkeKem, DerivesThePublishedKeyPairs) {
  for (const KemVector& vector : kKems) {
    const SecretBytes ephemeral = derive_private_key(vector.kem, unhex(vector.ikm_e));
    const SecretBytes recipient = derive_private_key(vector.kem, unhex(vector.ikm_r));
    EXPECT_EQ(hex(ephemeral), vector.sk_e);
    EXPECT_EQ(hex(recipient), vector.sk_r);
    EXPECT_EQ(public_hex(vector.kem, ephemeral), vector.pk_e);
    EXPECT_EQ(public_hex(vector.kem, recipient), vector.pk_r);
  }
}

TEST(HpkeKem, DerivesTheKeysOfTheWorkedExample) {
  const SecretBytes prekey = derive_private_key(kX25519, unhex(golden::kBobPrekeyIkm));
  EXPECT_EQ(hex(prekey), golden::kBobPrekeySecret);
  EXPECT_EQ(public_hex(kX25519, prekey), golden::kBobPrekey);
  const SecretBytes room = derive_private_key(kX25519, unhex(golden::kRoomIkm));
  EXPECT_EQ(hex(room), golden::kRoomSecretKey);
  EXPECT_EQ(public_hex(kX25519, room), golden::kRoomKey);
}

TEST(HpkeKem, GivesBothSidesThePublishedSecret) {
  for (const KemVector& vector : kKems) {
    const auto ours = encap_with(vector.kem, secret(vector.sk_e), unhex(vector.pk_r));
    const auto theirs = decap(vector.kem, secret(vector.sk_r), unhex(vector.pk_e));
    ASSERT_TRUE(ours && theirs);
    EXPECT_EQ(hex(*ours), vector.shared_secret);
    EXPECT_EQ(hex(*theirs), vector.shared_secret);
  }
}

TEST(HpkeKem, GivesTheSameWithAPreparedKey) {
  const KemVector& vector = kKems[0];
  const auto ours = encap_with(Agreement(secret(vector.sk_e)), unhex(vector.pk_r));
  const auto theirs = decap(Agreement(secret(vector.sk_r)), unhex(vector.pk_e));
  ASSERT_TRUE(ours && theirs);
  EXPECT_EQ(hex(*ours), vector.shared_secret);
  EXPECT_EQ(hex(*theirs), vector.shared_secret);
}

TEST(HpkeKem, RefusesKeysThatAgreeOnNothing) {
  const Bytes zero(32, 0);
  const SecretBytes own = secret(kKems[0].sk_r);
  EXPECT_FALSE(encap_with(kX25519, own, zero));
  EXPECT_FALSE(encap_with(Agreement(own), zero));
  EXPECT_FALSE(decap(kX25519, own, zero));
  EXPECT_FALSE(decap(Agreement(own), zero));
  EXPECT_FALSE(decap(kX25519, own, {}));
}

TEST(HpkeKem, RefusesAPointThatIsNotOnTheCurve) {
  Bytes point = unhex(kKems[1].pk_e);
  point[64] ^= 1;
  EXPECT_FALSE(decap(kSecp256k1, secret(kKems[1].sk_r), point));
  EXPECT_FALSE(encap_with(kSecp256k1, secret(kKems[1].sk_e), point));
}

TEST(HpkeKem, RefusesAKeyOfTheOtherCurve) {
  EXPECT_FALSE(decap(kSecp256k1, secret(kKems[1].sk_r), unhex(kKems[0].pk_e)));
  EXPECT_FALSE(decap(kX25519, secret(kKems[0].sk_r), unhex(kKems[1].pk_e)));
}

TEST(HpkeKeySchedule, GivesThePublishedContexts) {
  for (const ScheduleVector& vector : kSchedules) {
    const KeySchedule schedule(vector.suite, unhex(vector.info));
    const SecretBytes shared = secret(vector.shared_secret);
    const HpkeContext context = schedule.context(shared);
    EXPECT_EQ(hex(context.key), vector.key);
    EXPECT_EQ(to_hex(context.base_nonce.view()), vector.base_nonce);
    EXPECT_EQ(hex(schedule.exporter_secret(shared)), vector.exporter_secret);
    EXPECT_EQ(hex(key_schedule(vector.suite, shared, unhex(vector.info)).key), vector.key);
    if (vector.sealed.empty()) continue;
    EXPECT_EQ(
        to_hex(aead_seal(context.key, context.base_nonce, as_bytes("Count-0"), unhex(kPlain))),
        vector.sealed);
  }
}

TEST(HpkeKeySchedule, BindsTheSuiteAndTheInfo) {
  const SecretBytes shared = secret(kKems[0].shared_secret);
  const std::string key = hex(key_schedule(HpkeSuite(), shared, {}).key);
  EXPECT_NE(hex(key_schedule({.kem = kSecp256k1}, shared, {}).key), key);
  EXPECT_NE(hex(key_schedule({.kdf = KdfId::hkdf_sha256}, shared, {}).key), key);
  EXPECT_NE(hex(key_schedule(HpkeSuite(), shared, as_bytes("x")).key), key);
}

// The slot of the worked example: Bob's prekey opens the content key that Alice sealed to him.
TEST(HpkeKeySchedule, OpensTheSlotOfTheWorkedExample) {
  const Bytes head = unhex(golden::kSealHead);
  const ByteView enc = ByteView(head).subspan(32, 32);
  EXPECT_EQ(to_hex(enc), golden::kSealEnc);
  const auto shared = decap(kX25519, secret(golden::kBobPrekeySecret), enc);
  ASSERT_TRUE(shared);
  Bytes info = to_bytes("bmsg1 seal");
  append(info, unhex(golden::kChainId));
  append(info, unhex(golden::kBobKey));
  const HpkeContext context = key_schedule(HpkeSuite(), *shared, info);
  const auto content_key = aead_open(context.key, context.base_nonce, ByteView(head).first(32),
                                     ByteView(head).subspan(64, 48));
  ASSERT_TRUE(content_key);
  EXPECT_EQ(hex(*content_key), golden::kSealContentKey);
}

}  // namespace
}  // namespace bmsg::crypto
