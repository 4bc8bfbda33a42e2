// The bmsg:// URI: what is printed is read back, everything else is refused by its part's name.

#include "lib/api/invite.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "lib/core/base64.h"
#include "lib/core/limits.h"
#include "tests/support/seed.h"

namespace bmsg::api {
namespace {

const std::string kChain(86, 'A');
const std::string kNode = to_base64url(NodeKey::filled(0xff).view());
const std::string kSecret = to_base64url(DiscoverySecret::filled(0xd5).view());
const std::string kRoom = to_base64url(InviteRoom::filled(0x12).view());
const std::string kTail = to_base64url(BlockTail::filled(7).view());
const std::string kWhole = "bmsg://node.example:5512/" + kChain + "?node=" + kNode + "&cp=72." +
                           kTail + "#card=AQID&room=" + kRoom + "&dht=" + kSecret;

Invite whole() {
  Invite invite;
  invite.at = {"node.example", 5512};
  invite.node = NodeKey::filled(0xff);
  invite.checkpoint = InviteCheckpoint{Height{72}, BlockTail::filled(7)};
  invite.card = Bytes{1, 2, 3};
  invite.room = InviteRoom::filled(0x12);
  invite.dht = DiscoverySecret::filled(0xd5);
  return invite;
}

/// `kWhole` with one part in another's place.
std::string with(const std::string& part, const std::string& instead) {
  std::string text = kWhole;
  const auto at = text.find(part);
  check(at != std::string::npos, "no such part to replace");
  return text.replace(at, part.size(), instead);
}

std::string refusal(const std::string& text) {
  const auto invite = parse_invite(text);
  if (invite) return "taken";
  EXPECT_EQ(invite.error().code, Errc::bad_input) << text;
  return invite.error().message;
}

void expect_refused(const std::string& text, const std::string& part) {
  const std::string says = refusal(text);
  EXPECT_NE(says.find("malformed: " + part), std::string::npos) << text << "\n" << says;
}

TEST(Invite, IsPrintedAsThePageSays) { EXPECT_EQ(print_invite(whole()), kWhole); }

TEST(Invite, IsReadAsItWasPrinted) {
  EXPECT_EQ(parse_invite(kWhole).value(), whole());
  Invite bare = whole();
  bare.node.reset();
  EXPECT_EQ(parse_invite(print_invite(bare)).value(), bare);
  bare.checkpoint.reset();
  EXPECT_EQ(parse_invite(print_invite(bare)).value(), bare);
  bare.card.reset();
  bare.room.reset();
  EXPECT_EQ(print_invite(bare), "bmsg://node.example:5512/" + kChain + "#dht=" + kSecret);
  EXPECT_EQ(parse_invite(print_invite(bare)).value(), bare);
  bare.dht.reset();
  EXPECT_EQ(print_invite(bare), "bmsg://node.example:5512/" + kChain);
  EXPECT_EQ(parse_invite(print_invite(bare)).value(), bare);
}

TEST(Invite, IsReadAsItWasPrintedWhateverItSays) {
  auto numbers = seeded_numbers();
  const std::vector<std::string> hosts = {"a", "x.onion", "10.0.0.1", "2001:db8::1", "::1"};
  for (int i = 0; i < 300; ++i) {
    Invite invite;
    invite.at.host = hosts[number_up_to(numbers, hosts.size() - 1)];
    invite.at.port = static_cast<std::uint16_t>(1 + number_up_to(numbers, 65534));
    invite.chain = ChainId::from(random_bytes(numbers, 64));
    if (number_up_to(numbers, 1) == 1) invite.node = NodeKey::from(random_bytes(numbers, 32));
    if (number_up_to(numbers, 1) == 1) {
      invite.checkpoint = {Height{static_cast<std::uint32_t>(numbers())},
                           BlockTail::from(random_bytes(numbers, 32))};
    }
    if (number_up_to(numbers, 1) == 1)
      invite.card = random_bytes(numbers, 1 + number_up_to(numbers, 999));
    if (number_up_to(numbers, 1) == 1)
      invite.dht = DiscoverySecret::from(random_bytes(numbers, 32));
    const auto again = parse_invite(print_invite(invite));
    ASSERT_TRUE(again) << print_invite(invite) << again.error().message;
    EXPECT_EQ(again.value(), invite);
  }
}

TEST(Invite, LeavesOutTheUsualPort) {
  EXPECT_EQ(parse_invite(with(":5512", "")).value(), whole());
  const auto v6 = parse_invite("bmsg://[::1]/" + kChain);
  EXPECT_EQ(v6.value().at, (InviteHost{"::1", kInvitePort}));
}

TEST(Invite, HasAPortFrom1To65535) {
  EXPECT_EQ(parse_invite(with(":5512", ":1")).value().at.port, 1);
  EXPECT_EQ(parse_invite(with(":5512", ":65535")).value().at.port, 65535);
  for (const char* port : {":0", ":65536", ":-1", ":05512", ":", ":5512x", ":+1", ": 1"})
    expect_refused(with(":5512", port), "the host");
}

TEST(Invite, HasAHostInItsUsualSpelling) {
  for (const char* host : {"", "NODE.example", "a..b", "-a", "u@h", "127.1", "0x7f.0.0.1", "[::1",
                           "::1", "[0:0::1]", "[::1]x", "a b", "a%41", "a/b"})
    expect_refused(with("node.example", host), "the ");
  EXPECT_TRUE(parse_invite(with("node.example", std::string(63, 'a'))));
  expect_refused(with("node.example", std::string(64, 'a')), "the host");
}

TEST(Invite, HasAChainOf64Bytes) {
  const std::string shorter(85, 'A'), longer(87, 'A'), whole_byte_more(88, 'A');
  for (const std::string& chain : {std::string(), shorter, longer, whole_byte_more})
    expect_refused(with(kChain, chain), "the chain");
  expect_refused("bmsg://node.example:5512", "the chain");
  expect_refused("bmsg://node.example:5512?node=" + kNode, "the chain");
  expect_refused(with(kChain, kChain + "/"), "the chain");
  expect_refused(with(kChain, kChain + "=="), "the chain");
  EXPECT_TRUE(parse_invite(with(kChain, std::string(85, 'A') + "Q")));
  expect_refused(with(kChain, std::string(85, 'A') + "B"), "the chain");  // Bits that count not.
  expect_refused(with(kChain, "+" + std::string(85, 'A')), "the chain");
}

TEST(Invite, HasANodeKeyOf32Bytes) {
  for (const std::string& key : {std::string(), std::string(42, 'A'), std::string(44, 'A'),
                                 kNode.substr(0, 42) + "_", kNode + "="})
    expect_refused(with(kNode, key), "node");
}

TEST(Invite, HasACheckpointOfHeightAndTail) {
  EXPECT_EQ(parse_invite(with("72.", "0.")).value().checkpoint->height.value, 0u);
  EXPECT_EQ(parse_invite(with("72.", "4294967295.")).value().checkpoint->height.value, UINT32_MAX);
  for (const char* height : {"", ".", "072.", "00.", "-1.", "+1.", "4294967296.", "7 2.", "1e1."})
    expect_refused(with("72.", height), "cp");
  for (const std::string& tail : {std::string(), std::string(42, 'A'), std::string(44, 'A'),
                                  kTail + ".1", std::string(42, 'A') + "B"})
    expect_refused(with(kTail, tail), "cp");
}

TEST(Invite, HasACardInBase64url) {
  for (const char* card : {"", "A", "AR", "AQID=", "AQ+D", "AQ/D", "%41Q"})
    expect_refused(with("AQID", card), "card");
}

TEST(Invite, HasADiscoverySecretOf32Bytes) {
  for (const std::string& secret :
       {std::string(), std::string(42, 'A'), std::string(44, 'A'), std::string(42, 'A') + "B",
        kSecret + "=", "+" + kSecret.substr(1), "%41" + kSecret.substr(3)})
    expect_refused(with(kSecret, secret), "dht");
  EXPECT_TRUE(parse_invite(with(kSecret, std::string(42, 'A') + "E")));
}

TEST(Invite, SaysEachThingOnce) {
  expect_refused(with("#", "&node=" + kNode + "#"), "node");
  expect_refused(with("#", "&cp=1." + kTail + "#"), "cp");
  expect_refused(kWhole + "&card=AQID", "card");
  expect_refused(kWhole + "&dht=" + kSecret, "dht");
}

TEST(Invite, HasEachPartOnItsSideOfTheHash) {
  expect_refused(with("#card", "&card"), "card");
  expect_refused(with("#", "&room=AQ#"), "room");
  expect_refused(with(kRoom, kRoom.substr(4)), "room");
  expect_refused(with(kRoom, kRoom + "AAAA"), "room");
  expect_refused(kWhole + "&room=" + kRoom, "room");
  expect_refused(with("#", "&dht=AQ#"), "dht");
  expect_refused("bmsg://a/" + kChain + "#node=" + kNode, "node");
  expect_refused("bmsg://a/" + kChain + "#cp=1." + kTail, "cp");
}

TEST(Invite, MaySayWhatIsNotKnownHereIfItIsWellFormed) {
  EXPECT_EQ(parse_invite(with("?", "?new=&new=a%2Fb=c&")).value(), whole());
  EXPECT_EQ(parse_invite(kWhole + "&later=AQ&later-1=x").value(), whole());
  const std::string name(32, 'n');
  EXPECT_EQ(parse_invite(kWhole + "&" + name + "=1").value(), whole());
  expect_refused(kWhole + "&" + name + "n=1", "what follows '#'");
  for (const char* odd : {"", "new", "=1", "N=1", "n.w=1", "n%41=1"}) {
    expect_refused(kWhole + "&" + odd, "what follows '#'");
    expect_refused(with("?", fmt::format("?{}&", odd)), "what follows '?'");
  }
  for (const char* value : {"%", "%4", "%4g", "a b", "\x7f", "\xc3\xa9", "a\"b", "a#b", "\n"})
    expect_refused(kWhole + "&new=" + value, "new");
  expect_refused(kWhole + std::string("&new=\0", 6), "new");
  expect_refused("bmsg://a/" + kChain + "?", "what follows '?'");
  expect_refused("bmsg://a/" + kChain + "#", "what follows '#'");
}

TEST(Invite, BeginsWithItsScheme) {
  for (const char* scheme : {"BMSG://", "bmsg:/", "https://", " bmsg://", ""})
    expect_refused(with("bmsg://", scheme), "its beginning");
  EXPECT_TRUE(looks_like_invite("bmsg:x"));
  EXPECT_FALSE(looks_like_invite("bmsg"));
}

TEST(Invite, Has4096CharactersAtMost) {
  const std::string fill = kWhole + "&fill=";
  const std::string most(kInviteBytesMax - fill.size(), 'x');
  EXPECT_TRUE(parse_invite(fill + most));
  expect_refused(fill + most + "x", "its length");
}

TEST(Invite, IsNeverRepeatedInAComplaint) {
  auto numbers = seeded_numbers();
  for (int i = 0; i < 2000; ++i) {
    const std::string says = refusal(to_string(mutated(numbers, to_bytes(kWhole))));
    for (const char c : says) ASSERT_TRUE(c >= ' ' && c < '\x7f') << says;
  }
}

TEST(Invite, ThatIsTakenHasOneText) {
  auto numbers = seeded_numbers();
  std::size_t taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes = to_bytes(kWhole);
    for (std::uint64_t n = number_up_to(numbers, 2); n < 3; ++n) bytes = mutated(numbers, bytes);
    const std::string text = to_string(bytes);
    const auto invite = parse_invite(text);
    if (!invite) continue;
    ++taken;
    // A changed name of a part makes it unknown, and it is skipped; nothing else may differ.
    const std::string again = print_invite(invite.value());
    EXPECT_EQ(parse_invite(again).value(), invite.value()) << text;
    if (again.size() == text.size()) {
      EXPECT_EQ(again, text);
    }
  }
  EXPECT_GT(taken, 10u) << "hardly a change was taken";
  for (int i = 0; i < 5000; ++i) {
    const std::string garbage = to_string(random_bytes(numbers, number_up_to(numbers, 200)));
    EXPECT_FALSE(parse_invite(garbage));
    (void)parse_invite("bmsg://" + garbage);  // That it comes back is what counts.
  }
}

TEST(InviteHost, IsReadInAnySpelling) {
  EXPECT_EQ(parse_invite_host("NODE.Example").value(), (InviteHost{"node.example", 5512}));
  EXPECT_EQ(parse_invite_host("[0:0::1]:7").value(), (InviteHost{"::1", 7}));
  EXPECT_EQ(parse_invite_host("10.0.0.1:05").value(), (InviteHost{"10.0.0.1", 5}));
  EXPECT_EQ(print_invite_host(InviteHost{"::1", 7}), "[::1]:7");
  for (const char* text : {"", ":1", "a:0", "a:65536", "a/", "a:1/x", "https://a:1", "a b", "::1"})
    EXPECT_EQ(parse_invite_host(text).error().code, Errc::bad_input) << text;
}

TEST(InviteHost, IsReachedByPlainHttpOnlyWhereNobodyListensIn) {
  using Urls = std::vector<std::string>;
  EXPECT_EQ(urls_of({"a.example", 5512}), (Urls{"https://a.example:5512"}));
  EXPECT_EQ(urls_of({"10.0.0.1", 5512}), (Urls{"https://10.0.0.1:5512"}));
  EXPECT_EQ(urls_of({"127.0.0.1", 9}), (Urls{"https://127.0.0.1:9", "http://127.0.0.1:9"}));
  EXPECT_EQ(urls_of({"::1", 9}), (Urls{"https://[::1]:9", "http://[::1]:9"}));
  EXPECT_EQ(urls_of({"x.onion", 9}), (Urls{"https://x.onion:9", "http://x.onion:9"}));
}

TEST(InviteCheckpoint, Lies72BlocksDeepElse6ElseAtTheBeginning) {
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> wanted = {
      {0, 0}, {5, 0}, {6, 0}, {7, 1}, {71, 65}, {72, 0}, {73, 1}, {1000, 928}};
  for (const auto& [tip, height] : wanted)
    EXPECT_EQ(checkpoint_height(Height{tip}).value, height) << tip;
  EXPECT_EQ(checkpoint_height(Height{UINT32_MAX}).value, UINT32_MAX - kReorgDepthMax);
}

TEST(InviteCheckpoint, HasTheLastHalfOfAHash) {
  Bytes bytes(64);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(tail_of(BlockHash::from(bytes)), BlockTail::from(ByteView(bytes).last(32)));
}

}  // namespace
}  // namespace bmsg::api
