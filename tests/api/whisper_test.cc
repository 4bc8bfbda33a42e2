// The requests of the real client with their exact answers, and every text of refusal.

#include "lib/api/whisper.h"

#include <algorithm>

#include "tests/api/whisper_world.h"

namespace bmsg::api {
namespace {

const std::string kUnknown(64, '0');
const std::string kKey = "0x" + std::string(64, '1');
const std::string kPublicKey =  // Of kKey.
    "0x044f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa"
    "385b6b1b8ead809ca67454d9683fcf2ba03456d6fe2c4abe2b07f0fbdbb2f1c1";
const std::string kEnodeId(128, 'a');

std::string quoted(const std::string& text) { return Client::quoted(text); }

TEST(WhisperGateway, AnswersTheRealClientWordForWord) {
  Client client;
  struct Exchange {
    std::string method, params, answer;
  };
  const Exchange exchanges[] = {
      {"shh_version", "", R"("result":"6.0")"},
      {"shh_info", "",
       R"("result":{"memory":4711,"messages":0,"minPow":0.0,"maxMessageSize":65536})"},
      {"shh_setMaxMessageSize", "1234567", R"("result":true)"},
      {"shh_setMinPoW", "0.2", R"("result":true)"},
      {"shh_setBloomFilter", "\"0x" + std::string(128, 'f') + "\"", R"("result":true)"},
      {"shh_makeLightClient", "", R"("result":true)"},
      {"shh_cancelLightClient", "", R"("result":true)"},
      {"shh_hasKeyPair", quoted(kUnknown), R"("result":false)"},
      {"shh_hasSymKey", quoted(kUnknown), R"("result":false)"},
      {"shh_deleteSymKey", quoted(kUnknown), R"("result":false)"},
      {"net_version", "", R"("result":"941961697")"},
      {"net_listening", "", R"("result":true)"},
      {"net_peerCount", "", R"("result":"0x11")"},
      {"shh_nothing", "",
       R"("error":{"code":-32601,"message":)"
       R"("the method shh_nothing does not exist/is not available"})"},
  };
  for (const auto& [method, params, answer] : exchanges) {
    const std::string text = R"({"jsonrpc":"2.0","id":8123456789012345,"method":")" + method +
                             R"(","params":[)" + params + "]}";
    EXPECT_EQ(client.raw(text), R"({"jsonrpc":"2.0","id":8123456789012345,)" + answer + "}");
  }
}

TEST(WhisperGateway, KeepsKeyPairs) {
  Client client;
  const std::string id = client.text("shh_newKeyPair");
  EXPECT_EQ(id.size(), 64u);
  EXPECT_EQ(client.text("shh_getPublicKey", quoted(id)).substr(0, 4), "0x04");
  const std::string added = client.text("shh_addPrivateKey", quoted(kKey));
  EXPECT_EQ(client.text("shh_getPublicKey", quoted(added)), kPublicKey);
  EXPECT_EQ(client.text("shh_getPrivateKey", quoted(added)), kKey);
  EXPECT_EQ(client.call("shh_hasKeyPair", quoted(id))["result"], true);
  EXPECT_EQ(client.call("shh_hasSymKey", quoted(id))["result"], false);
  EXPECT_EQ(client.call("shh_deleteKeyPair", quoted(id))["result"], true);
  EXPECT_EQ(client.refusal("shh_deleteKeyPair", quoted(id)), "-32000 key pair ID not found");
  EXPECT_EQ(client.refusal("shh_getPublicKey", quoted(id)), "-32000 invalid id");
  EXPECT_EQ(client.refusal("shh_getPrivateKey", quoted(id)), "-32000 invalid id");
  EXPECT_EQ(client.refusal("shh_addPrivateKey", R"("0x00")"),
            "-32000 invalid length, need 256 bits");
}

TEST(WhisperGateway, KeepsSymmetricKeys) {
  Client client;
  const std::string id = client.text("shh_newSymKey");
  const std::string added = client.text("shh_addSymKey", quoted(kKey));
  const std::string made = client.text("shh_generateSymKeyFromPassword", R"("test")");
  EXPECT_EQ(client.text("shh_getSymKey", quoted(added)), kKey);
  EXPECT_EQ(client.text("shh_getSymKey", quoted(made)),
            "0xa82a520aff70f7a989098376e48ec128f25f767085e84d7fb995a9815eebff0a");
  EXPECT_EQ(client.call("shh_hasSymKey", quoted(id))["result"], true);
  EXPECT_EQ(client.call("shh_deleteSymKey", quoted(id))["result"], true);
  EXPECT_EQ(client.call("shh_deleteSymKey", quoted(id))["result"], false);
  EXPECT_EQ(client.refusal("shh_getSymKey", quoted(id)), "-32000 non-existent key ID");
  EXPECT_EQ(client.refusal("shh_addSymKey", R"("0x")"), "-32000 wrong key size: 0");
}

