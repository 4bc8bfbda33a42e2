// Epochs: when the next prekey is due, and when one may go.

#include "lib/mail/epoch.h"

#include <gtest/gtest.h>

#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

constexpr std::uint32_t kDepth = 6;
constexpr std::uint64_t kDay = 86400;
constexpr std::size_t kBlocksOfADay = 144;

class Epochs : public testing::Test {
 protected:
  Epochs() {
    ana.self().grace = 3600;  // Six blocks of this chain.
  }

  const ChainId& id() const { return free_chain().id; }
  Identity& self() { return ana.self(); }

  /// A card of ours, in a block of its own.
  MessageId card_in_block() {
    const Card card = ana.new_card();
    chain.append({card.message});
    return chain::id_of(card.message.head);
  }
  bool note(const MessageId& card) {
    return note_burials(self(), id(), card, chain.store(), kDepth).value();
  }
  /// The time of the tip.
  std::uint64_t tip_time() const { return chain.store().tip().value().time.value; }
  ScanPosition scanned_all() const {
    const auto tip = chain.store().tip().value();
    return {tip.height, tip.hash, 0, digest_of_addresses(ana.keyring)};
  }
  std::size_t deleted(std::uint64_t now, const ScanPosition& position) {
    return delete_old_keys(self(), id(), chain.store(),
                           {.position = &position, .keys = digest_of_addresses(ana.keyring)},
                           UnixSeconds{now})
        .value();
  }
  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> found;
    for (const CardKey& key : self().cards) found.push_back(key.seq);
    return found;
  }
  /// Two cards, the second one buried and noted.
  void two_cards() {
    card_in_block();
    const MessageId second = card_in_block();
    chain.append_empty(kDepth - 1);
    ASSERT_TRUE(note(second));
  }

  using Numbers = std::vector<std::uint64_t>;
  TestChain chain{free_rules_text()};
  Person ana{1, "ana"};
};

TEST_F(Epochs, TheNextCardIsDueWhenTheNewestIsAsOldAsTheEpoch) {
  EXPECT_FALSE(is_next_due(self(), free_chain(), ana.clock.now())) << "no card was ever meant";
  const std::uint64_t made = ana.clock.now().value;
  ana.new_card();
  self().epoch = kDay;
  EXPECT_FALSE(is_next_due(self(), free_chain(), UnixSeconds{made + kDay - 1}));
  EXPECT_TRUE(is_next_due(self(), free_chain(), UnixSeconds{made + kDay}));
  ana.clock.advance(kDay);
  ana.new_card();
  EXPECT_FALSE(is_next_due(self(), free_chain(), ana.clock.now()));
}

TEST_F(Epochs, TheNextCardIsDueAtHalfOfALifeThatIsShorter) {
  chain::ChainRules brief = free_chain();
  brief.rules.maxttl = kDay;
  CardKey key = make_card_key(self(), brief.id, UnixSeconds{10 * kDay}, ana.entropy).value();
  self().cards.push_back(std::move(key));
  EXPECT_FALSE(is_next_due(self(), brief, UnixSeconds{10 * kDay - kDay / 2 - 1}));
  EXPECT_TRUE(is_next_due(self(), brief, UnixSeconds{10 * kDay - kDay / 2}));
}

// A command ran while the clock was years ahead. Its card is not valid before that time.
TEST_F(Epochs, TheNextCardIsDueWhenTheNewestIsOfAClockThatWasAhead) {
  const std::uint64_t now = ana.clock.now().value;
  ana.clock.set(now + 400 * kDay);
  ana.new_card();
  EXPECT_FALSE(is_next_due(self(), free_chain(), ana.clock.now()));
  ana.clock.set(now);
  EXPECT_TRUE(is_next_due(self(), free_chain(), ana.clock.now()));
  const Card card = ana.new_card();
  EXPECT_FALSE(is_next_due(self(), free_chain(), ana.clock.now())) << "one is enough";
  EXPECT_EQ(numbers(), (Numbers{1, 2}));
  // Nor does the other one win when its time has come.
  const auto known = ana.cards.cards_of(ana.address()).value();
  ASSERT_EQ(known.cards.size(), 1U);
  EXPECT_EQ(known.cards.front().seq, card.seq);
  EXPECT_TRUE(known.cards.front().usable_at(ana.clock.now()));
}

