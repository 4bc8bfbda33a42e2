// Revocations: as messages and lines, what is remembered of them, and who is sealed to afterwards.

#include "lib/mail/revocation.h"

#include <gtest/gtest.h>

#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/mail/addressing.h"
#include "lib/mail/card_directory.h"
#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

constexpr std::uint64_t kNow = golden::kMessageTime;

Bytes ended(std::uint8_t owner, std::uint8_t scope = kWholeIdentity) {
  return make_statement(scope, secret(owner), nullptr);
}
Bytes succeeded(std::uint8_t owner, std::uint8_t next) {
  const auto seed = secret(next);
  return make_statement(kWholeIdentity, secret(owner), &seed);
}
Message posted(ByteView statement, std::uint64_t now = kNow) {
  return post_statement(free_chain(), statement, UnixSeconds{now}).value().with_nonce(0);
}
StatementPost post_of(const Message& message) {
  return {chain::id_of(message.head), UnixSeconds{message.head.expiry()}};
}

TEST(Revocations, TravelAsPublicMessagesForAsLongAsTheChainAllows) {
  const Message message = posted(golden::bytes(golden::kRevokeAlice));
  EXPECT_EQ(message.head.suite, Suite::open);
  EXPECT_TRUE(message.head.topic.is_zero());
  EXPECT_EQ(message.head.ttl, free_chain().rules.maxttl);
  EXPECT_TRUE(looks_like_statement(message));
  EXPECT_EQ(statement_in(message, free_chain().id), golden::bytes(golden::kRevokeAlice));
  EXPECT_FALSE(post_statement(free_chain(), filled(0, 193), UnixSeconds{kNow}));
}

// One fault each; the layer that refuses is named.
TEST(Revocations, AreRefusedByTheLayerThatSeesTheFault) {
  const Message good = posted(ended(1));
  const auto carried = [](const Message& message) {
    return statement_in(message, free_chain().id).has_value();
  };
  ASSERT_TRUE(carried(good));
  Message sealed = good;
  sealed.head.suite = Suite::sealed;
  EXPECT_FALSE(looks_like_statement(sealed)) << "head";
  Message bare = good;
  bare.body.reset();
  EXPECT_FALSE(looks_like_statement(bare)) << "body";
  Message other_kind = good;
  (*other_kind.body)[3] = static_cast<std::uint8_t>(Kind::card);
  EXPECT_FALSE(looks_like_statement(other_kind)) << "kind";
  Message cut = good;
  cut.body->pop_back();
  EXPECT_TRUE(looks_like_statement(cut));
  EXPECT_FALSE(carried(cut)) << "records";
  Message forged = good;
  forged.body->back() ^= 1;  // The last byte of the empty signature of nobody's new key.
  EXPECT_TRUE(looks_like_statement(forged));
  EXPECT_FALSE(carried(forged)) << "statement";
}

TEST(Revocations, AreGoodOnEveryChain) {
  ASSERT_NE(free_chain().id, example_chain().id);
  const Message there =
      post_statement(example_chain(), ended(1), UnixSeconds{kNow}).value().with_nonce(0);
  EXPECT_FALSE(statement_in(there, free_chain().id)) << "a message of another chain";
  EXPECT_TRUE(
      post_statement(free_chain(), *statement_in(there, example_chain().id), UnixSeconds{kNow}));
}

TEST(Revocations, AreLinesOnPaper) {
  const std::string line = statement_text(golden::bytes(golden::kRevokeAlice));
  EXPECT_TRUE(line.starts_with("bmsg-revocation ff8a88"));
  EXPECT_EQ(statement_from_text(" " + line + "\r\n").value(), golden::bytes(golden::kRevokeAlice));
  EXPECT_EQ(statement_from_text(statement_text(golden::bytes(golden::kSucceedAliceBob))).value(),
            golden::bytes(golden::kSucceedAliceBob));
  std::string forged = line;
  forged.back() = forged.back() == '0' ? '1' : '0';
  for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "nothing"},
           {"bmsg-card " + line, "does not begin"},
           {line + "zz", "no hexadecimal"},
           {line.substr(0, line.size() - 2), "192 bytes"},
           {line + "00", "194 bytes"},
           {forged, "signature"}}) {
    const auto read = statement_from_text(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Errc::bad_input);
    EXPECT_NE(read.error().message.find(why), std::string::npos) << read.error().message;
  }
}

