#include "lib/mail/addressing.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/mail/support.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

struct Wanted {
  std::uint8_t owner = 2;
  std::uint8_t device = 0;
  std::uint32_t ttl = kCardSeconds;
  InboxPrefix inbox = {};
};

/// Bob (2) with two devices, Cleo (3) with an inbox of her own, Dan (4) whose card holds a day.
class AddressingTest : public testing::Test {
 protected:
  AddressingTest() {
    put({.owner = 2});
    put({.owner = 2, .device = 7});
    put({.owner = 3, .inbox = {16, Topic::filled(9)}});
    put({.owner = 4, .ttl = 86400});
  }
  void put(const Wanted& wanted) {
    const std::uint8_t ikm = static_cast<std::uint8_t>(++made_);
    const CardDraft draft{.device = wanted.device,
                          .prekey = Prekey::from(prekey(ikm)),
                          .inbox = wanted.inbox,
                          .time = golden::kMessageTime,
                          .ttl = wanted.ttl};
    const Message card =
        std::move(make_card(example_chain(), draft, secret(wanted.owner)).value()).with_nonce(0);
    ASSERT_TRUE(cards.put(read_card(card, example_chain().id).value()));
  }
  Addressing addressed(std::vector<std::uint8_t> owners, std::uint64_t after = 0,
                       Stale stale = Stale::refused) {
    std::vector<Addressee> to;
    for (const std::uint8_t owner : owners) to.push_back({identity(owner), {}});
    const UnixSeconds now{golden::kMessageTime + after};
    return address(cards, to, SenderDevice{identity(2), 7}, now, stale).value();
  }

  TempDir temp;
  SystemDisk disk;
  CardDirectory cards{disk, temp.path() / "cards", example_chain().id};
  unsigned made_ = 0;
};

TEST_F(AddressingTest, TakesOwnOtherDevicesAlong) {
  const Addressing found = addressed({4});
  ASSERT_EQ(found.batches.size(), 1u);
  EXPECT_EQ(found.batches[0].recipients.size(), 2u) << "Dan, and Bob's device 0 but not 7";
  EXPECT_EQ(found.batches[0].to, (std::vector<Addressee>{{identity(4), {}}}));
  EXPECT_TRUE(found.batches[0].own_devices);
}

TEST_F(AddressingTest, KnowsWhereThereIsNoOtherDevice) {
  const std::vector<Addressee> to = {{identity(2), {}}};
  const UnixSeconds now{golden::kMessageTime};
  const auto own_devices = [&](const std::optional<SenderDevice>& sender) {
    return address(cards, to, sender, now, Stale::refused).value().batches.at(0).own_devices;
  };
  EXPECT_FALSE(own_devices(std::nullopt)) << "anonymous";
  EXPECT_FALSE(own_devices(SenderDevice{identity(3), 0})) << "to somebody else's devices";
  EXPECT_TRUE(own_devices(SenderDevice{identity(2), 0})) << "to herself";
  const Addressing alone =
      address(cards, to, SenderDevice{identity(4), 0}, now, Stale::refused).value();
  EXPECT_FALSE(alone.batches.at(0).own_devices) << "the card of the sending device is no other";
}

TEST_F(AddressingTest, TakesAllDevicesOfOneself) {
  EXPECT_EQ(addressed({2}).batches.at(0).recipients.size(), 2u);
}

TEST_F(AddressingTest, PartsInboxesThatDiffer) {
  const Addressing found = addressed({3, 4});
  ASSERT_EQ(found.batches.size(), 3u);
  EXPECT_EQ(found.batches[0].inbox.bits, 16);
  EXPECT_EQ(found.batches[0].recipients[0].owner, identity(3));
  EXPECT_EQ(found.batches[1].inbox.bits, 0);
  EXPECT_EQ(found.batches[1].recipients.size(), 1u);
  EXPECT_FALSE(found.batches[1].own_devices) << "it would learn of Dan and not of Cleo";
  EXPECT_TRUE(found.batches[2].own_devices && found.batches[2].to.empty());
}

TEST_F(AddressingTest, OwnDevicesOfOneInboxShareAMessage) {
  const InboxPrefix inbox{4, Topic({0x50, 0, 0, 0})};
  put({.owner = 6, .device = 1, .inbox = inbox});
  put({.owner = 6, .device = 2, .inbox = inbox});
  const Addressing found = addressed({6});
  ASSERT_EQ(found.batches.size(), 2u);
  EXPECT_EQ(found.batches[0].recipients.size(), 2u);
  EXPECT_EQ(found.batches[0].inbox, inbox);
}

TEST_F(AddressingTest, NamesWhoHasNoUsableCard) {
  EXPECT_TRUE(addressed({4}, 86400 - 1).missing.empty());
  EXPECT_EQ(addressed({4}, 86400).missing.size(), 1u);
  EXPECT_EQ(addressed({4, 5}, 86400).missing.size(), 2u);
  EXPECT_TRUE(addressed({4}, 86400, Stale::allowed).missing.empty());
  EXPECT_EQ(addressed({5}, 0, Stale::allowed).missing.size(), 1u);
}

TEST_F(AddressingTest, LeavesAnExpiredDeviceOutWhereAnotherHolds) {
  put({.owner = 4, .device = 1});
  const Addressing found = addressed({4}, 86400, Stale::allowed);
  EXPECT_EQ(found.batches.at(0).recipients.size(), 2u) << "Dan's device 1 and Bob's device 0";
}

TEST(TopicFor, KeepsTheInboxsBitsAndFillsTheRestAtRandom) {
  FakeEntropy entropy;
  for (std::uint8_t bits = 0; bits <= 32; ++bits) {
    const InboxPrefix inbox{bits, Topic({0x5a, 0xc3, 0x99, 0x66})};
    std::set<Topic> topics;
    for (int i = 0; i < 64; ++i) {
      const Topic topic = topic_for(inbox, entropy).value();
      EXPECT_TRUE(inbox.matches(topic)) << int{bits};
      topics.insert(topic);
    }
    const bool fixed = bits == 0 || bits == 32;
    EXPECT_EQ(topics.size() == 1, fixed) << int{bits};
    EXPECT_TRUE(fixed || bits > 24 || topics.size() > 30) << int{bits};
  }
}

TEST(TopicFor, SaysSoWhenThereIsNoRandomness) {
  ScriptedEntropy nothing({});
  EXPECT_EQ(topic_for({4, Topic()}, nothing).error().code, Errc::no_resource);
  EXPECT_TRUE(topic_for({0, Topic()}, nothing));
}

}  // namespace
}  // namespace bmsg::mail