TEST(WhisperGateway, ShowsKeysOnlyToWhomTheOwnerAllows) {
  Client client;
  client.host.exports = KeyExport::refused;
  const std::string pair = client.text("shh_newKeyPair");
  const std::string symmetric = client.text("shh_newSymKey");
  const std::string no = "-32000 keys stay inside: run bmsg web with --unsafe-export";
  EXPECT_EQ(client.refusal("shh_getPrivateKey", quoted(pair)), no);
  EXPECT_EQ(client.refusal("shh_getSymKey", quoted(symmetric)), no);
  EXPECT_EQ(client.refusal("shh_getPublicKey", quoted(pair)), "ok");
}

TEST(WhisperGateway, SaysThatTheKeyringIsLocked) {
  Client client;
  client.host.is_locked = true;
  const std::string locked = "-32000 keyring is locked: run bmsg unlock or open the page";
  for (const char* method : {"shh_newKeyPair", "shh_newSymKey"})
    EXPECT_EQ(client.refusal(method), locked) << method;
  for (const char* method :
       {"shh_addPrivateKey", "shh_deleteKeyPair", "shh_hasKeyPair", "shh_getPublicKey",
        "shh_getPrivateKey", "shh_addSymKey", "shh_generateSymKeyFromPassword", "shh_hasSymKey",
        "shh_getSymKey", "shh_deleteSymKey"})
    EXPECT_EQ(client.refusal(method, quoted(kKey)), locked) << method;
  for (const char* method : {"shh_post", "shh_newMessageFilter"})
    EXPECT_EQ(client.refusal(method, "{}"), locked) << method;
  EXPECT_EQ(client.refusal("shh_subscribe", R"("messages",{})"), locked);
  EXPECT_EQ(client.refusal("shh_info"), "ok");
}

TEST(WhisperGateway, TellsWhyAKeyWasNotSaved) {
  Client client;
  client.host.saver.fails = true;
  EXPECT_EQ(client.refusal("shh_newSymKey"), "-32000 cannot write keyring: no space left");
}

TEST(WhisperGateway, CountsArguments) {
  Client client;
  for (const char* method :
       {"shh_getPublicKey", "shh_addSymKey", "shh_post", "shh_newMessageFilter",
        "shh_getFilterMessages", "shh_deleteMessageFilter", "shh_setMinPoW", "shh_unsubscribe",
        "shh_setMaxMessageSize", "shh_markTrustedPeer", "shh_subscribe"}) {
    const std::string missing = "-32602 missing value for required argument 0";
    EXPECT_EQ(client.refusal(method), missing) << method;
    EXPECT_EQ(client.refusal(method, "null"), missing) << method;
  }
  EXPECT_EQ(client.refusal("shh_subscribe", R"("messages")"),
            "-32602 missing value for required argument 1");
  EXPECT_EQ(client.refusal("shh_version", "1"), "-32602 too many arguments, want at most 0");
  EXPECT_EQ(client.refusal("shh_hasSymKey", "1,2"), "-32602 too many arguments, want at most 1");
  EXPECT_EQ(client.refusal("shh_subscribe", "1,2,3"), "-32602 too many arguments, want at most 2");
}

TEST(WhisperGateway, NamesTheArgumentThatIsWrong) {
  Client client;
  const std::string at = "-32602 invalid argument 0: ";
  EXPECT_EQ(client.refusal("shh_hasKeyPair", "1"), at + "not a string");
  EXPECT_EQ(client.refusal("shh_addSymKey", R"("00")"), at + "hex string without 0x prefix");
  EXPECT_EQ(client.refusal("shh_addSymKey", R"("")"), at + "hex string without 0x prefix");
  EXPECT_EQ(client.refusal("shh_addSymKey", R"("0x0")"), at + "hex string of odd length");
  EXPECT_EQ(client.refusal("shh_addSymKey", R"("0x0g")"), at + "invalid hex string");
  EXPECT_EQ(client.refusal("shh_addSymKey", quoted("0X" + std::string(64, 'A'))), "ok");
  EXPECT_EQ(client.refusal("shh_setMinPoW", R"("1")"), at + "not a number");
  EXPECT_EQ(client.refusal("shh_newMessageFilter", "[]"), at + "not an object");
  for (const char* number : {"-1", "1.5", "\"1\"", "4294967296", "true"})
    EXPECT_EQ(client.refusal("shh_setMaxMessageSize", number),
              at + "not a whole number from 0 to 4294967295");
}

