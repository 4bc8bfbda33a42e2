// Posts: what is refused, what it costs, and how long it lives.

#include "lib/api/whisper_post.h"

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/mail/open.h"
#include "tests/api/whisper_world.h"

namespace bmsg::api {
namespace {

const std::string kTopic = R"(,"topic":"0x01020304")";

/// Somebody who posts with a symmetric key.
struct Poster : Client {
  explicit Poster(unsigned stamp = 0) : Client(1, stamp) {
    symmetric = text("shh_newSymKey");
    pair = text("shh_newKeyPair");
    public_key = text("shh_getPublicKey", quoted(pair));
    with = R"("symKeyID":")" + symmetric + "\"";
    to = R"("pubKey":")" + public_key + "\"";
  }
  std::string post(const std::string& members) { return refusal("shh_post", "{" + members + "}"); }
  const Message& last() { return host.posted.back(); }

  std::string symmetric, pair, public_key, with, to;
};

TEST(WhisperPost, IsAnsweredWithTheHashOfAMessageThatTheChainTakes) {
  Poster poster(16);
  const std::string hash = poster.text("shh_post", "{" + poster.with + kTopic + "}");
  ASSERT_EQ(poster.host.posted.size(), 1u);
  const Message& message = poster.last();
  const MessageId id = chain::id_of(message.head);
  EXPECT_EQ(hash, whisper_hash(id));
  EXPECT_EQ(hash.size(), 66u);
  EXPECT_FALSE(chain::find_violation(message, id, poster.host.time.now(), poster.host.rules));
  EXPECT_EQ(message.head.suite, Suite::sealed);
  EXPECT_EQ(print_hex(message.head.topic.view()), "0x01020304");
  EXPECT_EQ(message.head.time % 60, 0u);
}

TEST(WhisperPost, ToAPublicKeyIsSealedWithItsCurve) {
  Poster poster;
  EXPECT_EQ(poster.post(poster.to), "ok");
  EXPECT_EQ(poster.last().head.suite, Suite::sealed_secp256k1);
  EXPECT_EQ(poster.last().head.key_section.size(), 65u + 48u);
  EXPECT_TRUE(poster.last().head.topic.is_zero());
}

TEST(WhisperPost, IsRefusedInWhispersWords) {
  Poster poster;
  const std::string either = "-32000 specify either a symmetric or an asymmetric key";
  EXPECT_EQ(poster.post(""), either);
  EXPECT_EQ(poster.post(poster.with + "," + poster.to + kTopic), either);
  EXPECT_EQ(poster.post(R"("symKeyID":"","pubKey":"0x")"), either);
  EXPECT_EQ(poster.post(poster.with), "-32000 missing topic(s)");
  EXPECT_EQ(poster.post(poster.with + R"(,"topic":"0x00000000")"), "-32000 missing topic(s)");
  EXPECT_EQ(poster.post(R"("symKeyID":")" + poster.pair + "\"" + kTopic),
            "-32000 invalid symmetric key");
  EXPECT_EQ(poster.post(R"("pubKey":"0x04")"), "-32000 invalid public key");
  std::string altered = poster.to;
  altered[altered.size() - 2] = altered[altered.size() - 2] == '0' ? '1' : '0';
  EXPECT_EQ(poster.post(altered), "-32000 invalid public key");
  EXPECT_EQ(poster.post(poster.to + R"(,"sig":")" + poster.symmetric + "\""), "-32000 invalid id");
  EXPECT_EQ(poster.post(poster.to + R"(,"targetPeer":"enode://x")"),
            "-32000 invalid enode URL: the node's id is 128 hex digits");
  const std::string peer(128, 'b');
  EXPECT_EQ(poster.post(poster.to + R"(,"targetPeer":"enode://)" + peer + R"(@h:1")"),
            "-32000 could not find peer with ID: " + peer);
  EXPECT_TRUE(poster.host.posted.empty());
}

TEST(WhisperPost, IsSignedByTheKeyPairThatItNames) {
  Poster poster;
  const std::string symmetric =
      poster.text("shh_addSymKey", Client::quoted(print_hex(Bytes(32, 0x32))));
  const std::string members = R"("symKeyID":")" + symmetric + "\"" + kTopic +
                              R"(,"payload":"0x07","sig":")" + poster.pair + "\"";
  EXPECT_EQ(poster.post(members), "ok");
  const WhisperSlot slot(WhisperKeyKind::symmetric, crypto::SecretBytes::from(Bytes(32, 0x32)),
                         poster.host.rules.id);
  const auto content_key = slot.find_content_key(poster.last().head);
  ASSERT_TRUE(content_key);
  const auto opened =
      mail::open_with_content_key(poster.last(), poster.host.rules.id, *content_key);
  EXPECT_EQ(opened.signature, mail::SignatureState::good);
  EXPECT_EQ(print_hex(opened.content.sender), poster.public_key);
  EXPECT_FALSE(opened.content.identity()) << "nobody of the mail";
}

TEST(WhisperPost, NamesTheMemberThatIsWrong) {
  Poster poster;
  const std::string at = "-32602 invalid argument 0: ";
  const std::string whole = "not a whole number from 0 to 4294967295";
  const std::pair<std::string, std::string> cases[] = {
      {R"("symKeyID":1)", "symKeyID: not a string"},
      {R"("pubKey":"04")", "pubKey: hex string without 0x prefix"},
      {R"("sig":1)", "sig: not a string"},
      {R"("ttl":"10")", "ttl: " + whole},
      {R"("ttl":4294967296)", "ttl: " + whole},
      {R"("topic":"0x010203")", "topic: a topic has 4 bytes"},
      {R"("payload":"0x1")", "payload: hex string of odd length"},
      {R"("padding":"0xzz")", "padding: invalid hex string"},
      {R"("powTime":1.5)", "powTime: " + whole},
      {R"("powTarget":"2")", "powTarget: not a number"},
      {R"("targetPeer":{})", "targetPeer: not a string"},
      {R"("ttl":1,"TTL":2)", "ttl: named twice"},
  };
  for (const auto& [member, why] : cases) EXPECT_EQ(poster.post(member), at + why);
}

