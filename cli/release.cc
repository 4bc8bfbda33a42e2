#include "cli/release.h"

#include <fmt/format.h>

#include "cli/keyring_file.h"
#include "cli/session.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kShownDigits = 16;

}  // namespace

Result<std::vector<mail::HeldLetters::Released>> release_held(Context& context,
                                                              const StoreDir& store,
                                                              const chain::ChainRules& rules,
                                                              const mail::Keyring& keyring) {
  std::vector<mail::HeldLetters::Released> none;
  mail::Outbox outbox(context.disk, store.outbox());
  BMSG_TRY_ASSIGN(const auto waiting, mail::held_names(outbox));
  if (waiting.empty()) return none;
  BMSG_TRY_ASSIGN(const auto chain, open_chain(context, store));
  mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  // The card may have come with blocks that nobody has looked through yet.
  BMSG_TRY(cards.collect_all(*chain));
  // Each letter names its own identity.
  const auto sending = sending_with(context, rules, cards, outbox, &keyring);
  mail::HeldLetters held(outbox, keyring.archive);
  std::vector<mail::HeldLetters::Stuck> stuck;
  BMSG_TRY_ASSIGN(auto released, held.release(sending, std::stop_token(), &stuck));
  for (const mail::HeldLetters::Stuck& one : stuck) {
    const std::string name = to_hex(one.held.view());
    context.out.warn(
        fmt::format("held message {} is not sent: {}; "
                    "'bmsg outbox cancel {}' takes it away",
                    name, one.why.message, name.substr(0, kShownDigits)));
  }
  if (!released.empty()) poke_node(store);
  return released;
}

}  // namespace bmsg::cli
