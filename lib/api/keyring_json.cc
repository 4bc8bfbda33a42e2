#include "lib/api/keyring_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "lib/api/json_guard.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

using crypto::SecretBytes;

Error damaged(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("keyring: '{}' is damaged", what)};
}

void wipe_text(std::string& text) {
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

/// Overwrites every string of a value that is about to go.
void wipe(Json& json) {
  if (json.is_string()) return wipe_text(json.get_ref<std::string&>());
  if (json.is_structured()) {
    for (Json& part : json) wipe(part);
  }
}

/// A JSON value that is wiped when it goes.
struct Wiped {
  explicit Wiped(Json held) : json(std::move(held)) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { wipe(json); }
  Json json;
};

Result<Bytes> bytes_of(const Json& object, const char* name, std::size_t size) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_string()) return damaged(name);
  auto bytes = from_hex(at->get_ref<const std::string&>());
  if (!bytes || (size != 0 && bytes->size() != size)) return damaged(name);
  return std::move(*bytes);
}

Result<SecretBytes> secret_of(const Json& object, const char* name, std::size_t size) {
  BMSG_TRY_ASSIGN(auto bytes, bytes_of(object, name, size));
  SecretBytes secret = SecretBytes::from(bytes);
  crypto::wipe(bytes);
  return secret;
}

template <class Number>
Result<Number> number_of(const Json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_number_unsigned()) return damaged(name);
  const auto value = at->get<std::uint64_t>();
  if (value > std::numeric_limits<Number>::max()) return damaged(name);
  return static_cast<Number>(value);
}

Result<std::string> text_of(const Json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_string()) return damaged(name);
  return at->get<std::string>();
}

/// What is left of an object without the members that we know, as text; empty for nothing.
SecretBytes unknown_of(const Json& object, std::initializer_list<const char*> known) {
  Wiped rest(object);
  for (const char* name : known) rest.json.erase(name);
  if (rest.json.empty()) return SecretBytes();
  std::string text = rest.json.dump();
  SecretBytes kept = SecretBytes::from(as_bytes(text));
  wipe_text(text);
  return kept;
}

void add_unknown(Json& object, const SecretBytes& unknown) {
  if (unknown.size() == 0) return;
  Json more = Json::parse(as_text(unknown.view()), nullptr, false);
  if (more.is_object()) object.update(more);
}

Result<mail::CardKey> parse_card(const Json& json) {
  mail::CardKey card;
  BMSG_TRY_ASSIGN(const auto chain, bytes_of(json, "chain", ChainId::kSize));
  card.chain = ChainId::from(chain);
  BMSG_TRY_ASSIGN(card.seq, number_of<std::uint64_t>(json, "seq"));
  BMSG_TRY_ASSIGN(card.secret, secret_of(json, "secret", 32));
  BMSG_TRY_ASSIGN(card.until.value, number_of<std::uint64_t>(json, "until"));
  BMSG_TRY_ASSIGN(card.buried.value, number_of<std::uint64_t>(json, "buried"));
  if (json.contains("block")) {
    BMSG_TRY_ASSIGN(const auto block, bytes_of(json, "block", BlockHash::kSize));
    card.block = BlockHash::from(block);
  }
  if (json.contains("inbox")) {
    BMSG_TRY_ASSIGN(const auto inbox, bytes_of(json, "inbox", 1 + Topic::kSize));
    card.inbox = {inbox[0], Topic::from(ByteView(inbox).subspan(1))};
  }
  card.unknown = unknown_of(json, {"chain", "seq", "secret", "until", "buried", "block", "inbox"});
  return card;
}

Json print_card(const mail::CardKey& card) {
  Json json{{"chain", to_hex(card.chain.view())},
            {"seq", card.seq},
            {"secret", to_hex(card.secret.view())},
            {"until", card.until.value},
            {"buried", card.buried.value}};
  if (card.block) json["block"] = to_hex(card.block->view());
  if (card.inbox != mail::InboxPrefix()) {
    Bytes inbox{card.inbox.bits};
    append(inbox, card.inbox.topic.view());
    json["inbox"] = to_hex(inbox);
  }
  add_unknown(json, card.unknown);
  return json;
}

