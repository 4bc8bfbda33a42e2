#include "cli/new_owner.h"

#include <fmt/format.h>

#include "cli/endorser_key.h"
#include "cli/node_key.h"
#include "cli/passphrase.h"
#include "cli/store_facts.h"
#include "cli/text.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/contact_book.h"
#include "lib/node/endorser.h"

namespace bmsg::cli {

void add_owner_options(Command command, OwnerOptions& options) {
  command.add_option("--name", options.name, "The name that your card shows").type_name("NAME");
  command
      .add_option("--revocation", options.revocation,
                  "Write the revocation to a file, or - for output")
      .type_name("FILE");
  command.add_flag("--no-identity", options.no_identity, "Make no identity");
  command.add_flag("--no-passphrase", options.no_passphrase, "Keep the keys without a passphrase");
  command.add_flag("--light", options.light, "Keep heads, and own messages, only");
  command
      .add_option("--node-key", options.node_key,
                  "The node key, from a file that is made if need be")
      .type_name("FILE");
  command.add_option("--endorser-key", options.endorser_key, "The key to endorse with, from a file")
      .type_name("FILE");
}

/// Whether the rules name the key; if not, a charter may later.
Result<crypto::SecretBytes> endorser_seed_of(const Context& context, const std::string& file,
                                             const std::string& rules_text) {
  BMSG_TRY_ASSIGN(auto seed, read_node_seed_file(context.disk, file));
  BMSG_TRY_ASSIGN(const auto rules, chain::parse_rules_text(rules_text));
  if (rules.mode == chain::Mode::pow)
    return Error{Errc::bad_usage, "--endorser-key: blocks of this chain are mined"};
  if (!node::endorser_index(rules, endorser_key_of(seed)))
    context.out.warn("--endorser-key: the key is not among the chain's first endorsers");
  return seed;
}

Result<NewStore> store_for(Context& context, const OwnerOptions& options, std::string rules_text,
                           const std::filesystem::path& directory) {
  NewStore wanted{.rules_text = std::move(rules_text),
                  .identity = {},
                  .passphrase = {},
                  .node_seed = {},
                  .light = options.light};
  BMSG_TRY(RevocationPaper::check_way(context, options.revocation));
  if (options.no_identity && !options.revocation.empty())
    return Error{Errc::bad_usage, "--revocation: without an identity there is nothing to revoke"};
  if (!options.no_identity) {
    wanted.identity = options.name;
    if (!options.name.empty()) {
      BMSG_TRY_ASSIGN(wanted.identity, mail::to_contact_name(options.name));
    }
  }
  if (!options.endorser_key.empty()) {
    BMSG_TRY_ASSIGN(wanted.endorser_seed,
                    endorser_seed_of(context, options.endorser_key, wanted.rules_text));
  }
  if (!options.no_passphrase) {
    BMSG_TRY_ASSIGN(wanted.passphrase, new_passphrase(context, directory.string()));
    if (wanted.passphrase->size() == 0)
      return Error{Errc::bad_usage,
                   "the passphrase is empty; --no-passphrase says that on purpose"};
  }
  return wanted;
}

Result<Done> report_store(Context& context, const StoreDir& store,
                          const std::optional<IdentityKey>& address) {
  BMSG_TRY_ASSIGN(const auto facts, store_facts(context, store, address));
  if (context.options.json) {
    context.out.line(api::store_json(facts));
    return done;
  }
  context.out.line(fmt::format("store {}", shown_line(facts.path)));
  context.out.line(fmt::format("chain {}", to_hex(facts.chain_id.view())));
  context.out.line(fmt::format("address {}", facts.address ? to_address(*facts.address) : "-"));
  return done;
}

}  // namespace bmsg::cli
