// Checkpoint notes: signed notes of C2SP, with our addresses for names.

#include "lib/chain/checkpoint_note.h"

#include <gtest/gtest.h>

#include "lib/core/address.h"
#include "lib/core/base64.h"
#include "lib/core/hex.h"
#include "lib/crypto/sha256.h"
#include "lib/crypto/sign.h"

namespace bmsg::chain {
namespace {

crypto::SecretBytes seed_of(std::uint8_t byte) {
  return crypto::SecretBytes::from(Bytes(crypto::kSeedBytes, byte));
}

IdentityKey key_of(std::uint8_t byte) { return crypto::public_key_of(seed_of(byte)); }

CheckpointNote note_of(std::initializer_list<std::uint8_t> signers) {
  CheckpointNote note{.chain = ChainTag::filled(0xab),
                      .size = 1483,
                      .root = MerkleRoot::filled(0x11),
                      .signatures = {}};
  for (const std::uint8_t one : signers) sign(note, seed_of(one));
  return note;
}

bool is_good(std::string_view text) {
  const auto note = parse_checkpoint_note(text);
  return note && signers_of(note.value());
}

TEST(CheckpointNote, IsThreeLinesAndItsSignatures) {
  const std::string text = print(note_of({1, 2}));
  EXPECT_EQ(text.substr(0, text.find("\n\n") + 2),
            "bmsg/abababababababab\n1483\n" + to_base64(Bytes(64, 0x11)) + "\n\n");
  const auto parsed = parse_checkpoint_note(text);
  ASSERT_TRUE(bool(parsed)) << parsed.error().message;
  EXPECT_EQ(parsed.value(), note_of({1, 2}));
  EXPECT_EQ(print(parsed.value()), text);
  EXPECT_EQ(signers_of(parsed.value()).value(), (std::vector{key_of(1), key_of(2)}));
}

// The key id as Go's golang.org/x/mod/sumdb/note documents it for its example key.
TEST(CheckpointNote, NamesKeysAsOtherToolsDo) {
  const auto id_of = [](std::string name, ByteView kind_and_key) {
    Bytes text(name.begin(), name.end());
    text.push_back('\n');
    text.insert(text.end(), kind_and_key.begin(), kind_and_key.end());
    const auto hash = crypto::sha256(text);
    return to_hex(ByteView(hash).first(4));
  };
  const auto go = from_base64("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").value();
  EXPECT_EQ(id_of("PeterNeumann", go), "c74f20a3");
  const CheckpointNote note = note_of({1});
  const IdentityKey key = key_of(1);
  Bytes ours = {1};
  ours.insert(ours.end(), key.view().begin(), key.view().end());
  EXPECT_EQ(to_hex(ByteView(note.signatures[0].bytes).first(4)),
            id_of(to_address(key_of(1)), ours));
}

TEST(CheckpointNote, ProvesNothingOnceAnyCharacterIsAnother) {
  const std::string whole = print(note_of({1, 2}));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char other : {char(whole[at] ^ 1), 'A', ' ', '\n'}) {
      if (other == whole[at]) continue;
      std::string text = whole;
      text[at] = other;
      const auto note = parse_checkpoint_note(text);
      if (!note) continue;
      const auto signers = signers_of(note.value());
      // A name that is no address any more is a stranger's line; the other signature holds.
      if (signers) {
        EXPECT_EQ(signers.value().size(), 1u) << at;
        EXPECT_EQ(signed_text(note.value()), signed_text(note_of({1}))) << at;
      }
    }
  }
}

TEST(CheckpointNote, IsNotCutNorLoose) {
  const std::string whole = print(note_of({1}));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(is_good(whole.substr(0, size))) << size;
  EXPECT_FALSE(is_good(whole + "\n"));
  std::string text = whole;
  EXPECT_FALSE(is_good(text.replace(text.find("1483"), 4, "01483")));
  text = whole;
  EXPECT_FALSE(is_good(text.replace(text.find("1483"), 4, "0")));
  text = whole;
  EXPECT_FALSE(is_good(text.replace(text.find("1483"), 4, "4294967296")));
  EXPECT_FALSE(is_good(signed_text(note_of({})) + "\n")) << "nobody has signed it";
}

TEST(CheckpointNote, KeepsWhatOthersSignedInTheirWay) {
  CheckpointNote note = note_of({1});
  note.signatures.push_back({"witness.example", Bytes(76, 9)});
  const auto parsed = parse_checkpoint_note(print(note));
  ASSERT_TRUE(bool(parsed)) << parsed.error().message;
  EXPECT_EQ(parsed.value(), note);
  EXPECT_EQ(signers_of(note).value(), std::vector{key_of(1)});
}

TEST(CheckpointNote, IsRefusedWholeForOneBadSignature) {
  CheckpointNote note = note_of({1, 2});
  note.signatures[1].bytes.back() ^= 1;
  const auto signers = signers_of(note);
  ASSERT_FALSE(bool(signers));
  EXPECT_NE(signers.error().message.find(to_address(key_of(2))), std::string::npos);
  note = note_of({1, 2});
  std::swap(note.signatures[0].bytes, note.signatures[1].bytes);
  EXPECT_FALSE(bool(signers_of(note)));
}

TEST(CheckpointNote, HasOneSignatureOfAKey) {
  CheckpointNote note = note_of({1, 2, 1});
  EXPECT_EQ(note.signatures.size(), 2u);
  EXPECT_EQ(signers_of(note).value().size(), 2u);
}

TEST(CheckpointNote, TakesAHundredSignaturesAndNoMore) {
  CheckpointNote note = note_of({1});
  while (note.signatures.size() < kNoteSignaturesMax)
    note.signatures.push_back({"other.example", Bytes(68, 1)});
  EXPECT_TRUE(is_good(print(note)));
  note.signatures.push_back({"other.example", Bytes(68, 1)});
  EXPECT_FALSE(is_good(print(note)));
}

}  // namespace
}  // namespace bmsg::chain
