// Our chain beside what others say of it, for `bmsg verify --against`: one function for each kind
// of thing that can say something.

#pragma once

#include <string>

#include "cli/command.h"
#include "lib/core/ids.h"
#include "lib/node/store.h"

namespace bmsg::cli {

/// How our best chain stands to theirs.
enum class Relation { same, behind, ahead, apart };

struct Comparison {
  std::string with;  // As it was named.
  Relation relation = Relation::same;
  Height common;            // Of the last block that both have.
  Height ours;              // Of our tip.
  Height theirs;            // Of theirs, as they say.
  bool is_settled = false;  // Apart, and our first other block is deeper than any branch may reach.
};

/// Compares with whatever `named` is: the address of a node or a mirror, a block as HEIGHT:HASH, or
/// a file with a checkpoint note or a receipt.
/// Errors: as the function of its kind.
Result<Comparison> compare_with(Context& context, const StoreDir& store, const std::string& named);

/// Compares with a peer: its rules, then its headers down to the last block that both have. What it
/// claims to have above our tip is not fetched. A listed peer must prove its key.
/// Errors: as node::Transport; Errc::bad_config for another chain, Errc::try_again if either chain
///         changed meanwhile.
Result<Comparison> compare_with_peer(Context& context, const StoreDir& store,
                                     const std::string& url);

/// Errors: Errc::bad_input if our best chain has another block there; Errc::try_again if it has
/// none
///         yet.
Result<Comparison> compare_with_block(Context& context, const StoreDir& store,
                                      const std::string& named, const node::Checkpoint& block);

/// A note or a receipt, which must hold by itself and agree with our best chain.
/// Errors: Errc::bad_input if it does not; Errc::try_again if our chain does not reach so far;
///         Errc::not_found.
Result<Comparison> compare_with_paper(Context& context, const StoreDir& store,
                                      const std::string& file);

/// In words, for a person, fit for a terminal.
std::string words_for(const Comparison& comparison);
std::string json_of(const Comparison& comparison);

}  // namespace bmsg::cli