TEST(Revocations, OfOneIdentityAreKeptOnceWithTheirPosts) {
  std::vector<Revocation> known;
  EXPECT_TRUE(add_statement(known, ended(1), std::nullopt));
  EXPECT_FALSE(add_statement(known, ended(1), std::nullopt));
  EXPECT_TRUE(ends_identity(known));
  const StatementPost first = post_of(posted(ended(1)));
  EXPECT_TRUE(add_statement(known, ended(1), first));
  EXPECT_FALSE(add_statement(known, ended(1), first));
  for (std::uint64_t i = 1; i <= kPostsMax + 2; ++i)
    EXPECT_TRUE(add_statement(known, ended(1), post_of(posted(ended(1), kNow + 60 * i))));
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].posts.size(), kPostsMax);
  EXPECT_EQ(known[0].posts.front(), first) << "the first block is what marks go by";
  EXPECT_EQ(known[0].posts.back(), post_of(posted(ended(1), kNow + 60 * (kPostsMax + 2))));
  EXPECT_FALSE(add_statement(known, filled(0, 193), std::nullopt));
}

TEST(Revocations, KeepAllSuccessorsUpToABound) {
  std::vector<Revocation> known;
  for (std::size_t i = 0; i < kSuccessorsMax; ++i) {
    EXPECT_TRUE(add_statement(known, succeeded(1, static_cast<std::uint8_t>(i + 2)), std::nullopt));
  }
  EXPECT_FALSE(add_statement(known, succeeded(1, 200), std::nullopt));
  EXPECT_TRUE(add_statement(known, ended(1), std::nullopt)) << "what ends it finds room";
  EXPECT_EQ(successors_in(known).size(), kSuccessorsMax);
  EXPECT_EQ(successors_in(known).front(), identity(2));
}

TEST(Revocations, ADeviceIsNotTheIdentity) {
  std::vector<Revocation> known;
  ASSERT_TRUE(add_statement(known, ended(1, 7), std::nullopt));
  EXPECT_FALSE(ends_identity(known));
  EXPECT_TRUE(known[0].covers(7));
  EXPECT_FALSE(known[0].covers(8));
}

TEST(Revocations, ArePostedAgainBeforeTheNewestPostExpires) {
  std::vector<Revocation> known;
  (void)add_statement(known, ended(1), std::nullopt);
  EXPECT_TRUE(is_due_again(known[0], free_chain(), UnixSeconds{kNow})) << "never posted";
  const StatementPost post = post_of(posted(ended(1)));
  (void)add_statement(known, ended(1), post);
  const std::uint64_t due = post.expires.value - free_chain().rules.maxttl / 12;
  EXPECT_FALSE(is_due_again(known[0], free_chain(), UnixSeconds{due - 1}));
  EXPECT_TRUE(is_due_again(known[0], free_chain(), UnixSeconds{due}));
}

TEST(Revocations, AreReadBackAndRefusedWithAnyBitFlipped) {
  std::vector<Revocation> known;
  (void)add_statement(known, ended(1), post_of(posted(ended(1))));
  (void)add_statement(known, succeeded(1, 2), std::nullopt);
  const Bytes file = encode_revocations(known);
  const auto back = decode_revocations(file);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 2u);
  EXPECT_EQ((*back)[0].posts, known[0].posts);
  EXPECT_EQ((*back)[1].bytes, known[1].bytes);
  EXPECT_EQ(encode_revocations(*back), file);
  for (std::size_t at = 0; at < file.size(); ++at) {
    Bytes bad = file;
    bad[at] ^= 1;
    EXPECT_FALSE(decode_revocations(bad)) << at;
  }
  for (std::size_t size = 0; size < file.size(); size += 7)
    EXPECT_FALSE(decode_revocations(ByteView(file).first(size))) << size;
}

TEST(Revocations, StandInTheLowestOfTheirBlocks) {
  TestChain chain{free_rules_text()};
  const Message first = posted(ended(1));
  const Message again = posted(ended(1), kNow + 600);
  std::vector<Revocation> known;
  (void)add_statement(known, ended(1), post_of(again));
  (void)add_statement(known, ended(1), post_of(first));
  EXPECT_FALSE(first_height(known[0], chain.store()).value());
  chain.append();
  chain.append({first});
  chain.append({again});
  EXPECT_EQ(first_height(known[0], chain.store()).value()->value, 2u);
  chain.reorganise(2, {{}, {}, {again}});
  EXPECT_EQ(first_height(known[0], chain.store()).value()->value, 4u);
}

