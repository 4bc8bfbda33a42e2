#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/mail/absent.h"
#include "lib/mail/judges.h"
#include "lib/mail/room.h"
#include "lib/mail/scan.h"
#include "tests/mail/failing_readers.h"
#include "tests/mail/person.h"
#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

constexpr std::uint32_t kTime = 1'767'225'600 + 60;
constexpr std::size_t kBlocks = 24;
constexpr std::size_t kPerBlock = 12;
constexpr unsigned kThreads[] = {1, 2, 4};

/// All that a scan says except how many threads it took.
struct Said {
  explicit Said(const ScanResult& result)
      : flags(result.change.flags),
        position(result.change.position),
        values(result.change.values),
        more(result.more),
        messages(result.messages),
        rooms_from(result.rooms_from),
        from(result.from) {
    for (const MailEntry& entry : result.change.put)
      put.emplace_back(entry.id, entry.order, entry.time, entry.sealed);
    for (const OutboxEntry& entry : result.done) gone.push_back(entry.id);
  }
  bool operator==(const Said&) const = default;

  std::vector<std::tuple<MessageId, std::uint64_t, UnixSeconds, Bytes>> put;
  std::map<MessageId, Flags> flags;
  std::optional<ScanPosition> position;
  std::map<std::string, std::optional<Bytes>> values;
  bool more;
  std::size_t messages;
  std::optional<Bytes> rooms_from;
  std::optional<ScanPosition> from;
  std::vector<MessageId> gone;
};

/// A chain full of what strangers write, with mail for Ben among it: he has two identities, three
/// prekeys and two rooms.
class ScanThreadsTest : public testing::Test, public TwoPersons {
 protected:
  ScanThreadsTest() : numbers(printed_seed()), noise(numbers()) {
    (void)ben.new_card();
    ben.keyring.identities.push_back(make_identity("work", 1, ben.entropy).value());
    Identity& work = ben.keyring.identities[1];
    const UnixSeconds until{ben.clock.now().value + kCardSeconds};
    work.cards.push_back(make_card_key(work, free_chain().id, until, ben.entropy).value());
    for (const std::string name : {"ops", "late"})
      ben.keyring.rooms.push_back(make_room(name, ana.address(), ben.entropy).value());
    (void)ben.write({ana.address()}, "of the outbox");
    for (std::size_t i = 0; i < kBlocks; ++i) blocks.push_back(any_messages());
    for (const auto& messages : blocks) append(messages);
    for (std::size_t i = 0; i < kPerBlock; ++i) pool(any_message());
  }

  void append(const std::vector<Message>& messages) {
    chain.append(messages);
    std::vector<Message> heads = messages;
    // Of every third message a light store has the body.
    for (std::size_t i = 0; i < heads.size(); ++i)
      if (i % 3 != 0) heads[i].body.reset();
    light.append(std::move(heads));
  }
  void pool(const Message& message) {
    chain.pool(message);
    light.pool(message);
  }

  std::vector<Message> any_messages() {
    std::vector<Message> made;
    while (made.size() < kPerBlock) made.push_back(any_message());
    if (!blocks.empty() && number_up_to(numbers, 3) == 0) made.push_back(blocks.back().front());
    return made;
  }
  Message any_message() {
    ++counted;
    const std::string words = fmt::format("number {}", counted);
    const std::uint64_t kind = number_up_to(numbers, 9);
    if (kind == 0) return public_text(words);
    if (kind == 1) return in_room(ben.keyring.rooms[counted % 2], words);
    if (kind == 2) return to_ben({0}, words);
    if (kind == 3) return to_ben({1}, words);
    if (kind == 4) return to_ben({0, 1}, words);
    if (kind == 5) return damaged(to_ben({0}, words));
    return sealed({{prekey(9), identity(9)}}, words, {});
  }
  Message public_text(std::string_view words) {
    HeadOptions options = head();
    options.suite = Suite::open;
    return post(free_chain(), text(words), &ana.self().seed, options).value().with_nonce(counted);
  }
  Message in_room(const Room& room, std::string_view words) {
    const Bytes key = room_public_key(newest_key(room).secret);
    return sealed({{key, room.keeper}}, words, room_topic(key, kTime));
  }
  Message to_ben(const std::vector<std::size_t>& identities, std::string_view words) {
    std::vector<Recipient> to;
    for (const std::size_t index : identities) {
      const Identity& one = ben.keyring.identities[index];
      const CardKey& card = one.cards[counted % one.cards.size()];
      to.push_back({*crypto::public_key_of(crypto::Curve::x25519, card.secret), one.address()});
    }
    return sealed(std::move(to), words, {});
  }
  Message sealed(std::vector<Recipient> to, std::string_view words, const Topic& topic) {
    HeadOptions options = head();
    options.topic = topic;
    auto made = seal(free_chain(), text(words), std::move(to), &ana.self().seed, options, noise);
    return std::move(made).value().with_nonce(counted);
  }
  static Message damaged(Message message) {
    message.body->back() ^= 1;
    message.head.body_hash = chain::body_hash_of(*message.body);
    return message;
  }
  static HeadOptions head() { return {.topic = {}, .time = kTime, .ttl = 30 * 86400}; }

