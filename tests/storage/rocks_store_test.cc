#include "storage/rocks_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "storage/database.h"
#include "storage/schema.h"
#include "tests/storage/rocks_store_fixture.h"

namespace bmsg::storage {
namespace {

TEST_F(RocksStoreTest, KeepsBlocksOverReopening) {
  grow();
  reopen();
  EXPECT_EQ(must(store_->block(hash(first_), Bodies::with)), first_);
  EXPECT_EQ(must(store_->block(hash(second_), Bodies::with)), second_);
  EXPECT_EQ(must(store_->tip()).hash, hash(second_));
  EXPECT_EQ(must(store_->hash_at({1})), hash(first_));
  EXPECT_FALSE(must(store_->hash_at({3})));
  EXPECT_EQ(must(store_->headers({0}, 10)).size(), 3);
}

TEST_F(RocksStoreTest, FindsMessagesWhereTheyStand) {
  grow();
  reopen();
  const auto ids = chain::ids_of(second_);
  const auto places = must(store_->places_of(ids[4]));
  ASSERT_EQ(places.size(), 1);
  EXPECT_EQ(places[0].block, hash(second_));
  EXPECT_EQ(places[0].height.value, 2);
  EXPECT_EQ(places[0].index, 4);
  EXPECT_EQ(places[0].branch, node::Branch::main);
  EXPECT_EQ(must(store_->message_at(places[0])), second_.messages[4]);
  node::MessagePlace beyond = places[0];
  beyond.index = 5;
  EXPECT_FALSE(must(store_->message_at(beyond)));
}

TEST_F(RocksStoreTest, FindsEachMessageHoweverManyABlockHas) {
  for (const std::uint32_t count : {kTableEntries - 1, kTableEntries, kTableEntries + 1}) {
    const Block block = block_of(builder_, builder_.genesis(), fmt::format("{} ", count), count);
    apply(adding(builder_.chain(), {block}, {}, Connect::no));
    EXPECT_EQ(must(store_->block(hash(block), Bodies::with)), block);
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto places = must(store_->places_of(chain::id_of(block.messages[i].head)));
      ASSERT_EQ(places.size(), 1);
      EXPECT_EQ(places[0].index, i);
      EXPECT_EQ(must(store_->message_at(places[0])), block.messages[i]);
    }
    EXPECT_FALSE(must(store_->message_at({.block = hash(block), .height = {1}, .index = count})));
  }
}

TEST_F(RocksStoreTest, ForgetsEveryPartOfABlock) {
  const auto records = [this] {
    store_.reset();
    std::vector<Bytes> keys;
    {
      const auto database = must(Database::open(dir_.chain(), Access::read, dir_.options()));
      const auto note = [&](ByteView key, ByteView) -> Result<View::Next> {
        keys.push_back(to_bytes(key));
        return View::Next::go_on;
      };
      EXPECT_TRUE(database->view().scan({}, note));
    }
    store_ = must(dir_.open());
    return keys;
  };
  const auto before = records();
  const Block block = block_of(builder_, builder_.genesis(), "many ", 2 * kTableEntries + 1);
  apply(adding(builder_.chain(), {block}, {}, Connect::no));
  // The block, three parts of its table; of each message a place and a body.
  EXPECT_EQ(records().size(), before.size() + 1 + 3 + 2 * block.messages.size());
  apply({.forget = {hash(block)}});
  EXPECT_EQ(records(), before);
}

TEST_F(RocksStoreTest, LeavesOutBodiesThatItWasNotGiven) {
  Block light = first_;
  light.messages[1].body.reset();
  apply(adding(builder_.chain(), {light}));
  reopen();
  EXPECT_EQ(must(store_->block(hash(first_), Bodies::with)), light);
  for (Message& message : light.messages) message.body.reset();
  EXPECT_EQ(must(store_->block(hash(first_), Bodies::without)), light);
  EXPECT_FALSE(must(store_->message_at({.block = hash(first_), .height = {1}, .index = 1}))->body);
}

TEST_F(RocksStoreTest, ReplacesSealAndBodiesOfABlockThatIsAddedAgain) {
  grow();
  Block other = first_;
  other.seal = {{.index = 3, .signature = Signature::filled(1)}};
  other.messages[0].body.reset();
  apply(adding(builder_.chain(), {other}, {}, Connect::no));
  reopen();
  EXPECT_EQ(must(store_->block(hash(first_), Bodies::with)), other);
  EXPECT_EQ(must(store_->tip()).hash, hash(second_));
  EXPECT_EQ(must(store_->places_of(chain::ids_of(first_)[0])).size(), 1);
  apply(adding(builder_.chain(), {first_}, {}, Connect::no));
  EXPECT_EQ(must(store_->block(hash(first_), Bodies::with)), first_);
}

TEST_F(RocksStoreTest, GoesOnWithArrivalsAboveThoseOfAnother) {
  grow();
  const auto pool = [&](const std::string& text) {
    node::PooledMessage one;
    one.message = builder_.public_message(text, UnixSeconds{builder_.genesis().time.value + 1});
    one.id = chain::id_of(one.message.head);
    node::ChainChange change;
    change.pool_add.push_back(one);
    apply(change);
    return must(store_->pooled(one.id))->arrival;
  };
  const std::uint64_t first = pool("first");
  EXPECT_EQ(must(store_->next_arrival()), first + 1);
  ASSERT_TRUE(store_->begin_arrivals_at(1'000));
  reopen();
  EXPECT_EQ(must(store_->next_arrival()), 1'000U);
  EXPECT_EQ(pool("second"), 1'000U);
  ASSERT_TRUE(store_->begin_arrivals_at(10));  // Never back.
  EXPECT_EQ(pool("third"), 1'001U);
}

TEST_F(RocksStoreTest, SwitchesBranchesAndBack) {
  grow();
  const Block fork = block_of(builder_, builder_.genesis(), "fork ", 2);
  apply(adding(builder_.chain(), {fork}, {}, Connect::no));
  EXPECT_EQ(must(store_->header(hash(fork)))->branch, node::Branch::side);
  EXPECT_EQ(must(store_->tips()).size(), 2);

  apply({.disconnect = {hash(second_), hash(first_)}, .connect = {hash(fork)}});
  reopen();
  EXPECT_EQ(must(store_->tip()).hash, hash(fork));
  EXPECT_EQ(must(store_->hash_at({1})), hash(fork));
  EXPECT_FALSE(must(store_->hash_at({2})));
  EXPECT_EQ(must(store_->header(hash(second_)))->branch, node::Branch::side);
  std::set<BlockHash> tips;
  for (const auto& tip : must(store_->tips())) tips.insert(tip.hash);
  EXPECT_EQ(tips, (std::set<BlockHash>{hash(fork), hash(second_)}));

  apply({.disconnect = {hash(fork)}, .connect = {hash(first_), hash(second_)}});
  EXPECT_EQ(must(store_->tip()).hash, hash(second_));
  EXPECT_EQ(must(store_->block(hash(second_), Bodies::with)), second_);
}

TEST_F(RocksStoreTest, ForgetsSideBlocksWithAllThatIsTheirs) {
  grow();
  const UnixSeconds later{first_.header.time.value + 1};
  const Block fork = builder_.block(builder_.genesis(), first_.messages, later);
  apply(adding(builder_.chain(), {fork}, {}, Connect::no));
  const MessageId id = chain::ids_of(first_)[0];
  EXPECT_EQ(must(store_->places_of(id)).size(), 2);
  apply({.forget = {hash(fork)}});
  reopen();
  EXPECT_FALSE(must(store_->header(hash(fork))));
  EXPECT_FALSE(must(store_->block(hash(fork), Bodies::with)));
  EXPECT_EQ(must(store_->places_of(id)).size(), 1);
  EXPECT_EQ(must(store_->tips()).size(), 1);

  const auto records = must(Database::open(dir_.chain(), Access::read, dir_.options()));
  std::size_t bodies = 0;
  const auto count = [&](ByteView, ByteView) -> Result<View::Next> {
    ++bodies;
    return View::Next::go_on;
  };
  ASSERT_TRUE(records->view().scan(key(Kind::body), count));
  EXPECT_EQ(bodies, first_.messages.size() + second_.messages.size());
}

TEST_F(RocksStoreTest, GivesChartersAlwaysWithTheirBodies) {
  Message charter = first_.messages[0];
  charter.head.suite = Suite::charter;
  const Block block = builder_.block(builder_.genesis(), {charter, first_.messages[1]});
  apply(adding(builder_.chain(), {block}));
  const Block light = *must(store_->block(hash(block), Bodies::without));
  for (const Message& message : light.messages) {
    EXPECT_EQ(message.body.has_value(), message.head.suite == Suite::charter);
  }
  EXPECT_EQ(must(store_->block(hash(block), Bodies::with)), block);
}

TEST_F(RocksStoreTest, RefusesChangesThatDoNotFitAndStaysAsItWas) {
  grow();
  const Block orphan =
      block_of(builder_, block_of(builder_, second_.header, "x", 1).header, "y", 1);
  const std::vector<node::ChainChange> misfits = {
      adding(builder_.chain(), {orphan}),
      {.disconnect = {hash(first_)}},
      {.disconnect = {hash(second_), hash(first_), builder_.genesis_hash()}},
      {.connect = {hash(first_)}},
      {.connect = {BlockHash::filled(1)}},
      {.forget = {hash(second_)}},
  };
  for (const auto& misfit : misfits) {
    const auto applied = store_->apply(misfit);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code, Errc::corrupt);
    EXPECT_EQ(must(store_->tip()).hash, hash(second_));
  }
}

TEST_F(RocksStoreTest, FindsIdsOfTheBestChainAndThePoolByPrefix) {
  grow();
  const Block fork = block_of(builder_, builder_.genesis(), "fork ", 1);
  apply(adding(builder_.chain(), {fork}, {}, Connect::no));
  node::PooledMessage waiting;
  waiting.message = builder_.public_message("wait", {builder_.genesis().time.value + 1});
  waiting.id = chain::id_of(waiting.message.head);
  apply({.pool_add = {waiting}});

  const auto find = [&](const MessageId& id, std::size_t bytes) {
    return must(store_->ids_with_prefix(id.view().first(bytes), 10));
  };
  const MessageId mined = chain::ids_of(first_)[1];
  for (const std::size_t bytes : {4u, 15u, 16u, 17u, 64u}) {
    EXPECT_EQ(find(mined, bytes), std::vector{mined}) << bytes;
    EXPECT_EQ(find(waiting.id, bytes), std::vector{waiting.id}) << bytes;
    EXPECT_TRUE(find(chain::ids_of(fork)[0], bytes).empty()) << bytes;
  }
  MessageId other = mined;
  other.data()[63] ^= 1;
  EXPECT_TRUE(find(other, 64).empty());
  EXPECT_TRUE(must(store_->places_of(other)).empty());
}

// Which messages wait is remembered where they are few.
TEST_F(RocksStoreTest, TakesOutOfThePoolWhatBlocksBringHoweverManyWait) {
  const UnixSeconds time{builder_.genesis().time.value + 1};
  node::PooledMessage one;
  one.message = builder_.public_message("waits", time);
  std::set<MessageId> waiting;
  const auto add = [&](std::size_t count) {
    node::ChainChange change;
    for (; count > 0; --count) {
      ++one.message.head.time;
      one.id = chain::id_of(one.message.head);
      change.pool_add.push_back(one);
      waiting.insert(one.id);
    }
    apply(change);
  };
  const auto remove = [&](std::vector<MessageId> ids) {
    for (const MessageId& id : ids) waiting.erase(id);
    apply({.pool_remove = std::move(ids)});
    std::set<MessageId> there;
    for (const auto& pooled : must(store_->pool(0))) there.insert(pooled.id);
    ASSERT_EQ(there, waiting);
  };
  const MessageId none = MessageId::filled(0xff);
  for (const std::size_t count : {0, 1, 1'022, 1'023, 1'024, 1'025, 1'026}) {
    for (const bool is_opened_anew : {false, true}) {
      remove({none});  // It is looked at while there are as many as before.
      add(count > waiting.size() ? count - waiting.size() : 0);
      if (is_opened_anew) reopen();
      remove({none});
      if (!waiting.empty()) remove({*waiting.begin(), none, *waiting.rbegin()});
      add(2);
      remove({*waiting.begin(), *waiting.rbegin()});
    }
  }
  remove({waiting.begin(), waiting.end()});
}

TEST_F(RocksStoreTest, KeepsThePoolInOrderOfArrival) {
  const UnixSeconds time{builder_.genesis().time.value + 1};
  node::ChainChange change;
  for (const Message& message : messages_named(builder_, "pool ", 3, time)) {
    node::PooledMessage pooled;
    pooled.message = message;
    pooled.id = chain::id_of(message.head);
    pooled.since = {55};
    pooled.origin = node::Origin::peer;
    change.pool_add.push_back(pooled);
  }
  apply(change);
  reopen();
  const auto pool = must(store_->pool(0));
  ASSERT_EQ(pool.size(), 3);
  EXPECT_LT(0, pool[0].arrival);
  EXPECT_EQ(pool[1].id, change.pool_add[1].id);
  EXPECT_EQ(pool[1].message, change.pool_add[1].message);
  EXPECT_EQ(pool[1].since.value, 55);
  EXPECT_EQ(must(store_->pool(pool[1].arrival)).size(), 2);
  EXPECT_EQ(must(store_->pool(pool[2].arrival)).size(), 1);
  EXPECT_TRUE(must(store_->pool(pool[2].arrival + 1)).empty());

  // Stamped again: it arrives again, once.
  change.pool_add = {pool[0]};
  change.pool_add[0].message.nonce = 99;
  change.pool_remove = {pool[2].id};
  apply(change);
  const auto after = must(store_->pool(0));
  ASSERT_EQ(after.size(), 2);
  EXPECT_EQ(after[1].id, pool[0].id);
  EXPECT_EQ(after[1].message.nonce, 99);
  EXPECT_LT(pool[2].arrival, after[1].arrival) << "numbers are not given out twice";
  EXPECT_EQ(must(store_->pooled(pool[0].id))->arrival, after[1].arrival);
  EXPECT_FALSE(must(store_->pooled(pool[2].id)));
}

TEST_F(RocksStoreTest, AnswersForTheTreeOnlyUpToItsTip) {
  grow();
  apply({.tree = {{0, 2, Digest::filled(2)},
                  {1, 0, Digest::filled(10)},
                  {0, 3, Digest::filled(3)},
                  {1, 1, Digest::filled(11)}}});
  reopen();
  EXPECT_EQ(must(store_->tree_node(0, 2)), Digest::filled(2));
  EXPECT_EQ(must(store_->tree_node(1, 0)), Digest::filled(10));
  EXPECT_FALSE(must(store_->tree_node(0, 3)));
  EXPECT_FALSE(must(store_->tree_node(1, 1)));
  EXPECT_FALSE(must(store_->tree_node(64, 0)));
  EXPECT_FALSE(must(store_->tree_node(255, ~0ull)));
}

TEST_F(RocksStoreTest, KeepsCheckpointsAndPeers) {
  node::Peer peer;
  peer.url = "http://b";
  ASSERT_TRUE(store_->put_peer(peer));
  peer.url = "http://a";
  peer.score = 7;
  ASSERT_TRUE(store_->put_peer(peer));
  ASSERT_TRUE(store_->set_checkpoints({{{1}, BlockHash::filled(1)}, {{2}, BlockHash::filled(2)}}));
  ASSERT_TRUE(store_->set_checkpoints({{{2}, BlockHash::filled(3)}}));
  ASSERT_TRUE(store_->remove_peer("http://b"));
  ASSERT_TRUE(store_->remove_peer("http://never"));
  reopen();
  EXPECT_EQ(must(store_->peers()), std::vector{peer});
  EXPECT_EQ(must(store_->checkpoints()),
            (std::vector<node::Checkpoint>{{{2}, BlockHash::filled(3)}}));
}

TEST_F(RocksStoreTest, StaysWholeOverMaintenance) {
  grow();
  ASSERT_TRUE(store_->flush());
  ASSERT_TRUE(store_->compact());
  ASSERT_TRUE(store_->verify_checksums());
  EXPECT_EQ(must(store_->block(hash(second_), Bodies::with)), second_);
  EXPECT_TRUE(must(dir_.read())->verify_checksums());
}

}  // namespace
}  // namespace bmsg::storage
