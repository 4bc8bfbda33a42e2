#include "cli/standing.h"

#include <algorithm>

#include "cli/session.h"
#include "lib/core/try.h"
#include "lib/mail/ack.h"
#include "lib/mail/scan.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {

Standings::Standings(Context& context, const StoreDir& store, chain::ChainRules rules)
    : context_(&context),
      store_(store),
      rules_(std::move(rules)),
      outbox_(context.disk, store.outbox()) {}

Result<Standings> Standings::open(Context& context, const StoreDir& store,
                                  const mail::Keyring* keyring) {
  BMSG_TRY_ASSIGN(auto rules, read_rules(context, store));
  Standings made(context, store, std::move(rules));
  if (keyring != nullptr) {
    made.keys_ = mail::mail_keys(*keyring, made.rules_.id);
    const storage::OpenOptions options{.disk = context.disk};
    BMSG_TRY_ASSIGN(made.index_, storage::RocksMailStore::open_read_only(store.mail(), options));
    made.overlay_ = std::make_unique<mail::MailOverlay>(*made.index_);
  }
  BMSG_TRY(made.refresh());
  return made;
}

Result<Done> Standings::refresh() {
  BMSG_TRY_ASSIGN(chain_, open_chain(*context_, store_));
  return keys_ ? scan() : Result<Done>(done);
}

Result<Done> Standings::scan() {
  const mail::ScanOptions options{.limits = {},
                                  .burial_depth = mail::burial_depth(rules_.rules.mode)};
  for (;;) {
    BMSG_TRY_ASSIGN(const auto found,
                    mail::scan(*chain_, *overlay_, *keys_, outbox_, context_->entropy, options));
    overlay_->add(found.change);
    if (!found.more) return done;
  }
}

Result<std::optional<mail::OutboxStatus>> Standings::status_of(const MessageId& id) const {
  const std::uint32_t depth = mail::burial_depth(rules_.rules.mode);
  BMSG_TRY_ASSIGN(const auto entry, outbox_.find(id));
  if (!entry) return outbox_.status_on_chain(id, *chain_, depth);
  BMSG_TRY_ASSIGN(auto status, outbox_.status(*entry, *chain_, depth, context_->clock.now()));
  return std::optional(std::move(status));
}

bool Standings::is_ours(const IdentityKey& address) const {
  return keys_ && keys_->own_of(address.view()) != nullptr;
}

Result<bool> Standings::is_read_by(const MessageId& id, const IdentityKey& address) const {
  if (!keys_) return false;
  if (is_ours(address)) return true;
  BMSG_TRY_ASSIGN(const auto when, mail::acknowledged(*overlay_, keys_->mailbox_key, id, address));
  return when.has_value();
}

}  // namespace bmsg::cli
