// Clients of Whisper who talk to each other, for the tests of filters.

#pragma once

#include "tests/api/whisper_world.h"

namespace bmsg::api {

inline const std::string kSecret = "\"0x" + std::string(64, '5') + "\"";

inline std::string id_of(const std::string& member, const std::string& id) {
  return "\"" + member + "\":\"" + id + "\"";
}

/// Somebody with the key that all share, and one of her own.
struct Chatter : Client {
  explicit Chatter(std::uint64_t seed, const WhisperFilterLimits& limits = {})
      : Client(seed, 0, limits) {
    shared = text("shh_addSymKey", kSecret);
    pair = text("shh_newKeyPair");
    public_key = text("shh_getPublicKey", quoted(pair));
  }
  std::string filter(const std::string& criteria) {
    return text("shh_newMessageFilter", "{" + criteria + "}");
  }
  std::string room_filter(const std::string& more = {}) {
    return filter(id_of("symKeyID", shared) + more);
  }
  std::string subscribe(const std::string& topic = "0x01020304") {
    return text("shh_subscribe", R"("messages",{)" + id_of("symKeyID", shared) + R"(,"topics":[")" +
                                     topic + R"("]})");
  }
  std::string say(const std::string& payload, const std::string& topic = "0x01020304",
                  unsigned ttl = 0) {
    return text("shh_post", "{" + id_of("symKeyID", shared) + "," + id_of("topic", topic) + "," +
                                id_of("payload", payload) + fmt::format(",\"ttl\":{}}}", ttl));
  }
  std::string say_signed(const std::string& payload) {
    return text("shh_post", "{" + id_of("symKeyID", shared) + "," + id_of("sig", pair) + "," +
                                id_of("topic", "0x01020304") + "," + id_of("payload", payload) +
                                "}");
  }
  std::string tell(const std::string& key, const std::string& payload) {
    return text("shh_post", "{" + id_of("pubKey", key) + "," + id_of("payload", payload) + "}");
  }

  std::string shared, pair, public_key;
};

inline std::string payloads(const Json& messages) {
  std::string all;
  for (const Json& one : messages) all += one["payload"].get<std::string>() + " ";
  return all;
}

}  // namespace bmsg::api
