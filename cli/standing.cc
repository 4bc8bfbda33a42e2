#include "cli/standing.h"

#include <algorithm>

#include "cli/keyring_file.h"
#include "cli/refs.h"
#include "cli/session.h"
#include "lib/core/try.h"
#include "lib/mail/ack.h"
#include "lib/mail/held.h"
#include "lib/mail/scan.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {

namespace {

/// Whether one message of a letter has come less far than another. Failed and expired are the
/// worst, though they stand last.
bool is_behind(const mail::OutboxStatus& one, const mail::OutboxStatus& other) {
  const auto is_over = [](const mail::OutboxStatus& status) {
    return status.state == mail::OutboxState::failed || status.state == mail::OutboxState::expired;
  };
  if (is_over(one) != is_over(other)) return is_over(one);
  if (one.state != other.state) return one.state < other.state;
  return one.confirmations < other.confirmations || one.relayed_to < other.relayed_to;
}

}  // namespace

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
                                  .burial_depth = mail::burial_depth(rules_.rules.mode),
                                  .threads = threads_for(0)};
  for (;;) {
    BMSG_TRY_ASSIGN(const auto found,
                    mail::scan(*chain_, *overlay_, *keys_, outbox_, context_->entropy, options));
    overlay_->add(found.change);
    if (!found.more) return done;
  }
}

Result<std::vector<MessageId>> Standings::now_called(const MessageId& id) const {
  BMSG_TRY_ASSIGN(auto ids, mail::released_as(outbox_, id));
  if (ids.empty()) ids.push_back(id);
  return ids;
}

Result<std::optional<mail::OutboxStatus>> Standings::status_of(const MessageId& id) const {
  BMSG_TRY_ASSIGN(const auto held, mail::held_names(outbox_));
  if (std::ranges::find(held, id, &mail::HeldName::id) != held.end()) {
    mail::OutboxStatus waits;
    waits.state = mail::OutboxState::held;
    waits.reason = kHeldReason;
    return std::optional(std::move(waits));
  }
  BMSG_TRY_ASSIGN(const auto ids, now_called(id));
  std::optional<mail::OutboxStatus> least;
  for (const MessageId& one : ids) {
    BMSG_TRY_ASSIGN(auto status, status_of_one(one));
    if (!status) return status;
    if (!least || is_behind(*status, *least)) least = std::move(status);
  }
  return least;
}

Result<std::optional<mail::OutboxStatus>> Standings::status_of_one(const MessageId& id) const {
  const std::uint32_t depth = mail::burial_depth(rules_.rules.mode);
  BMSG_TRY_ASSIGN(const auto entry, outbox_.find(id));
  if (!entry) return outbox_.status_on_chain(id, *chain_, depth);
  BMSG_TRY_ASSIGN(auto status, outbox_.status(*entry, *chain_, depth, context_->clock.now()));
  return std::optional(std::move(status));
}

Result<MessageId> Standings::find(const std::string& ref) const {
  if (!keys_) return find_message(*chain_, nullptr, ref);
  return find_message(*chain_, *overlay_, mailbox(), ref);
}

bool Standings::is_ours(const IdentityKey& address) const {
  return keys_ && keys_->own_of(address.view()) != nullptr;
}

Result<bool> Standings::is_read_by(const MessageId& id, const IdentityKey& address) const {
  if (!keys_) return false;
  if (is_ours(address)) return true;
  BMSG_TRY_ASSIGN(const auto ids, now_called(id));
  for (const MessageId& one : ids) {  // One of them went to this person.
    BMSG_TRY_ASSIGN(const auto when,
                    mail::acknowledged(*overlay_, keys_->mailbox_key, one, address));
    if (when) return true;
  }
  return false;
}

}  // namespace bmsg::cli
