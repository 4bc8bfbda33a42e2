// TestChain: a chain in memory that takes any message, so that tests of mail need no work.

#pragma once

#include <vector>

#include "lib/chain/block_hash.h"
#include "lib/core/check.h"
#include "lib/node/memory_store.h"

namespace bmsg::mail {

class TestChain {
 public:
  explicit TestChain(std::string rules_text, node::Keeps keeps = node::Keeps::all)
      : store_(std::move(rules_text), keeps) {}

  const node::MemoryStore& store() const { return store_; }
  Height tip() const { return store_.tip().value().height; }

  /// A block on the tip; its messages leave the pool.
  void append(std::vector<Message> messages = {}) {
    connect({}, store_.tip().value().hash, {std::move(messages)});
  }
  void append_empty(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) append();
  }
  /// Takes `depth` blocks off and puts others there instead.
  void reorganise(std::uint32_t depth, const std::vector<std::vector<Message>>& blocks) {
    std::vector<BlockHash> off;
    for (std::uint32_t i = 0; i < depth; ++i) {
      off.push_back(*store_.hash_at(Height{tip().value - i}).value());
    }
    connect(off, *store_.hash_at(Height{tip().value - depth}).value(), blocks);
  }
  /// Drops the side branches that reorganise() has left.
  void forget(const BlockHash& block) {
    node::ChainChange change;
    change.forget = {block};
    apply(change);
  }
  void pool(const Message& message) {
    node::ChainChange change;
    change.pool_add.push_back({.id = chain::id_of(message.head), .message = message, .since = {}});
    apply(change);
  }
  /// The body of a message that a block holds without one.
  void complete(const Message& message) {
    node::ChainChange change;
    change.bodies.push_back({chain::id_of(message.head), *message.body});
    apply(change);
  }
  void unpool(const Message& message) {
    node::ChainChange change;
    change.pool_remove = {chain::id_of(message.head)};
    apply(change);
  }

 private:
  void connect(const std::vector<BlockHash>& off, BlockHash parent,
               const std::vector<std::vector<Message>>& blocks) {
    node::ChainChange change;
    change.disconnect = off;
    std::uint32_t height = tip().value - static_cast<std::uint32_t>(off.size());
    for (const std::vector<Message>& messages : blocks) {
      node::ChainChange::Added added;
      added.block.messages = messages;
      Header& header = added.block.header;
      header.height = Height{++height};
      header.time = UnixSeconds{1'767'225'600 + 600ull * height};
      header.count = static_cast<std::uint32_t>(messages.size());
      header.previous = parent;
      header.nonce = ++nonce_;  // No two blocks alike.
      for (const Message& message : messages) {
        added.ids.push_back(chain::id_of(message.head));
        change.pool_remove.push_back(added.ids.back());
      }
      parent = added.hash = chain::hash_of(header);
      change.connect.push_back(parent);
      change.added.push_back(std::move(added));
    }
    apply(change);
  }
  void apply(const node::ChainChange& change) {
    check(bool(store_.apply(change)), "a test's change does not fit");
  }

  node::MemoryStore store_;
  std::uint64_t nonce_ = 0;
};

}  // namespace bmsg::mail