TEST_F(Epochs, AClockThatWasALittleAheadMakesNoOtherCardDue) {
  const std::uint64_t now = ana.clock.now().value;
  ana.clock.set(now + kCardAheadSecondsMax);
  ana.new_card();
  EXPECT_FALSE(is_next_due(self(), free_chain(), UnixSeconds{now}));
  EXPECT_TRUE(is_next_due(self(), free_chain(), UnixSeconds{now - 1}));
}

TEST_F(Epochs, ACardIsBuriedAtTheDepthAndNotBefore) {
  const MessageId card = card_in_block();
  const std::uint64_t time = tip_time();
  chain.append_empty(kDepth - 2);
  EXPECT_FALSE(note(card));
  EXPECT_FALSE(self().cards[0].block);
  chain.append();
  EXPECT_TRUE(note(card));
  EXPECT_EQ(self().cards[0].buried.value, time);
  EXPECT_FALSE(note(card)) << "noted twice";
}

TEST_F(Epochs, ANoteIsTakenBackWithItsBlock) {
  const MessageId card = card_in_block();
  chain.append_empty(kDepth - 1);
  ASSERT_TRUE(note(card));
  chain.reorganise(kDepth, std::vector<std::vector<Message>>(kDepth + 1));
  EXPECT_TRUE(note(card));
  EXPECT_FALSE(self().cards[0].block);
  EXPECT_EQ(self().cards[0].buried.value, 0u);
}

TEST_F(Epochs, AReorganisationBeforeBurialOnlyDelays) {
  card_in_block();
  const Card second = ana.new_card();
  const MessageId id_of_second = chain::id_of(second.message.head);
  chain.append({second.message});
  chain.append_empty(2);
  chain.reorganise(3, std::vector<std::vector<Message>>(4));
  chain.append_empty(kDepth);
  EXPECT_FALSE(note(id_of_second)) << "no block has it any more";
  chain.append({second.message});  // The same bytes again.
  chain.append_empty(kDepth - 1);
  EXPECT_TRUE(note(id_of_second));
}

TEST_F(Epochs, APrekeyGoesWhenTheGraceIsOverByOurClock) {
  two_cards();
  const std::uint64_t over = self().cards[1].buried.value + self().grace;
  chain.append_empty(kBlocksOfADay);
  EXPECT_EQ(deleted(over, scanned_all()), 0u);
  EXPECT_EQ(numbers(), (Numbers{1, 2}));
  EXPECT_EQ(deleted(over + 1, scanned_all()), 1u);
  EXPECT_EQ(numbers(), Numbers{2});
  EXPECT_EQ(deleted(over + 9 * kDay, scanned_all()), 0u) << "the newest went";
}

TEST_F(Epochs, APrekeyStaysUntilALaterBlockWasScanned) {
  two_cards();
  const std::uint64_t over = self().cards[1].buried.value + self().grace;
  while (tip_time() < over) chain.append();
  ASSERT_EQ(tip_time(), over) << "the limit itself is to be tried";
  EXPECT_EQ(deleted(over + kDay, scanned_all()), 0u);
  const ScanPosition before = scanned_all();
  chain.append();
  EXPECT_EQ(deleted(over + kDay, before), 0u) << "the later block was not scanned";
  EXPECT_EQ(deleted(over + kDay, scanned_all()), 1u);
}

TEST_F(Epochs, AScanForOthersOrOfALostBranchCountsForNothing) {
  two_cards();
  const std::uint64_t late = tip_time() + 9 * kDay;
  chain.append_empty(kBlocksOfADay);
  ScanPosition others = scanned_all();
  others.keys = Digest();
  EXPECT_EQ(deleted(late, others), 0u);
  const ScanPosition lost = scanned_all();
  chain.reorganise(1, {{}, {}});
  EXPECT_EQ(deleted(late, lost), 0u);
  EXPECT_EQ(delete_old_keys(self(), id(), chain.store(), ScannedUpTo(), UnixSeconds{late}).value(),
            0u);
  EXPECT_EQ(deleted(late, scanned_all()), 1u);
}

TEST_F(Epochs, ALaterCardSettlesAllBeforeIt) {
  card_in_block();
  card_in_block();
  const MessageId third = card_in_block();
  chain.append_empty(kBlocksOfADay);
  ASSERT_TRUE(note(third));
  EXPECT_EQ(deleted(tip_time(), scanned_all()), 2u);
  EXPECT_EQ(numbers(), Numbers{3});
}

