#include "cli/store_facts.h"

#include "cli/keyring_file.h"
#include "cli/prompt.h"
#include "cli/session.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"

namespace bmsg::cli {

Result<api::StoreView> store_facts(Context& context, const StoreDir& store,
                                   const std::optional<IdentityKey>& address) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  BMSG_TRY_ASSIGN(const auto tip, chain->tip());
  api::StoreView view;
  view.path = store.root().string();
  view.chain = rules.rules.name;
  view.chain_id = rules.id;
  view.mode = rules.rules.mode == chain::Mode::pow ? "pow" : "endorse";
  view.height = tip.height;
  view.address = address;
  if (address) view.fingerprint = fingerprint_of(*address);
  return view;
}

}  // namespace bmsg::cli
