// Conversations: who gets what, each once, and never more than a queue holds.

#include "lib/api/whisper_filters.h"

#include "lib/chain/block_hash.h"
#include "lib/crypto/hpke.h"
#include "lib/mail/room.h"
#include "lib/mail/seal.h"
#include "tests/api/whisper_chatter.h"

namespace bmsg::api {
namespace {

TEST(WhisperFilters, CarryASymmetricConversation) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string filter = bob.room_filter(R"(,"topics":["0x0a0b0c0d","0x01020304"])");
  const std::string hash = alice.say("0xabcd");
  carry(alice, {&alice, &bob});
  const Json messages = bob.messages(filter);
  ASSERT_EQ(messages.size(), 1u);
  Json message = messages[0];
  EXPECT_GT(message["pow"].get<double>(), 0);
  message["pow"] = 1;
  EXPECT_EQ(message.dump(), R"({"ttl":3600,"timestamp":1767225660,"topic":"0x01020304",)"
                            R"("payload":"0xabcd","padding":"0x","pow":1,"hash":")" +
                                hash + "\"}");
  EXPECT_EQ(bob.messages(filter).size(), 0u);
}

TEST(WhisperFilters, CarryAnAsymmetricConversation) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string to_bob = bob.filter(id_of("privateKeyID", bob.pair));
  const std::string to_alice = alice.filter(id_of("privateKeyID", alice.pair));
  alice.tell(bob.public_key, "0x01");
  carry(alice, {&alice, &bob});
  const Json got = bob.messages(to_bob);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0]["recipientPublicKey"], bob.public_key);
  EXPECT_FALSE(got[0].contains("sig"));
  EXPECT_EQ(alice.messages(to_alice).size(), 0u);
  bob.tell(alice.public_key, "0x");
  carry(bob, {&alice, &bob});
  EXPECT_EQ(payloads(alice.messages(to_alice)), "0x ");
  EXPECT_EQ(bob.messages(to_bob).size(), 0u);
}

TEST(WhisperFilters, LetThroughOnlyWhatTheyName) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string any = bob.room_filter();
  const std::string topic = bob.room_filter(R"(,"topics":["0x0a0b0c0d"])");
  const std::string work = bob.room_filter(R"(,"minPow":1000000)");
  const std::string sender = bob.room_filter("," + id_of("sig", alice.public_key));
  const std::string other = bob.filter(id_of("symKeyID", bob.text("shh_newSymKey")));
  alice.say("0x01");
  alice.say("0x02", "0x0a0b0c0d");
  carry(alice, {&bob});
  EXPECT_EQ(payloads(bob.messages(any)), "0x01 0x02 ");
  EXPECT_EQ(payloads(bob.messages(topic)), "0x02 ");
  for (const std::string& none : {work, sender, other}) EXPECT_EQ(bob.messages(none).size(), 0u);
}

TEST(WhisperFilters, DeliverAMessageOnceHoweverOftenItIsSeen) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string filter = bob.room_filter();
  const std::string id = bob.subscribe();
  alice.say("0x01");
  for (int i = 0; i < 3; ++i) carry(alice, {&bob});  // The pool, a block, a block after a reorg.
  EXPECT_EQ(payloads(bob.messages(filter)), "0x01 ");
  EXPECT_EQ(bob.gateway.take_notifications(1).size(), 1u);
  Message again = alice.host.posted[0];
  again.nonce += 1;  // Stamped anew it is the same message.
  bob.gateway.offer(again);
  EXPECT_EQ(bob.messages(filter).size(), 0u);
  EXPECT_TRUE(bob.gateway.take_notifications(1).empty());
}

TEST(WhisperFilters, NotifyEachConnectionOfItsOwnInOrder) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string first = bob.subscribe();
  const std::string second = bob.subscribe("0x0a0b0c0d");
  bob.connection = 2;
  const std::string third = bob.subscribe();
  alice.say("0x01");
  alice.say("0x02", "0x0a0b0c0d");
  alice.say("0x03");
  carry(alice, {&bob});
  EXPECT_EQ(bob.call("shh_info")["result"]["messages"], 5);
  std::string told;
  for (const std::string& text : bob.gateway.take_notifications(1)) {
    const Json json = Json::parse(text);
    EXPECT_EQ(json["method"], "shh_subscription");
    const Json& params = json["params"];
    EXPECT_EQ(params["subscription"], params["result"]["topic"] == "0x0a0b0c0d" ? second : first);
    told += params["result"]["payload"].get<std::string>() + " ";
  }
  EXPECT_EQ(told, "0x01 0x02 0x03 ");
  EXPECT_EQ(bob.gateway.take_notifications(2).size(), 2u);
  EXPECT_TRUE(bob.gateway.take_notifications(3).empty());
  bob.gateway.close(2);
  EXPECT_EQ(bob.refusal("shh_unsubscribe", Client::quoted(third)), "-32000 subscription not found");
}

TEST(WhisperFilters, GiveNothingAfterTheirEnd) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string filter = bob.room_filter();
  const std::string id = bob.subscribe();
  EXPECT_EQ(bob.call("shh_deleteMessageFilter", Client::quoted(filter))["result"], true);
  EXPECT_EQ(bob.call("shh_unsubscribe", Client::quoted(id))["result"], true);
  alice.say("0x01");
  carry(alice, {&bob});
  EXPECT_TRUE(bob.gateway.take_notifications(1).empty());
  EXPECT_EQ(bob.refusal("shh_getFilterMessages", Client::quoted(filter)),
            "-32000 filter not found");
}

TEST(WhisperFilters, OutliveTheirKey) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string filter = bob.room_filter();
  bob.call("shh_deleteSymKey", Client::quoted(bob.shared));
  alice.say("0x01");
  carry(alice, {&bob});
  EXPECT_EQ(payloads(bob.messages(filter)), "0x01 ");
}