Result<mail::Identity> parse_identity(const Json& json) {
  mail::Identity identity;
  BMSG_TRY_ASSIGN(identity.name, text_of(json, "name"));
  BMSG_TRY_ASSIGN(identity.seed, secret_of(json, "seed", 32));
  BMSG_TRY_ASSIGN(identity.revocation, bytes_of(json, "revocation", 0));
  BMSG_TRY_ASSIGN(identity.device, number_of<std::uint8_t>(json, "device"));
  const auto cards = json.find("cards");
  if (cards == json.end() || !cards->is_array()) return damaged("cards");
  for (const Json& one : *cards) {
    BMSG_TRY_ASSIGN(auto card, parse_card(one));
    identity.cards.push_back(std::move(card));
  }
  if (json.contains("epoch")) {
    BMSG_TRY_ASSIGN(identity.epoch, number_of<std::uint64_t>(json, "epoch"));
  }
  if (json.contains("grace")) {
    BMSG_TRY_ASSIGN(identity.grace, number_of<std::uint64_t>(json, "grace"));
  }
  if (json.contains("inbox_bits")) {
    BMSG_TRY_ASSIGN(identity.inbox_bits, number_of<std::uint8_t>(json, "inbox_bits"));
    if (identity.inbox_bits > mail::kInboxBitsMax) return damaged("inbox_bits");
  }
  identity.unknown = unknown_of(
      json, {"name", "seed", "revocation", "device", "cards", "epoch", "grace", "inbox_bits"});
  return identity;
}

Json print_identity(const mail::Identity& identity) {
  Json json{{"name", identity.name},
            {"seed", to_hex(identity.seed.view())},
            {"revocation", to_hex(identity.revocation)},
            {"device", identity.device},
            {"cards", Json::array()}};
  for (const mail::CardKey& card : identity.cards) json["cards"].push_back(print_card(card));
  if (identity.epoch != mail::kEpochSeconds) json["epoch"] = identity.epoch;
  if (identity.grace != mail::kGraceSeconds) json["grace"] = identity.grace;
  if (identity.inbox_bits != 0) json["inbox_bits"] = identity.inbox_bits;
  add_unknown(json, identity.unknown);
  return json;
}

template <class Item>
Result<Done> parse_list(const Json& json, const char* name, Result<Item> (*parse)(const Json&),
                        std::vector<Item>& items) {
  const auto list = json.find(name);
  if (list == json.end()) return done;
  if (!list->is_array()) return damaged(name);
  for (const Json& one : *list) {
    BMSG_TRY_ASSIGN(auto item, parse(one));
    items.push_back(std::move(item));
  }
  return done;
}

Result<IdentityKey> parse_address(const Json& json) {
  if (!json.is_string()) return damaged("members");
  const auto bytes = from_hex(json.get_ref<const std::string&>());
  if (!bytes || bytes->size() != IdentityKey::kSize) return damaged("members");
  return IdentityKey::from(*bytes);
}

Result<mail::OwedGrant> parse_owed(const Json& json) {
  mail::OwedGrant owed;
  BMSG_TRY_ASSIGN(owed.mark, bytes_of(json, "mark", 8));
  BMSG_TRY_ASSIGN(owed.epoch, number_of<std::uint32_t>(json, "epoch"));
  BMSG_TRY(parse_list(json, "to", parse_address, owed.to));
  return owed;
}

Result<mail::RoomAlarm> parse_alarm(const Json& json) {
  mail::RoomAlarm alarm;
  BMSG_TRY_ASSIGN(alarm.epoch, number_of<std::uint32_t>(json, "epoch"));
  BMSG_TRY_ASSIGN(const auto message, bytes_of(json, "message", MessageId::kSize));
  alarm.message = MessageId::from(message);
  return alarm;
}

Result<mail::Room> parse_room(const Json& json) {
  mail::Room room;
  BMSG_TRY_ASSIGN(room.id, bytes_of(json, "id", 16));
  BMSG_TRY_ASSIGN(room.name, text_of(json, "name"));
  BMSG_TRY_ASSIGN(const auto keeper, bytes_of(json, "keeper", IdentityKey::kSize));
  room.keeper = IdentityKey::from(keeper);
  const auto keys = json.find("keys");
  if (keys == json.end() || !keys->is_array()) return damaged("keys");
  for (const Json& one : *keys) {
    mail::RoomSecret key;
    BMSG_TRY_ASSIGN(key.epoch, number_of<std::uint32_t>(one, "epoch"));
    BMSG_TRY_ASSIGN(key.secret, secret_of(one, "secret", 32));
    if (one.contains("replaced")) {
      BMSG_TRY_ASSIGN(key.replaced.value, number_of<std::uint64_t>(one, "replaced"));
    }
    room.keys.push_back(std::move(key));
  }
  std::ranges::sort(room.keys, {}, &mail::RoomSecret::epoch);
  const auto twice = std::ranges::adjacent_find(room.keys, {}, &mail::RoomSecret::epoch);
  if (room.keys.empty() || twice != room.keys.end()) return damaged("keys");
  BMSG_TRY(parse_list(json, "members", parse_address, room.members));
  BMSG_TRY(parse_list(json, "owed", parse_owed, room.owed));
  BMSG_TRY(parse_list(json, "alarms", parse_alarm, room.alarms));
  if (json.contains("skip")) {
    BMSG_TRY_ASSIGN(room.skip, number_of<std::uint32_t>(json, "skip"));
  }
  room.unknown =
      unknown_of(json, {"id", "name", "keeper", "keys", "members", "owed", "alarms", "skip"});
  return room;
}

