// Bundles: what one node writes another takes in, and nothing else does any harm.

#include "lib/node/bundle.h"

#include <utility>

#include "lib/core/codec.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "tests/node/node_fixture.h"

namespace bmsg {
namespace {

using chain::FrameType;

chain::ReadBytes reader_of(const Bytes& bytes) {
  auto at = std::make_shared<std::size_t>(0);
  return [&bytes, at](std::span<std::uint8_t> into) -> Result<std::size_t> {
    const std::size_t count = std::min(into.size(), bytes.size() - *at);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(*at), count, into.begin());
    *at += count;
    return count;
  };
}

node::BundleContent content_at(const node::ChainReader& chain, std::uint64_t now) {
  chain::PackWriter pack([](ByteView) -> Result<Done> { return done; });
  return node::write_bundle(chain, Height{0}, node::WithPool::no, UnixSeconds{now}, pack,
                            [](const auto&) {})
      .value();
}

Bytes bundle_of(const node::ChainReader& chain, std::uint32_t first,
                node::WithPool pool = node::WithPool::no) {
  Bytes bytes;
  chain::PackWriter pack([&](ByteView part) -> Result<Done> {
    append(bytes, part);
    return done;
  });
  EXPECT_TRUE(
      node::write_bundle(chain, Height{first}, pool, UnixSeconds{0}, pack, [](const auto&) {}));
  return bytes;
}

/// A pack of frames that nobody would write so.
struct Frames {
  Bytes pack = chain::begin_pack();

  Frames& add(FrameType type, ByteView payload) {
    chain::append_frame(pack, type, payload);
    return *this;
  }
  Frames& add(const Block& block) { return add(FrameType::block, encode(block)); }
  Frames& add(const Message& message) { return add(FrameType::message, encode(message)); }
  Bytes end() {
    chain::end_pack(pack);
    return pack;
  }
};

/// `f` has made what goes; `other` is an empty store of the same chain, whose clock is its own.
struct Bundle : testing::Test {
  NodeFixture f;
  NodeFixture other;
  std::unique_ptr<node::Node> receiver = other.node();
  node::BundleReport report;
  std::vector<Block> blocks = f.builder.blocks(f.builder.genesis(), 5);

