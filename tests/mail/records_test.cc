#include "lib/mail/records.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/mail/support.h"
#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

Bytes record(std::uint8_t type, const Bytes& value) {
  Bytes made{type, static_cast<std::uint8_t>(value.size() >> 8),
             static_cast<std::uint8_t>(value.size())};
  append(made, value);
  return made;
}

Bytes join(const std::vector<Bytes>& records) {
  Bytes made;
  for (const Bytes& one : records) append(made, one);
  return made;
}

const Bytes kText = record(0x01, {0});

std::optional<RecordFault> fault_in(ByteView bytes, Padding padding = Padding::allowed) {
  const auto read = decode_records(bytes, padding);
  const auto* bad = std::get_if<BadRecords>(&read);
  return bad ? std::optional(bad->fault) : std::nullopt;
}

std::optional<RecordFault> fault_of(const std::vector<Bytes>& records) {
  return fault_in(join(records));
}

Content content_of(ByteView bytes) {
  return std::get<ReadRecords>(decode_records(bytes, Padding::allowed)).content;
}

/// Every field set, but for the sender, who needs a signature.
Content everything() {
  Content content = text("see you at nine");
  content.device = 3;
  content.seq = 0x0102030405060708;
  content.prev = IdPrefix::filled(5);
  content.re = {MessageId::filled(6), MessageId::filled(6)};
  content.media_type = "text/markdown";
  content.subject = "Dinner – 食事";
  content.manifests = {filled(10, 8), filled(11, 9)};
  content.prekey = OfferedKey{1, filled(12)};
  content.inbox = InboxPrefix{32, Topic::filled(13)};
  content.grant = filled(14, 36);
  content.statement = filled(15, 193);
  content.thread = ThreadId::filled(16);
  content.ask_ack = true;
  content.sent_to = filled(17, 60);
  return content;
}

TEST(Records, ComeBackAsTheyWereWritten) {
  const Bytes bytes = encode_records(everything()).value();
  EXPECT_EQ(content_of(bytes), everything());
  EXPECT_EQ(encode_records(content_of(bytes)).value(), bytes);
}

TEST(Records, OfASignedMessageSayHowFarTheSignatureReaches) {
  Content content = everything();
  content.sender = filled(2);
  Bytes bytes = encode_records(content).value();
  const std::size_t signed_bytes = bytes.size();
  append_signature(bytes, Signature::filled(7));
  EXPECT_EQ(bytes.size(), signed_bytes + kSignatureRecordBytes);
  bytes.resize(bytes.size() + 50);
  const auto read = std::get<ReadRecords>(decode_records(bytes, Padding::allowed));
  EXPECT_EQ(read.content, content);
  EXPECT_EQ(read.signature, Signature::filled(7));
  EXPECT_EQ(read.signed_bytes, signed_bytes);
}

TEST(Records, AcceptAKindAlone) { EXPECT_EQ(fault_of({kText}), std::nullopt); }

TEST(Records, NeedAKindThatComesFirst) {
  EXPECT_EQ(fault_in({}), RecordFault::records);
  EXPECT_EQ(fault_of({record(0x09, {1})}), RecordFault::records);
  EXPECT_EQ(fault_of({record(0x09, {1}), kText}), RecordFault::records);
  EXPECT_EQ(fault_in(Bytes(256)), RecordFault::records);
}

TEST(Records, AscendAndRepeatOnlyAnswersAndManifests) {
  const Bytes id(64, 1);
  EXPECT_EQ(fault_of({kText, record(0x06, id), record(0x06, id), record(0x09, {1})}), std::nullopt);
  EXPECT_EQ(fault_of({kText, record(0x0a, {1}), record(0x0a, {1})}), std::nullopt);
  EXPECT_EQ(fault_of({kText, kText}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x09, {1}), record(0x09, {1})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x09, {1}), record(0x08, {'a'})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x06, id), record(0x09, {1}), record(0x06, id)}),
            RecordFault::records);
}

TEST(Records, HaveSenderAndSignatureTogetherOrNeither) {
  const Bytes sender = record(0x02, filled(1));
  const Bytes signature = record(0x7f, filled(1, 64));
  EXPECT_EQ(fault_of({kText, sender, signature}), std::nullopt);
  EXPECT_EQ(fault_of({kText, sender}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, signature}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, sender, signature, record(0x80, {1})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, sender, signature, signature}), RecordFault::records);
}

