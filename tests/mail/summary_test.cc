#include "lib/mail/summary.h"

#include <gtest/gtest.h>

#include "tests/mail/support.h"
#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

Summary everything() {
  Summary made;
  made.direction = Direction::out;
  made.audience = Audience::open;
  made.signature = SignatureState::good;
  made.kind = Kind::box;
  made.sender = filled(1);
  made.device = 3;
  made.seq = 77;
  made.prev = IdPrefix::filled(2);
  made.to = {{IdentityKey::filled(4), "ana"}, {IdentityKey::filled(5), ""}};
  made.room = "ops";
  made.subject = "Dinner";
  made.snippet = "see you";
  made.media_type = "text/html";
  made.re = {MessageId::filled(6), MessageId::filled(7)};
  made.thread = ThreadId::filled(8);
  made.attachments = 2;
  made.ask_ack = true;
  made.topic = Topic::filled(9);
  made.time = 10;
  made.ttl = 11;
  made.bytes = 12;
  made.slots = 13;
  made.content_key = filled(14);
  return made;
}

Summary unreadable() {
  Summary made;
  made.fault = Fault::newer;
  return made;
}

TEST(Summary, ComesBackAsItWasWritten) {
  EXPECT_EQ(decode_summary(encode(everything())).value(), everything());
  EXPECT_EQ(decode_summary(encode(Summary())).value(), Summary());
  EXPECT_EQ(decode_summary(encode(unreadable())).value(), unreadable());
}

TEST(Summary, IsRefusedWhenCutOrFollowed) {
  Bytes whole = encode(everything());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(decode_summary(ByteView(whole).first(size)).error().code, Errc::corrupt);
  }
  whole.push_back(0);
  EXPECT_EQ(decode_summary(whole).error().code, Errc::corrupt);
}

TEST(Summary, OfANewerVersionSaysSo) {
  Bytes bytes = encode(everything());
  bytes[0] = 2;
  EXPECT_EQ(decode_summary(bytes).error().code, Errc::bad_config);
}

TEST(Summary, HasOneSpellingUnderMutation) {
  auto numbers = seeded_numbers();
  const Bytes whole = encode(everything());
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Bytes bytes = mutated(numbers, whole);
    const auto read = decode_summary(bytes);
    if (!read) continue;
    ++accepted;
    EXPECT_EQ(encode(read.value()), bytes);
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Summary, IsSealedForOneMessageAndOneKey) {
  FakeEntropy entropy;
  const auto key = secret(1);
  const MessageId id = MessageId::filled(2);
  const Bytes sealed = seal_summary(key, id, everything(), entropy).value();
  EXPECT_EQ(open_summary(key, id, sealed).value(), everything());
  EXPECT_EQ(open_summary(key, MessageId::filled(3), sealed).error().code, Errc::corrupt);
  EXPECT_EQ(open_summary(secret(9), id, sealed).error().code, Errc::corrupt);
  EXPECT_EQ(open_summary(key, id, {}).error().code, Errc::corrupt);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes bad = sealed;
    bad[at] ^= 1;
    EXPECT_FALSE(open_summary(key, id, bad));
  }
}

TEST(Summary, IsSealedDifferentlyEachTime) {
  FakeEntropy entropy;
  const MessageId id = MessageId::filled(2);
  EXPECT_NE(seal_summary(secret(1), id, Summary(), entropy).value(),
            seal_summary(secret(1), id, Summary(), entropy).value());
}

TEST(SummaryOf, TellsWhatTheMessageSays) {
  const Message message = sealed_to({recipient(1, 2), recipient(2, 2)}, "see\nyou at nine");
  const auto opened = open(message, example_chain().id, agreement(1), identity(2));
  const Summary made = summary_of(message, *opened);
  EXPECT_EQ(made.snippet, "see you at nine");
  EXPECT_EQ(made.identity(), identity(1));
  EXPECT_EQ(made.signature, SignatureState::good);
  EXPECT_EQ(made.slots, 2u);
  EXPECT_EQ(made.bytes, message.head.encoded_bytes());
  EXPECT_EQ(made.time, golden::kMessageTime);
  EXPECT_EQ(made.content_key, to_bytes(opened->content_key.view()));
}

// Anybody can write a name: only a signature that holds says who it is from.
TEST(SummaryOf, NamesNobodyWhereTheSignatureIsBad) {
  const Summary good = everything();
  EXPECT_EQ(good.identity(), IdentityKey::from(good.sender));
  EXPECT_TRUE(good.is_from(good.sender));
  EXPECT_FALSE(good.is_from(filled(2)));
  for (const SignatureState state : {SignatureState::bad, SignatureState::absent}) {
    Summary other = good;
    other.signature = state;
    EXPECT_FALSE(other.identity());
    EXPECT_FALSE(other.is_from(other.sender));
  }
}

TEST(SummaryOf, TellsNothingOfWhatCannotBeRead) {
  const Message message = sealed_to({recipient(1, 2)}, "see you");
  Opened opened;
  opened.fault = Fault::tag;
  opened.content.subject = "half a subject";
  const Summary made = summary_of(message, opened);
  EXPECT_EQ(made.fault, Fault::tag);
  EXPECT_TRUE(made.subject.empty());
}

}  // namespace
}  // namespace bmsg::mail
