// Addresses and proquints: published cases, the worked example, and every near miss refused.

#include "lib/core/address.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/seed.h"
#include "tests/vectors/golden.h"

namespace bmsg {
namespace {

const std::string kAlice{golden::kAliceAddress};

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

TEST(Address, IsTheWorkedExamples) {
  EXPECT_EQ(to_address(golden::fixed<IdentityKey>(golden::kAliceKey)), kAlice);
  EXPECT_EQ(from_address(kAlice), golden::fixed<IdentityKey>(golden::kAliceKey));
}

TEST(Address, ReadsWhatItWrites) {
  auto numbers = seeded_numbers();
  for (int round = 0; round < 1'000; ++round) {
    const auto key = IdentityKey::from(random_bytes(numbers, IdentityKey::kSize));
    EXPECT_EQ(from_address(to_address(key)), key);
  }
}

TEST(Address, MayBeAllUpperCaseAndNeverMixed) {
  EXPECT_EQ(from_address(upper(kAlice)), from_address(kAlice));
  std::string mixed = kAlice;
  mixed[10] = static_cast<char>(std::toupper(mixed[10]));
  ASSERT_NE(mixed, kAlice);
  EXPECT_EQ(from_address(mixed), std::nullopt);
  EXPECT_EQ(from_address("BMSG" + kAlice.substr(4)), std::nullopt);
}

TEST(Address, RefusesEveryOtherLetterAnywhere) {
  const std::string letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l1bio -\n";
  for (std::size_t at = 0; at < kAlice.size(); ++at) {
    for (const char letter : letters) {
      std::string other = kAlice;
      other[at] = letter;
      EXPECT_EQ(bool(from_address(other)), other == kAlice) << other;
    }
  }
}

TEST(Address, RefusesEveryTruncationExchangeAndExtension) {
  for (std::size_t size = 0; size < kAlice.size(); ++size) {
    EXPECT_EQ(from_address(kAlice.substr(0, size)), std::nullopt);
    EXPECT_EQ(from_address(kAlice.substr(size + 1)), std::nullopt);
  }
  for (std::size_t at = 0; at + 1 < kAlice.size(); ++at) {
    std::string other = kAlice;
    std::swap(other[at], other[at + 1]);
    EXPECT_EQ(bool(from_address(other)), other == kAlice) << other;
  }
  for (const char letter : std::string("q p1\n")) {
    EXPECT_EQ(from_address(kAlice + letter), std::nullopt);
    EXPECT_EQ(from_address(letter + kAlice), std::nullopt);
  }
}

// Valid bech32m or bech32, and none of them an address. Source: BIP-350 and BIP-173.
TEST(Address, RefusesOtherPrefixesLengthsAndTheOlderChecksum) {
  for (const char* text :
       {"A1LQFN3A", "a1lqfn3a", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
        "split1checkupstagehandshakeupstreamerranterredcaperredlc445v", "?1v759aa",
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg"
        "6",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "A12UEL5L",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}) {
    EXPECT_EQ(from_address(text), std::nullopt) << text;
  }
}

// Invalid by BIP-350, whatever the prefix: no separator, empty prefix, short or cut checksum.
TEST(Address, RefusesTheInvalidCasesOfItsSource) {
  for (const char* text :
       {"", "1", "bmsg", "bmsg1", "bmsg1lqfn3a", "qyrz8wqd2c9m", "1qyrz8wqd2c9m", "y1b0jsk6g",
        "lt1igcx5c0", "in1muywd", "mm1crxm3i", "au1s5cgom", "M1VUXWEZ", "16plkw9", "1p2gdwpf",
        "\x20"
        "1xj0phk"}) {
    EXPECT_EQ(from_address(text), std::nullopt) << text;
  }
}

TEST(Proquint, AgreesWithThePublishedCases) {
  const std::pair<Bytes, std::string_view> cases[] = {
      {{127, 0, 0, 1}, "lusab-babad"},      {{63, 84, 220, 193}, "gutih-tugad"},
      {{63, 118, 7, 35}, "gutuk-bisog"},    {{140, 98, 193, 141}, "mudof-sakat"},
      {{64, 255, 6, 200}, "haguz-biram"},   {{128, 30, 52, 45}, "mabiv-gibot"},
      {{147, 67, 119, 2}, "natag-lisaf"},   {{212, 58, 253, 68}, "tibup-zujah"},
      {{216, 35, 68, 215}, "tobog-higil"},  {{216, 68, 232, 21}, "todah-vobij"},
      {{198, 81, 129, 136}, "sinid-makam"}, {{12, 110, 110, 204}, "budov-kuras"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(to_proquint(bytes), text);
    EXPECT_EQ(from_proquint(text), bytes);
  }
}

TEST(Proquint, RefusesWhatItDoesNotWrite) {
  for (const char* text :
       {"", "lusa", "lusab-", "-lusab", "lusab--babad", "lusab babad", "lusabbabad", "lusab-baba",
        "LUSAB", "lasub-ebabd", "lusac", "lusab-babadx", "ulsab"}) {
    EXPECT_EQ(from_proquint(text), std::nullopt) << text;
  }
}

// A buffer that grew has left what was in it, the words of a seed for one, in freed memory.
TEST(Proquint, GrowsNoBuffer) {
  for (const std::size_t bytes : {24UL, 34UL, 200UL}) {
    const std::string text = to_proquint(Bytes(bytes, 0x5a));
    EXPECT_LE(text.capacity(), text.size() + 1) << bytes;
    EXPECT_EQ(from_proquint(text)->capacity(), bytes);
  }
}

TEST(Proquint, WantsWholeWords) {
  EXPECT_DEATH((void)to_proquint(Bytes(3)), "odd number of bytes");
}

}  // namespace
}  // namespace bmsg