  /// From the same beginning each time: the index as it is, and the same randomness.
  Result<ScanResult> scan_with(unsigned threads, const node::ChainReader& reader,
                               const MailReader& index, std::uint32_t blocks_max = 1000) {
    FakeEntropy entropy(7);
    const ScanOptions options{.limits = {.blocks = blocks_max}, .threads = threads};
    return scan(reader, index, ben.keys(), ben.outbox, entropy, options);
  }
  ScanResult expect_the_same(const node::ChainReader& reader, std::uint32_t blocks_max = 1000) {
    ScanResult one = scan_with(1, reader, ben.mail, blocks_max).value();
    EXPECT_EQ(one.threads, 1u);
    for (const unsigned threads : kThreads) {
      const ScanResult other = scan_with(threads, reader, ben.mail, blocks_max).value();
      EXPECT_EQ(other.threads, threads);
      EXPECT_TRUE(Said(other) == Said(one)) << threads << " threads find something else";
    }
    return one;
  }

  std::mt19937_64 numbers;
  FakeEntropy noise;
  std::uint64_t counted = 0;
  std::vector<std::vector<Message>> blocks;
  TestChain light{free_rules_text(), node::Keeps::heads};
};

TEST_F(ScanThreadsTest, FindTheSameInTheSameOrder) {
  const ScanResult found = expect_the_same(chain.store());
  EXPECT_GT(found.messages, kBlocks * kPerBlock / 4);
  EXPECT_LT(found.messages, kBlocks * kPerBlock * 3 / 4);
  EXPECT_FALSE(found.more);
}

TEST_F(ScanThreadsTest, FindTheSameInALightStore) {
  const ScanResult found = expect_the_same(light.store());
  EXPECT_GT(found.messages, 0u);
  ASSERT_TRUE(apply_scan(ben.mail, ben.outbox, found).value());
  EXPECT_GT(absent_in(ben.mail).value().size(), kBlocks) << "ours, without their bodies";
}

TEST_F(ScanThreadsTest, FindTheSameInBatches) {
  for (bool more = true; more;) {
    const ScanResult found = scan_with(1, chain.store(), ben.mail, 10).value();
    if (found.more) expect_the_same(chain.store(), 10);
    ASSERT_TRUE(apply_scan(ben.mail, ben.outbox, found).value());
    more = found.more;
  }
  EXPECT_GT(ben.mail.count().value(), kBlocks);
}

TEST_F(ScanThreadsTest, FindThePastOfARoomThatComesLater) {
  Room late = std::move(ben.keyring.rooms.back());
  ben.keyring.rooms.pop_back();
  ben.scan_all(chain);
  ben.keyring.rooms.push_back(std::move(late));
  const ScanResult one = scan_with(1, chain.store(), ben.mail).value();
  EXPECT_GT(one.messages, 0u);
  for (const unsigned threads : kThreads) {
    const ScanResult other = scan_with(threads, chain.store(), ben.mail).value();
    EXPECT_TRUE(Said(other) == Said(one)) << threads;
  }
}

TEST_F(ScanThreadsTest, FailAsOneThreadDoes) {
  const MemoryMailStore empty;
  for (const std::size_t good : {0, 1, 17}) {
    for (const unsigned threads : kThreads) {
      const FailingChain broken(chain.store(), good);
      const auto result = scan_with(threads, broken, empty);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().message, "the chain cannot be read");
    }
    for (const unsigned threads : kThreads) {
      const FailingMail broken(empty, good);
      const auto result = scan_with(threads, chain.store(), broken);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().message, "the index cannot be read");
    }
  }
}

// The chain fails long before the answers on what it gave are taken; one thread alone would have
// met the other failure first.
TEST_F(ScanThreadsTest, TellTheFailureThatComesFirstOnTheChain) {
  const MemoryMailStore empty;
  for (const unsigned threads : kThreads) {
    const FailingChain chain_fails(chain.store(), 5);
    const FailingMail index_fails(empty, 3);
    const auto result = scan_with(threads, chain_fails, index_fails);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "the index cannot be read");
  }
}

TEST_F(ScanThreadsTest, AreNotStartedForAFewMessages) {
  ben.scan_all(chain);
  for (std::size_t i = 0; i < Judges::kAlone; ++i) pool(to_ben({0}, "a few"));
  const ScanResult few = scan_with(4, chain.store(), ben.mail).value();
  EXPECT_EQ(few.messages, Judges::kAlone);
  EXPECT_EQ(few.threads, 1u);
  // What no key can open costs nothing, and is not counted.
  for (std::size_t i = 0; i < 1000; ++i)
    pool(sealed({{prekey(9), identity(9)}}, "x", Topic::filled(3)));
  EXPECT_EQ(scan_with(4, chain.store(), ben.mail).value().threads, 1u);
  pool(to_ben({0}, "one more"));
  const ScanResult more = scan_with(4, chain.store(), ben.mail).value();
  EXPECT_EQ(more.messages, Judges::kAlone + 1);
  EXPECT_EQ(more.threads, 2u);
}

}  // namespace
}  // namespace bmsg::mail
