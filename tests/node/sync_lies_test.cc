// Peers that lie. Whatever they say, our chain stays as it was and we are not kept for long.

#include <algorithm>
#include <iostream>

#include "lib/chain/work.h"
#include "lib/node/block_queue.h"
#include "lib/node/header_sync.h"
#include "tests/node/sync_fixture.h"
#include "tests/support/heap.h"

namespace bmsg::node {
namespace {

/// Ben has twenty blocks, Ana none; what he says goes through `wire`.
struct Liar : SyncWorld {
  explicit Liar(const std::string& text = easy_rules_text()) : SyncWorld(text) {
    chain = blocks(20, "good ");
    ben.take(chain);
  }
  /// Syncs in vain; nothing may have been taken in but `kept` blocks.
  Error caught(std::uint32_t kept = 0) {
    const auto result = sync(wire);
    EXPECT_FALSE(result) << "the lie was believed";
    EXPECT_EQ(ana.height(), kept);
    EXPECT_EQ(ana.pool_size(), 0U);
    return result ? Error{} : result.error();
  }
  std::vector<Block> chain;
  SimTransport wire{*ben.service};
};

TEST(SyncLies, MoreBlocksThanAnybodyCanHaveMadeAreNotAskedFor) {
  Liar world;
  const auto most = headers_max(world.builder.chain().rules, world.clock.now());
  std::uint32_t claimed = static_cast<std::uint32_t>(most) + 1;
  world.wire.lies.info = [&](NodeInfo& info) { info.tip.height = Height{claimed}; };
  EXPECT_EQ(world.caught().code, Errc::protocol);
  EXPECT_EQ(world.wire.traffic.requests, 1U);
  --claimed;  // So many there might be; that there are fewer harms nobody if their work is right.
  EXPECT_EQ(report_of(world.sync(world.wire)).pulled_blocks, 20U);
}

TEST(SyncLies, WorkThatIsNotInTheHeadersIsNotBelieved) {
  Liar world;
  world.wire.lies.info = [](NodeInfo& info) { info.tip.work = Work::filled(0xff); };
  EXPECT_EQ(world.caught().code, Errc::protocol);
  EXPECT_EQ(world.wire.traffic.blocks_in, 0U);
}

TEST(SyncLies, ASmallerHashThatIsNotInTheHeadersIsNotBelieved) {
  Liar world;
  world.ana.take(world.chain);
  world.wire.lies.info = [](NodeInfo& info) { info.tip.hash = BlockHash(); };
  EXPECT_EQ(world.caught(20).code, Errc::protocol);
}

TEST(SyncLies, AChainOfLessWorkThanClaimedIsNotFetched) {
  Liar world;
  world.ana.take(world.blocks(25, "mine "));
  world.wire.lies.info = [](NodeInfo& info) { info.tip.work = Work::filled(0xff); };
  EXPECT_EQ(world.caught(25).code, Errc::protocol);
  EXPECT_EQ(world.wire.traffic.blocks_in, 0U);
}

TEST(SyncLies, WorkThatGoodHeadersLackIsToldFromOtherLies) {
  for (const bool is_good : {false, true}) {
    Liar world;
    world.wire.lies.info = [](NodeInfo& info) { info.tip.work = Work::filled(0xff); };
    if (!is_good)
      world.wire.lies.headers = [](Height, std::vector<SealedHeader>& all) { all.clear(); };
    SyncSession session(*world.ana.service, world.wire, world.builder.chain(), world.clock, {});
    const auto result = run(session);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::protocol);
    EXPECT_EQ(session.report().lacks_work, is_good);
  }
}

/// Ten thousand blocks of the least work, and a claim that they bear more than a hundred of much.
TEST(SyncLies, ManyBlocksOfTheLeastWorkAreReadAsHeadersAndDropped) {
  constexpr std::size_t kCheap = 10'000;
  constexpr std::size_t kMemoryMax = 32u << 20;
  SyncWorld world(easy_rules_text("halflife", "6000"));  // The price doubles each ten blocks.
  world.clock.advance((kCheap + 1'000) * 600);
  std::vector<Block> costly;
  for (Header at = world.builder.genesis(); costly.size() < 100; at = costly.back().header)
    costly.push_back(world.builder.block(at, {}, UnixSeconds{at.time.value + 1}));
  world.ana.take(costly);
  world.ben.take(world.builder.blocks(world.builder.genesis(), kCheap));
  ASSERT_GT(world.ana.tip().work, world.ben.tip().work) << "nothing is tested";
  SimTransport wire(*world.ben.service);
  wire.lies.info = [](NodeInfo& info) { info.tip.work = Work::filled(0xff); };
  std::size_t headers_in = 0;
  std::size_t most = 0;
  const std::size_t before = heap_bytes();
  wire.lies.headers = [&](Height, std::vector<SealedHeader>& headers) {
    headers_in += headers.size();
    most = std::max(most, heap_bytes() - before);
  };
  const auto result = world.sync(wire);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::protocol);
  EXPECT_GE(headers_in, kCheap) << "what bears too little was not even looked at";
  EXPECT_LE(headers_in, 2 * kCheap);  // Some twice, while it is sought where the chains part.
  EXPECT_EQ(wire.traffic.blocks_in, 0U);
  EXPECT_EQ(world.ana.tip().hash, chain::hash_of(costly.back().header));
  EXPECT_EQ(world.ana.store.records().blocks.size(), 1 + costly.size());
  const std::size_t after = heap_bytes();
  std::cout << kCheap << " cheap headers: " << (most >> 10) << " KiB at most" << std::endl;
  EXPECT_LE(most, kMemoryMax);
  EXPECT_LE(after, before + (1u << 20));
}

TEST(SyncLies, NoHeadersAtAllIsALie) {
  Liar world;
  world.wire.lies.headers = [](Height, std::vector<SealedHeader>& headers) { headers.clear(); };
  EXPECT_EQ(world.caught().code, Errc::protocol);
}

TEST(SyncLies, HeadersThatDoNotFollowGenesisAreRefused) {
  Liar world;
  world.wire.lies.headers = [](Height, std::vector<SealedHeader>& headers) {
    headers.front().header.previous = BlockHash::filled(1);
  };
  EXPECT_EQ(world.caught().code, Errc::protocol);
}

TEST(SyncLies, EveryBrokenHeaderIsFoundBeforeAnyBlockIsAsked) {
  using Change = void (*)(Header&);
  const Change changes[] = {
      [](Header& header) { header.height.value += 1; },
      [](Header& header) { header.time.value -= 601; },
      [](Header& header) { header.bits.value -= 1; },
      [](Header& header) { header.rules = RulesTag(); },
      [](Header& header) { header.previous = BlockHash(); },
      [](Header& header) { header.past = MerkleRoot(); },
  };
  for (const Change& change : changes) {
    for (const std::size_t at : {1U, 10U, 19U}) {
      Liar world;
      world.wire.lies.headers = [&](Height, std::vector<SealedHeader>& headers) {
        change(headers[at].header);
      };
      EXPECT_EQ(world.caught().code, Errc::bad_input);
      // Rules that change on a chain of endorsers may be those of a charter, in the block below.
      const bool may_change = runs_endorsed() && &change == &changes[3];
      EXPECT_EQ(world.wire.traffic.blocks_in, may_change ? 1U : 0U);
    }
  }
}

TEST(SyncLies, AHeaderWithoutItsWorkIsFound) {
  Liar world(easy_rules_text("floor", "1f7fffff"));  // One hash in 512.
  world.wire.lies.headers = [](Height, std::vector<SealedHeader>& headers) {
    Header& last = headers.back().header;
    const auto target = chain::target_of(last.bits);
    while (chain::meets(chain::hash_of(last), *target)) ++last.nonce;
  };
  const Error error = world.caught();
  EXPECT_EQ(error.code, Errc::bad_input);
  EXPECT_NE(error.message.find("work"), std::string::npos) << error.message;
}

TEST(SyncLies, HeadersInAnyOtherOrderAreRefused) {
  auto numbers = std::mt19937_64(7);
  for (int run = 0; run < 10; ++run) {
    Liar world;
    world.wire.lies.headers = [&](Height, std::vector<SealedHeader>& headers) {
      std::ranges::shuffle(headers, numbers);
    };
    const Errc code = world.caught().code;
    EXPECT_TRUE(code == Errc::protocol || code == Errc::bad_input);
  }
}

TEST(SyncLies, TheSameHeadersForeverAreNotReadForever) {
  Liar world;
  world.wire.lies.info = [](NodeInfo& info) {
    info.tip.height = Height{5'000};
    info.tip.work = Work::filled(0xff);
  };
  world.wire.lies.headers = [&](Height, std::vector<SealedHeader>& headers) {
    headers.clear();
    for (const Block& block : world.chain) headers.push_back({block.header, block.seal});
  };
  EXPECT_EQ(world.caught().code, Errc::try_again);
  EXPECT_LE(world.wire.traffic.requests, 3U);
}

TEST(SyncLies, WithheldBlocksEndTheExchange) {
  Liar world;
  world.wire.lies.blocks = [](Height from, std::vector<Block>& blocks) {
    if (from.value >= 16) blocks.clear();
  };
  world.wire.lies.block = [](std::optional<Block>& block) { block.reset(); };
  EXPECT_EQ(world.caught(15).code, Errc::protocol);
}

TEST(SyncLies, BlocksOfABranchThatItLeftMeanwhileAreNotWithheld) {
  Liar world;
  world.wire.lies.blocks = [](Height, std::vector<Block>& blocks) { blocks.clear(); };
  world.wire.lies.block = [](std::optional<Block>& block) { block.reset(); };
  int asked = 0;
  world.wire.lies.info = [&](NodeInfo& info) {
    if (asked++ > 0) info.tip.hash = BlockHash();
  };
  EXPECT_EQ(world.caught().code, Errc::try_again);
}

TEST(SyncLies, OtherBlocksThanTheHeadersSaidAreNotTaken) {
  Liar world;
  const auto others = world.blocks(20, "other ");
  world.wire.lies.blocks = [&](Height from, std::vector<Block>& blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = others[from.value - 1 + i];
  };
  world.wire.lies.block = [&](std::optional<Block>& block) { block = others.front(); };
  EXPECT_EQ(world.caught().code, Errc::protocol);
}

TEST(SyncLies, ABlockOfABranchThatThePeerLeftIsAskedForByItsHash) {
  Liar world;
  const auto others = world.blocks(20, "other ");
  world.wire.lies.blocks = [&](Height from, std::vector<Block>& blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = others[from.value - 1 + i];
  };
  EXPECT_EQ(report_of(world.sync(world.wire)).pulled_blocks, 20U);
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
}

TEST(SyncLies, ChangedMessagesBlameThePeerAndNotTheChain) {
  using Change = void (*)(Block&);
  const Change changes[] = {
      [](Block& block) { block.messages.clear(); },
      [](Block& block) { block.messages.push_back(block.messages.front()); },
      [](Block& block) { ++block.messages.front().nonce; },
      [](Block& block) { block.messages.front().body->front() ^= 1; },
  };
  const auto caught = [](Change change) {
    Liar world;
    world.wire.lies.blocks = [&](Height from, std::vector<Block>& blocks) {
      if (from.value >= 16) change(blocks.front());
    };
    return world.caught(15).code;
  };
  for (const Change change : changes) EXPECT_EQ(caught(change), Errc::protocol);
  // What is not there may have been dropped, as it may.
  EXPECT_EQ(caught([](Block& block) { block.messages.front().body.reset(); }), Errc::try_again);
}

/// Blocks that Ben made himself and that break a rule under a good header.
TEST(SyncLies, ABetterChainThatBreaksARuleIsBadInput) {
  SyncWorld world;
  const auto good = world.blocks(3, "good ");
  const Header& parent = good.back().header;
  const UnixSeconds time{parent.time.value + 600};
  const Block bad = world.builder.block(parent, {good.front().messages.front()}, time);
  SimTransport wire(*world.ben.service);
  world.ben.take(good);
  wire.lies.info = [&](NodeInfo& info) {
    info.tip.height.value += 1;
    info.tip.work = chain::sum(info.tip.work, chain::work_of(world.builder.chain(), bad.header));
  };
  wire.lies.headers = [&](Height, std::vector<SealedHeader>& headers) {
    headers.push_back({bad.header, bad.seal});
  };
  wire.lies.blocks = [&](Height, std::vector<Block>& blocks) { blocks.push_back(bad); };
  const auto result = world.sync(wire);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::bad_input);
  EXPECT_NE(result.error().message.find("duplicate"), std::string::npos) << result.error().message;
  EXPECT_EQ(world.ana.height(), 3U);
}

TEST(SyncLies, MessagesThatWereNotAskedForAreNotTaken) {
  Liar world;
  world.ana.take(world.chain);
  world.ben.pool({world.message("asked")});
  world.wire.lies.messages = [&](std::vector<Message>& messages) {
    messages.push_back(world.message("not asked"));
  };
  EXPECT_EQ(world.caught(20).code, Errc::protocol);
}

TEST(SyncLies, TheSameMessageTwiceIsNotTaken) {
  Liar world;
  world.ana.take(world.chain);
  world.ben.pool({world.message("asked")});
  world.wire.lies.messages = [](std::vector<Message>& messages) {
    messages.push_back(messages.front());
  };
  EXPECT_EQ(world.caught(20).code, Errc::protocol);
}

TEST(SyncLies, AMessageThatBreaksARuleIsCountedAndNotKept) {
  SyncWorld world;
  world.ben.pool({world.message("good")});
  SimTransport wire(*world.ben.service);
  wire.lies.messages = [](std::vector<Message>& messages) {
    for (Message& message : messages) message.body->front() ^= 1;
  };
  const auto report = report_of(world.sync(wire));
  EXPECT_EQ(report.refused_messages, 1U);
  EXPECT_EQ(world.ana.pool_size(), 0U);
}

TEST(SyncLies, IdsOfNothingCostOneRequest) {
  SyncWorld world;
  SimTransport wire(*world.ben.service);
  wire.lies.feed = [](Feed& feed) {
    for (std::uint8_t i = 0; i < 200; ++i) feed.messages.push_back(ShortId::filled(i));
  };
  report_of(world.sync(wire));
  EXPECT_LE(wire.traffic.requests, 3U);
}

TEST(SyncLies, ANeedOfWhatWasNotOfferedGivesNothingAway) {
  SyncWorld world;
  const auto both = world.message("at both, so not offered");
  world.ana.pool({world.message("offered"), both});
  world.ben.pool({both});
  SimTransport wire(*world.ben.service);
  wire.lies.put = [&](std::vector<PutLine>& lines) {
    lines.front().need.assign(1'000, prefix_of<ShortId>(chain::id_of(both.head)));
  };
  EXPECT_EQ(report_of(world.sync(wire)).pushed_messages, 0U);
  EXPECT_EQ(wire.traffic.puts, std::vector<std::string>{"I"});
}

TEST(SyncLies, LinesForOtherFramesThanWereGivenAreRefused) {
  for (const std::size_t lines : {0U, 2U}) {
    SyncWorld world;
    world.ana.take(world.blocks(1, "mine "));
    SimTransport wire(*world.ben.service);
    wire.lies.put = [&](std::vector<PutLine>& answer) { answer.resize(lines); };
    const auto result = world.sync(wire);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::protocol);
  }
}

/// Seals lie outside the hash: the header stays what it was without them.
TEST(SyncLies, SignaturesThatWereTakenOffKeepNobodyFromTheBlocks) {
  for (const std::size_t left : {1U, 2U}) {
    Liar world(endorse_rules_text(3, 4));
    SimNode cleo(world.builder, world.clock, 3);
    cleo.take(world.chain);
    const auto cut = [&](Block& block) {
      block.seal.erase(block.seal.begin() + static_cast<std::ptrdiff_t>(left), block.seal.end());
    };
    world.wire.lies.blocks = [&](Height, std::vector<Block>& all) {
      std::ranges::for_each(all, cut);
    };
    world.wire.lies.block = [&](std::optional<Block>& one) { cut(*one); };
    const auto alone = world.sync(world.wire);
    ASSERT_FALSE(alone);
    EXPECT_EQ(alone.error().code, Errc::protocol);
    EXPECT_EQ(world.ana.height(), 0U);
    SimTransport honest(*cleo.service);
    BlockQueue queue(world.clock);
    const auto session = [&](SimTransport& wire) {
      return SyncSession(*world.ana.service, wire, world.builder.chain(), world.clock,
                         {.queue = &queue});
    };
    auto lying = session(world.wire);
    auto telling = session(honest);
    Result<bool> more = true;
    while (more && more.value()) more = lying.step();
    EXPECT_EQ(more ? Errc::bad_usage : more.error().code, Errc::protocol);
    EXPECT_TRUE(run(telling));
    EXPECT_EQ(world.ana.tip(), world.ben.tip()) << left;
  }
}

/// Whatever a peer answers to our blocks, the exchange ends.
TEST(SyncLies, NoAnswerToABlockKeepsUsForever) {
  const PutLine answers[] = {{Verdict::refused, "work\x1b[31m", {}},
                             {Verdict::orphan, "", {}},
                             {Verdict::held, "", {}},
                             {Verdict::accepted, "", {ShortId::filled(9)}}};
  for (const PutLine& answer : answers) {
    SyncWorld world;
    world.ana.take(world.blocks(3, "mine "));
    SimTransport wire(*world.ben.service);
    wire.lies.put = [&](std::vector<PutLine>& lines) {
      for (PutLine& line : lines) line = answer;
    };
    const auto result = world.sync(wire);
    const std::string said = result ? "" : result.error().message;
    EXPECT_EQ(said.find('\x1b'), std::string::npos);
    EXPECT_EQ(bool(result), answer.verdict == Verdict::held);
    EXPECT_LE(wire.traffic.requests, 6U);
  }
}

}  // namespace
}  // namespace bmsg::node