TEST(WhisperPost, LivesAsLongAsABlockTakesAndNoLongerThanTheChainAllows) {
  chain::RulesText rules;
  rules.interval = 600;
  rules.maxttl = 86400;
  for (const auto& [asked, lives] : {std::pair{0u, 3600u},
                                     {50u, 3600u},
                                     {3600u, 3600u},
                                     {3601u, 3601u},
                                     {86400u, 86400u},
                                     {86401u, 86400u},
                                     {UINT32_MAX, 86400u}})
    EXPECT_EQ(whisper_ttl(asked, rules), lives) << asked;
  rules.maxttl = 100;  // Of a chain that wants its mail forgotten before a block comes.
  EXPECT_EQ(whisper_ttl(0, rules), 100u);
  rules.interval = 10;
  rules.maxttl = 86400;
  EXPECT_EQ(whisper_ttl(0, rules), 60u);
  EXPECT_EQ(whisper_ttl(61, rules), 61u);
  Poster poster;
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"ttl":7)"), "ok");
  EXPECT_EQ(poster.last().head.ttl, 3600u);
}

TEST(WhisperPost, WorksUntilTheTargetIsMet) {
  Poster poster;
  for (const double target : {0.01, 0.3}) {  // One look at the clock, and several.
    const std::string work = fmt::format(R"(,"powTarget":{},"powTime":60)", target);
    EXPECT_EQ(poster.post(poster.with + kTopic + work), "ok");
    const Message& message = poster.last();
    EXPECT_GE(whisper_pow(message.head, chain::id_of(message.head), message.nonce), target);
  }
}

TEST(WhisperPost, TellsThatTheTimeForWorkWasTooShort) {
  Poster poster;
  const auto failed = [](unsigned seconds) {
    return fmt::format(
        "-32000 failed to reach the PoW target, specified pow time ({} seconds) was "
        "insufficient",
        seconds);
  };
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"powTarget":1,"powTime":0)"), failed(0));
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"powTarget":1)"), failed(0));
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"powTarget":1e9,"powTime":2)"), failed(2));
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"powTarget":1e30,"powTime":2)"), failed(2));
  EXPECT_TRUE(poster.host.posted.empty());
}

TEST(WhisperPost, NeedsNoTimeWhereTheChainsStampIsEnough) {
  Poster poster(16);  // 16 hashes for each byte, over an hour: at least 0.0044.
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"powTarget":0.004,"powTime":0)"), "ok");
}

TEST(WhisperPost, IsRejectedBelowTheGatewaysBoundOfWork) {
  Poster poster;
  poster.call("shh_setMinPoW", "0.001");
  const std::string low = "-32000 message rejected, PoW too low";
  EXPECT_EQ(poster.post(poster.with + kTopic), low);
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"powTarget":0.0009,"powTime":10)"), low);
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"powTarget":0.001,"powTime":10)"), "ok");
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"powTarget":0.0009)").substr(0, 16),
            "-32000 failed to");  // The work comes first.
}

TEST(WhisperPost, StaysWithinTheSmallerOfTwoSizes) {
  Poster poster;
  poster.call("shh_setMaxMessageSize", "488");
  EXPECT_EQ(poster.post(poster.with + kTopic + R"(,"payload":"0x00")"), "ok");
  EXPECT_EQ(poster.last().head.encoded_bytes(), 488u);
  poster.call("shh_setMaxMessageSize", "487");
  EXPECT_EQ(poster.post(poster.with + kTopic), "-32000 message size too large [488>487]");
  poster.call("shh_setMaxMessageSize", "10485760");
  const auto payload = [](std::size_t bytes) {
    return R"(,"payload":"0x)" + std::string(2 * bytes, '0') + "\"";
  };
  // Records of 63488 bytes pad to themselves: kind 4, content 3.
  EXPECT_EQ(poster.post(poster.with + kTopic + payload(63488 - 7)), "ok");
  EXPECT_EQ(poster.post(poster.with + kTopic + payload(65537)),
            "-32000 message size too large [65537>65536]");
  EXPECT_EQ(poster.post(poster.with + kTopic + payload(63488 - 6)),
            "-32000 message is 65768 bytes; the limit is 65536 (chain rule maxmessage)");
}

TEST(WhisperPost, IsNotAcknowledgedWhenTheHostFails) {
  Poster poster;
  poster.host.post_fails = true;
  EXPECT_EQ(poster.post(poster.with + kTopic), "-32000 cannot write outbox: no space left");
}

TEST(WhisperPost, StopsWhenItIsTold) {
  Poster poster;
  std::stop_source stop;
  stop.request_stop();
  const std::string text = R"({"jsonrpc":"2.0","id":1,"method":"shh_post","params":[{)" +
                           poster.with + kTopic + R"(,"powTarget":1e9,"powTime":100}]})";
  EXPECT_EQ(poster.gateway.answer(text, std::nullopt, stop.get_token()).value(),
            R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":)"
            R"("stopped while it searched a stamp"}})");
}

}  // namespace
}  // namespace bmsg::api