  void SetUp() override { f.accept_all(blocks); }
  Frames begun() const {
    return Frames().add(FrameType::genesis, as_bytes(f.builder.rules_text()));
  }
  Result<Done> apply(const Bytes& bytes) {
    report = {};
    node::BundleReader bundle(reader_of(bytes), other.builder.chain());
    node::BundlePull pull(*receiver, bundle, report);
    for (;;) {
      BMSG_TRY_ASSIGN(const bool more, pull.step());
      if (!more) return done;
    }
  }
  void expect_refused(const Bytes& bytes, const std::string& says, Errc code = Errc::bad_input) {
    const auto applied = apply(bytes);
    ASSERT_FALSE(applied) << says;
    EXPECT_EQ(applied.error().code, code);
    EXPECT_NE(applied.error().message.find(says), std::string::npos) << applied.error().message;
  }
  Result<node::BundleContent> check(const Bytes& bytes) const {
    node::BundleReader bundle(reader_of(bytes), other.builder.chain());
    return node::check_bundle(bundle);
  }
  Result<node::BundlePreview> preview(const Bytes& bytes) const {
    node::BundleReader bundle(reader_of(bytes), other.builder.chain());
    return node::preview_bundle(bundle, other.store, other.clock.now());
  }
};

TEST_F(Bundle, BringsTheChainAndThePool) {
  const Message waits = f.message("waits");
  ASSERT_EQ(f.submit(waits, node::Origin::own).verdict, node::Verdict::accepted);
  const Bytes bytes = bundle_of(f.store, 1, node::WithPool::yes);
  ASSERT_TRUE(apply(bytes));
  EXPECT_EQ(other.tip(), f.tip());
  EXPECT_TRUE(other.is_pooled(waits));
  EXPECT_EQ(report.new_blocks, 5u);
  EXPECT_EQ(report.new_messages, 1u);
  ASSERT_TRUE(apply(bytes));
  EXPECT_EQ(report.new_blocks + report.new_messages, 0u);
  EXPECT_EQ(report.known_blocks, 5u);
  EXPECT_EQ(report.known_messages, 1u);
}

TEST_F(Bundle, CountsWhatWasDroppedAndHasNotExpired) {
  const Message lost = f.message("lost");
  const Message kept = f.message("kept");
  f.accept_all({f.builder.block(blocks.back().header, {kept, lost}, f.clock.now())});
  EXPECT_EQ(content_at(f.store, 0).lacking, 0u);
  ASSERT_EQ(f.node()->forget({id_of(lost)}, node::DropRule::named).value().size(), 1u);
  const auto before = content_at(f.store, lost.head.expiry() - 1);
  EXPECT_EQ(before.lacking, 1u);
  EXPECT_EQ(before.first_lacking, Height{6});
  const auto from = content_at(f.store, lost.head.expiry());
  EXPECT_EQ(from.lacking, 0u);
  EXPECT_FALSE(from.first_lacking);
}

TEST_F(Bundle, LeavesThePoolAtHomeUnlessAsked) {
  ASSERT_EQ(f.submit(f.message("waits"), node::Origin::own).verdict, node::Verdict::accepted);
  EXPECT_EQ(check(bundle_of(f.store, 1)).value().messages, 0u);
  EXPECT_EQ(check(bundle_of(f.store, 1, node::WithPool::yes)).value().messages, 1u);
}

TEST_F(Bundle, BeginsWhereItIsTold) {
  const auto content = check(bundle_of(f.store, 3)).value();
  EXPECT_EQ(content.blocks, 3u);
  EXPECT_EQ(content.first, Height{3});
  EXPECT_EQ(content.last, Height{5});
  EXPECT_EQ(check(bundle_of(f.store, 0)).value().first, Height{1});  // Everybody has genesis.
  EXPECT_EQ(check(bundle_of(f.store, 6)).value().blocks, 0u);
  EXPECT_EQ(check(bundle_of(f.store, UINT32_MAX)).value().blocks, 0u);
}

TEST_F(Bundle, OfNothingIsNoFault) {
  ASSERT_TRUE(apply(bundle_of(f.store, 6)));
  EXPECT_EQ(report.new_blocks, 0u);
}

TEST_F(Bundle, KeepsWhatCameBeforeItWasCut) {
  const Message waits = f.message("waits");
  ASSERT_EQ(f.submit(waits, node::Origin::own).verdict, node::Verdict::accepted);
  const Bytes whole = bundle_of(f.store, 1, node::WithPool::yes);
  const std::size_t end = whole.size() - 5 - Digest::kSize;  // Where E begins.
  expect_refused(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(end)),
                 "frame: no end");
  EXPECT_EQ(other.tip(), f.tip());
  EXPECT_TRUE(other.is_pooled(waits));
}

TEST_F(Bundle, ThatWasCutAnywhereBringsAPartOfTheChain) {
  const Bytes whole = bundle_of(f.store, 1);
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    expect_refused(cut, "frame: ");
    const node::Tip tip = other.store.tip().value();
    EXPECT_EQ(f.store.hash_at(tip.height).value(), tip.hash);
    EXPECT_FALSE(check(cut));
  }
  EXPECT_GT(other.store.tip().value().height.value, 3u);
  ASSERT_TRUE(apply(whole));  // It goes on where the last one stopped.
  EXPECT_EQ(other.tip(), f.tip());
}

TEST_F(Bundle, OfAnotherChainBringsNothing) {
  NodeFixture stranger(easy_rules_text("stamp", "16"));
  stranger.accept_all(stranger.builder.blocks(stranger.builder.genesis(), 2));
  const Bytes bytes = bundle_of(stranger.store, 1);
  expect_refused(bytes, "of another chain");
  EXPECT_EQ(check(bytes).error().code, Errc::bad_input);
  expect_refused(Frames().add(blocks[0]).end(), "does not begin with the rules");
  expect_refused(Frames().end(), "does not begin with the rules");
  expect_refused(Frames().add(FrameType::genesis, as_bytes("text")).end(), "no rules text");
  expect_refused(Frames().add(FrameType::genesis, Bytes(kRulesTextBytesMax + 1)).end(), "too long");
  EXPECT_EQ(other.store.tip().value().height, Height{0});
}