/// Lists that are empty are left out.
void add_room_lists(Json& json, const mail::Room& room) {
  for (const IdentityKey& one : room.members) json["members"].push_back(to_hex(one.view()));
  for (const mail::OwedGrant& one : room.owed) {
    Json owed{{"mark", to_hex(one.mark)}, {"epoch", one.epoch}, {"to", Json::array()}};
    for (const IdentityKey& to : one.to) owed["to"].push_back(to_hex(to.view()));
    json["owed"].push_back(std::move(owed));
  }
  for (const mail::RoomAlarm& one : room.alarms)
    json["alarms"].push_back(Json{{"epoch", one.epoch}, {"message", to_hex(one.message.view())}});
}

Json print_room(const mail::Room& room) {
  Json json{{"id", to_hex(room.id)},
            {"name", room.name},
            {"keeper", to_hex(room.keeper.view())},
            {"keys", Json::array()}};
  for (const mail::RoomSecret& key : room.keys) {
    Json one{{"epoch", key.epoch}, {"secret", to_hex(key.secret.view())}};
    if (key.replaced.value != 0) one["replaced"] = key.replaced.value;
    json["keys"].push_back(std::move(one));
  }
  add_room_lists(json, room);
  if (room.skip > 0) json["skip"] = room.skip;
  add_unknown(json, room.unknown);
  return json;
}

enum class MailboxKey { required, absent };

Result<mail::Keyring> parse(const SecretBytes& text, std::size_t bytes_max, MailboxKey mailbox) {
  auto parsed = parse_json(as_text(text.view()), bytes_max);
  if (!parsed || !parsed.value().is_object()) return damaged("keyring");
  const Wiped json(std::move(parsed).value());
  BMSG_TRY_ASSIGN(const auto version, number_of<std::uint32_t>(json.json, "v"));
  if (version != 1)
    return Error{Errc::bad_config,
                 fmt::format("keyring of version {}; this bmsg knows version 1", version)};
  mail::Keyring keyring;
  BMSG_TRY(parse_list(json.json, "identities", parse_identity, keyring.identities));
  BMSG_TRY(parse_list(json.json, "rooms", parse_room, keyring.rooms));
  if (mailbox == MailboxKey::required) {
    BMSG_TRY_ASSIGN(keyring.archive, secret_of(json.json, "archive", 32));
  } else if (json.json.contains("archive")) {
    return damaged("archive");
  }
  if (const auto shh = json.json.find("shh"); shh != json.json.end()) {
    keyring.shh = SecretBytes::from(as_bytes(shh->dump()));
  }
  keyring.unknown = unknown_of(json.json, {"v", "identities", "rooms", "shh", "archive"});
  return keyring;
}

}  // namespace

Result<mail::Keyring> parse_keyring(const SecretBytes& text) {
  return parse(text, mail::kKeyringBytesMax, MailboxKey::required);
}

Result<mail::Keyring> parse_travelling_keyring(const SecretBytes& text, std::size_t bytes_max) {
  return parse(text, bytes_max, MailboxKey::absent);
}

SecretBytes print_keyring(const mail::Keyring& keyring) {
  Wiped json(Json{{"v", 1}, {"identities", Json::array()}, {"rooms", Json::array()}});
  for (const mail::Identity& identity : keyring.identities)
    json.json["identities"].push_back(print_identity(identity));
  for (const mail::Room& room : keyring.rooms) json.json["rooms"].push_back(print_room(room));
  json.json["shh"] = keyring.shh.size() == 0
                         ? Json::array()
                         : Json::parse(as_text(keyring.shh.view()), nullptr, false);
  if (keyring.archive.size() != 0) json.json["archive"] = to_hex(keyring.archive.view());
  add_unknown(json.json, keyring.unknown);
  // A name that is no UTF-8 must not keep the keys from being saved.
  std::string text = json.json.dump(-1, ' ', false, Json::error_handler_t::replace);
  SecretBytes printed = SecretBytes::from(as_bytes(text));
  wipe_text(text);
  return printed;
}

}  // namespace bmsg::api