TEST(WhisperGateway, HoldsTheNodesSettingsToTheirBounds) {
  Client client;
  EXPECT_EQ(client.refusal("shh_setMaxMessageSize", "10485760"), "ok");
  EXPECT_EQ(client.call("shh_info")["result"]["maxMessageSize"], 65536);
  EXPECT_EQ(client.refusal("shh_setMaxMessageSize", "10485761"),
            "-32000 message size too large [10485761>10485760]");
  EXPECT_EQ(client.refusal("shh_setMaxMessageSize", "5000"), "ok");
  EXPECT_EQ(client.call("shh_info")["result"]["maxMessageSize"], 5000);
  EXPECT_EQ(client.refusal("shh_setMinPoW", "-0.5"), "-32000 invalid PoW: -0.500000");
  EXPECT_EQ(client.refusal("shh_setMinPoW", "3"), "ok");
  EXPECT_EQ(client.call("shh_info")["result"]["minPow"], 3.0);
  for (const std::size_t bytes : {0u, 63u, 65u}) {
    EXPECT_EQ(client.refusal("shh_setBloomFilter", quoted("0x" + std::string(2 * bytes, '0'))),
              fmt::format("-32000 invalid bloom filter size: {}", bytes));
  }
}

TEST(WhisperGateway, BeginsWithTheBoundsOfWhisper) {
  FakeWhisperHost host;
  WhisperGateway gateway(host);
  EXPECT_EQ(gateway.answer(R"({"jsonrpc":"2.0","id":1,"method":"shh_info"})", std::nullopt).value(),
            R"({"jsonrpc":"2.0","id":1,"result":{"memory":4711,"messages":0,"minPow":0.2,)"
            R"("maxMessageSize":65536}})");
}

TEST(WhisperGateway, FindsNoPeerBehindAnEnodeUrl) {
  Client client;
  const auto trust = [&](const std::string& url) {
    return client.refusal("shh_markTrustedPeer", quoted(url));
  };
  const std::string not_found = "-32000 could not find peer with ID: " + kEnodeId;
  EXPECT_EQ(trust("enode://" + kEnodeId + "@127.0.0.1:30303"), not_found);
  EXPECT_EQ(trust("enode://" + std::string(128, 'A') + "@[::1]:1?discport=0"), not_found);
  EXPECT_EQ(trust("http://" + kEnodeId + "@127.0.0.1:30303"),
            "-32000 invalid enode URL: it begins with enode://");
  for (const std::size_t digits : {0u, 127u, 129u}) {
    EXPECT_EQ(trust("enode://" + std::string(digits, 'a') + "@127.0.0.1:30303"),
              "-32000 invalid enode URL: the node's id is 128 hex digits");
  }
  for (const char* place : {"", "@", "@:1", "@h", "@h:", "@h:0", "@h:65536", "@h:1x"})
    EXPECT_EQ(trust("enode://" + kEnodeId + place),
              "-32000 invalid enode URL: after the id stands @HOST:PORT");
}