TEST(WhisperFilters, KeepTheNewestOfTooMany) {
  Chatter alice(1);
  Chatter bob(2, {.messages = 2});
  Chatter carol(3, {.bytes = 2 * 512 + 2});
  const std::string of_bob = bob.room_filter();
  const std::string of_carol = carol.room_filter();
  alice.say("0x01");
  alice.say("0x02");
  carry(alice, {&bob, &carol});
  EXPECT_EQ(payloads(bob.messages(of_bob)), "0x01 0x02 ");
  EXPECT_EQ(payloads(carol.messages(of_carol)), "0x01 0x02 ");
  alice.host.posted.clear();
  for (const char* payload : {"0x03", "0x04", "0x0506"}) alice.say(payload);
  carry(alice, {&bob, &carol});
  EXPECT_EQ(payloads(bob.messages(of_bob)), "0x04 0x0506 ");
  EXPECT_EQ(payloads(carol.messages(of_carol)), "0x0506 ");
}

TEST(WhisperFilters, RememberOnlySoManyIdsAndForgetTheFirstToExpire) {
  Chatter alice(1);
  Chatter bob(2, {.seen = 2});
  const std::string filter = bob.room_filter();
  alice.say("0x01", "0x01020304", 4000);
  alice.say("0x02", "0x01020304", 6000);
  carry(alice, {&bob});
  carry(alice, {&bob});
  EXPECT_EQ(payloads(bob.messages(filter)), "0x01 0x02 ");
  alice.say("0x03", "0x01020304", 5000);
  carry(alice, {&bob});
  EXPECT_EQ(payloads(bob.messages(filter)), "0x03 ");
  carry(alice, {&bob});
  EXPECT_EQ(payloads(bob.messages(filter)), "0x01 ");
}

TEST(WhisperFilters, ShowNothingThatHasExpiredOrHasNoBody) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string filter = bob.room_filter();
  alice.say("0x01");
  Message light = alice.host.posted[0];
  light.body.reset();
  bob.gateway.offer(light);
  EXPECT_EQ(bob.messages(filter).size(), 0u);
  bob.host.time.advance(3569);  // It is dated a whole minute, 30 seconds ago.
  carry(alice, {&bob});
  EXPECT_EQ(payloads(bob.messages(filter)), "0x01 ");
  bob.host.time.advance(1);
  Chatter late(3);
  const std::string of_late = late.room_filter();
  late.host.time.advance(3570);
  carry(alice, {&bob, &late});
  EXPECT_EQ(late.messages(of_late).size(), 0u);
  EXPECT_EQ(bob.messages(filter).size(), 0u);
}

TEST(WhisperFilters, TolerateTheOldBoundOfWorkForTenSeconds) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string filter = bob.room_filter();
  bob.call("shh_setMinPoW", "1000000");
  alice.say("0x01");
  carry(alice, {&bob});
  EXPECT_EQ(payloads(bob.messages(filter)), "0x01 ");
  bob.host.time.advance(10);
  alice.say("0x02");
  carry(alice, {&bob});
  EXPECT_EQ(bob.messages(filter).size(), 0u);
  bob.call("shh_setMinPoW", "0");
  carry(alice, {&bob});  // What was too little before was not counted as shown.
  EXPECT_EQ(payloads(bob.messages(filter)), "0x02 ");
}

TEST(WhisperFilters, ShowNothingLargerThanTheGatewayTakes) {
  Chatter alice(1);
  Chatter bob(2);
  const std::string filter = bob.room_filter();
  alice.say("0x01");
  bob.call("shh_setMaxMessageSize", "487");
  carry(alice, {&bob});
  EXPECT_EQ(bob.messages(filter).size(), 0u);
  bob.call("shh_setMaxMessageSize", "488");
  carry(alice, {&bob});
  EXPECT_EQ(payloads(bob.messages(filter)), "0x01 ");
}

/// A message to the shared key that its holders are not to see, or are.
Message sealed_with(mail::Kind kind, std::optional<IdentityKey> owner, Bytes body_end = {},
                    mail::SigningKey signer = nullptr) {
  FakeEntropy random(9);
  const auto rules = whisper_chain();
  mail::Content content;
  content.kind = kind;
  content.content = {0x77};
  const auto key = mail::room_public_key(crypto::SecretBytes::from(Bytes(32, 0x55)));
  auto sealed = mail::seal(rules, content, {{key, owner}}, signer,
                           {.suite = Suite::sealed, .time = 1767225660, .ttl = 3600}, random);
  Message message = std::move(sealed).value().with_nonce(0);
  if (!body_end.empty()) {
    message.body->back() ^= body_end[0];
    message.head.body_hash = chain::body_hash_of(*message.body);
  }
  return message;
}

TEST(WhisperFilters, ShowOnlyWhatAGatewayHasPosted) {
  Chatter bob(2);
  const std::string filter = bob.room_filter();
  bob.gateway.offer(sealed_with(mail::Kind::text, std::nullopt));
  bob.gateway.offer(sealed_with(mail::Kind::application, IdentityKey::filled(1)));
  bob.gateway.offer(sealed_with(mail::Kind::application, std::nullopt, {1}));
  const auto seed = crypto::SecretBytes::from(Bytes(32, 0x21));
  bob.gateway.offer(sealed_with(mail::Kind::application, std::nullopt, {}, &seed));
  EXPECT_EQ(bob.messages(filter).size(), 0u);
  bob.gateway.offer(sealed_with(mail::Kind::application, std::nullopt));
  EXPECT_EQ(payloads(bob.messages(filter)), "0x77 ");
}

}  // namespace
}  // namespace bmsg::api
