// The object `conversation` of bmsg-json(5), which the page of `bmsg web` lists.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/api/json_objects.h"

namespace bmsg::api {

/// Messages that belong together for a person who reads. Text may be untrusted.
struct ConversationView {
  std::string kind;                       // "with", "room", "thread" or "public".
  std::string name;                       // An address, a room, a thread; empty: null.
  std::optional<std::string> title = {};  // Our word for the other.
  std::string claims = {};                // What the other calls itself; empty: null.
  std::string trust = {};                 // Of the other; empty: null.
  std::uint64_t messages = 0;
  std::uint64_t unread = 0;
  MessageView newest = {};
  std::string snippet = {};  // The beginning of its text.
  std::uint64_t files = 0;   // That came with it.
};
std::string conversation_json(const ConversationView& view);

}  // namespace bmsg::api
