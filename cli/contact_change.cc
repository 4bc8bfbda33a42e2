#include "cli/contact_change.h"

#include <fmt/format.h>

#include <cctype>

#include "cli/contact_view.h"
#include "cli/keyring_file.h"
#include "cli/prompt.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

Result<mail::AckPolicy> default_ack(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto settings, context.settings(&store));
  const auto policy = parse_ack(settings.text("ack.default"));
  if (!policy) return Error{Errc::bad_config, "ack.default: " + policy.error().message};
  return policy;
}

/// Words as somebody types what was read out: any case, with blanks or dashes between.
std::string as_read(const std::string& words) {
  std::string made;
  for (const char c : words) {
    const bool is_gap = c == '-' || std::isspace(static_cast<unsigned char>(c)) != 0;
    if (is_gap && (made.empty() || made.back() == '-')) continue;
    made += is_gap ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (made.ends_with('-')) made.pop_back();
  return made;
}

/// Asks whether the words of this key are those that its owner reads.
Result<Done> compare(Context& context, const std::string& name, const std::string& read,
                     const IdentityKey& address) {
  const std::string words = fingerprint_of(address);
  if (read.empty()) {
    return confirm_by_typing(
        context,
        fmt::format("the fingerprint of {} is {}; ask {} to read theirs to you", name, words, name),
        "same", "--fingerprint WORDS compares what they read");
  }
  if (as_read(read) == words) return done;
  return Error{Errc::denied, fmt::format("the fingerprint of '{}' is another: {}", name, words),
               "let them read it again, from 'bmsg id'; if it stays another, so is the key"};
}

Result<IdentityKey> person_named(const mail::ContactBook& book, const std::string& name) {
  const mail::Contact* person = book.find(name);
  if (person == nullptr) return Error{Errc::no_recipient, fmt::format("no contact '{}'", name)};
  if (person->kind != mail::ContactKind::person)
    return Error{Errc::bad_usage, fmt::format("'{}' is no person", name)};
  return *person->address;
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
    const bool is_person = there != nullptr && there->kind == mail::ContactKind::person;
    if (is_person && there->address == address) return done;
    mail::Contact contact;
    contact.name = name;
    contact.address = address;
    contact.ack = ack;
    contact.added = context.clock.now();
    return book.add(std::move(contact));
  }));
  return name;
}

Result<Done> verify_contact(Context& context, const StoreDir& store, const std::string& name,
                            const std::string& read) {
  // Before the lock is taken: a person may take long.
  BMSG_TRY_ASSIGN(const auto before, read_contacts(context, store));
  BMSG_TRY_ASSIGN(const auto compared, person_named(before, name));
  BMSG_TRY(compare(context, name, read, compared));
  return change_book(context, store, [&](mail::ContactBook& book) -> Result<Done> {
    BMSG_TRY_ASSIGN(const auto now, person_named(book, name));
    if (now == compared) return book.set_verified(name, context.clock.now());
    return Error{Errc::denied, fmt::format("'{}' has got another address meanwhile", name),
                 "compare its words: 'bmsg contact verify' asks for them again"};
  });
}

}  // namespace bmsg::cli
