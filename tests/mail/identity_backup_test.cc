#include "lib/mail/identity_backup.h"

#include <gtest/gtest.h>

#include "lib/mail/statement.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

constexpr crypto::ScryptCost kQuick{.log2_n = 10, .r = 8, .p = 1};

std::string paper_words(std::uint8_t seed) { return to_string(paper_of(secret(seed)).view()); }

TEST(Paper, IsSeventeenWordsAndComesBack) {
  const std::string words = paper_words(1);
  EXPECT_EQ(words.size(), 17 * 6 - 1u);
  EXPECT_EQ(to_bytes(seed_on_paper(as_bytes(words)).value().view()), filled(1));
  std::string typed = "  ";
  for (const char c : words) typed += c == '-' ? std::string("\n- ") : std::string(1, char(c - 32));
  EXPECT_EQ(to_bytes(seed_on_paper(as_bytes(typed)).value().view()), filled(1)) << typed;
}

TEST(Paper, TellsOneWrongWordByTheLast) {
  const std::string words = paper_words(1);
  std::string wrong = words;
  wrong[1] = wrong[1] == 'a' ? 'o' : 'a';
  const auto read = seed_on_paper(as_bytes(wrong));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::bad_input);
  EXPECT_NE(read.error().message.find("last word"), std::string::npos);
  for (const std::string& bad : {std::string(), words.substr(0, 95), words + "-lusab",
                                 "x" + words.substr(1), std::string(2049, ' ')}) {
    EXPECT_EQ(seed_on_paper(as_bytes(bad)).error().code, Errc::bad_input) << bad;
  }
}

TEST(Paper, BringsBackAnIdentityWithItsOldRevocation) {
  const Identity back = identity_of(secret(1), "alice");
  EXPECT_EQ(back.address(), identity(1));
  EXPECT_EQ(back.revocation, golden::bytes(golden::kRevokeAlice));
  EXPECT_TRUE(back.cards.empty());
}

class Backup : public testing::Test {
 protected:
  Backup() {
    keyring = make_keyring(entropy).value();
    keyring.identities.push_back(make_identity("ana", 9, entropy).value());
    keyring.identities[0].epoch = 3600;
    keyring.identities[0].inbox_bits = 6;
    keyring.identities[0].cards.push_back(
        make_card_key(keyring.identities[0], example_chain().id, UnixSeconds{5}, entropy).value());
  }

  FakeEntropy entropy;
  Keyring keyring;
};

TEST_F(Backup, LeavesPrekeysAndMailboxKeyAtHomeUnlessAsked) {
  const Pairing without = backup_of(keyring, nullptr, {}, Prekeys::left_out);
  ASSERT_EQ(without.keyring.identities.size(), 1u);
  EXPECT_TRUE(without.keyring.identities[0].cards.empty());
  EXPECT_EQ(without.keyring.identities[0].epoch, 3600u);
  EXPECT_EQ(without.keyring.identities[0].inbox_bits, 6);
  EXPECT_EQ(without.keyring.archive.size(), 0u);
  const Pairing with = backup_of(keyring, nullptr, {}, Prekeys::copied);
  ASSERT_EQ(with.keyring.identities[0].cards.size(), 1u);
  EXPECT_EQ(to_bytes(with.keyring.identities[0].cards[0].secret.view()),
            to_bytes(keyring.identities[0].cards[0].secret.view()));
  EXPECT_EQ(with.keyring.archive.size(), 0u);
}

TEST_F(Backup, TellsDamageFromAWrongPassphrase) {
  const auto json = crypto::SecretBytes::from(as_bytes("{\"v\":1}"));
  const Bytes file = seal_backup(json, secret(1), kQuick, entropy).value();
  EXPECT_EQ(as_text(open_backup(file, secret(1)).value().view()), "{\"v\":1}");
  EXPECT_EQ(open_backup(file, secret(2)).error().code, Errc::denied);
  for (std::size_t at = 0; at < file.size(); ++at) {
    Bytes bad = file;
    bad[at] ^= 1;
    EXPECT_EQ(open_backup(bad, secret(1)).error().code, Errc::corrupt) << at;
  }
  for (std::size_t size = 0; size < file.size(); size += 5)
    EXPECT_EQ(check_backup(ByteView(file).first(size)).error().code, Errc::corrupt) << size;
}

}  // namespace
}  // namespace bmsg::mail