TEST_F(Bundle, NamesAChangedByteForWhatItIs) {
  Bytes bytes = bundle_of(f.store, 1);
  bytes[4 + 5 + 10] ^= 1;  // In the rules text: not a word about another chain.
  EXPECT_TRUE(check(bytes).error().message.starts_with("digest: ")) << check(bytes).error().message;
  bytes = bundle_of(f.store, 1);
  bytes.back() ^= 1;
  EXPECT_TRUE(check(bytes).error().message.starts_with("digest: "));
}

TEST_F(Bundle, HoldsOnlyWhatBelongsThere) {
  const Message message = f.message("message");
  expect_refused(begun().add(message).add(blocks[0]).end(), "a block behind a message");
  expect_refused(begun().add(FrameType::genesis, as_bytes(f.builder.rules_text())).end(),
                 "type G has no place");
  for (const FrameType type :
       {FrameType::header, FrameType::compact, FrameType::ids, FrameType::peers}) {
    const bool is_proposal = runs_endorsed() && type == FrameType::compact;
    expect_refused(begun().add(type, {}).end(), is_proposal ? "proposal 1" : "has no place");
  }
  expect_refused(begun().add(FrameType::block, as_bytes("x")).end(), "block 1 of the bundle");
  expect_refused(begun().add(FrameType::message, as_bytes("x")).end(), "message 1 of the bundle");
  expect_refused(begun().add(FrameType::message, Bytes(kChunkMessageBytesMax + 1)).end(),
                 "message 1 of the bundle: too long");
  expect_refused(begun().add(blocks[0]).add(blocks[2]).end(), "block 2 of the bundle does not");
  expect_refused(begun().add(blocks[0]).add(blocks[0]).end(), "block 2 of the bundle does not");
  EXPECT_TRUE(apply(begun().add(FrameType{'Z'}, Bytes(9)).add(blocks[0]).end()));
}

TEST_F(Bundle, ThatBeginsTooHighSaysHowLowItMustBegin) {
  const Bytes bytes = bundle_of(f.store, 4);
  expect_refused(bytes, "its first block, 4,");
  EXPECT_EQ(apply(bytes).error().hint, "make it with '--since 0'");
  EXPECT_EQ(preview(bytes).error().hint, "make it with '--since 0'");
  other.accept_all(other.builder.blocks(other.builder.genesis(), 1));
  receiver = other.node();
  ASSERT_TRUE(apply(bundle_of(f.store, 2)));  // The same block: blocks are made alike.
  NodeFixture branch;
  const Message apart = branch.message("apart");
  const Block first = branch.builder.block(branch.builder.genesis(), {apart}, branch.clock.now());
  const Block second =
      branch.builder.block(first.header, {}, UnixSeconds{first.header.time.value + 1});
  const auto parted = apply(begun().add(second).end());
  ASSERT_FALSE(parted);
  EXPECT_NE(parted.error().hint.find("part below block 2"), std::string::npos);
}

TEST_F(Bundle, WithABlockThatBreaksARuleNamesBoth) {
  Block bad = f.builder.block(blocks[1].header, {f.message("text")});
  bad.messages.front().nonce ^= 1;
  expect_refused(begun().add(blocks[0]).add(blocks[1]).add(bad).end(), "block 3 breaks the rule ");
  EXPECT_EQ(other.store.tip().value().height, Height{2});
}

