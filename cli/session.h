// Ways into a store: its rules, its chain for reading, its node for changing.

#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "lib/chain/rules_text.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/node/chain_state.h"
#include "lib/node/service.h"
#include "lib/node/store.h"
#include "lib/node/verifier.h"
#include "storage/rocks_options.h"

namespace bmsg::cli {

/// The rules of the store's chain, from the file `genesis`: no database is opened.
/// Errors: Errc::corrupt.
Result<chain::ChainRules> read_rules(const Context& context, const StoreDir& store);

/// The same for what is made from now on: where endorsers changed them by charters, those in force,
/// and that takes a look into the database. What is queued must go out whatever happens to that: if
/// it is damaged, the first rules have to do. Errors: Errc::corrupt; as the database.
Result<chain::ChainRules> rules_now(Context& context, const StoreDir& store);

/// The chain for reading, beside any writer.
Result<std::unique_ptr<node::ChainReader>> open_chain(Context& context, const StoreDir& store);

/// Up to where a better branch is followed without asking: the setting max_reorg, where somebody
/// set it, in place of what the chain's mode brings. Errors: Errc::bad_config.
Result<node::ReorgPolicy> reorg_policy(const Context& context, const StoreDir& store);

/// Up to where a person may vouch for the chain without having to take it back. Errors: as
/// reorg_policy() and ChainReader.
Result<Height> height_to_vouch_for(const Context& context, const StoreDir& store,
                                   const node::ChainReader& chain, chain::Mode mode);

/// How the chain's database of a store is opened.
storage::OpenOptions chain_options(Context& context, const StoreDir& store);

/// How the messages of such a chain are verified: in the order in which they lie, by all cores.
/// Errors: Errc::no_resource.
Result<node::InOrder> in_order(Context& context, const node::BulkReader& chain);

/// The node of a store: a running `serve` over its socket, or the database under our lock. Which of
/// the two it is makes no difference to a command.
class NodeSession {
 public:
  virtual ~NodeSession() = default;

  virtual node::Service& service() = 0;
  /// Files away the public cards that came with what was accepted. A running node does it itself.
  virtual Result<Done> collect_cards() = 0;
  /// Whether another program waits for what we hold.
  virtual bool is_wanted() const = 0;
};

/// Tries socket and lock in turn until the patience for locks ends; takes in the outbox at once.
/// Errors: Errc::locked, naming the holder.
Result<std::unique_ptr<NodeSession>> open_node(Context& context, const StoreDir& store);

/// Tells a running node that the outbox has something; does not wait and does not mind if nobody
/// listens.
void poke_node(const StoreDir& store);

/// The secret of keys/node.key, and its public half. Errors: Errc::corrupt.
Result<crypto::SecretBytes> read_node_seed(const Context& context, const StoreDir& store);

/// A sentence for what a light store has no bodies for. Errors: Errc::unreachable in a light store.
Result<Done> refuse_light(const StoreDir& store, std::string_view purpose);

/// What this program calls itself towards peers.
std::string agent_name();

}  // namespace bmsg::cli
