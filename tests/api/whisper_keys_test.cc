// Keys: saved before they are told, bounded, and as Whisper derived them.

#include "lib/api/whisper_keys.h"

#include "lib/core/hex.h"
#include "tests/api/whisper_world.h"

namespace bmsg::api {
namespace {

constexpr auto kPair = WhisperKeyKind::pair;
constexpr auto kSymmetric = WhisperKeyKind::symmetric;

crypto::SecretBytes filled(std::uint8_t byte, std::size_t size = 32) {
  return crypto::SecretBytes::from(Bytes(size, byte));
}

struct Ring {
  FakeSaver saver;
  FakeEntropy entropy;
  WhisperKeys keys{{}, saver, entropy};
};

TEST(WhisperKeys, AreFoundUnderRandomIdsOfTheirKind) {
  Ring ring;
  const std::string id = ring.keys.add(kSymmetric, filled(5)).value();
  const std::string again = ring.keys.add(kSymmetric, filled(5)).value();
  EXPECT_EQ(id.size(), 64u);
  EXPECT_NE(id, again);
  ASSERT_NE(ring.keys.find(kSymmetric, id), nullptr);
  EXPECT_EQ(to_bytes(ring.keys.find(kSymmetric, id)->view()), Bytes(32, 5));
  EXPECT_EQ(ring.keys.find(kPair, id), nullptr);
  EXPECT_EQ(ring.keys.find(kSymmetric, id + "0"), nullptr);
  EXPECT_FALSE(ring.keys.remove(kPair, id).value());
  EXPECT_TRUE(ring.keys.remove(kSymmetric, id).value());
  EXPECT_FALSE(ring.keys.remove(kSymmetric, id).value());
  EXPECT_EQ(ring.saver.saved.size(), 1u);
  EXPECT_EQ(ring.saver.saved[0].id, again);
}

TEST(WhisperKeys, ComeBackFromWhatWasSaved) {
  Ring ring;
  const std::string id = ring.keys.make(kPair).value();
  FakeSaver saver;
  const WhisperKeys next(std::move(ring.saver.saved), saver, ring.entropy);
  ASSERT_NE(next.find(kPair, id), nullptr);
  EXPECT_EQ(whisper_public_key(*next.find(kPair, id)),
            whisper_public_key(*ring.keys.find(kPair, id)));
}

TEST(WhisperKeys, AreAsBeforeWhenTheyCannotBeSaved) {
  Ring ring;
  const std::string id = ring.keys.make(kSymmetric).value();
  ring.saver.fails = true;
  EXPECT_EQ(ring.keys.make(kSymmetric).error().code, Errc::io);
  EXPECT_EQ(ring.keys.remove(kSymmetric, id).error().code, Errc::io);
  EXPECT_NE(ring.keys.find(kSymmetric, id), nullptr);
  ring.saver.fails = false;
  ring.keys.make(kPair).value();
  EXPECT_EQ(ring.saver.saved.size(), 2u);
}

TEST(WhisperKeys, RefuseOtherLengthsAndNumbersThatAreNoKey) {
  Ring ring;
  for (const std::size_t size : {0u, 31u, 33u}) {
    EXPECT_EQ(ring.keys.add(kSymmetric, filled(1, size)).error().message,
              fmt::format("wrong key size: {}", size));
    EXPECT_EQ(ring.keys.add(kPair, filled(1, size)).error().message,
              "invalid length, need 256 bits");
  }
  EXPECT_TRUE(ring.keys.add(kSymmetric, filled(0)));
  for (const int byte : {0x00, 0xff})
    EXPECT_EQ(ring.keys.add(kPair, filled(static_cast<std::uint8_t>(byte))).error().code,
              Errc::bad_input);
  EXPECT_TRUE(ring.keys.add(kPair, filled(0xfe)));
}

TEST(WhisperKeys, AreAThousandAndNoMore) {
  Ring ring;
  for (std::size_t i = 0; i < kWhisperKeysMax - 1; ++i) ring.keys.make(kSymmetric).value();
  const auto last = ring.keys.make(kSymmetric);
  ASSERT_TRUE(last);
  EXPECT_EQ(ring.keys.make(kSymmetric).error().code, Errc::no_resource);
  EXPECT_TRUE(ring.keys.remove(kSymmetric, last.value()).value());
  EXPECT_TRUE(ring.keys.make(kSymmetric));
}

TEST(WhisperKeys, OfPasswordsAreThoseOfWhisper) {
  EXPECT_EQ(to_hex(whisper_password_key("test").view()),
            "a82a520aff70f7a989098376e48ec128f25f767085e84d7fb995a9815eebff0a");
}

TEST(WhisperKeys, OfLongPasswordsAreThoseOfTheirHash) {
  // Checked with another program: PBKDF2 with 65356 rounds of 64 and of 65 times "a".
  EXPECT_EQ(to_hex(whisper_password_key(std::string(64, 'a')).view()),
            "db8d4d048813027873bb1b7c47968e317392c1a47f10c0d7a890ba9773fe5e19");
  EXPECT_EQ(to_hex(whisper_password_key(std::string(65, 'a')).view()),
            "959ea2ca9bfd2e3732b7cdd29a38387ef76026af424123614d68929d93dbf18d");
}

TEST(WhisperKeys, KnowAPointFromOtherBytes) {
  const Bytes key = whisper_public_key(filled(7));
  EXPECT_EQ(key.size(), kSecp256k1PublicBytes);
  EXPECT_TRUE(is_whisper_public_key(key));
  Bytes other = key;
  other[0] = 6;
  EXPECT_FALSE(is_whisper_public_key(other));
  other = key;
  other[64] ^= 1;
  EXPECT_FALSE(is_whisper_public_key(other));
  other = key;
  other.pop_back();
  EXPECT_FALSE(is_whisper_public_key(other));
  EXPECT_FALSE(is_whisper_public_key({}));
}

}  // namespace
}  // namespace bmsg::api
