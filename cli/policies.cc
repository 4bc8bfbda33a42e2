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

Result<mail::Policy> policy_named(const mail::ContactBook& contacts, const std::string& name,
                                  PolicyPlace place) {
  mail::Policy policy;
  policy.name = name;
  if (!mail::is_policy_name(name))
    return Error{Errc::bad_usage, "that is no name of a topic that could be shown again",
                 "a topic is up to 256 bytes of text, or 0x and 8 digits"};
  const mail::Contact* contact = contacts.find(name);
  const bool is_room =
      contact != nullptr && contact->kind == mail::ContactKind::room && !contact->room.empty();
  // A contact who makes a room chooses its name: which of both is governed is not guessed.
  if (place == PolicyPlace::unsaid && is_room)
    return Error{Errc::bad_usage, fmt::format("'{}' is a room here, and may be a topic", name),
                 "--room or --topic says which is meant"};
  if (place == PolicyPlace::room && !is_room)
    return Error{Errc::no_recipient, fmt::format("'{}' is no room", name),
                 "'bmsg room list' lists them"};
  if (place == PolicyPlace::room) {
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
                                       const std::string& name, PolicyPlace place) {
  const auto fits = [&](PolicyPlace here, const mail::Policy& one) {
    if (place != PolicyPlace::unsaid && place != here) return false;
    const auto meant = policy_named(contacts, name, here);
    // The room may have been left or have another name now.
    return (meant && one.same_place(meant.value())) ||
           (one.name == name && one.room.empty() == (here == PolicyPlace::topic));
  };
  const auto is_meant = [&](const mail::Policy& one) {
    return fits(PolicyPlace::room, one) || fits(PolicyPlace::topic, one);
  };
  const auto found = std::ranges::find_if(policies, is_meant);
  if (found == policies.end())
    return Error{Errc::not_found, fmt::format("no policy of '{}'", name),
                 "'bmsg policy list' lists them"};
  if (std::find_if(found + 1, policies.end(), is_meant) != policies.end())
    return Error{Errc::bad_usage, fmt::format("there are several policies of '{}'", name),
                 "--room or --topic says which is meant"};
  return found;
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
