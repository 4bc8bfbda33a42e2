#include "lib/chain/receipt.h"

#include <fmt/format.h>

#include "lib/chain/block_hash.h"
#include "lib/chain/merkle.h"
#include "lib/chain/proof_lines.h"
#include "lib/chain/work.h"
#include "lib/core/base64.h"
#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::chain {
namespace {

Error bad(std::string_view key, std::string_view why) {
  return ProofLines::bad("receipt", key, why);
}

using Nonce = FixedBytes<kNonceBytes, struct NonceTag>;

template <class Value>
Result<Value> named(std::string_view key, Result<Value> decoded) {
  if (decoded) return decoded;
  return bad(key, decoded.error().message);
}

Result<Seal> decode_seal(ByteView bytes) {
  ByteReader reader(bytes);
  BMSG_TRY_ASSIGN(auto seal, read_seal(reader));
  if (!reader.finished()) return Error{Errc::bad_input, "the seal has another length"};
  return seal;
}

Result<Done> parse_additions(ProofLines& lines, Receipt& receipt) {
  if (lines.has("anchor")) {
    BMSG_TRY_ASSIGN(const auto bytes, lines.bytes("anchor"));
    BMSG_TRY_ASSIGN(receipt.anchor, named("anchor", decode_header(bytes)));
    BMSG_TRY_ASSIGN(receipt.past, lines.digests("past", kProofDigestsMax));
  }
  if (lines.has("body")) {
    BMSG_TRY_ASSIGN(receipt.body, lines.bytes("body"));
    if (lines.has("key")) {
      BMSG_TRY_ASSIGN(receipt.key, lines.bytes("key"));
    }
  }
  if (receipt.key && receipt.key->size() != kContentKeyBytes) return bad("key", "is no key");
  if (!lines.is_empty()) return Error{Errc::bad_input, "receipt: more lines than it may have"};
  return done;
}

/// A header of a pow chain shows the work that it names; one of an endorse chain shows none.
Result<Done> check_work(const Receipt& receipt, std::string_view key, const Header& header) {
  if (header.bits.value == 0) return done;
  const auto target = target_of(header.bits);
  if (!target || !meets(hash_of(header), *target)) return bad(key, "it lacks the work it names");
  if (header.rules != prefix_of<RulesTag>(receipt.chain)) return bad(key, "is of another chain");
  return done;
}

Result<Done> check_block(const Receipt& receipt, const MessageId& id) {
  const Header& header = receipt.sealed.header;
  const Digest leaf = leaf_of(id, receipt.nonce);
  if (receipt.index >= header.count) return bad("index", "the block has no so many messages");
  if (!includes(leaf, receipt.index, header.count, receipt.path, header.root))
    return bad("path", "it does not lead from the message to the block's root");
  BMSG_TRY(check_work(receipt, "header", header));
  const bool is_endorsed = header.bits.value == 0;
  if (is_endorsed == receipt.sealed.seal.empty())
    return bad("seal", is_endorsed ? "is empty, and the block has no work" : "beside work");
  return done;
}

Result<Done> check_anchor(const Receipt& receipt, const BlockHash& block) {
  const Header& header = receipt.sealed.header;
  const Header& anchor = *receipt.anchor;
  if (anchor.height <= header.height) return bad("anchor", "does not lie above the block");
  if (!includes(leaf_hash(block.view()), header.height.value, anchor.height.value, receipt.past,
                anchor.past))
    return bad("past", "it does not lead from the block to the anchor's past");
  if ((anchor.bits.value == 0) != (header.bits.value == 0)) return bad("anchor", "of another mode");
  return check_work(receipt, "anchor", anchor);
}

}  // namespace

std::string print(const Receipt& receipt) {
  std::string text = fmt::format("bmsg-receipt 1\nchain {}\n", to_hex(receipt.chain.view()));
  text += proof_line("head", encode(receipt.head));
  text += fmt::format("nonce {:016x}\nindex {}\n", receipt.nonce, receipt.index);
  for (const Digest& one : receipt.path) text += proof_line("path", one.view());
  text += proof_line("header", encode(receipt.sealed.header));
  Bytes seal;
  append_seal(seal, receipt.sealed.seal);
  text += proof_line("seal", seal);
  if (receipt.anchor) text += proof_line("anchor", encode(*receipt.anchor));
  for (const Digest& one : receipt.past) text += proof_line("past", one.view());
  if (receipt.body) text += proof_line("body", *receipt.body);
  if (receipt.key) text += proof_line("key", *receipt.key);
  return text;
}

Result<Receipt> parse_receipt(std::string_view text) {
  ProofLines lines(text, "receipt");
  Receipt receipt;
  BMSG_TRY_ASSIGN(const auto version, lines.number("bmsg-receipt"));
  if (version != 1) return bad("bmsg-receipt", "needs a newer bmsg");
  BMSG_TRY_ASSIGN(receipt.chain, lines.hex<ChainId>("chain"));
  BMSG_TRY_ASSIGN(const auto head, lines.bytes("head"));
  BMSG_TRY_ASSIGN(receipt.head, named("head", decode_head(head)));
  BMSG_TRY_ASSIGN(const auto nonce, lines.hex<Nonce>("nonce"));
  receipt.nonce = load_be<std::uint64_t>(nonce.data());
  BMSG_TRY_ASSIGN(receipt.index, lines.number("index"));
  BMSG_TRY_ASSIGN(receipt.path, lines.digests("path", kProofDigestsMax));
  BMSG_TRY_ASSIGN(const auto header, lines.bytes("header"));
  BMSG_TRY_ASSIGN(receipt.sealed.header, named("header", decode_header(header)));
  BMSG_TRY_ASSIGN(const auto seal, lines.bytes("seal"));
  BMSG_TRY_ASSIGN(receipt.sealed.seal, named("seal", decode_seal(seal)));
  BMSG_TRY(parse_additions(lines, receipt));
  return receipt;
}

Result<Receipted> check_receipt(const Receipt& receipt) {
  if (receipt.head.chain != prefix_of<ChainTag>(receipt.chain))
    return bad("head", "the message is of another chain");
  Receipted found{.id = id_of(receipt.head), .block = hash_of(receipt.sealed.header), .anchor = {}};
  BMSG_TRY(check_block(receipt, found.id));
  if (receipt.anchor) {
    BMSG_TRY(check_anchor(receipt, found.block));
    found.anchor = hash_of(*receipt.anchor);
  }
  if (!receipt.body) return found;
  const bool fits = receipt.body->size() == receipt.head.body_bytes &&
                    body_hash_of(*receipt.body) == receipt.head.body_hash;
  if (!fits) return bad("body", "it is not the one that the head names");
  return found;
}

}  // namespace bmsg::chain
