// What every node::Store does, as one suite. Instantiate it with a Maker:
//
//   struct Maker {
//     explicit Maker(const std::string& rules_text);  // A fresh store of that chain.
//     node::Store& store();
//     void reopen();                                  // Closes it and opens it again.
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Name, StoreContract, Maker);

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/merkle.h"
#include "lib/chain/work.h"
#include "lib/node/store.h"
#include "tests/support/chain_builder.h"

namespace bmsg {

/// A store and a builder of blocks for it.
template <class Maker>
class StoreContract : public testing::Test {
 protected:
  node::Store& store() { return maker_.store(); }

  static BlockHash hash_of(const Block& block) { return chain::hash_of(block.header); }
  static MessageId id_of(const Message& message) { return chain::id_of(message.head); }

  Message message(const std::string& text) {
    return builder_.public_message(text, builder_.genesis().time);
  }
  Block block_after(const Header& parent, std::vector<Message> messages = {}) {
    return builder_.block(parent, std::move(messages));
  }
  Block block_of_genesis(const std::string& text) {
    return block_after(builder_.genesis(), {message(text)});
  }

  /// Every block counts as the work of one.
  static node::ChainChange::Added added(const Block& block) {
    Work work;
    for (std::uint32_t i = 0; i < block.header.height.value; ++i) {
      work = chain::sum(work, chain::one_work());
    }
    return {block, hash_of(block), chain::ids_of(block), work};
  }
  static node::TreeNode leaf(const Block& block) {
    return {0, block.header.height.value, chain::leaf_hash(hash_of(block).view())};
  }
  static node::ChainChange as_side(const Block& block) {
    node::ChainChange change;
    change.added.push_back(added(block));
    return change;
  }
  static node::ChainChange as_main(const Block& block) {
    node::ChainChange change = as_side(block);
    change.connect.push_back(hash_of(block));
    change.tree.push_back(leaf(block));
    return change;
  }
  static node::ChainChange pooling(const Message& message) {
    node::ChainChange change;
    change.pool_add.push_back({id_of(message), message, UnixSeconds{7}, node::Origin::peer, 0});
    return change;
  }

  void apply(const node::ChainChange& change) {
    const auto applied = store().apply(change);
    ASSERT_TRUE(bool(applied)) << applied.error().message;
  }
  /// The change is refused, and nothing of it is there.
  void expect_misfit(const node::ChainChange& change) {
    const auto before = tip();
    const auto applied = store().apply(change);
    ASSERT_FALSE(bool(applied));
    EXPECT_EQ(applied.error().code, Errc::corrupt);
    EXPECT_EQ(tip(), before);
    for (const auto& one : change.added) EXPECT_EQ(header(one.hash), std::nullopt);
  }

  node::Tip tip() { return store().tip().value(); }
  std::optional<BlockHash> hash_at(std::uint32_t height) {
    return store().hash_at(Height{height}).value();
  }
  std::optional<node::Branch> header(const BlockHash& hash) {
    const auto found = store().header(hash).value();
    return found ? std::optional(found->branch) : std::nullopt;
  }
  std::vector<BlockHash> tips() {
    std::vector<BlockHash> hashes;
    for (const auto& one : store().tips().value()) hashes.push_back(one.hash);
    std::ranges::sort(hashes);
    return hashes;
  }
  static std::vector<BlockHash> sorted(std::vector<BlockHash> hashes) {
    std::ranges::sort(hashes);
    return hashes;
  }
  std::vector<MessageId> pool(std::uint64_t arrival = 0) {
    std::vector<MessageId> ids;
    for (const auto& one : store().pool(arrival).value()) ids.push_back(one.id);
    return ids;
  }

