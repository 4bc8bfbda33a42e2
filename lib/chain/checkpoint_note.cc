#include "lib/chain/checkpoint_note.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/core/address.h"
#include "lib/core/base64.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha256.h"
#include "lib/crypto/sign.h"

namespace bmsg::chain {
namespace {

constexpr std::string_view kOrigin = "bmsg/";
constexpr std::string_view kSignatureMark = "\xe2\x80\x94 ";  // An em dash and a space.
constexpr std::size_t kKeyIdBytes = 4;
constexpr std::uint8_t kEd25519 = 1;
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kSignatureBytesMax = 4096;  // Of other kinds of keys.

Error bad(std::string_view what) {
  return Error{Errc::bad_input, fmt::format("checkpoint: {}", what)};
}

/// The next line of a text, without its end, and the text after it.
Result<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return bad("it is cut off");
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

/// Of a key name and an Ed25519 key. Source: C2SP signed-note, "Signatures".
Bytes key_id(std::string_view name, const IdentityKey& key) {
  Bytes text(name.begin(), name.end());
  text.push_back('\n');
  text.push_back(kEd25519);
  text.insert(text.end(), key.view().begin(), key.view().end());
  const auto hash = crypto::sha256(text);
  return Bytes(hash.begin(), hash.begin() + kKeyIdBytes);
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::ranges::all_of(name, [](char one) { return one > ' ' && one < 0x7f && one != '+'; });
}

Result<NoteSignature> parse_signature(std::string_view line) {
  if (!line.starts_with(kSignatureMark)) return bad("a line is no signature");
  line.remove_prefix(kSignatureMark.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_name(line.substr(0, space)))
    return bad("a signature names no key");
  const auto bytes = from_base64(line.substr(space + 1));
  if (!bytes || bytes->size() <= kKeyIdBytes || bytes->size() > kSignatureBytesMax)
    return bad("a signature is not base64 of its key's id and itself");
  return NoteSignature{std::string(line.substr(0, space)), *bytes};
}

Result<Done> parse_signed(std::string_view& text, CheckpointNote& note) {
  BMSG_TRY_ASSIGN(auto origin, take_line(text));
  if (!origin.starts_with(kOrigin)) return bad("it is of no chain of this kind");
  const auto tag = fixed_from_hex<ChainTag>(origin.substr(kOrigin.size()));
  if (!tag) return bad("its chain is not 16 lower-case hex digits");
  note.chain = *tag;
  BMSG_TRY_ASSIGN(const auto size, take_line(text));
  const auto [end, fault] = std::from_chars(size.data(), size.data() + size.size(), note.size);
  if (fault != std::errc() || note.size == 0 || fmt::to_string(note.size) != size)
    return bad("its number of blocks is none");
  BMSG_TRY_ASSIGN(const auto root, take_line(text));
  const auto bytes = from_base64(root);
  if (!bytes || bytes->size() != MerkleRoot::kSize) return bad("its root is not base64 of a hash");
  note.root = MerkleRoot::from(*bytes);
  return done;
}

}  // namespace

std::string signed_text(const CheckpointNote& note) {
  return fmt::format("{}{}\n{}\n{}\n", kOrigin, to_hex(note.chain.view()), note.size,
                     to_base64(note.root.view()));
}

std::string print(const CheckpointNote& note) {
  std::string text = fmt::format("{}\n", signed_text(note));
  for (const NoteSignature& one : note.signatures)
    text += fmt::format("{}{} {}\n", kSignatureMark, one.name, to_base64(one.bytes));
  return text;
}

Result<CheckpointNote> parse_checkpoint_note(std::string_view text) {
  CheckpointNote note;
  BMSG_TRY(parse_signed(text, note));
  BMSG_TRY_ASSIGN(const auto gap, take_line(text));
  if (!gap.empty()) return bad("no empty line follows its third");
  while (!text.empty()) {
    if (note.signatures.size() == kNoteSignaturesMax) return bad("it has too many signatures");
    BMSG_TRY_ASSIGN(const auto line, take_line(text));
    BMSG_TRY_ASSIGN(auto signature, parse_signature(line));
    note.signatures.push_back(std::move(signature));
  }
  if (note.signatures.empty()) return bad("nobody has signed it");
  return note;
}

bool looks_like_note(std::string_view text) { return text.starts_with(kOrigin); }

void sign(CheckpointNote& note, const crypto::SecretBytes& seed) {
  const IdentityKey key = crypto::public_key_of(seed);
  NoteSignature made{to_address(key), {}};
  made.bytes = key_id(made.name, key);
  const auto signature = crypto::sign(seed, as_bytes(signed_text(note)));
  made.bytes.insert(made.bytes.end(), signature.view().begin(), signature.view().end());
  std::erase_if(note.signatures, [&](const auto& one) { return one.name == made.name; });
  note.signatures.push_back(std::move(made));
}

Result<std::vector<IdentityKey>> signers_of(const CheckpointNote& note) {
  const std::string text = signed_text(note);
  std::vector<IdentityKey> signers;
  for (const NoteSignature& one : note.signatures) {
    const auto key = from_address(one.name);
    if (!key || to_address(*key) != one.name) continue;
    const ByteView bytes = one.bytes;
    const bool is_whole = bytes.size() == kKeyIdBytes + Signature::kSize &&
                          std::ranges::equal(bytes.first(kKeyIdBytes), key_id(one.name, *key));
    if (!is_whole || crypto::is_weak(*key) ||
        !crypto::verify(*key, as_bytes(text), Signature::from(bytes.subspan(kKeyIdBytes))))
      return bad(fmt::format("the signature of {} does not hold", one.name));
    if (std::ranges::find(signers, *key) == signers.end()) signers.push_back(*key);
  }
  return signers;
}

}  // namespace bmsg::chain
