#include "lib/api/whisper_keyring.h"

#include <gtest/gtest.h>

#include "lib/api/keyring_json.h"
#include "lib/core/hex.h"
#include "tests/support/fake_entropy.h"

namespace bmsg::api {
namespace {

using crypto::SecretBytes;

WhisperKey key(std::uint8_t number, WhisperKeyKind kind = WhisperKeyKind::pair) {
  return {to_hex(Bytes(32, number)), kind, SecretBytes::from(Bytes(32, number))};
}

std::vector<WhisperKey> keys(std::initializer_list<int> numbers) {
  std::vector<WhisperKey> made;
  for (const int one : numbers) {
    made.push_back(key(static_cast<std::uint8_t>(one),
                       one % 2 == 0 ? WhisperKeyKind::symmetric : WhisperKeyKind::pair));
  }
  return made;
}

std::string numbers(const Result<std::vector<WhisperKey>>& read) {
  std::string all;
  if (!read) return read.error().message;
  for (const WhisperKey& one : read.value()) {
    EXPECT_EQ(to_hex(one.secret.view()), one.id);
    all += std::to_string(one.secret.view()[0]);
    all += one.kind == WhisperKeyKind::pair ? "p " : "s ";
  }
  return all;
}

SecretBytes text(std::string_view json) { return SecretBytes::from(as_bytes(json)); }

TEST(WhisperKeyring, KeepsKeysThroughAKeyring) {
  EXPECT_EQ(numbers(parse_whisper_keys(SecretBytes())), "");
  EXPECT_EQ(numbers(parse_whisper_keys(text("[]"))), "");
  FakeEntropy random(1);
  auto keyring = mail::make_keyring(random);
  ASSERT_TRUE(keyring);
  keyring.value().shh = print_whisper_keys(keys({1, 2, 3}));
  const auto read = parse_keyring(print_keyring(keyring.value()));
  ASSERT_TRUE(read);
  EXPECT_EQ(numbers(parse_whisper_keys(read.value().shh)), "1p 2s 3p ");
}

TEST(WhisperKeyring, RefusesWhatNoWriterWrites) {
  const std::string good(as_text(print_whisper_keys(keys({1})).view()));
  EXPECT_EQ(numbers(parse_whisper_keys(text(good))), "1p ");
  const std::string one = good.substr(1, good.size() - 2);
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string made = good;
    const auto at = made.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return made.replace(at, from.size(), to);
  };
  for (const std::string& bad :
       {std::string("{}"), std::string("[1]"), "[" + one + "," + one + "]",
        changed("\"pair\"", "\"other\""), changed("\"pair\"", "1"),
        changed("\"id\":\"01", "\"id\":\""), changed("\"secret\":\"01", "\"secret\":\""),
        changed("\"kind\"", "\"more\":1,\"kind\""),
        changed("\"secret\":\"" + to_hex(Bytes(32, 1)), "\"secret\":\"" + to_hex(Bytes(32, 0))),
        changed("\"secret\":\"" + to_hex(Bytes(32, 1)), "\"secret\":\"" + to_hex(Bytes(32, 0xff)))})
    EXPECT_EQ(numbers(parse_whisper_keys(text(bad))), "keyring: 'shh' is damaged") << bad;
}

TEST(WhisperKeyring, HoldsSoManyKeysAndNoMore) {
  std::vector<WhisperKey> many;
  for (std::size_t i = 0; i < kWhisperKeysMax; ++i) {
    Bytes id(32, 0);
    id[0] = static_cast<std::uint8_t>(i >> 8);
    id[1] = static_cast<std::uint8_t>(i);
    many.push_back({to_hex(id), WhisperKeyKind::symmetric, SecretBytes::from(Bytes(32, 5))});
  }
  const SecretBytes full = print_whisper_keys(many);
  EXPECT_TRUE(parse_whisper_keys(full));
  EXPECT_FALSE(merge_whisper_keys(full, {}, keys({0xee})));
  many.push_back(key(0xee));
  EXPECT_FALSE(parse_whisper_keys(print_whisper_keys(many)));
}

TEST(WhisperKeyring, MergesWithWhatOthersHaveChanged) {
  const auto merged = [](auto there, auto before, auto now) {
    const auto made = merge_whisper_keys(print_whisper_keys(keys(there)), keys(before), keys(now));
    return made ? numbers(parse_whisper_keys(made.value())) : made.error().message;
  };
  using L = std::initializer_list<int>;
  EXPECT_EQ(merged(L{1, 2}, L{1, 2}, L{1, 2, 3}), "1p 2s 3p ");
  EXPECT_EQ(merged(L{1, 2}, L{1, 2}, L{2}), "2s ");
  EXPECT_EQ(merged(L{1, 4}, L{1}, L{1, 3}), "1p 4s 3p ") << "another gateway has made 4";
  EXPECT_EQ(merged(L{2}, L{1, 2}, L{1, 2, 3}), "2s 3p ") << "another gateway has deleted 1";
}

}  // namespace
}  // namespace bmsg::api
