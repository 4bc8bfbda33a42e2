#include "cli/proof_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/plumbing.h"
#include "cli/refs.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/endorsement.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/node/proofs.h"
#include "lib/node/rules_book.h"

namespace bmsg::cli {
namespace {

/// Refuses a header that is not the one of its height on the best chain. False: not there yet.
Result<bool> stands(const node::ChainReader& chain, const Header& header) {
  BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(header.height));
  if (!hash) return false;
  const BlockHash claimed = chain::hash_of(header);
  if (*hash == claimed) return true;
  return Error{Errc::bad_input,
               fmt::format("block {} of the receipt is not on the best chain here, which has {}",
                           block_name(header.height, claimed), block_name(header.height, *hash)),
               "'bmsg fork list' shows other branches"};
}

}  // namespace

Result<Bytes> read_proof(const Context& context, const std::string& file) {
  constexpr std::size_t kMost = std::max(chain::kNoteBytesMax, chain::kReceiptBytesMax);
  if (file == "-") return read_input(kMost);
  BMSG_TRY(check_no_directory(file));
  auto bytes = context.disk.read(file, kMost);
  if (!bytes && bytes.error().code == Errc::corrupt)
    return Error{Errc::bad_input, bytes.error().message};
  BMSG_TRY_ASSIGN(auto found, std::move(bytes));
  if (!found) return Error{Errc::not_found, fmt::format("no file '{}'", file)};
  return std::move(*found);
}

Result<ReadNote> read_note(const Context& context, const std::string& file) {
  BMSG_TRY_ASSIGN(const Bytes bytes, read_proof(context, file));
  return parse_note(bytes);
}

Result<ReadNote> parse_note(ByteView bytes) {
  BMSG_TRY_ASSIGN(auto note, chain::parse_checkpoint_note(as_text(bytes)));
  BMSG_TRY_ASSIGN(auto signers, chain::signers_of(note));
  return ReadNote{std::move(note), std::move(signers)};
}

Result<chain::Receipt> read_receipt(const Context& context, const std::string& file) {
  BMSG_TRY_ASSIGN(const Bytes bytes, read_proof(context, file));
  return chain::parse_receipt(as_text(bytes));
}

std::optional<node::Checkpoint> parse_pin(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto hash = fixed_from_hex<BlockHash>(text.substr(colon + 1));
  std::uint32_t height = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + colon, height);
  if (!hash || fault != std::errc() || end != text.data() + colon) return std::nullopt;
  return node::Checkpoint{Height{height}, *hash};
}

Result<Done> check_note(const node::ChainReader& chain, const ChainId& id,
                        const chain::CheckpointNote& note) {
  if (note.chain != prefix_of<ChainTag>(id))
    return Error{Errc::bad_input,
                 fmt::format("the checkpoint is of chain {}, this store of {}",
                             to_hex(note.chain.view()), to_hex(prefix_of<ChainTag>(id).view()))};
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  if (std::uint64_t{tip.height.value} + 1 < note.size)
    return Error{Errc::try_again,
                 fmt::format("the checkpoint goes up to block {}, this store to block {}",
                             note.size - 1, tip.height.value),
                 "'bmsg sync', then try again"};
  BMSG_TRY_ASSIGN(const auto root, node::root_of_first(chain, note.size));
  if (root == note.root) return done;
  return Error{Errc::bad_input,
               fmt::format("the checkpoint says another past up to block {} than this store has",
                           note.size - 1),
               "somebody has rewritten it, there or here: compare with others"};
}

Result<Done> check_reach(const chain::Receipt& receipt, const chain::CheckpointNote& note) {
  if (note.chain != prefix_of<ChainTag>(receipt.chain))
    return Error{Errc::bad_input, "the checkpoint is of another chain than the receipt"};
  const bool reaches = receipt.anchor && receipt.anchor->height.value == note.size;
  if (!reaches)
    return Error{Errc::bad_input,
                 fmt::format("the receipt's anchor is not block {}, so it says nothing about the "
                             "checkpoint",
                             note.size),
                 fmt::format("'bmsg receipt ID --anchor {}' makes one that does", note.size)};
  if (receipt.anchor->past == note.root) return done;
  return Error{Errc::bad_input, "the checkpoint says another past than the receipt"};
}

/// Whether a header could be one of this chain, known or not: the mode, the least work, the time.
Result<Done> check_header(const chain::ChainRules& rules, const char* line, const Header& header) {
  const auto bad = [&](const char* cause) {
    return Error{Errc::bad_input, fmt::format("receipt, line '{}': {}", line, cause)};
  };
  if (header.time.value <= rules.rules.time) return bad("it is older than the chain");
  if (rules.rules.mode == chain::Mode::endorse) {
    if (header.bits.value == 0 && header.nonce == 0) return done;
    return bad("it shows work, on a chain of endorsers");
  }
  const auto target = chain::target_of(header.bits);
  const auto easiest = chain::target_of(rules.rules.floor);
  if (!target || !easiest || *easiest < *target)
    return bad("it shows less work than this chain wants");
  return done;
}

Result<Standing> standing_in(const node::ChainReader& chain, const chain::ChainRules& rules,
                             const chain::Receipt& receipt) {
  if (receipt.chain != rules.id)
    return Error{Errc::bad_input, "the receipt is of another chain than this store"};
  const Header& header = receipt.sealed.header;
  BMSG_TRY(check_header(rules, "header", header));
  if (receipt.anchor) BMSG_TRY(check_header(rules, "anchor", *receipt.anchor));
  BMSG_TRY_ASSIGN(const auto held, node::rules_with_tag(chain, header.rules));
  if (!held && rules.rules.mode == chain::Mode::endorse)
    return Error{Errc::try_again, "this store does not know the rules of that block",
                 "'bmsg sync' may bring them, then try again"};
  if (held && held->rules.mode == chain::Mode::endorse) {
    const auto violation = chain::find_seal_violation(receipt.sealed.seal, chain::hash_of(header),
                                                      *held, held->rules.endorse);
    if (violation)
      return Error{Errc::bad_input, fmt::format("receipt, line 'seal': {}", violation->detail)};
  }
  if (receipt.anchor) BMSG_TRY(stands(chain, *receipt.anchor));
  BMSG_TRY_ASSIGN(const bool is_known, stands(chain, header));
  if (!is_known) return Standing{};
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  return Standing{true, tip.height.value - header.height.value + 1};
}

}  // namespace bmsg::cli
