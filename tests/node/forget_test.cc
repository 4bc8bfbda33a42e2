// Forgetting: what may go, what does not come back, and what peers are told.

#include "lib/node/forget.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/node/node_fixture.h"

namespace bmsg {
namespace {

/// Two blocks of one message each, and their node.
struct Forgetting {
  Forgetting() {
    f.clock.set(began.value + 4 * 600);
    f.accept_all({first, second});
  }
  NodeFixture f;
  const UnixSeconds began = f.builder.genesis().time;
  const Message old = f.builder.public_message("old", began);
  const Message young = f.builder.public_message("young", UnixSeconds{began.value + 60});
  const Block first = f.builder.block(f.builder.genesis(), {old});
  const Block second = f.builder.block(first.header, {young});
};

std::vector<MessageId> ids_of(const std::vector<node::Forgettable>& found) {
  std::vector<MessageId> ids;
  for (const node::Forgettable& one : found) ids.push_back(one.id);
  return ids;
}

bool has_body(const NodeFixture& f, const Message& message) {
  const auto places = f.store.places_of(id_of(message)).value();
  return std::ranges::any_of(places, [&](const node::MessagePlace& place) {
    return f.store.message_at(place).value()->body.has_value();
  });
}

TEST(Forget, AnAgeIsMeasuredByTheMessageAndToTheSecond) {
  const Forgetting world;
  const auto found = [&](std::uint64_t before) {
    return ids_of(
        node::find_forgettable(world.f.store, {.before = UnixSeconds{before}}, world.f.clock.now())
            .value());
  };
  EXPECT_TRUE(found(world.old.head.time).empty());
  EXPECT_EQ(found(world.old.head.time + 1), std::vector{id_of(world.old)});
  EXPECT_EQ(found(world.young.head.time + 1).size(), 2U);
}

TEST(Forget, WhatExpiresIsFoundFromThatSecondOn) {
  const Forgetting world;
  const std::uint64_t expiry = world.old.head.expiry();
  const auto found = [&](std::uint64_t now) {
    return ids_of(node::find_forgettable(world.f.store, {}, UnixSeconds{now}).value());
  };
  EXPECT_TRUE(found(expiry - 1).empty());
  EXPECT_EQ(found(expiry), std::vector{id_of(world.old)});
}

TEST(Forget, WhatIsSparedStays) {
  const Forgetting world;
  node::ForgetWish wish{.before = UnixSeconds{UINT32_MAX}};
  wish.spares = [](const MessageId&, Height height) -> Result<bool> { return height.value > 1; };
  EXPECT_EQ(ids_of(node::find_forgettable(world.f.store, wish, world.f.clock.now()).value()),
            std::vector{id_of(world.old)});
}

TEST(Forget, TheNodeDropsAndListsAndSaysWhatWent) {
  Forgetting world;
  const auto node = world.f.node();
  const MessageId id = id_of(world.old);
  const auto gone = node->forget({id, MessageId()}, node::DropRule::named).value();
  EXPECT_EQ(gone, std::vector{id});
  EXPECT_FALSE(has_body(world.f, world.old));
  EXPECT_TRUE(has_body(world.f, world.young));
  const auto dropped = world.f.store.dropped(id).value();
  ASSERT_TRUE(dropped);
  EXPECT_EQ(dropped->when, world.f.clock.now());
  EXPECT_TRUE(node->forget({id}, node::DropRule::expired).value().empty());
  EXPECT_EQ(node::judge_forgettable(world.f.store, id, world.f.clock.now()).value().keeping,
            node::Keeping::body_gone);
}

TEST(Forget, WhatWaitsInThePoolStays) {
  Forgetting world;
  const auto node = world.f.node();
  const Message waiting = world.f.message("waiting");
  ASSERT_EQ(node->submit_messages({waiting}, node::Origin::own).value().front().verdict,
            node::Verdict::accepted);
  EXPECT_TRUE(node->forget({id_of(waiting)}, node::DropRule::named).value().empty());
  EXPECT_EQ(
      node::judge_forgettable(world.f.store, id_of(waiting), world.f.clock.now()).value().keeping,
      node::Keeping::pooled);
}

TEST(Forget, WhatWentDoesNotComeBackWithABlockOfAnotherBranch) {
  Forgetting world;
  const auto node = world.f.node();
  const MessageId id = id_of(world.old);
  ASSERT_EQ(node->forget({id}, node::DropRule::named).value().size(), 1U);
  // The same message in a branch that becomes the best one.
  const Block rival = world.f.builder.block(world.f.builder.genesis(), {world.young, world.old});
  const Block better = world.f.builder.block(rival.header, {});
  const Block best = world.f.builder.block(better.header, {});
  for (const Block& block : {rival, better, best})
    ASSERT_EQ(node->submit_block(block).value().verdict, node::Verdict::accepted);
  ASSERT_EQ(world.f.tip(), hash_of(best)) << "the branch did not become the best one";
  EXPECT_FALSE(has_body(world.f, world.old));
  EXPECT_TRUE(has_body(world.f, world.young));
  EXPECT_EQ(world.f.store.dropped().value().size(), 1U);
}

TEST(Forget, AStoreThatIsBuiltAnewTakesTheBlockAndListsItAgain) {
  Forgetting world;
  const auto node = world.f.node();
  const MessageId id = id_of(world.old);
  ASSERT_EQ(node->forget({id}, node::DropRule::older).value().size(), 1U);
  const Block without = *world.f.store.block(hash_of(world.first), Bodies::with).value();
  for (const bool remembers : {false, true}) {
    NodeFixture anew;
    anew.clock.set(world.f.clock.now().value);
    if (remembers) anew.state.remember_dropped(world.f.store.dropped().value());
    EXPECT_EQ(anew.accept(without).verdict,
              remembers ? node::Verdict::accepted : node::Verdict::refused);
    EXPECT_EQ(anew.store.dropped().value().size(), remembers ? 1U : 0U);
  }
}

}  // namespace
}  // namespace bmsg
