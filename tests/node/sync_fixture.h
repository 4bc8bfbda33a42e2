// SyncWorld: nodes in memory on one chain under one clock, and blocks for them.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/chain/block_hash.h"
#include "lib/node/memory_store.h"
#include "lib/node/node.h"
#include "lib/node/sync_session.h"
#include "tests/support/chain_builder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_entropy.h"
#include "tests/support/sim_network.h"

namespace bmsg {

/// Follows branches of any depth.
inline constexpr node::ReorgPolicy kAnyReorg{
    .depth_max = 100'000, .seconds_max = 1'000'000'000, .endorsed_depth_max = 100'000};

/// A node with a store of its own.
struct SimNode {
  SimNode(const ChainBuilder& builder, const Clock& clock, std::uint64_t seed,
          node::ReorgPolicy policy = kAnyReorg, node::Keeps keeps = node::Keeps::all)
      : store(builder.rules_text(), keeps) {
    restart(builder, clock, seed, policy);
  }

  /// Another node on the same store.
  void restart(const ChainBuilder& builder, const Clock& clock, std::uint64_t seed,
               node::ReorgPolicy policy = kAnyReorg) {
    entropy = FakeEntropy(seed);
    service = node::Node::make({.store = store,
                                .chain = builder.chain(),
                                .clock = clock,
                                .entropy = entropy,
                                .outbox = nullptr,
                                .key = {},
                                .agent = "sim",
                                .reorg = policy,
                                .pool = {}})
                  .value();
  }

  void take(const std::vector<Block>& blocks) {
    for (const Block& block : blocks) {
      const auto verdict = service->submit_block(block).value().verdict;
      ASSERT_TRUE(verdict == node::Verdict::accepted || verdict == node::Verdict::known)
          << block.header.height.value;
    }
  }
  void pool(const std::vector<Message>& messages) {
    for (const auto& outcome : service->submit_messages(messages, node::Origin::own).value()) {
      ASSERT_EQ(outcome.verdict, node::Verdict::accepted);
    }
  }
  node::Tip tip() const { return store.tip().value(); }
  std::uint32_t height() const { return tip().height.value; }
  std::size_t pool_size() const { return store.pool(0).value().size(); }
  bool has_pooled(const Message& message) const {
    return store.pooled(chain::id_of(message.head)).value().has_value();
  }

  node::MemoryStore store;
  FakeEntropy entropy;
  std::unique_ptr<node::Node> service;
};

struct SyncWorld {
  explicit SyncWorld(const std::string& text = easy_rules_text())
      : builder(text), ana(builder, clock, 1), ben(builder, clock, 2) {}

  /// So many blocks after `parent`, each with a message of its own, begun with `name`.
  std::vector<Block> blocks(const Header& parent, std::size_t count, const std::string& name) {
    std::vector<Block> made;
    for (std::size_t i = 0; i < count; ++i) {
      const Header& before = made.empty() ? parent : made.back().header;
      const UnixSeconds time{before.time.value + builder.chain().rules.interval};
      made.push_back(builder.block(before, {message(name + std::to_string(i), time)}));
    }
    return made;
  }
  std::vector<Block> blocks(std::size_t count, const std::string& name) {
    return blocks(builder.genesis(), count, name);
  }
  Message message(const std::string& text, UnixSeconds time) const {
    return builder.public_message(text, time);
  }
  Message message(const std::string& text) const { return message(text, clock.now()); }

  /// Ana calls Ben.
  Result<node::SyncReport> sync(SimTransport& transport, const node::SyncOptions& options = {}) {
    return node::sync_with(*ana.service, transport, builder.chain(), clock, options);
  }
  Result<node::SyncReport> sync(const node::SyncOptions& options = {}) {
    SimTransport transport(*ben.service);
    return sync(transport, options);
  }

  FakeClock clock{kEasyGenesisTime + 1'000 * 600};
  ChainBuilder builder;
  SimNode ana;
  SimNode ben;
};

/// Fails the test with the error's own words.
inline node::SyncReport report_of(const Result<node::SyncReport>& result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    return {};
  }
  return result.value();
}

}  // namespace bmsg
