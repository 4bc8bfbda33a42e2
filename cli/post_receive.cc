#include "cli/post_receive.h"

#include <fmt/format.h>

#include "cli/hooks.h"
#include "cli/message_program.h"
#include "lib/core/try.h"
#include "lib/mail/received.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

/// Takes one from the queue, or all of them, durably.
Result<Done> take_from_queue(const Context& context, const StoreDir& store,
                             const std::optional<MessageId>& id) {
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), "post-receive", patience, context.clock));
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open(store.mail(), options));
  if (!id) return index->apply(mail::without_any_received());
  BMSG_TRY_ASSIGN(const auto change, mail::without_received(*index, *id));
  return index->apply(change);
}

/// What came after `room` was opened is left to whoever looks next.
Result<Done> call_for(const Context& context, const StoreDir& store, const Mailroom& room,
                      const mail::MailReader& now, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto text, room.box().read(id));
  BMSG_TRY_ASSIGN(const auto entry, now.entry(id));
  if (!text && entry) return done;
  if (text) {
    BMSG_TRY_ASSIGN(const auto result, run_hook(context, store, Hook::post_receive,
                                                message_call({}, store, room, *text)));
    warn_of_failure(context, Hook::post_receive, result);
  }
  return take_from_queue(context, store, id);
}

Result<Done> call_for_all(const Context& context, const StoreDir& store, const Mailroom& room) {
  BMSG_TRY_ASSIGN(const auto seen, mail::received(room.index()));
  if (seen.empty()) return done;
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::try_take(store.run() / "post-receive", context.command));
  if (!lock) return done;  // Whoever holds it calls for all that it knows of; the rest wait.
  // As it is now: others may have called for some of them before we had the lock.
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto now, storage::RocksMailStore::open_read_only(store.mail(), options));
  BMSG_TRY_ASSIGN(const auto waiting, mail::received(*now));
  BMSG_TRY_ASSIGN(const auto state, state_of(context, store, Hook::post_receive));
  if (state.kind == HookState::Kind::refused)
    return Error{Errc::denied, "it was not called: " + state.reason};
  if (state.kind != HookState::Kind::enabled) return take_from_queue(context, store, std::nullopt);
  for (const MessageId& id : waiting) BMSG_TRY(call_for(context, store, room, *now, id));
  return done;
}

}  // namespace

Result<bool> queues_received(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto state, state_of(context, store, Hook::post_receive));
  return state.kind == HookState::Kind::enabled || state.kind == HookState::Kind::refused;
}

void tell_received(Context& context, const StoreDir& store, const Mailroom& room) {
  if (is_within_hook()) return;
  const auto told = call_for_all(context, store, room);
  if (!told) context.out.warn(fmt::format("hook 'post-receive': {}", told.error().message));
}

}  // namespace bmsg::cli
