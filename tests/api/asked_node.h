// A node on a store in memory that is asked without a network between.

#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "lib/node/memory_store.h"
#include "lib/node/node.h"
#include "tests/support/chain_builder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_entropy.h"

namespace bmsg::api {

class AskedNode : public testing::Test {
 protected:
  explicit AskedNode(const FakeClock& begin = FakeClock(), node::JudgePlace judge_place = {},
                     ChainBuilder made = ChainBuilder())
      : clock(begin), builder(std::move(made)), store(builder.rules_text()) {
    node = node::Node::make({.store = store,
                             .chain = builder.chain(),
                             .clock = clock,
                             .entropy = entropy,
                             .outbox = nullptr,
                             .key = {},
                             .agent = "test",
                             .reorg = {},
                             .pool = {},
                             .judge_place = std::move(judge_place)})
               .value();
  }

  FakeClock clock;
  FakeEntropy entropy;
  ChainBuilder builder;
  node::MemoryStore store;
  std::unique_ptr<node::Node> node;
};

}  // namespace bmsg::api
