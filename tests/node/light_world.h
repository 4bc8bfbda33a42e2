// LightWorld: a light node beside one that keeps all.

#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/node/sync_fixture.h"

namespace bmsg::node {

/// Ben keeps all, Lea heads only.
struct LightWorld : SyncWorld {
  /// With a topic: nothing that may be a card.
  Message topical(const std::string& text, UnixSeconds time) const {
    Message made = builder.public_message(text, time);
    made.head.topic = Topic::filled(7);
    builder.stamp(made);
    return made;
  }
  Message topical(const std::string& text) const { return topical(text, clock.now()); }
  /// Blocks of a small public message without a topic and one with a topic.
  std::vector<Block> mixed(const Header& parent, std::size_t count, const std::string& name) {
    std::vector<Block> made;
    for (std::size_t i = 0; i < count; ++i) {
      const Header& before = made.empty() ? parent : made.back().header;
      const UnixSeconds time{before.time.value + builder.chain().rules.interval};
      const std::string text = name + std::to_string(i);
      made.push_back(builder.block(before, {message(text, time), topical(text, time)}));
    }
    return made;
  }
  Result<SyncReport> sync_lea(SimTransport& transport, const SyncOptions& options = {}) {
    return sync_with(*lea.service, transport, builder.chain(), clock, options);
  }
  /// What Lea has of a message: its body, none, or not even its head.
  std::optional<Bytes> body_of(const Message& wanted) const {
    const auto places = lea.store.places_of(chain::id_of(wanted.head)).value();
    if (places.empty()) return std::nullopt;
    return lea.store.message_at(places.front()).value()->body;
  }
  std::vector<MessageId> wanted() const { return lea.store.wanted().value(); }

  SimNode lea{builder, clock, 3, kAnyReorg, Keeps::heads};
  SimTransport wire{*ben.service};
};

inline Block without_bodies(Block block) {
  for (Message& message : block.messages) message.body.reset();
  return block;
}

}  // namespace bmsg::node