TEST_F(Epochs, PrekeysOfOtherChainsStay) {
  two_cards();
  CardKey other = make_card_key(self(), ChainId(), UnixSeconds{1}, ana.entropy).value();
  self().cards.insert(self().cards.begin(), std::move(other));
  chain.append_empty(kBlocksOfADay);
  EXPECT_EQ(deleted(tip_time(), scanned_all()), 1u);
  EXPECT_EQ(self().cards.size(), 2u);
  EXPECT_EQ(self().cards[0].chain, ChainId());
}

TEST_F(Epochs, ANumberAfterTheLastIsRefused) {
  self().cards.push_back(make_card_key(self(), id(), UnixSeconds{1}, ana.entropy).value());
  self().cards.back().seq = UINT64_MAX - 1;
  CardKey last = make_card_key(self(), id(), UnixSeconds{1}, ana.entropy).value();
  EXPECT_EQ(last.seq, UINT64_MAX);
  self().cards.push_back(std::move(last));
  EXPECT_EQ(make_card_key(self(), id(), UnixSeconds{1}, ana.entropy).error().code, Errc::bad_input);
}

/// What the keys of today find in the recorded chain.
std::vector<std::string> found_by_a_thief(const TestChain& chain, Person& victim) {
  TempDir temp;
  SystemDisk disk;
  MemoryMailStore index;
  Outbox outbox(disk, temp.path() / "outbox");
  MailKeys keys = victim.keys();
  keys.mailbox_key = secret(9);  // A copy of the keyring has it; the index is not stolen with it.
  const auto result =
      scan(chain.store(), index, keys, outbox, victim.entropy, {.limits = {.blocks = 1u << 20}})
          .value();
  check(apply_scan(index, outbox, result).value(), "nobody else scans");
  std::vector<std::string> texts;
  const Mailbox box(chain.store(), index, keys, outbox);
  for (const MailItem& item : box.list({}, 100).value()) texts.push_back(item.summary.snippet);
  return texts;
}

TEST(ForwardSecrecy, ACopyOfTheKeysTakenLaterOpensNothingOldAndTheMailboxStillDoes) {
  TestChain chain{free_rules_text()};
  Person ana{1, "ana"};
  Person ben{2, "ben"};
  const auto send_card_of_ana = [&] {
    const Card card = ana.new_card();
    ben.knows(card);
    chain.append({card.message});
    return chain::id_of(card.message.head);
  };
  const auto write = [&](std::string_view words) {
    const MessageId id = ben.write({ana.address()}, words);
    const auto entry = ben.outbox.find(id).value();
    chain.append({ben.outbox.read(*entry).value()->message});
    return id;
  };
  ben.new_card();
  send_card_of_ana();
  const MessageId old = write("of the first epoch");
  ana.scan_all(chain);
  EXPECT_EQ(found_by_a_thief(chain, ana), std::vector<std::string>{"of the first epoch"});

  ana.clock.advance(kEpochSeconds);
  ASSERT_TRUE(is_next_due(ana.self(), free_chain(), ana.clock.now()));
  const MessageId second = send_card_of_ana();
  write("of the second epoch");
  chain.append_empty(kBlocksOfADay * 7 + kDepth);
  ana.clock.advance(kGraceSeconds + kDay);
  ASSERT_TRUE(note_burials(ana.self(), free_chain().id, second, chain.store(), kDepth).value());
  const auto settle = [&] {
    const auto position = ana.mail.position().value();
    return delete_old_keys(ana.self(), free_chain().id, chain.store(),
                           {.position = &*position, .keys = digest_of_addresses(ana.keyring)},
                           ana.clock.now())
        .value();
  };
  EXPECT_EQ(settle(), 0u) << "deleted before the mail of its time was scanned";
  ana.scan_all(chain);
  EXPECT_EQ(settle(), 1u);

  EXPECT_EQ(found_by_a_thief(chain, ana), std::vector<std::string>{"of the second epoch"});
  EXPECT_EQ(to_string(ana.read(chain, old).opened.content.content), "of the first epoch");
}

}  // namespace
}  // namespace bmsg::mail
