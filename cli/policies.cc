#include "cli/policies.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/compose.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

/// A contact's name where it can stand in a rule, or the address, so that what is shown can be
/// typed again.
std::string name_in_rule(const mail::ContactBook& contacts, const IdentityKey& person) {
  const mail::Contact* contact = contacts.by_address(person);
  const bool plain = contact != nullptr && contact->name.find_first_of(",()") == std::string::npos;
  return plain ? contact->name : to_address(person);
}

Error not_one_person(const mail::Contact& contact) {
  const char* kind = contact.kind == mail::ContactKind::group ? "group" : "room";
  return Error{Errc::no_recipient,
               fmt::format("'{}' is a {}: a rule lists persons", contact.name, kind),
               fmt::format("'bmsg contact show {}' says who that is", contact.name)};
}

}  // namespace

Result<Policies> read_policies(const Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(const auto bytes, context.disk.read(store.policies(), mail::kPoliciesBytesMax));
  return bytes ? mail::read_policies(as_text(*bytes)) : Result<Policies>(Policies());
}

Result<Done> change_policies(Context& context, const StoreDir& store,
                             const std::function<Result<Done>(Policies&)>& change) {
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.config_lock(), "policy", patience, context.clock));
  BMSG_TRY_ASSIGN(auto policies, read_policies(context, store));
  BMSG_TRY(change(policies));
  return context.disk.replace(store.policies(), as_bytes(mail::policies_text(policies)));
}

Result<mail::Policy> policy_named(const mail::ContactBook& contacts, const std::string& name) {
  mail::Policy policy;
  policy.name = name;
  if (!mail::is_policy_name(name))
    return Error{Errc::bad_usage, "that is no name of a topic that could be shown again",
                 "a topic is up to 256 bytes of text, or 0x and 8 digits"};
  const mail::Contact* contact = contacts.find(name);
  if (contact != nullptr && contact->kind == mail::ContactKind::room) {
    policy.room = contact->room;
    return policy;
  }
  policy.topic = topic_of(name);
  if (policy.topic.is_zero())
    return Error{Errc::bad_usage, fmt::format("'{}' is what has no topic: all other mail", name),
                 "name a topic or a room"};
  return policy;
}

Result<Policies::iterator> find_policy(Policies& policies, const mail::ContactBook& contacts,
                                       const std::string& name) {
  const auto meant = policy_named(contacts, name);
  const auto same_place = [&](const mail::Policy& one) {
    return meant && one.same_place(meant.value());
  };
  auto found = std::ranges::find_if(policies, same_place);
  // The room may have been left or have another name now.
  if (found == policies.end()) found = std::ranges::find(policies, name, &mail::Policy::name);
  if (found != policies.end()) return found;
  return Error{Errc::not_found, fmt::format("no policy of '{}'", name),
               "'bmsg policy list' lists them"};
}

Result<mail::Quorum> parse_rule(const mail::ContactBook& contacts, const std::string& text) {
  return mail::parse_quorum(text, [&](const std::string& name) -> Result<IdentityKey> {
    const mail::Contact* contact = contacts.find(name);
    if (contact == nullptr) return mail::no_contact(name);
    if (contact->kind != mail::ContactKind::person || !contact->address)
      return not_one_person(*contact);
    return *contact->address;
  });
}

api::PolicyView policy_view(const mail::ContactBook& contacts, const mail::Policy& policy) {
  api::PolicyView view;
  view.name = policy.name;
  if (policy.room.empty()) {
    view.topic = policy.topic;
  } else {
    view.room = to_hex(policy.room);
    const mail::Contact* contact = contacts.by_room(policy.room);
    if (contact != nullptr) view.name = contact->name;
  }
  view.rule = mail::to_text(
      policy.quorum, [&](const IdentityKey& person) { return name_in_rule(contacts, person); });
  view.rule_addresses = mail::to_text(policy.quorum);
  for (const IdentityKey& person : mail::persons_in(policy.quorum))
    view.persons.push_back(to_address(person));
  return view;
}

}  // namespace bmsg::cli
