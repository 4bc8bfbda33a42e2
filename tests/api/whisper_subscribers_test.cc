// Many who wait at one gateway: how many, with which keys, and for whom.

#include "lib/api/whisper_filters.h"
#include "tests/api/whisper_chatter.h"

namespace bmsg::api {
namespace {

TEST(WhisperSubscribers, AreSoManyAndNoMore) {
  Chatter bob(2, {.filters = 2, .subscriptions = 3, .subscriptions_each = 2});
  const std::string criteria = "{" + id_of("symKeyID", bob.shared) + R"(,"topics":["0x01020304"]})";
  bob.room_filter();
  const std::string second = bob.room_filter();
  EXPECT_EQ(bob.refusal("shh_newMessageFilter", criteria),
            "-32000 there are 2 filters already: delete some");
  bob.call("shh_deleteMessageFilter", Client::quoted(second));
  bob.room_filter();
  bob.subscribe();
  const std::string one = bob.subscribe();
  EXPECT_EQ(bob.refusal("shh_subscribe", R"("messages",)" + criteria),
            "-32000 there are 2 subscriptions of this connection already: delete some");
  bob.call("shh_unsubscribe", Client::quoted(one));
  bob.subscribe();
  bob.connection = 2;
  bob.subscribe();
  EXPECT_EQ(bob.refusal("shh_subscribe", R"("messages",)" + criteria),
            "-32000 there are 3 subscriptions already: delete some");
  bob.gateway.close(1);
  bob.subscribe();
}

TEST(WhisperSubscribers, TellOfConnectionsThatHaveSomething) {
  Chatter alice(1);
  Chatter bob(2);
  for (const WhisperConnection one : {7u, 8u, 9u}) {
    bob.connection = one;
    bob.subscribe(one == 8 ? "0x0a0b0c0d" : "0x01020304");
  }
  bob.room_filter();
  alice.say("0x01");
  carry(alice, {&bob});
  EXPECT_EQ(bob.gateway.take_ready(), (std::vector<WhisperConnection>{7, 9}));
  EXPECT_TRUE(bob.gateway.take_ready().empty());
  EXPECT_EQ(bob.gateway.take_notifications(7).size(), 1u);
  bob.gateway.close(9);
  alice.host.posted.clear();
  alice.say("0x02");
  carry(alice, {&bob});
  EXPECT_EQ(bob.gateway.take_ready(), std::vector<WhisperConnection>{7});
}

TEST(WhisperSubscribers, ServeAThousandConnectionsWithEachMessage) {
  Chatter alice(1);
  Chatter bob(2);
  for (unsigned i = 0; i < 1000; ++i) {
    bob.connection = i;
    bob.subscribe();
  }
  alice.say("0x01");
  carry(alice, {&bob});
  EXPECT_EQ(bob.call("shh_info")["result"]["messages"], 1000);
  const auto ready = bob.gateway.take_ready();
  ASSERT_EQ(ready.size(), 1000u);
  for (const WhisperConnection one : ready)
    EXPECT_EQ(bob.gateway.take_notifications(one).size(), 1u);
}

TEST(WhisperSubscribers, GiveNothingThatWasThereBefore) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string filter = bob.room_filter();
  alice.say("0x01");
  bob.gateway.skip(alice.host.posted[0].head);
  alice.say("0x02");
  carry(alice, {&bob});
  EXPECT_EQ(payloads(bob.messages(filter)), "0x02 ");
}

TEST(WhisperSubscribers, WaitForTheirKeysAndMissNothing) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string filter = bob.room_filter();
  const std::string gone = bob.filter(id_of("privateKeyID", bob.pair));
  alice.say("0x01");
  carry(alice, {&bob});
  bob.gateway.change_keys([&] { bob.host.is_locked = true; });
  EXPECT_FALSE(bob.gateway.has_keys());
  alice.say("0x02");
  EXPECT_FALSE(bob.gateway.offer(alice.host.posted[1]));
  const std::string locked = "-32000 keyring is locked: run bmsg unlock or open the page";
  for (const char* method : {"shh_getFilterMessages", "shh_hasSymKey", "shh_deleteKeyPair"})
    EXPECT_EQ(bob.refusal(method, Client::quoted(filter)), locked) << method;
  bob.gateway.change_keys([&] {
    bob.host.is_locked = false;
    EXPECT_TRUE(bob.host.kept.remove(WhisperKeyKind::pair, bob.pair).value());
  });
  EXPECT_TRUE(bob.gateway.offer(alice.host.posted[1]));
  EXPECT_EQ(payloads(bob.messages(filter)), "0x01 0x02 ");
  alice.tell(bob.public_key, "0x03");
  EXPECT_TRUE(bob.gateway.offer(alice.host.posted[2]));
  EXPECT_EQ(bob.messages(gone).size(), 0u) << "its key was deleted meanwhile";
}

TEST(WhisperSubscribers, ShowWhoSignedAndLetThroughTheWantedSender) {
  Chatter alice(1);
  Chatter carol(3);
  Chatter bob(2);
  const std::string any = bob.room_filter();
  const std::string of_alice = bob.room_filter("," + id_of("sig", alice.public_key));
  alice.say_signed("0x01");
  carol.say_signed("0x02");
  carol.say("0x03");
  carry(alice, {&bob});
  carry(carol, {&bob});
  const Json all = bob.messages(any);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]["sig"], alice.public_key);
  EXPECT_EQ(all[1]["sig"], carol.public_key);
  EXPECT_FALSE(all[2].contains("sig"));
  EXPECT_EQ(payloads(bob.messages(of_alice)), "0x01 ");
}

}  // namespace
}  // namespace bmsg::api
