#include "lib/mail/contact_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/text.h"

namespace bmsg::mail {
namespace {

Error bad_name(std::string_view why) {
  return Error{Errc::bad_input, fmt::format("not a name: {}", why)};
}

Error taken(std::string_view name) {
  return Error{Errc::exists, fmt::format("contact '{}' is there already", name),
               "'bmsg contact show NAME' shows it; 'bmsg contact move NAME ADDRESS' changes it"};
}

Trust unblocked(const Contact& contact) {
  return contact.verified.value > 0 ? Trust::verified : Trust::known;
}

void insert_sorted(std::vector<std::string>& names, const std::string& name) {
  const auto place = std::ranges::lower_bound(names, name);
  if (place == names.end() || *place != name) names.insert(place, name);
}

}  // namespace

Error no_contact(std::string_view name) {
  return Error{Errc::no_recipient, fmt::format("no contact '{}'", name),
               "'bmsg contact list' lists them; 'bmsg contact add NAME ADDRESS' adds one"};
}

Result<std::string> to_contact_name(std::string_view text) {
  // Before the work of normalising, which may shorten: nobody means such a name.
  if (text.size() > 4 * kNameBytesMax) return bad_name("longer than 64 bytes");
  const auto name = to_nfc(text);
  if (!name) return bad_name("not UTF-8");
  if (name->empty()) return bad_name("empty");
  if (name->size() > kNameBytesMax) return bad_name("longer than 64 bytes");
  if (has_deceptive_character(*name)) return bad_name("a control or hidden character in it");
  if (name->front() == '-') return bad_name("begins with '-'");
  if (name->front() == ' ' || name->back() == ' ') return bad_name("begins or ends with a space");
  if (from_address(*name)) return bad_name("it is an address");
  return *name;
}

std::vector<const Contact*> ContactBook::all() const {
  std::vector<const Contact*> found;
  found.reserve(contacts_.size());
  for (const auto& [name, contact] : contacts_) found.push_back(&contact);
  std::ranges::sort(found, {}, &Contact::name);
  return found;
}

const Contact* ContactBook::find(std::string_view name) const {
  const auto kept = to_nfc(name);
  const auto found = kept ? contacts_.find(*kept) : contacts_.end();
  return found == contacts_.end() ? nullptr : &found->second;
}

const Contact* ContactBook::by_address(const IdentityKey& address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : &contacts_.at(found->second);
}

const Contact* ContactBook::by_room(ByteView id) const {
  const auto found = by_room_.find(to_string(id));
  return id.empty() || found == by_room_.end() ? nullptr : &contacts_.at(found->second);
}

const Contact* ContactBook::confusable_with(std::string_view name) const {
  const auto kept = to_nfc(name);
  if (!looks_) {
    looks_.emplace();
    for (const auto& [other, contact] : contacts_) looks_->emplace(skeleton(other), other);
  }
  const auto [begin, end] = looks_->equal_range(skeleton(name));
  const auto found = std::find_if(begin, end, [&](const auto& one) { return one.second != kept; });
  return found == end ? nullptr : &contacts_.at(found->second);
}

void ContactBook::note(const Contact& contact) {
  if (contact.kind == ContactKind::person) by_address_[*contact.address] = contact.name;
  if (contact.kind == ContactKind::room && !contact.room.empty())
    by_room_[to_string(contact.room)] = contact.name;
  if (looks_) looks_->emplace(skeleton(contact.name), contact.name);
}

void ContactBook::unnote(const Contact& contact) {
  if (contact.kind == ContactKind::person) by_address_.erase(*contact.address);
  if (contact.kind == ContactKind::room) by_room_.erase(to_string(contact.room));
  if (!looks_) return;
  const auto [begin, end] = looks_->equal_range(skeleton(contact.name));
  looks_->erase(
      std::find_if(begin, end, [&](const auto& one) { return one.second == contact.name; }));
}

Result<Contact*> ContactBook::changed(std::string_view name) {
  const auto kept = to_nfc(name);
  const auto found = kept ? contacts_.find(*kept) : contacts_.end();
  if (found == contacts_.end()) return no_contact(name);
  return &found->second;
}

Result<Done> ContactBook::add(Contact contact) {
  BMSG_TRY_ASSIGN(contact.name, to_contact_name(contact.name));
  if (contacts_.contains(contact.name)) return taken(contact.name);
  if (contacts_.size() >= kContactsMax) {
    return Error{Errc::bad_input, fmt::format("more than {} contacts", kContactsMax)};
  }
  const bool wants_address = contact.kind != ContactKind::group;
  if (contact.address.has_value() != wants_address) {
    return Error{Errc::bad_input, wants_address ? "a contact needs an address"
                                                : "a group has no address of its own"};
  }
  // A room's address is its keeper's, who may be a contact too.
  if (contact.kind == ContactKind::person) {
    if (const Contact* other = by_address(*contact.address)) return taken(other->name);
  }
  if (!contact.room.empty()) {
    if (const Contact* other = by_room(contact.room)) return taken(other->name);
  }
  std::ranges::sort(contact.members);
  note(contact);
  const std::string name = contact.name;
  contacts_.emplace(name, std::move(contact));
  return done;
}

Result<Done> ContactBook::rename(std::string_view from, std::string_view to) {
  BMSG_TRY_ASSIGN(Contact * contact, changed(from));
  BMSG_TRY_ASSIGN(const std::string name, to_contact_name(to));
  const std::string before = contact->name;
  if (name == before) return done;
  if (contacts_.contains(name)) return taken(name);

  unnote(*contact);
  auto node = contacts_.extract(before);
  node.key() = name;
  node.mapped().name = name;
  note(node.mapped());
  contacts_.insert(std::move(node));
  for (auto& [key, group] : contacts_) {
    if (std::erase(group.members, before) > 0) insert_sorted(group.members, name);
  }
  return done;
}

Result<Done> ContactBook::remove(std::string_view name) {
  BMSG_TRY_ASSIGN(const Contact* contact, changed(name));
  const std::string removed = contact->name;
  unnote(*contact);
  contacts_.erase(removed);
  for (auto& [key, group] : contacts_) std::erase(group.members, removed);
  return done;
}

Result<Done> ContactBook::move(std::string_view name, const IdentityKey& address) {
  BMSG_TRY_ASSIGN(Contact * contact, changed(name));
  if (contact->kind != ContactKind::person) {
    return Error{Errc::bad_input, fmt::format("'{}' is not a person", contact->name)};
  }
  if (*contact->address == address) return done;
  if (const Contact* other = by_address(address)) return taken(other->name);
  by_address_.erase(*contact->address);
  by_address_.emplace(address, contact->name);
  contact->formerly.push_back(*contact->address);
  contact->address = address;
  contact->verified = {};
  if (contact->trust == Trust::verified) contact->trust = Trust::known;
  return done;
}

Result<Contact*> ContactBook::changed_person(std::string_view name) {
  BMSG_TRY_ASSIGN(Contact * contact, changed(name));
  if (contact->kind == ContactKind::person) return contact;
  return Error{Errc::bad_usage, fmt::format("'{}' is no person", contact->name),
               "rooms and groups are not blocked, compared or told: their persons are"};
}

Result<Done> ContactBook::set_verified(std::string_view name, UnixSeconds when) {
  BMSG_TRY_ASSIGN(Contact * contact, changed_person(name));
  contact->verified = when;
  if (contact->trust != Trust::blocked) contact->trust = unblocked(*contact);
  return done;
}

Result<Done> ContactBook::block(std::string_view name) {
  BMSG_TRY_ASSIGN(Contact * contact, changed_person(name));
  contact->trust = Trust::blocked;
  return done;
}

Result<Done> ContactBook::unblock(std::string_view name) {
  BMSG_TRY_ASSIGN(Contact * contact, changed_person(name));
  contact->trust = unblocked(*contact);
  return done;
}

Result<Done> ContactBook::set_ack(std::string_view name, AckPolicy ack) {
  BMSG_TRY_ASSIGN(Contact * contact, changed_person(name));
  contact->ack = ack;
  return done;
}

Result<Done> ContactBook::set_note(std::string_view name, std::string note) {
  BMSG_TRY_ASSIGN(Contact * contact, changed(name));
  contact->note = std::move(note);
  return done;
}

Result<Done> ContactBook::add_members(std::string_view group, const std::vector<std::string>& names,
                                      UnixSeconds now) {
  std::vector<std::string> kept;
  for (const std::string& name : names) {
    const Contact* member = find(name);
    if (!member) return no_contact(name);
    if (member->kind != ContactKind::person) {
      return Error{Errc::bad_input, fmt::format("'{}' is not a person", member->name)};
    }
    kept.push_back(member->name);
  }
  if (!find(group)) {
    Contact made;
    made.name = group;
    made.kind = ContactKind::group;
    made.added = now;
    BMSG_TRY(add(std::move(made)));
  }
  BMSG_TRY_ASSIGN(Contact * contact, changed(group));
  if (contact->kind != ContactKind::group) return taken(contact->name);
  std::vector<std::string>& members = contact->members;
  members.insert(members.end(), kept.begin(), kept.end());
  std::ranges::sort(members);
  members.erase(std::ranges::unique(members).begin(), members.end());
  return done;
}

Result<Done> ContactBook::remove_members(std::string_view group,
                                         const std::vector<std::string>& names) {
  BMSG_TRY_ASSIGN(Contact * contact, changed(group));
  std::set<std::string> removed;
  for (const std::string& name : names) {
    const auto kept = to_nfc(name);
    if (!kept || !std::ranges::binary_search(contact->members, *kept)) return no_contact(name);
    removed.insert(*kept);
  }
  std::erase_if(contact->members, [&](const std::string& one) { return removed.contains(one); });
  return done;
}

Result<std::vector<Contact>> ContactBook::persons(std::string_view name) const {
  const Contact* contact = find(name);
  if (!contact) return no_contact(name);
  if (contact->kind == ContactKind::room)
    return Error{Errc::no_recipient, fmt::format("'{}' is a room, not a person", contact->name)};
  if (contact->kind != ContactKind::group) return std::vector<Contact>{*contact};
  std::vector<Contact> found;
  for (const std::string& member : contact->members) {
    const Contact* person = find(member);
    if (!person) return no_contact(member);
    if (person->kind != ContactKind::person || !person->address)
      return Error{Errc::no_recipient,
                   fmt::format("'{}' of the group '{}' is no person", member, contact->name)};
    found.push_back(*person);
  }
  if (found.empty()) {
    return Error{Errc::no_recipient, fmt::format("nobody is in the group '{}'", name),
                 "'bmsg contact group add GROUP NAME' puts somebody into it"};
  }
  return found;
}

}  // namespace bmsg::mail
