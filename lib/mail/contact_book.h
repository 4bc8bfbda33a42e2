// Petnames: our words for addresses, how far we trust them, and groups of them. In memory; the
// file contacts.jsonl is read and written by lib/api.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::mail {

enum class ContactKind : std::uint8_t { person, group, room };
enum class Trust : std::uint8_t { known, verified, blocked };
/// When this contact's wish for an acknowledgement is met.
enum class AckPolicy : std::uint8_t { never, asked, read };

struct Contact {
  std::string name;
  ContactKind kind = ContactKind::person;
  std::optional<IdentityKey> address;  // None for a group.
  Trust trust = Trust::known;
  AckPolicy ack = AckPolicy::asked;
  UnixSeconds added;
  UnixSeconds verified;               // When the fingerprints were compared; 0: never.
  std::string note;                   // May be empty.
  std::vector<std::string> members;   // Of a group: names of contacts, ascending.
  std::vector<IdentityKey> formerly;  // Addresses it had before, oldest first.
  Bytes room{};                       // Of a room: its id, 16 bytes.
  std::string box{};                  // Of a room that one can only post to: its box (box.h).

  bool operator==(const Contact&) const = default;
};

inline constexpr std::size_t kNameBytesMax = 64;
inline constexpr std::size_t kContactsMax = 100'000;

/// The name as it is kept: NFC, 1 to 64 bytes, no deceptive characters, no space at its ends, not
/// beginning with '-', not an address.
/// Errors: Errc::bad_input, saying what is wrong with it.
Result<std::string> to_contact_name(std::string_view text);

/// That nobody has this name, and how to see the names. Its code is Errc::no_recipient.
Error no_contact(std::string_view name);

/// All contacts of a store. Names, addresses, rooms and looks are found in constant time; the first
/// question about looks goes through them all.
/// Threads: one at a time.
/// Errors:  Errc::exists for a name or address that is taken, Errc::no_recipient for a name that is
///          not there, Errc::bad_input for what does not fit.
class ContactBook {
 public:
  /// By name, ascending.
  std::vector<const Contact*> all() const;
  const Contact* find(std::string_view name) const;
  const Contact* by_address(const IdentityKey& address) const;
  const Contact* by_room(ByteView id) const;
  std::size_t size() const { return contacts_.size(); }
  /// A contact whose name could be taken for this one, and is not it.
  const Contact* confusable_with(std::string_view name) const;

  /// The name is put in its kept form. Members of a group may be added after it.
  Result<Done> add(Contact contact);
  Result<Done> rename(std::string_view from, std::string_view to);
  /// From groups too.
  Result<Done> remove(std::string_view name);
  /// A new address for a known name. What was compared does not hold for it.
  Result<Done> move(std::string_view name, const IdentityKey& address);
  /// These four are of persons: Errc::bad_usage for rooms and groups.
  /// Fingerprints were compared then; 0: that does not hold any more. Who is blocked stays so.
  Result<Done> set_verified(std::string_view name, UnixSeconds when);
  Result<Done> block(std::string_view name);
  /// Back to what they were before.
  Result<Done> unblock(std::string_view name);
  Result<Done> set_ack(std::string_view name, AckPolicy ack);
  Result<Done> set_note(std::string_view name, std::string note);

  /// Makes the group if it is not there.
  Result<Done> add_members(std::string_view group, const std::vector<std::string>& names,
                           UnixSeconds now);
  Result<Done> remove_members(std::string_view group, const std::vector<std::string>& names);
  /// The persons that a name stands for: one, or a group's.
  Result<std::vector<Contact>> persons(std::string_view name) const;

 private:
  using Looks = std::unordered_multimap<std::string, std::string>;

  Result<Contact*> changed(std::string_view name);
  Result<Contact*> changed_person(std::string_view name);
  /// Where it is found beside its name.
  void note(const Contact& contact);
  void unnote(const Contact& contact);

  std::unordered_map<std::string, Contact> contacts_;
  std::unordered_map<IdentityKey, std::string, FixedBytesHash> by_address_;
  std::unordered_map<std::string, std::string> by_room_;
  mutable std::optional<Looks> looks_;  // Names by skeleton, once somebody asks: they are dear.
};

}  // namespace bmsg::mail
