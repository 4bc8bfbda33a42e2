// Evidence that is posted: kept where the block below the two is known and the rules were its own.

#include "lib/mail/posted_evidence.h"

#include <gtest/gtest.h>

#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/mail/card_directory.h"
#include "lib/node/endorser_standing.h"
#include "lib/node/memory_store.h"
#include "tests/support/endorsers.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

constexpr std::uint8_t kTwice = 2;  // The index of whom it is about.

struct PostedProof : testing::Test {
  ChainBuilder builder{endorse_rules_text(2, 3)};
  node::MemoryStore store{builder.rules_text()};
  TempDir temp;
  SystemDisk disk;
  CardDirectory cards{disk, temp.path() / "cards", builder.chain().id};

  chain::Evidence evidence(ChainBuilder& by, const Header& parent) const {
    return evidence(by, parent, by.chain());
  }
  chain::Evidence evidence(ChainBuilder& by, const Header& parent,
                           const chain::ChainRules& rules) const {
    const auto sealed = [&](std::uint64_t later, const Indices& signers) {
      const Block block =
          signed_by(by, by.block(parent, {}, UnixSeconds{parent.time.value + later}), signers);
      return SealedHeader{block.header, block.seal};
    };
    const auto found =
        chain::find_evidence(rules, parent, sealed(10, {0, kTwice}), sealed(20, {1, kTwice}));
    EXPECT_EQ(found.size(), 1u);
    return found.at(0);
  }
  chain::Evidence evidence() { return evidence(builder, builder.genesis()); }

  Message message(const Content& content) const {
    Message made = builder.public_message("", builder.genesis().time);
    builder.set_body(made, encode_records(content).value());
    return made;
  }
  /// What is kept once the message was seen in the pool.
  std::vector<chain::Evidence> kept_after(const Message& seen) {
    node::ChainChange change;
    change.pool_add.push_back({.id = chain::id_of(seen.head), .message = seen, .since = {}});
    EXPECT_TRUE(store.apply(change));
    EXPECT_TRUE(cards.collect_all(store));
    return cards.evidence().all().value();
  }
  bool is_said_to_have_signed_twice(std::size_t index) const {
    const auto posted = cards.evidence().all().value();
    return node::standings(store, builder.chain(), builder.genesis().time, posted)
        .value()
        .endorsers.at(index)
        .signed_twice;
  }
};

TEST_F(PostedProof, IsTakenInByWhomNeitherBlockHasReached) {
  const auto one = evidence();
  EXPECT_FALSE(is_said_to_have_signed_twice(kTwice));
  EXPECT_EQ(kept_after(message(evidence_content(one))), std::vector{one});
  EXPECT_TRUE(is_said_to_have_signed_twice(kTwice));
  EXPECT_FALSE(is_said_to_have_signed_twice(0));
  EXPECT_EQ(all_evidence(store, cards.evidence()).value(), std::vector{one});
}

TEST_F(PostedProof, IsShownOnceBesideOwn) {
  const auto one = evidence();
  ASSERT_TRUE(cards.evidence().note(one));
  node::ChainChange change;
  change.endorsed.evidence.push_back(one);
  ASSERT_TRUE(store.apply(change));
  EXPECT_EQ(all_evidence(store, cards.evidence()).value(), std::vector{one});
}

TEST_F(PostedProof, OfOneEndorserIsKeptOnce) {
  const auto first = evidence();
  const Block next = builder.block(builder.genesis());
  node::ChainChange change;
  change.added.push_back({next, chain::hash_of(next.header), {}, {}});
  change.connect.push_back(chain::hash_of(next.header));
  ASSERT_TRUE(store.apply(change));
  const auto second = evidence(builder, next.header);
  ASSERT_TRUE(first != second);
  kept_after(message(evidence_content(first)));
  EXPECT_EQ(kept_after(message(evidence_content(second))), std::vector{first});
}

TEST_F(PostedProof, OfRulesThatTheChainNeverHadIsNone) {
  // Anybody can name the same endorsers in rules of his own, on blocks of his own.
  chain::RulesText other = builder.chain().rules;
  other.name = "other";
  ChainBuilder foreign(chain::print(other));
  auto accused = evidence(foreign, foreign.genesis());
  EXPECT_TRUE(kept_after(message(evidence_content(accused))).empty());
  accused.chain = builder.chain().id;
  EXPECT_TRUE(kept_after(message(evidence_content(accused))).empty());
}

TEST_F(PostedProof, CountsUnderRulesOfACharterOnlyWhereThatIsKnown) {
  chain::RulesText later = builder.chain().rules;
  later.version = 1;
  const std::string text = chain::print(later);
  const auto rules = chain::parse_rules_of(builder.chain().id, text).value();
  builder.adopt(rules);
  const auto one = evidence(builder, builder.genesis(), rules);
  ASSERT_TRUE(chain::check_evidence(one));
  EXPECT_TRUE(kept_after(message(evidence_content(one))).empty());
  node::ChainChange change;
  change.endorsed.charters.push_back({builder.genesis_hash(), text});
  ASSERT_TRUE(store.apply(change));
  Content again = evidence_content(one);
  again.subject = "again";
  EXPECT_EQ(kept_after(message(again)), std::vector{one});
}

TEST_F(PostedProof, OnABlockThatIsNotHereIsNone) {
  const Block elsewhere = builder.block(builder.genesis());
  const auto one = evidence(builder, elsewhere.header);
  EXPECT_TRUE(kept_after(message(evidence_content(one))).empty());
}

TEST_F(PostedProof, ThatDoesNotHoldIsNone) {
  Content content = evidence_content(evidence());
  content.kind = Kind::text;
  EXPECT_TRUE(kept_after(message(content)).empty()) << "said, not posted";
  auto altered = evidence();
  altered.index = 0;
  EXPECT_TRUE(kept_after(message(evidence_content(altered))).empty());
  content = evidence_content(evidence());
  content.content.push_back('\n');
  EXPECT_TRUE(kept_after(message(content)).empty());
}

TEST_F(PostedProof, WhoseFileIsDamagedIsAbsentAndKeptAgain) {
  const auto one = evidence();
  ASSERT_TRUE(cards.evidence().note(one));
  const auto key = chain::check_evidence(one).value();
  const auto file = temp.path() / "cards" / "evidence" / to_hex(key.view());
  ASSERT_TRUE(disk.replace(file, as_bytes("bmsg-evidence 1\n")));
  EXPECT_TRUE(cards.evidence().all().value().empty());
  ASSERT_TRUE(cards.evidence().note(one));
  EXPECT_EQ(cards.evidence().all().value(), std::vector{one});
}

}  // namespace
}  // namespace bmsg::mail