TEST_F(Bundle, WithBlocksOfTheFutureKeepsThoseBefore) {
  other.clock.set(blocks[2].header.time.value);
  const Bytes bytes = bundle_of(f.store, 1);
  ASSERT_TRUE(apply(bytes));
  EXPECT_EQ(report.held, Height{4});
  EXPECT_EQ(report.new_blocks, 3u);
  EXPECT_EQ(preview(bytes).value().future, Height{4});
  other.clock.set(f.clock.now().value);
  ASSERT_TRUE(apply(bytes));
  EXPECT_FALSE(report.held);
  EXPECT_EQ(other.tip(), f.tip());
}

TEST_F(Bundle, CountsTheMessagesThatAreRefused) {
  Message good = f.message("good");
  Message late = f.builder.public_message("late", UnixSeconds{kEasyGenesisTime});
  Message early = f.builder.public_message("early", UnixSeconds{f.clock.now().value + 9'999});
  ASSERT_TRUE(apply(begun().add(good).add(late).add(early).end()));
  EXPECT_EQ(report.new_messages, 1u);
  EXPECT_EQ(report.refused_messages, 1u);
  EXPECT_EQ(report.held_messages, 1u);
  EXPECT_NE(report.first_refusal.find("by the rule"), std::string::npos) << report.first_refusal;
}

TEST(BundleOfEndorsers, WhoseSignaturesWereTakenOffIsRefused) {
  const std::string text = endorse_rules_text(2, 3);
  NodeFixture f(text);
  const auto blocks = f.builder.blocks(f.builder.genesis(), 2);
  for (const std::size_t left : {1U, 2U}) {
    Frames frames = Frames().add(FrameType::genesis, as_bytes(text));
    for (Block block : blocks) {
      block.seal.resize(left);
      frames.add(block);
    }
    const Bytes bytes = frames.end();
    NodeFixture other(text);
    const auto receiver = other.node();
    node::BundleReport report;
    node::BundleReader bundle(reader_of(bytes), other.builder.chain());
    node::BundlePull pull(*receiver, bundle, report);
    Result<bool> more = true;
    while (more && more.value()) more = pull.step();
    EXPECT_EQ(bool(more), left == 2);
    EXPECT_EQ(report.new_blocks, left == 2 ? 2U : 0U);
    if (!more) {
      EXPECT_NE(more.error().message.find("rule seal"), std::string::npos);
    }
  }
}

TEST_F(Bundle, HandsOverManyMessagesInParts) {
  Frames frames = begun();
  for (int i = 0; i < 600; ++i) frames.add(f.message(std::to_string(i)));
  ASSERT_TRUE(apply(frames.end()));
  EXPECT_EQ(report.new_messages, 600u);
  EXPECT_EQ(other.pooled().size(), 600u);
}

TEST_F(Bundle, TellsOfTheBranchThatGaveWay) {
  const Message lost = f.message("lost");
  const Block mine = other.builder.block(other.builder.genesis(), {lost}, other.clock.now());
  other.accept_all({mine});
  receiver = other.node();
  ASSERT_TRUE(apply(bundle_of(f.store, 1)));
  ASSERT_TRUE(report.reorg);
  EXPECT_EQ(report.reorg->depth, 1u);
  EXPECT_EQ(report.reorg->from, hash_of(mine));
  EXPECT_EQ(report.reorg->to, f.tip());
  EXPECT_TRUE(other.is_pooled(lost));
}

TEST_F(Bundle, PreviewsWithoutAChange) {
  const Message waits = f.message("waits");
  ASSERT_EQ(f.submit(waits, node::Origin::own).verdict, node::Verdict::accepted);
  other.accept_all({blocks[0], blocks[1]});
  const auto seen = preview(bundle_of(f.store, 1, node::WithPool::yes));
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(seen.value().known_blocks, 2u);
  EXPECT_EQ(seen.value().new_blocks, 3u);
  EXPECT_EQ(seen.value().new_messages, 1u);
  ASSERT_TRUE(seen.value().parent);
  EXPECT_EQ(seen.value().parent->hash, hash_of(blocks[1]));
  EXPECT_EQ(other.tip(), hash_of(blocks[1]));
  EXPECT_FALSE(other.is_pooled(waits));
}

}  // namespace
}  // namespace bmsg
