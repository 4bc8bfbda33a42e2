// What a receipt or a checkpoint note is worth to whoever holds it: checked against each other and
// against a store of the same chain.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/chain/checkpoint_note.h"
#include "lib/chain/receipt.h"
#include "lib/chain/rules_text.h"
#include "lib/node/store.h"

namespace bmsg::cli {

/// A note from a file, or from standard input for "-", and whose signatures on it hold.
struct ReadNote {
  chain::CheckpointNote note;
  std::vector<IdentityKey> signers;
};
/// Errors: Errc::bad_input for one that is altered; Errc::not_found.
Result<ReadNote> read_note(const Context& context, const std::string& file);
Result<ReadNote> parse_note(ByteView bytes);

/// The bytes of a receipt or note from a file, or from standard input for "-".
Result<Bytes> read_proof(const Context& context, const std::string& file);

/// A receipt from a file, or from standard input for "-"; nothing of it is checked yet.
Result<chain::Receipt> read_receipt(const Context& context, const std::string& file);

/// Height and hash of "HEIGHT:HASH", both in full; nullopt for anything else.
std::optional<node::Checkpoint> parse_pin(const std::string& text);

/// Refuses a note that says another past than this chain has, or of which it has a part only.
/// Errors: Errc::bad_input; Errc::try_again if the chain is shorter than the note.
Result<Done> check_note(const node::ChainReader& chain, const ChainId& id,
                        const chain::CheckpointNote& note);

/// Refuses a receipt that does not reach the block up to which a note goes.
Result<Done> check_reach(const chain::Receipt& receipt, const chain::CheckpointNote& note);

/// Where a block of a receipt stands in a store.
struct Standing {
  bool is_known = false;  // False: the store has no block of that height yet.
  std::uint32_t confirmations = 0;
};
/// Seals too, by the rules that held for the block, where the store knows them.
/// Errors: Errc::bad_input if the chain is another, or has another block there.
Result<Standing> standing_in(const node::ChainReader& chain, const chain::ChainRules& rules,
                             const chain::Receipt& receipt);

}  // namespace bmsg::cli
