// Checkpoint note: what a chain looked like up to a block, in three lines that people sign.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::chain {

/// A signature line as it stands. Lines of keys that are no addresses are kept and prove nothing.
struct NoteSignature {
  std::string name;  // Of the key: an address of ours; text without spaces and plus.
  Bytes bytes;       // Key id 4, then for our kind of key a signature 64.

  bool operator==(const NoteSignature&) const = default;
};

/// The first `size` blocks of a chain, as the root over their hashes. A past that was rewritten
/// contradicts it.
struct CheckpointNote {
  ChainTag chain;
  std::uint32_t size = 0;  // Height of the last block, and 1.
  MerkleRoot root;         // Over the hashes of blocks 0 to size-1.
  std::vector<NoteSignature> signatures;

  bool operator==(const CheckpointNote&) const = default;
};

inline constexpr std::size_t kNoteSignaturesMax = 100;
inline constexpr std::size_t kNoteBytesMax = 64u << 10;

/// The lines that are signed: "bmsg/" and the first 16 hex digits of the chain's id; the size; the
/// root in base64.
std::string signed_text(const CheckpointNote& note);

/// Shape:  the signed lines, an empty one, and a line for each signature.
/// Source: C2SP signed-note; bmsg-format(5), "Checkpoint".
std::string print(const CheckpointNote& note);

/// Strict: exactly what print() writes.
/// Errors: Errc::bad_input, naming the line.
Result<CheckpointNote> parse_checkpoint_note(std::string_view text);

/// True for what is meant to be a note, good or not.
bool looks_like_note(std::string_view text);

/// Adds the signature of this Ed25519 key, or replaces its earlier one.
void sign(CheckpointNote& note, const crypto::SecretBytes& seed);

/// Whose signatures hold, in the order of the lines, each once.
/// Errors: Errc::bad_input if one that names an address does not hold.
Result<std::vector<IdentityKey>> signers_of(const CheckpointNote& note);

}  // namespace bmsg::chain