TEST(Records, HaveTheLengthOfTheirType) {
  struct Case {
    std::uint8_t type;
    std::size_t size;
  };
  for (const auto& [type, size] : {Case{0x03, 1},
                                   {0x04, 8},
                                   {0x05, 16},
                                   {0x06, 64},
                                   {0x0c, 5},
                                   {0x0d, 36},
                                   {0x0e, 193},
                                   {0x0f, 16}}) {
    EXPECT_EQ(fault_of({kText, record(type, Bytes(size))}), std::nullopt) << int{type};
    EXPECT_EQ(fault_of({kText, record(type, Bytes(size - 1))}), RecordFault::records) << int{type};
    EXPECT_EQ(fault_of({kText, record(type, Bytes(size + 1))}), RecordFault::records) << int{type};
  }
  for (std::uint8_t type = 0x07; type <= 0x0b; ++type) {
    EXPECT_EQ(fault_of({kText, record(type, {})}), RecordFault::records) << int{type};
  }
  EXPECT_EQ(fault_of({record(0x01, {})}), RecordFault::records);
  EXPECT_EQ(fault_of({record(0x01, {0, 0})}), RecordFault::records);
}

TEST(Records, HaveSendersOfTwoLengths) {
  const Bytes signature = record(0x7f, filled(1, 64));
  for (const std::size_t size : {0u, 31u, 33u, 64u, 66u}) {
    EXPECT_EQ(fault_of({kText, record(0x02, Bytes(size)), signature}), RecordFault::records);
  }
  EXPECT_EQ(fault_of({kText, record(0x02, Bytes(65)), signature}), std::nullopt);
}

TEST(Records, HavePrekeysOfTheirSuitesLength) {
  const auto prekey_record = [](std::uint8_t suite, std::size_t size) {
    Bytes value{suite};
    value.resize(1 + size);
    return record(0x0b, value);
  };
  EXPECT_EQ(fault_of({kText, prekey_record(1, 32)}), std::nullopt);
  EXPECT_EQ(fault_of({kText, prekey_record(1, 33)}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, prekey_record(2, 65)}), std::nullopt);
  EXPECT_EQ(fault_of({kText, prekey_record(2, 32)}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, prekey_record(5, 1120)}), std::nullopt);
  EXPECT_EQ(fault_of({kText, prekey_record(5, 0)}), RecordFault::records);
}

TEST(Records, HaveNoInboxOfMoreThan32Bits) {
  EXPECT_EQ(fault_of({kText, record(0x0c, {32, 0, 0, 0, 0})}), std::nullopt);
  EXPECT_EQ(fault_of({kText, record(0x0c, {33, 0, 0, 0, 0})}), RecordFault::records);
}

TEST(Records, HaveTextThatIsText) {
  EXPECT_EQ(fault_of({kText, record(0x08, {0xff})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x08, {0xc0, 0x80})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x07, {0xc3, 0xa4})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x07, {'a', '\n'})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x09, {0xff})}), std::nullopt);
}

TEST(Records, AskForAnAcknowledgementWithOneValue) {
  EXPECT_EQ(fault_of({kText, record(0x40, {1})}), std::nullopt);
  EXPECT_EQ(fault_of({kText, record(0x40, {0})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x40, {1, 1})}), RecordFault::records);
}

TEST(Records, TakeAnyListForOtherDevices) {
  EXPECT_EQ(fault_of({kText, record(0x41, {})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x41, {1})}), std::nullopt);
  EXPECT_EQ(fault_of({kText, record(0x40, {1}), record(0x41, {1, 2})}), std::nullopt);
  EXPECT_EQ(fault_of({kText, record(0x41, {1}), record(0x41, {1})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0x41, {1}), record(0x40, {1})}), RecordFault::records);
}

TEST(Records, UnknownFrom40OnAreSkippedAndBelowNeedANewerProgram) {
  EXPECT_EQ(fault_of({kText, record(0x42, {9})}), std::nullopt);
  EXPECT_EQ(fault_of({kText, record(0x42, {9}), record(0x42, {9})}), RecordFault::records);
  EXPECT_EQ(fault_of({kText, record(0xff, {9})}), std::nullopt);
  EXPECT_EQ(fault_of({kText, record(0x10, {9})}), RecordFault::newer);
  EXPECT_EQ(fault_of({kText, record(0x3f, {9})}), RecordFault::newer);
  EXPECT_EQ(fault_of({record(0x01, {8})}), std::nullopt);
  EXPECT_EQ(fault_of({record(0x01, {9})}), RecordFault::newer);
}

