#include "lib/api/contacts_json.h"

#include <fmt/format.h>

#include <array>

#include "lib/api/json_guard.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/room.h"

namespace bmsg::api {
namespace {

constexpr std::array kKinds = {"person", "group", "room"};
constexpr std::array kTrusts = {"known", "verified", "blocked"};
constexpr std::array kAcks = {"never", "asked", "read"};

Error malformed(std::string_view what) {
  return Error{Errc::bad_input, fmt::format("malformed '{}'", what)};
}

/// The word's place in the list of an enumeration.
template <class Enum, std::size_t N>
Result<Enum> word(const Json& json, const char* name, const std::array<const char*, N>& words) {
  BMSG_TRY_ASSIGN(const auto text, text_member(json, name));
  for (std::size_t i = 0; i < N; ++i) {
    if (text == words[i]) return static_cast<Enum>(i);
  }
  return malformed(name);
}

Result<UnixSeconds> seconds(const Json& json, const char* name) {
  const auto at = json.find(name);
  if (at == json.end()) return UnixSeconds{};
  if (!at->is_number_unsigned()) return malformed(name);
  return UnixSeconds{at->get<std::uint64_t>()};
}

Result<IdentityKey> address(const Json& json, const char* name) {
  const auto key =
      json.is_string() ? from_address(json.get_ref<const std::string&>()) : std::nullopt;
  if (!key) return malformed(name);
  return *key;
}

Result<Bytes> room_id(const Json& json, mail::ContactKind kind) {
  const auto id = json.is_string() ? from_hex(json.get_ref<const std::string&>()) : std::nullopt;
  const bool fits = id && id->size() == mail::kRoomIdBytes && kind == mail::ContactKind::room;
  if (!fits) return malformed("room");
  return *id;
}

Result<mail::Contact> parse_contact(const Json& json) {
  mail::Contact contact;
  if (!json.is_object()) return malformed("line");
  BMSG_TRY_ASSIGN(auto name, text_member(json, "name"));
  if (!name) return malformed("name");
  contact.name = std::move(*name);
  BMSG_TRY_ASSIGN(contact.kind, word<mail::ContactKind>(json, "kind", kKinds));
  BMSG_TRY_ASSIGN(contact.trust, word<mail::Trust>(json, "trust", kTrusts));
  BMSG_TRY_ASSIGN(contact.ack, word<mail::AckPolicy>(json, "ack", kAcks));
  BMSG_TRY_ASSIGN(contact.added, seconds(json, "added"));
  BMSG_TRY_ASSIGN(contact.verified, seconds(json, "verified"));
  BMSG_TRY_ASSIGN(auto note, text_member(json, "note"));
  contact.note = std::move(note).value_or("");
  if (const auto at = json.find("address"); at != json.end() && !at->is_null()) {
    BMSG_TRY_ASSIGN(contact.address, address(*at, "address"));
  }
  if (const auto at = json.find("members"); at != json.end()) {
    if (!at->is_array()) return malformed("members");
    for (const Json& one : *at) {
      if (!one.is_string()) return malformed("members");
      contact.members.push_back(one.get<std::string>());
    }
  }
  if (const auto at = json.find("room"); at != json.end()) {
    BMSG_TRY_ASSIGN(contact.room, room_id(*at, contact.kind));
    BMSG_TRY_ASSIGN(auto box, text_member(json, "box"));
    contact.box = std::move(box).value_or("");
  }
  if (const auto at = json.find("formerly"); at != json.end()) {
    if (!at->is_array()) return malformed("formerly");
    for (const Json& one : *at) {
      BMSG_TRY_ASSIGN(const auto key, address(one, "formerly"));
      contact.formerly.push_back(key);
    }
  }
  return contact;
}

std::string print_contact(const mail::Contact& contact) {
  Json json{{"v", 1},
            {"name", contact.name},
            {"kind", kKinds[static_cast<std::size_t>(contact.kind)]},
            {"address", contact.address ? Json(to_address(*contact.address)) : Json()},
            {"trust", kTrusts[static_cast<std::size_t>(contact.trust)]},
            {"ack", kAcks[static_cast<std::size_t>(contact.ack)]},
            {"added", contact.added.value},
            {"verified", contact.verified.value}};
  if (!contact.note.empty()) json["note"] = contact.note;
  if (!contact.members.empty()) json["members"] = contact.members;
  if (!contact.room.empty()) json["room"] = to_hex(contact.room);
  if (!contact.box.empty()) json["box"] = contact.box;
  for (const IdentityKey& key : contact.formerly) json["formerly"].push_back(to_address(key));
  return print_json(json);
}

}  // namespace

Result<mail::ContactBook> parse_contacts(std::string_view text) {
  mail::ContactBook book;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) continue;
    auto added = [&]() -> Result<Done> {
      BMSG_TRY_ASSIGN(const auto json, parse_json(line));
      BMSG_TRY_ASSIGN(auto contact, parse_contact(json));
      return book.add(std::move(contact));
    }();
    if (!added)
      return Error{Errc::bad_input, fmt::format("line {}: {}", number, added.error().message)};
  }
  return book;
}

std::string print_contacts(const mail::ContactBook& book) {
  std::string text;
  for (const mail::Contact* contact : book.all()) text += print_contact(*contact) + "\n";
  return text;
}

}  // namespace bmsg::api
