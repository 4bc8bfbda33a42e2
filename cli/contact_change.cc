#include "cli/contact_change.h"

#include <fmt/format.h>

#include "cli/keyring_file.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

Result<mail::AckPolicy> default_ack(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  const auto policy = parse_ack(settings.text("ack.default"));
  if (!policy) return Error{Errc::bad_config, "ack.default: " + policy.error().message};
  return policy;
}

}  // namespace

Result<Done> change_book(Context& context, const StoreDir& store,
                         const std::function<Result<Done>(mail::ContactBook&)>& change) {
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.config_lock(), "contact", patience, context.clock));
  BMSG_TRY_ASSIGN(auto book, read_contacts(context, store));
  BMSG_TRY(change(book));
  return write_contacts(context, store, book);
}

Result<mail::AckPolicy> parse_ack(const std::string& policy) {
  if (policy == "never") return mail::AckPolicy::never;
  if (policy == "asked") return mail::AckPolicy::asked;
  if (policy == "read") return mail::AckPolicy::read;
  return Error{Errc::bad_usage, fmt::format("'{}': give never, asked or read", policy)};
}

void warn_of_look_alike(const Context& context, const mail::ContactBook& book,
                        const std::string& name) {
  if (const mail::Contact* like = book.confusable_with(name))
    context.out.warn(fmt::format("'{}' looks like '{}'", name, like->name));
}

Result<std::string> add_person(Context& context, const StoreDir& store, const std::string& text,
                               const IdentityKey& address) {
  BMSG_TRY_ASSIGN(const auto name, mail::to_contact_name(text));
  BMSG_TRY_ASSIGN(const auto ack, default_ack(context, store));
  BMSG_TRY(change_book(context, store, [&](mail::ContactBook& book) -> Result<Done> {
    warn_of_look_alike(context, book, name);
    const mail::Contact* there = book.find(name);
    if (there != nullptr && there->address == address) return done;
    mail::Contact contact;
    contact.name = name;
    contact.address = address;
    contact.ack = ack;
    contact.added = context.clock.now();
    return book.add(std::move(contact));
  }));
  return name;
}

}  // namespace bmsg::cli