TEST(Records, MayBePaddedWithZerosOnly) {
  Bytes bytes = kText;
  bytes.resize(256);
  EXPECT_EQ(fault_in(bytes), std::nullopt);
  bytes.back() = 1;
  EXPECT_EQ(fault_in(bytes), RecordFault::padding);
  bytes.back() = 0;
  EXPECT_EQ(fault_in(bytes, Padding::malformed), RecordFault::padding);
  EXPECT_EQ(fault_in(kText, Padding::malformed), std::nullopt);
}

TEST(Records, AreRefusedWhenCutAnywhere) {
  const Bytes whole = encode_records(everything()).value();
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const ByteView cut = ByteView(whole).first(size);
    if (fault_in(cut)) continue;
    ++accepted;  // Cut between two records: fewer records, and still one spelling.
    EXPECT_EQ(encode_records(content_of(cut)).value(), to_bytes(cut));
  }
  EXPECT_EQ(accepted, 17);
}

TEST(Records, HaveOneSpellingUnderMutation) {
  auto numbers = seeded_numbers();
  const Bytes whole = encode_records(everything()).value();
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Bytes bytes = mutated(numbers, whole);
    const auto read = decode_records(bytes, Padding::allowed);
    const auto* good = std::get_if<ReadRecords>(&read);
    if (!good) continue;
    ++accepted;
    const Bytes again = encode_records(good->content).value();
    // Skipped: zeros at the end, and a known optional type turned into an unknown one.
    EXPECT_TRUE(
        std::ranges::equal(again, ByteView(bytes).first(std::min(again.size(), bytes.size()))));
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Records, RefuseToBeWrittenWrong) {
  Content content = text("a");
  content.subject = "\xff";
  EXPECT_EQ(encode_records(content).error().code, Errc::bad_input);
  content = text("a");
  content.content.resize(65535);
  EXPECT_TRUE(encode_records(content));
  content.content.resize(65536);
  EXPECT_EQ(encode_records(content).error().code, Errc::bad_input);
}

TEST(Kinds, HaveNames) {
  EXPECT_EQ(name_of(Kind::text), "text");
  EXPECT_EQ(name_of(Kind::box), "box");
  EXPECT_EQ(name_of(static_cast<Kind>(9)), "unknown");
}

TEST(InboxPrefix, MatchesTopicsWithItsBits) {
  const InboxPrefix none;
  EXPECT_TRUE(none.matches(Topic()));
  EXPECT_FALSE(none.matches(Topic::filled(1)));

  const InboxPrefix nine{9, Topic({0xab, 0x80, 0, 0})};
  EXPECT_TRUE(nine.matches(Topic({0xab, 0xff, 1, 2})));
  EXPECT_FALSE(nine.matches(Topic({0xab, 0x7f, 1, 2})));
  EXPECT_FALSE(nine.matches(Topic({0xaa, 0x80, 0, 0})));

  const InboxPrefix all{32, Topic({1, 2, 3, 4})};
  EXPECT_TRUE(all.matches(Topic({1, 2, 3, 4})));
  EXPECT_FALSE(all.matches(Topic({1, 2, 3, 5})));
}

TEST(InboxPrefix, MasksTheBitsOfEachByte) {
  const auto masks = [](std::uint8_t bits) {
    std::vector<int> found;
    for (std::size_t byte = 0; byte < Topic::kSize; ++byte)
      found.push_back(InboxPrefix{bits, {}}.mask_of(byte));
    return found;
  };
  EXPECT_EQ(masks(0), (std::vector<int>{0, 0, 0, 0}));
  EXPECT_EQ(masks(1), (std::vector<int>{0x80, 0, 0, 0}));
  EXPECT_EQ(masks(13), (std::vector<int>{0xff, 0xf8, 0, 0}));
  EXPECT_EQ(masks(kInboxBitsMax), (std::vector<int>{0xff, 0xff, 0xff, 0xff}));
}

TEST(PaddedBytes, CostAtMostTwelvePercentAndNeverShrink) {
  std::size_t last = 0;
  for (std::size_t size = 1; size < 70'000; ++size) {
    const std::size_t padded = padded_bytes(size);
    ASSERT_GE(padded, size);
    ASSERT_GE(padded, last);
    ASSERT_TRUE(size <= 256 || padded * 100 <= size * 112) << size;
    last = padded;
  }
}

}  // namespace
}  // namespace bmsg::mail