class Ended : public testing::Test {
 protected:
  Ended() { ben.knows(ana.new_card()); }

  std::string refused() {
    const auto sent = send(ben.letter({ana.address()}, "text"), ben.context(), {});
    return sent ? std::string() : sent.error().message;
  }
  Bytes of_ana(std::uint8_t scope = kWholeIdentity) {
    return make_statement(scope, ana.self().seed, nullptr);
  }

  TestChain chain{free_rules_text()};
  Person ana{1, "ana"};
  Person ben{2, "ben"};
};

TEST_F(Ended, NobodySealsToARevokedIdentityOnceTheStatementIsSeen) {
  EXPECT_EQ(refused(), "");
  chain.pool(posted(of_ana()));
  EXPECT_EQ(refused(), "") << "not seen yet";
  EXPECT_EQ(ben.cards.collect(chain.store()).value().statements, 1u);
  EXPECT_NE(refused().find("revoked"), std::string::npos) << refused();
  EXPECT_TRUE(ben.cards.cards_of(ana.address()).value().cards.empty());
  ben.knows(ana.new_card());
  EXPECT_NE(refused().find("revoked"), std::string::npos) << "a fresh card undid it";
}

TEST_F(Ended, TheRefusalNamesEverySuccessor) {
  const auto next = secret(7);
  const auto thief = secret(8);
  for (const auto* one : {&next, &thief}) {
    ASSERT_TRUE(ben.cards.put_statement(make_statement(kWholeIdentity, ana.self().seed, one),
                                        std::nullopt));
  }
  const std::string said = refused();
  EXPECT_NE(said.find(to_address(identity(7))), std::string::npos) << said;
  EXPECT_NE(said.find(to_address(identity(8))), std::string::npos) << said;
}

TEST_F(Ended, ARetiredDeviceGetsNothingAndTheOthersDo) {
  ana.self().device = 9;
  ben.knows(ana.new_card());
  ASSERT_EQ(ben.cards.cards_of(ana.address()).value().cards.size(), 2u);
  chain.append({posted(of_ana(9))});
  ASSERT_TRUE(ben.cards.collect(chain.store()));
  const NewestCards left = ben.cards.cards_of(ana.address()).value();
  ASSERT_EQ(left.cards.size(), 1u);
  EXPECT_EQ(left.cards[0].device, 0);
  EXPECT_EQ(left.retired, std::vector<std::uint8_t>{9});
  EXPECT_EQ(refused(), "");
  ben.knows(ana.new_card());
  EXPECT_EQ(ben.cards.cards_of(ana.address()).value().cards.size(), 1u) << "it came back";
}

TEST_F(Ended, SomebodyElsesStatementEndsNobody) {
  ASSERT_TRUE(ben.cards.put_statement(ended(3), std::nullopt));
  EXPECT_EQ(refused(), "");
  Bytes forged = of_ana();
  forged[70] ^= 1;
  EXPECT_FALSE(ben.cards.put_statement(forged, std::nullopt));
  EXPECT_EQ(refused(), "");
}

TEST_F(Ended, ADamagedFileIsAnErrorAndNoPardon) {
  ASSERT_TRUE(ben.cards.put_statement(of_ana(), std::nullopt));
  const auto file = ben.temp.path() / "cards" / (to_address(ana.address()) + ".revoked");
  Bytes bytes = *ben.disk.read(file, 1u << 20).value();
  bytes[100] ^= 1;
  ASSERT_TRUE(ben.disk.replace(file, bytes));
  EXPECT_EQ(ben.cards.cards_of(ana.address()).error().code, Errc::corrupt);
  const auto sent = send(ben.letter({ana.address()}, "text"), ben.context(), {});
  EXPECT_FALSE(sent);
}

TEST_F(Ended, IsKnownAgainWhenTheDirectoryWasThrownAway) {
  chain.append({posted(of_ana())});
  ASSERT_TRUE(ben.cards.collect(chain.store()));
  std::filesystem::remove_all(ben.temp.path() / "cards");
  ASSERT_TRUE(ben.cards.collect(chain.store()));
  EXPECT_TRUE(ben.cards.cards_of(ana.address()).value().revoked);
}

}  // namespace
}  // namespace bmsg::mail