TEST(WhisperGateway, RefusesFiltersThatItCannotServe) {
  Client client;
  const std::string pair = client.text("shh_newKeyPair");
  const std::string symmetric = client.text("shh_newSymKey");
  const auto filter = [&](const std::string& criteria) {
    return client.refusal("shh_newMessageFilter", "{" + criteria + "}");
  };
  const std::string either = "-32000 specify either a symmetric or an asymmetric key";
  const std::string with = R"("symKeyID":")" + symmetric + "\"";
  EXPECT_EQ(filter(""), either);
  EXPECT_EQ(filter(with + R"(,"privateKeyID":")" + pair + "\""), either);
  EXPECT_EQ(filter(R"("symKeyID":")" + pair + "\""), "-32000 invalid symmetric key");
  EXPECT_EQ(filter(R"("privateKeyID":")" + symmetric + "\""), "-32000 invalid public key");
  EXPECT_EQ(filter(with + R"(,"sig":"0x04")"), "-32000 invalid signing public key");
  EXPECT_EQ(filter(with + R"(,"sig":")" + kPublicKey + "\""), "ok");
  EXPECT_EQ(filter(with + R"(,"SIG":null,"allowP2P":true,"more":1)"), "ok");
  const std::string at = "-32602 invalid argument 0: ";
  EXPECT_EQ(filter(with + R"(,"allowP2P":1)"), at + "allowP2P: neither true nor false");
  EXPECT_EQ(filter(with + R"(,"minPow":"1")"), at + "minPow: not a number");
  EXPECT_EQ(filter(with + R"(,"minPow":1,"minPoW":1)"), at + "minPow: named twice");
  EXPECT_EQ(filter(with + R"(,"topics":"0x00000000")"), at + "topics: not an array");
  EXPECT_EQ(filter(with + R"(,"topics":["0x000000"])"), at + "topics: a topic has 4 bytes");
  EXPECT_EQ(filter(with + R"(,"topics":["0x0000000000"])"), at + "topics: a topic has 4 bytes");
  const auto topics = [](std::size_t count) {
    std::string list = R"(,"topics":["0x01020304")";
    for (std::size_t i = 1; i < count; ++i) list += R"(,"0x01020304")";
    return list + "]";
  };
  EXPECT_EQ(filter(with + topics(kWhisperTopicsMax)), "ok");
  EXPECT_EQ(filter(with + topics(kWhisperTopicsMax + 1)), at + "topics: more than 1024 topics");
}

TEST(WhisperGateway, RefusesIdsThatAreNone) {
  Client client;
  EXPECT_EQ(client.refusal("shh_getFilterMessages", quoted(kUnknown)), "-32000 filter not found");
  EXPECT_EQ(client.refusal("shh_deleteMessageFilter", quoted(kUnknown)),
            "-32000 Unsubscribe: Invalid ID");
  EXPECT_EQ(client.refusal("shh_unsubscribe", R"("0x1")"), "-32000 subscription not found");
}

TEST(WhisperGateway, SubscribesOnlyOverAConnection) {
  Client client;
  const std::string symmetric = client.text("shh_newSymKey");
  const std::string bare = R"("messages",{"symKeyID":")" + symmetric + "\"}";
  const std::string whole =
      R"("messages",{"symKeyID":")" + symmetric + R"(","topics":["0x01020304"]})";
  EXPECT_EQ(client.refusal("shh_subscribe", bare), "-32000 missing topic(s)");
  EXPECT_EQ(client.refusal("shh_newMessageFilter", bare.substr(11)), "ok");
  EXPECT_EQ(client.refusal("shh_subscribe", R"("blocks",{})"),
            "-32601 no \"blocks\" subscription in shh namespace");
  EXPECT_EQ(client.refusal("shh_subscribe", "1,{}"), "-32602 invalid argument 0: not a string");
  const std::string id = client.text("shh_subscribe", whole);
  EXPECT_EQ(id.substr(0, 2), "0x");
  EXPECT_LE(id.size(), 34u);
  EXPECT_EQ(client.refusal("shh_getFilterMessages", quoted(id)), "-32000 filter not found");
  client.connection = 2;
  EXPECT_EQ(client.refusal("shh_unsubscribe", quoted(id)), "-32000 subscription not found");
  client.connection = std::nullopt;
  EXPECT_EQ(client.refusal("shh_unsubscribe", quoted(id)), "-32000 subscription not found");
  EXPECT_EQ(client.refusal("shh_subscribe", whole), "-32000 notifications not supported");
  EXPECT_EQ(client.refusal("shh_subscribe", R"("blocks",{})"),
            "-32000 notifications not supported");
  client.connection = 1;
  EXPECT_EQ(client.call("shh_unsubscribe", quoted(id))["result"], true);
  EXPECT_EQ(client.refusal("shh_unsubscribe", quoted(id)), "-32000 subscription not found");
}

TEST(WhisperGateway, PrintsNoCharacterOfAnUnknownMethodThatActsOnATerminal) {
  Client client;
  const std::string answer =
      client.raw("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u001b\\u009b" +
                 std::string(100'000, 'x') + "\"}");
  EXPECT_LT(answer.size(), 400u);
  EXPECT_TRUE(std::ranges::all_of(answer, [](char c) { return c >= ' ' && c <= '~'; }));
}

}  // namespace
}  // namespace bmsg::api
