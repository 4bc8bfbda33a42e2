#include "lib/api/pairing_json.h"

#include <fmt/format.h>

#include <set>

#include "lib/api/contacts_json.h"
#include "lib/api/json_guard.h"
#include "lib/api/keyring_json.h"
#include "lib/core/try.h"
#include "lib/mail/statement.h"

namespace bmsg::api {
namespace {

constexpr const char* kContacts = "contacts";

Error damaged(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("the pair file is damaged: {}", what)};
}

/// The contacts of the members that a keyring does not know, each as a line of contacts.jsonl.
Result<mail::ContactBook> contacts_in(const crypto::SecretBytes& members) {
  if (members.size() == 0) return mail::ContactBook();
  BMSG_TRY_ASSIGN(const auto json, parse_json(as_text(members.view()), mail::kPairFileBytesMax));
  const auto list = json.find(kContacts);
  if (list == json.end()) return mail::ContactBook();
  if (!list->is_array()) return damaged("its contacts are no list");
  std::string lines;
  for (const Json& one : *list) lines += print_json(one) + "\n";
  auto book = parse_contacts(lines);
  if (!book) return damaged("contacts, " + book.error().message);
  return book;
}

enum class Cards { refused, allowed };

/// That nothing stands in it which no writer writes.
Result<Done> judge(const mail::Keyring& keyring, Cards cards) {
  std::set<std::string> names;
  std::set<IdentityKey> addresses;
  if (keyring.identities.empty()) return damaged("there is no identity in it");
  for (const mail::Identity& identity : keyring.identities) {
    const bool has_name = !identity.name.empty();
    const auto name = mail::to_contact_name(identity.name);
    if (has_name && (!name || name.value() != identity.name)) return damaged("name");
    const bool has_cards = cards == Cards::refused && !identity.cards.empty();
    if (identity.device != 0 || has_cards) return damaged("a prekey");
    if (identity.revocation.size() != mail::kStatementBytes) return damaged("revocation");
    if (!addresses.insert(identity.address()).second || !names.insert(identity.name).second)
      return damaged("an identity stands in it twice");
  }
  return done;
}

Result<mail::Pairing> parse(const crypto::SecretBytes& json, Cards cards) {
  mail::Pairing pairing;
  auto keyring = parse_travelling_keyring(json, mail::kPairFileBytesMax);
  if (!keyring) return in_context("pair file", keyring.error());
  pairing.keyring = std::move(keyring).value();
  BMSG_TRY(judge(pairing.keyring, cards));
  BMSG_TRY_ASSIGN(pairing.contacts, contacts_in(pairing.keyring.unknown));
  pairing.keyring.unknown = crypto::SecretBytes();
  return pairing;
}

}  // namespace

Result<mail::Pairing> parse_pairing(const crypto::SecretBytes& json) {
  return parse(json, Cards::refused);
}

Result<mail::Pairing> parse_identity_backup(const crypto::SecretBytes& json) {
  return parse(json, Cards::allowed);
}

Result<crypto::SecretBytes> print_pairing(mail::Pairing pairing) {
  Json contacts = Json::array();
  const std::string text = print_contacts(pairing.contacts);
  for (std::string_view lines = text; !lines.empty();) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + 1);
    BMSG_TRY_ASSIGN(auto one, parse_json(line));
    contacts.push_back(std::move(one));
  }
  const std::string members = Json{{kContacts, std::move(contacts)}}.dump();
  pairing.keyring.unknown = crypto::SecretBytes::from(as_bytes(members));
  return print_keyring(pairing.keyring);
}

}  // namespace bmsg::api
