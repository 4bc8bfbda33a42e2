#include "lib/api/whisper_keyring.h"

#include <algorithm>
#include <optional>

#include "lib/api/json_guard.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/agree.h"
#include "lib/mail/keyring.h"

namespace bmsg::api {
namespace {

using crypto::SecretBytes;

constexpr const char* kPairName = "pair";
constexpr const char* kSymmetricName = "symmetric";

Error damaged() { return {Errc::corrupt, "keyring: 'shh' is damaged"}; }

void wipe_text(std::string& text) {
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

std::string text_in(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() || !at->is_string() ? std::string() : at->get<std::string>();
}

std::optional<WhisperKey> parse_key(const Json& json) {
  if (!json.is_object() || json.size() != 3) return std::nullopt;
  WhisperKey key;
  key.id = text_in(json, "id");
  const auto id = from_hex(key.id);
  const std::string kind = text_in(json, "kind");
  key.kind = kind == kPairName ? WhisperKeyKind::pair : WhisperKeyKind::symmetric;
  std::string digits = text_in(json, "secret");
  auto secret = from_hex(digits);
  wipe_text(digits);
  const bool is_whole = id && id->size() == kWhisperKeyBytes && secret &&
                        secret->size() == kWhisperKeyBytes &&
                        (kind == kPairName || kind == kSymmetricName);
  if (secret) {
    key.secret = SecretBytes::from(*secret);
    crypto::wipe(*secret);
  }
  if (!is_whole) return std::nullopt;
  const bool is_key = key.kind == WhisperKeyKind::symmetric ||
                      crypto::public_key_of(crypto::Curve::secp256k1, key.secret).has_value();
  return is_key ? std::optional(std::move(key)) : std::nullopt;
}

void wipe_secrets(Json& list) {
  if (!list.is_array()) return;
  for (Json& one : list) {
    if (!one.is_object()) continue;
    const auto secret = one.find("secret");
    if (secret != one.end() && secret->is_string()) wipe_text(secret->get_ref<std::string&>());
  }
}

Result<std::vector<WhisperKey>> parse_list(const Json& list) {
  if (!list.is_array() || list.size() > kWhisperKeysMax) return damaged();
  std::vector<WhisperKey> keys;
  for (const Json& one : list) {
    auto key = parse_key(one);
    if (!key) return damaged();
    const bool is_there = std::ranges::count(keys, key->id, &WhisperKey::id) != 0;
    if (is_there) return damaged();
    keys.push_back(std::move(*key));
  }
  return keys;
}

bool has(const std::vector<WhisperKey>& keys, const std::string& id) {
  return std::ranges::find(keys, id, &WhisperKey::id) != keys.end();
}

}  // namespace

Result<std::vector<WhisperKey>> parse_whisper_keys(const SecretBytes& json) {
  if (json.size() == 0) return std::vector<WhisperKey>();
  auto parsed = parse_json(as_text(json.view()), mail::kKeyringBytesMax);
  if (!parsed) return damaged();
  auto keys = parse_list(parsed.value());
  wipe_secrets(parsed.value());
  return keys;
}

SecretBytes print_whisper_keys(const std::vector<WhisperKey>& keys) {
  Json list = Json::array();
  for (const WhisperKey& key : keys) {
    list.push_back(Json{{"id", key.id},
                        {"kind", key.kind == WhisperKeyKind::pair ? kPairName : kSymmetricName},
                        {"secret", to_hex(key.secret.view())}});
  }
  std::string text = print_json(list);
  SecretBytes printed = SecretBytes::from(as_bytes(text));
  wipe_text(text);
  wipe_secrets(list);
  return printed;
}

Result<SecretBytes> merge_whisper_keys(const SecretBytes& there,
                                       const std::vector<WhisperKey>& before,
                                       const std::vector<WhisperKey>& now) {
  BMSG_TRY_ASSIGN(auto keys, parse_whisper_keys(there));
  std::erase_if(keys, [&](const auto& key) { return has(before, key.id) && !has(now, key.id); });
  for (const WhisperKey& key : now) {
    if (has(keys, key.id) || has(before, key.id)) continue;  // Who deleted it elsewhere meant it.
    keys.push_back({key.id, key.kind, key.secret.clone()});
  }
  if (keys.size() > kWhisperKeysMax)
    return Error{Errc::no_resource, "the keyring holds as many keys of Whisper as it may"};
  return print_whisper_keys(keys);
}

}  // namespace bmsg::api