  ChainBuilder builder_;
  Maker maker_{builder_.rules_text()};
};

TYPED_TEST_SUITE_P(StoreContract);

TYPED_TEST_P(StoreContract, BeginsWithGenesis) {
  const BlockHash genesis = this->builder_.genesis_hash();
  EXPECT_EQ(this->store().rules_text().value(), this->builder_.rules_text());
  EXPECT_EQ(this->tip(), (node::Tip{Height{0}, genesis, Work(), this->builder_.genesis().time}));
  EXPECT_EQ(this->hash_at(0), genesis);
  EXPECT_EQ(this->hash_at(1), std::nullopt);
  EXPECT_EQ(this->header(genesis), node::Branch::main);
  EXPECT_EQ(this->tips(), std::vector{genesis});
  const auto block = this->store().block(genesis, Bodies::with).value();
  ASSERT_TRUE(block);
  EXPECT_EQ(*block, (Block{this->builder_.genesis(), {}, {}}));
  EXPECT_EQ(this->store().tree_node(0, 0).value(), chain::leaf_hash(genesis.view()));
}

TYPED_TEST_P(StoreContract, GivesBackConnectedBlocks) {
  const Block one = this->block_of_genesis("one");
  const Block two = this->block_after(one.header);
  this->apply(this->as_main(one));
  this->apply(this->as_main(two));
  this->maker_.reopen();
  const BlockHash hash = this->hash_of(two);
  const Work work = this->added(two).total_work;
  EXPECT_EQ(this->tip(), (node::Tip{Height{2}, hash, work, two.header.time}));
  EXPECT_EQ(this->hash_at(1), this->hash_of(one));
  EXPECT_EQ(this->store().block(this->hash_of(one), Bodies::with).value(), one);
  const auto header = this->store().header(this->hash_of(one)).value();
  ASSERT_TRUE(header);
  EXPECT_EQ(header->sealed, (SealedHeader{one.header, one.seal}));
  EXPECT_EQ(header->total_work, chain::one_work());
  EXPECT_EQ(header->bytes, one.messages[0].head.encoded_bytes());
  EXPECT_EQ(header->hash, this->hash_of(one));
}

TYPED_TEST_P(StoreContract, GivesHeadersFromAnyHeightUpToTheTip) {
  std::vector<Block> blocks = this->builder_.blocks(this->builder_.genesis(), 3);
  for (const Block& block : blocks) this->apply(this->as_main(block));
  const auto heights = [&](std::uint32_t from, std::uint32_t count) {
    std::vector<std::uint32_t> found;
    for (const auto& one : this->store().headers(Height{from}, count).value()) {
      found.push_back(one.sealed.header.height.value);
    }
    return found;
  };
  EXPECT_EQ(heights(0, 10), (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(heights(1, 2), (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(heights(3, 1), std::vector<std::uint32_t>{3});
  EXPECT_TRUE(heights(4, 1).empty());
  EXPECT_TRUE(heights(0, 0).empty());
  EXPECT_TRUE(heights(0xffffffff, 2).empty());
}

TYPED_TEST_P(StoreContract, KeepsSideBlocksOffTheBestChain) {
  const Block one = this->block_of_genesis("one");
  const Block other = this->block_of_genesis("other");
  this->apply(this->as_main(one));
  this->apply(this->as_side(other));
  this->maker_.reopen();
  EXPECT_EQ(this->tip().hash, this->hash_of(one));
  EXPECT_EQ(this->header(this->hash_of(other)), node::Branch::side);
  EXPECT_EQ(this->store().block(this->hash_of(other), Bodies::with).value(), other);
  EXPECT_EQ(this->tips(), this->sorted({this->hash_of(one), this->hash_of(other)}));
}

TYPED_TEST_P(StoreContract, ListsOnlyTheLastBlocksOfBranches) {
  const Block one = this->block_of_genesis("one");
  const Block other = this->block_of_genesis("other");
  const Block child = this->block_after(other.header);
  this->apply(this->as_main(one));
  this->apply(this->as_side(other));
  this->apply(this->as_side(child));
  EXPECT_EQ(this->tips(), this->sorted({this->hash_of(one), this->hash_of(child)}));
}

TYPED_TEST_P(StoreContract, ChangesBranchesInOneChange) {
  const Block one = this->block_of_genesis("one");
  const Block other = this->block_of_genesis("other");
  const Block child = this->block_after(other.header);
  this->apply(this->as_main(one));
  this->apply(this->as_side(other));
  node::ChainChange change = this->as_side(child);
  change.disconnect = {this->hash_of(one)};
  change.connect = {this->hash_of(other), this->hash_of(child)};
  change.tree = {this->leaf(other), this->leaf(child)};
  this->apply(change);
  this->maker_.reopen();
  EXPECT_EQ(this->tip().hash, this->hash_of(child));
  EXPECT_EQ(this->hash_at(1), this->hash_of(other));
  EXPECT_EQ(this->header(this->hash_of(one)), node::Branch::side);
  EXPECT_EQ(this->store().block(this->hash_of(one), Bodies::with).value(), one);
  EXPECT_EQ(this->store().tree_node(0, 1).value(), this->leaf(other).digest);
  EXPECT_EQ(this->tips(), this->sorted({this->hash_of(one), this->hash_of(child)}));
}

TYPED_TEST_P(StoreContract, HidesTreeNodesBeyondTheTip) {
  const Block one = this->block_of_genesis("one");
  node::ChainChange change = this->as_main(one);
  change.tree.push_back({1, 0, Digest::filled(5)});
  this->apply(change);
  EXPECT_EQ(this->store().tree_node(1, 0).value(), Digest::filled(5));
  EXPECT_EQ(this->store().tree_node(0, 2).value(), std::nullopt);
  EXPECT_EQ(this->store().tree_node(64, 0).value(), std::nullopt);
  node::ChainChange back;
  back.disconnect = {this->hash_of(one)};
  this->apply(back);
  EXPECT_EQ(this->store().tree_node(0, 1).value(), std::nullopt);
  EXPECT_EQ(this->store().tree_node(1, 0).value(), std::nullopt);
}

TYPED_TEST_P(StoreContract, RefusesWhatDoesNotFitAndChangesNothing) {
  const Block one = this->block_of_genesis("one");
  const Block two = this->block_after(one.header);
  this->expect_misfit(this->as_side(two));  // Its parent is not there.
  node::ChainChange change = this->as_side(one);
  change.connect = {this->hash_of(two)};
  this->expect_misfit(change);
  change.connect = {};
  change.disconnect = {this->builder_.genesis_hash()};
  this->expect_misfit(change);
  change.disconnect = {this->hash_of(one)};  // Not the tip.
  this->expect_misfit(change);
  this->apply(this->as_main(one));
  node::ChainChange forgetting = this->as_side(two);
  forgetting.forget = {this->hash_of(one)};  // On the best chain.
  this->expect_misfit(forgetting);
}

TYPED_TEST_P(StoreContract, KnowsWhereMessagesStandOnEachBranch) {
  const Message twice = this->message("twice");
  const Block one = this->block_after(this->builder_.genesis(), {twice, this->message("a")});
  const Block other = this->block_after(this->builder_.genesis(), {twice});
  this->apply(this->as_main(one));
  this->apply(this->as_side(other));
  const auto places = this->store().places_of(this->id_of(twice)).value();
  ASSERT_EQ(places.size(), 2U);
  for (const node::MessagePlace& place : places) {
    const bool on_main = place.block == this->hash_of(one);
    EXPECT_EQ(place.branch, on_main ? node::Branch::main : node::Branch::side);
    EXPECT_EQ(place.height, Height{1});
    EXPECT_EQ(this->store().message_at(place).value(), twice);
    EXPECT_EQ(this->store().message_at({place.block, place.height, 2, {}}).value(), std::nullopt);
  }
  EXPECT_TRUE(this->store().places_of(this->id_of(this->message("b"))).value().empty());
}

TYPED_TEST_P(StoreContract, ForgetsSideBlocksAndWhatStoodInThem) {
  const Block one = this->block_of_genesis("one");
  const Block other = this->block_of_genesis("other");
  this->apply(this->as_main(one));
  this->apply(this->as_side(other));
  node::ChainChange change;
  change.forget = {this->hash_of(other), BlockHash::filled(9)};  // The second was never there.
  this->apply(change);
  this->maker_.reopen();
  EXPECT_EQ(this->header(this->hash_of(other)), std::nullopt);
  EXPECT_EQ(this->store().block(this->hash_of(other), Bodies::with).value(), std::nullopt);
  EXPECT_TRUE(this->store().places_of(this->id_of(other.messages[0])).value().empty());
  EXPECT_EQ(this->tips(), std::vector{this->hash_of(one)});
}

TYPED_TEST_P(StoreContract, GivesBlocksWithoutBodiesAndKeepsAbsentOnesAbsent) {
  Block one = this->block_after(this->builder_.genesis(),
                                {this->message("first"), this->message("second")});
  one.messages[1].body.reset();
  this->apply(this->as_main(one));
  const BlockHash hash = this->hash_of(one);
  EXPECT_EQ(this->store().block(hash, Bodies::with).value(), one);
  Block light = one;
  light.messages[0].body.reset();
  EXPECT_EQ(this->store().block(hash, Bodies::without).value(), light);
}

TYPED_TEST_P(StoreContract, ReplacesSealAndBodiesOfABlockThatIsThere) {
  Block one = this->block_of_genesis("one");
  this->apply(this->as_main(one));
  one.messages[0].body.reset();
  one.seal = {SealEntry{3, Signature::filled(1)}};
  this->apply(this->as_side(one));
  this->maker_.reopen();
  EXPECT_EQ(this->tip().hash, this->hash_of(one));
  EXPECT_EQ(this->store().block(this->hash_of(one), Bodies::with).value(), one);
  EXPECT_EQ(this->store().places_of(this->id_of(one.messages[0])).value().size(), 1U);
}

TYPED_TEST_P(StoreContract, KeepsThePoolInOrderOfArrival) {
  const Message a = this->message("a");
  const Message b = this->message("b");
  this->apply(this->pooling(b));
  this->apply(this->pooling(a));
  this->maker_.reopen();
  EXPECT_EQ(this->pool(), (std::vector{this->id_of(b), this->id_of(a)}));
  const auto second = this->store().pooled(this->id_of(a)).value();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->message, a);
  EXPECT_EQ(second->since, UnixSeconds{7});
  EXPECT_EQ(second->origin, node::Origin::peer);
  EXPECT_EQ(this->pool(second->arrival), std::vector{this->id_of(a)});
  EXPECT_TRUE(this->pool(second->arrival + 1).empty());
}

TYPED_TEST_P(StoreContract, LetsAReplacedMessageArriveAgain) {
  Message a = this->message("a");
  this->apply(this->pooling(a));
  this->apply(this->pooling(this->message("b")));
  const auto before = this->store().pooled(this->id_of(a)).value()->arrival;
  a.nonce += 1;
  this->apply(this->pooling(a));
  EXPECT_EQ(this->pool().size(), 2U);
  const auto after = this->store().pooled(this->id_of(a)).value();
  EXPECT_EQ(after->message.nonce, a.nonce);
  EXPECT_GT(after->arrival, before + 1);
}

TYPED_TEST_P(StoreContract, RemovesFromThePoolAndNeverGivesAnArrivalTwice) {
  const Message a = this->message("a");
  this->apply(this->pooling(a));
  const auto before = this->store().pooled(this->id_of(a)).value()->arrival;
  node::ChainChange change;
  change.pool_remove = {this->id_of(a), this->id_of(this->message("b"))};
  this->apply(change);
  EXPECT_TRUE(this->pool().empty());
  EXPECT_EQ(this->store().pooled(this->id_of(a)).value(), std::nullopt);
  this->maker_.reopen();
  this->apply(this->pooling(a));
  EXPECT_GT(this->store().pooled(this->id_of(a)).value()->arrival, before);
}

TYPED_TEST_P(StoreContract, FindsIdsOfBestChainAndPoolByPrefix) {
  const Block one = this->block_of_genesis("one");
  const Block side = this->block_of_genesis("side");
  const Message pooled = this->message("pooled");
  this->apply(this->as_main(one));
  this->apply(this->as_side(side));
  this->apply(this->pooling(pooled));
  const auto find = [&](const Message& message, std::size_t bytes) {
    return this->store().ids_with_prefix(this->id_of(message).view().first(bytes), 2).value();
  };
  for (const std::size_t bytes : {4U, 8U, 63U, 64U}) {
    EXPECT_EQ(find(one.messages[0], bytes), std::vector{this->id_of(one.messages[0])});
    EXPECT_EQ(find(pooled, bytes), std::vector{this->id_of(pooled)});
    EXPECT_TRUE(find(side.messages[0], bytes).empty());
  }
}

TYPED_TEST_P(StoreContract, KeepsCheckpointsAndPeers) {
  const std::vector<node::Checkpoint> checkpoints = {{Height{2}, BlockHash::filled(2)},
                                                     {Height{9}, BlockHash::filled(9)}};
  node::Peer peer;
  peer.url = "http://a:1";
  peer.last_error = "none";
  node::Peer other = peer;
  other.url = "unix:b";
  other.key = NodeKey::filled(1);
  ASSERT_TRUE(bool(this->store().set_checkpoints({{Height{1}, BlockHash::filled(1)}})));
  ASSERT_TRUE(bool(this->store().set_checkpoints(checkpoints)));
  ASSERT_TRUE(bool(this->store().put_peer(peer)));
  ASSERT_TRUE(bool(this->store().put_peer(other)));
  peer.score = 30;
  ASSERT_TRUE(bool(this->store().put_peer(peer)));
  this->maker_.reopen();
  EXPECT_EQ(this->store().checkpoints().value(), checkpoints);
  EXPECT_EQ(this->store().peers().value(), (std::vector{peer, other}));
  ASSERT_TRUE(bool(this->store().remove_peer("unix:b")));
  ASSERT_TRUE(bool(this->store().remove_peer("unix:never")));
  EXPECT_EQ(this->store().peers().value(), std::vector{peer});
}

REGISTER_TYPED_TEST_SUITE_P(StoreContract, BeginsWithGenesis, GivesBackConnectedBlocks,
                            GivesHeadersFromAnyHeightUpToTheTip, KeepsSideBlocksOffTheBestChain,
                            ListsOnlyTheLastBlocksOfBranches, ChangesBranchesInOneChange,
                            HidesTreeNodesBeyondTheTip, RefusesWhatDoesNotFitAndChangesNothing,
                            KnowsWhereMessagesStandOnEachBranch,
                            ForgetsSideBlocksAndWhatStoodInThem,
                            GivesBlocksWithoutBodiesAndKeepsAbsentOnesAbsent,
                            ReplacesSealAndBodiesOfABlockThatIsThere, KeepsThePoolInOrderOfArrival,
                            LetsAReplacedMessageArriveAgain,
                            RemovesFromThePoolAndNeverGivesAnArrivalTwice,
                            FindsIdsOfBestChainAndPoolByPrefix, KeepsCheckpointsAndPeers);

}  // namespace bmsg
