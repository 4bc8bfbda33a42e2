#include "tests/node/node_fixture.h"

namespace bmsg {
namespace {

using node::Origin;
using node::Verdict;

/// Files that wait, and where they went.
struct FakeOutbox final : node::OutboxSource {
  Result<std::vector<Queued>> new_messages(std::size_t max) override {
    return std::vector<Queued>(
        files.begin(), files.begin() + static_cast<std::ptrdiff_t>(std::min(max, files.size())));
  }
  Result<Done> mark_taken(const std::string& name) override {
    if (marks_left-- == 0) return Error{Errc::io, "cannot rename: a test said so"};
    return move(name, taken);
  }
  Result<Done> mark_failed(const std::string& name, const std::string& why) override {
    reasons.push_back(why);
    return move(name, failed);
  }
  Result<Done> move(const std::string& name, std::vector<std::string>& to) {
    to.push_back(name);
    std::erase_if(files, [&](const Queued& one) { return one.name == name; });
    return done;
  }

  std::vector<Queued> files;
  std::vector<std::string> taken, failed, reasons;
  int marks_left = 1'000'000;
};

struct Outbox : testing::Test {
  NodeFixture f;
  FakeOutbox outbox;
};

TEST_F(Outbox, GoesIntoThePoolAndItsFilesMoveOn) {
  const Message one = f.message("one");
  const Message two = f.message("two");
  outbox.files = {{"1", one}, {"2", two}};
  const auto taken = f.node(&outbox)->take_outbox().value();
  EXPECT_EQ(taken.taken, (std::vector{id_of(one), id_of(two)}));
  EXPECT_EQ(outbox.taken, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(f.store.pooled(id_of(one)).value()->origin, Origin::own);
}

TEST_F(Outbox, IsTakenAgainAfterACrashBetweenThePoolAndTheMark) {
  const Message one = f.message("one");
  outbox.files = {{"1", one}};
  outbox.marks_left = 0;
  EXPECT_FALSE(bool(f.node(&outbox)->take_outbox()));
  EXPECT_TRUE(f.is_pooled(one));
  ASSERT_EQ(outbox.files.size(), 1U);
  outbox.marks_left = 1;
  const auto taken = f.node(&outbox)->take_outbox().value();
  EXPECT_EQ(taken.taken, std::vector{id_of(one)});
  EXPECT_EQ(f.pooled().size(), 1U);
}

TEST_F(Outbox, OfAMessageThatWasMinedMeanwhileIsTaken) {
  const Message one = f.message("one");
  f.accept(f.builder.block(f.builder.genesis(), {one}, f.clock.now()));
  outbox.files = {{"1", one}};
  EXPECT_EQ(f.node(&outbox)->take_outbox().value().taken.size(), 1U);
  EXPECT_FALSE(f.is_pooled(one));
}

TEST_F(Outbox, StaysWholeIfTheStoreFails) {
  outbox.files = {{"1", f.message("one")}};
  f.store.fail_apply(0);
  EXPECT_FALSE(bool(f.node(&outbox)->take_outbox()));
  EXPECT_TRUE(outbox.taken.empty());
  EXPECT_TRUE(outbox.failed.empty());
}

TEST_F(Outbox, KeepsAFileForWhichThereIsNoRoomYet) {
  outbox.files = {{"1", f.message("one")}};
  EXPECT_TRUE(f.node(&outbox, {.all = 50, .of_giver = 50})->take_outbox().value().taken.empty());
  EXPECT_TRUE(outbox.failed.empty());
  EXPECT_EQ(f.node(&outbox)->take_outbox().value().taken.size(), 1U);
}

TEST_F(Outbox, SetsAsideWhatCanNeverBeTakenAndSaysWhy) {
  Message expired = f.message("one");
  expired.head.ttl = 60;
  outbox.files = {{"1", expired}};
  f.clock.advance(60);
  const auto taken = f.node(&outbox)->take_outbox().value();
  ASSERT_EQ(taken.refused.size(), 1U);
  EXPECT_EQ(outbox.failed, std::vector<std::string>{"1"});
  EXPECT_TRUE(outbox.reasons.at(0).starts_with("expired: ")) << outbox.reasons[0];
}

TEST_F(Outbox, TakesWhatStandsBehindManyThatAreHeld) {
  for (int i = 0; i < 300; ++i) {
    const UnixSeconds later{f.clock.now().value + 1'000};
    outbox.files.push_back({std::to_string(i), f.builder.public_message(std::to_string(i), later)});
  }
  const Message last = f.message("last");
  outbox.files.push_back({"last", last});
  EXPECT_EQ(f.node(&outbox)->take_outbox().value().taken, std::vector{id_of(last)});
  EXPECT_EQ(outbox.files.size(), 300U);
}

TEST_F(Outbox, TellsOfWhatItTookEvenIfALaterMarkFails) {
  outbox.files = {{"1", f.message("one")}, {"2", f.message("two")}};
  outbox.marks_left = 1;
  const auto node = f.node(&outbox);
  int calls = 0;
  node->on_change([&] { ++calls; });
  EXPECT_FALSE(bool(node->take_outbox()));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace bmsg
