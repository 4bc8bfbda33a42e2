#include "lib/mail/approval.h"

#include <gtest/gtest.h>

#include "lib/crypto/sha512.h"
#include "lib/mail/room.h"
#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

/// Ana, ben and carl may sign; dora has the policy; eve is a stranger. Dora reads what is in a
/// block, or what hand_over() has put into the pool.
class Approving : public testing::Test {
 protected:
  Approving() {
    for (Person* one : {&ana, &ben, &carl}) two.parts.push_back({.person = one->address()});
  }

  Letter public_letter(std::string_view words, const std::string& topic = "depl") {
    Letter letter;
    letter.content = text(words);
    letter.audience = Audience::open;
    letter.topic = Topic::from(as_bytes(topic));
    return letter;
  }
  static Message sent_by(Person& person, const Letter& letter, bool is_signed = true) {
    SendContext context = person.context();
    if (!is_signed) context.identity = nullptr;
    const auto prepared = prepare(letter, context, {}).value();
    return prepared.at(0).file.message;
  }
  /// A message in a block of its own.
  MessageId mined(Person& person, const Letter& letter, bool is_signed = true) {
    const Message message = sent_by(person, letter, is_signed);
    chain.append({message});
    return chain::id_of(message.head);
  }
  Letter approval_of(const MessageId& id) {
    dora.scan_all(chain);
    return approval_letter(dora.read(chain, id), "").value();
  }
  void approve(Person& person, const MessageId& id) { (void)mined(person, approval_of(id)); }

  Approvals count(const MessageId& id, CountFrom from = CountFrom::block) {
    dora.scan_all(chain);
    const MailKeys keys = dora.keys();
    const Mailbox box = dora.mailbox(chain, keys);
    RevocationMarks marks(dora.cards, chain.store());
    return ApprovalCount(box, dora.mail, keys.mailbox_key, marks)
        .of(box.item(id).value().value(), two, from)
        .value();
  }

  TestChain chain{free_rules_text()};
  Person ana{1, "ana"};
  Person ben{2, "ben"};
  Person carl{3, "carl"};
  Person dora{4, "dora"};
  Person eve{5, "eve"};
  Quorum two{.person = {}, .needed = 2};
};

TEST_F(Approving, CountsTheAuthorAndEachWhoIsListedOnce) {
  const MessageId id = mined(ana, public_letter("release 1.4"));
  EXPECT_EQ(count(id).have, 1u);
  EXPECT_FALSE(count(id).enough());
  approve(ben, id);
  EXPECT_TRUE(count(id).enough());
  ASSERT_EQ(count(id).by.size(), 2u);
  EXPECT_EQ(count(id).by[0].person, ana.address());
  EXPECT_FALSE(count(id).by[0].approval);
  EXPECT_EQ(count(id).by[1].person, ben.address());
  EXPECT_TRUE(count(id).by[1].approval);
  approve(carl, id);
  EXPECT_EQ(count(id).by.size(), 3u);
}

TEST_F(Approving, IsOnlyForThoseWhoAreListed) {
  const MessageId id = mined(eve, public_letter("release 1.4"));
  EXPECT_EQ(count(id).have, 0u);
  approve(dora, id);
  approve(eve, id);
  EXPECT_EQ(count(id).have, 0u);
  approve(ben, id);
  approve(carl, id);
  EXPECT_TRUE(count(id).enough());
}

TEST_F(Approving, TwiceByOnePersonCountsOnceWhateverTheDevice) {
  const MessageId id = mined(eve, public_letter("release 1.4"));
  approve(ben, id);
  approve(ben, id);
  EXPECT_EQ(count(id).have, 1u);
  ben.self().device = 7;
  approve(ben, id);
  EXPECT_EQ(count(id).have, 1u);
  EXPECT_EQ(count(id).by.size(), 1u);
}

TEST_F(Approving, OfAnUnsignedMessageTakesOthers) {
  const MessageId id = mined(ana, public_letter("release 1.4"), false);
  EXPECT_EQ(count(id).have, 0u);
  approve(ana, id);
  EXPECT_EQ(count(id).have, 1u) << "who did not sign it may have written it";
  approve(ben, id);
  EXPECT_TRUE(count(id).enough());
}

/// One thing wrong with what would count.
TEST_F(Approving, CountsOnlyWhatSaysTheSameOfTheSameInTheSamePlace) {
  const MessageId id = mined(eve, public_letter("release 1.4"));
  const MessageId other = mined(eve, public_letter("release 1.5"));
  const Letter good = approval_of(id);
  const auto counted = [&](auto change, bool is_signed = true) {
    Letter letter = good;
    change(letter);
    (void)mined(ben, letter, is_signed);
    return count(id).have;
  };
  EXPECT_EQ(counted([](Letter&) {}, false), 0u) << "not signed";
  EXPECT_EQ(counted([](Letter& one) { one.content.content[0] ^= 1; }), 0u) << "another text";
  EXPECT_EQ(counted([](Letter& one) { one.content.content.pop_back(); }), 0u);
  EXPECT_EQ(counted([](Letter& one) { one.content.content.push_back(0); }), 0u);
  EXPECT_EQ(counted([](Letter& one) { one.content.content.clear(); }), 0u);
  EXPECT_EQ(counted([&](Letter& one) { one.content.re = {other}; }), 0u) << "another message";
  EXPECT_EQ(counted([&](Letter& one) { one.content.re = {id, other}; }), 0u);
  EXPECT_EQ(counted([](Letter& one) { one.content.re = {}; }), 0u);
  EXPECT_EQ(counted([](Letter& one) { one.topic = Topic::from(as_bytes("olds")); }), 0u);
  EXPECT_EQ(counted([](Letter& one) { one.content.kind = Kind::text; }), 0u);
  EXPECT_EQ(counted([](Letter& one) { one.content.media_type = "application/x-bmsg-approvals"; }),
            0u);
  EXPECT_EQ(count(other).have, 0u) << "the hash is not that one's";
  EXPECT_EQ(counted([](Letter&) {}), 1u) << "what was wrong before does no harm";
}

TEST_F(Approving, OfOneIsNotAnothersWhateverTheIndexSays) {
  const MessageId id = mined(dora, public_letter("release 1.4"));
  const MessageId approval = mined(eve, approval_of(id));
  EXPECT_EQ(count(id).have, 0u);
  Summary damaged = dora.item(chain, approval).summary;
  damaged.sender = to_bytes(ben.address().view());
  MailChange change;
  note_approval(approval, damaged, dora.keyring.archive, change);
  ASSERT_TRUE(dora.mail.apply(change));
  EXPECT_EQ(count(id).have, 0u);
}

TEST_F(Approving, SealedToUsAloneCountsForNothing) {
  ben.knows(dora.new_card());
  const MessageId id = mined(eve, public_letter("release 1.4"));
  Letter letter = approval_of(id);
  letter.audience = Audience::sealed;
  letter.to = {{dora.address(), ""}};
  (void)mined(ben, letter);
  EXPECT_EQ(count(id).have, 0u);
}

TEST_F(Approving, CountsFromABlockOnOrFromThePoolWhereThatIsWanted) {
  const MessageId id = mined(eve, public_letter("release 1.4"));
  const Message approval = sent_by(ben, approval_of(id));
  chain.pool(approval);
  EXPECT_EQ(count(id).have, 0u);
  EXPECT_EQ(count(id, CountFrom::pool).have, 1u);
  chain.append({approval});
  EXPECT_EQ(count(id).have, 1u);
  chain.reorganise(1, {{}, {}});
  EXPECT_EQ(count(id).have, 0u) << "a reorganisation took it";
  EXPECT_EQ(count(id, CountFrom::pool).have, 0u) << "and it is in no pool";
  chain.append({approval});
  EXPECT_EQ(count(id).have, 1u);
}

TEST_F(Approving, MayComeBeforeItsMessage) {
  const Message message = sent_by(eve, public_letter("release 1.4"));
  chain.append({message});
  const MessageId id = chain::id_of(message.head);
  const Letter letter = approval_of(id);
  chain.reorganise(1, {{sent_by(ben, letter)}, {message}});
  EXPECT_EQ(count(id).have, 1u);
}

TEST_F(Approving, EndsWithTheKeyThatSigns) {
  const auto revoke = [&](Person& person) {
    const Bytes statement = make_statement(kWholeIdentity, person.self().seed, nullptr);
    const auto made = post_statement(free_chain(), statement, UnixSeconds{golden::kMessageTime});
    chain.append({Sealed{made.value().head, made.value().body, {}}.with_nonce(0)});
    check(bool(dora.cards.collect(chain.store())), "not collected");
  };
  const MessageId id = mined(eve, public_letter("release 1.4"));
  approve(ben, id);
  revoke(ben);
  EXPECT_EQ(count(id).have, 1u) << "it stands below the revocation";
  const MessageId later = mined(eve, public_letter("release 1.5"));
  approve(ben, later);
  EXPECT_EQ(count(later).have, 0u) << "a thief may have signed it";
  revoke(ana);
  const MessageId own = mined(ana, public_letter("release 1.6"));
  EXPECT_EQ(count(own).have, 0u) << "the author's key is as good as his";
}

TEST_F(Approving, NeedsTheTextThatWasApproved) {
  const Message message = sent_by(eve, public_letter("release 1.4"));
  chain.append({message});
  const MessageId id = chain::id_of(message.head);
  const Letter good = approval_of(id);
  Letter of_nothing = good;
  of_nothing.content.content = to_bytes(content_hash(Content()).view());
  const std::vector<Message> approvals = {sent_by(ben, good), sent_by(carl, of_nothing)};
  chain.append(approvals);
  EXPECT_EQ(count(id).have, 1u);
  Message bare = message;
  bare.body.reset();
  const Height top = chain.tip();
  const auto whole = *chain.store().hash_at(Height{top.value - 1}).value();
  const auto above = *chain.store().hash_at(top).value();
  chain.reorganise(2, {{bare}, approvals});
  chain.forget(above);
  chain.forget(whole);
  EXPECT_EQ(count(id).have, 0u) << "what cannot be compared is not approved";
}

/// An approval and its message, in public.
struct Said {
  Said() {
    message.id = MessageId::filled(1);
    message.summary.audience = Audience::open;
    message.summary.topic = Topic::from(as_bytes("depl"));
    approval = message.summary;
    approval.kind = Kind::application;
    approval.media_type = kApprovalType;
    approval.signature = SignatureState::good;
    approval.re = {message.id};
    Content carried;
    carried.content = to_bytes(content.view());
    approval.snippet = approval_snippet(carried);
  }
  bool holds() const { return approves(approval, message, content); }

  Digest content = Digest::filled(2);
  MailItem message;
  Summary approval;
};

TEST(Approval, ApprovesOnlyWhole) {
  EXPECT_TRUE(Said().holds());
  const auto broken = [](auto change) {
    Said one;
    change(one);
    return !one.holds();
  };
  EXPECT_TRUE(broken([](Said& one) { one.approval.signature = SignatureState::bad; }));
  EXPECT_TRUE(broken([](Said& one) { one.approval.signature = SignatureState::absent; }));
  EXPECT_TRUE(broken([](Said& one) { one.approval.fault = Fault::newer; }));
  EXPECT_TRUE(broken([](Said& one) { one.approval.kind = Kind::text; }));
  EXPECT_TRUE(broken([](Said& one) { one.approval.media_type += "s"; }));
  EXPECT_TRUE(broken([](Said& one) { one.approval.re = {MessageId::filled(3)}; }));
  EXPECT_TRUE(broken([](Said& one) { one.approval.re.clear(); }));
  EXPECT_TRUE(broken([](Said& one) { one.approval.snippet.pop_back(); }));
  EXPECT_TRUE(broken([](Said& one) { one.approval.snippet[0] ^= 1; }));
  EXPECT_TRUE(broken([](Said& one) { one.content = Digest::filled(3); }));
  EXPECT_TRUE(broken([](Said& one) { one.message.id = MessageId::filled(3); }));
}

TEST(Approval, ApprovesOnlyInTheSamePlace) {
  const std::string ops = room_mark(filled(7, kRoomIdBytes), "ops");
  const auto in = [](Summary& summary, const std::string& room) {
    summary.audience = Audience::sealed;
    summary.room = room;
    summary.topic = Topic::from(as_bytes("some"));  // Another one each day.
  };
  Said both;
  in(both.approval, ops);
  EXPECT_FALSE(both.holds()) << "what is public is not approved in a room";
  in(both.message.summary, room_mark(filled(8, kRoomIdBytes), "ops"));
  EXPECT_FALSE(both.holds()) << "nor what is said in another room";
  in(both.message.summary, room_mark(filled(7, kRoomIdBytes), "as it was called"));
  both.message.summary.topic = {};
  EXPECT_TRUE(both.holds());
  Said sealed;
  sealed.approval.audience = Audience::sealed;
  EXPECT_FALSE(sealed.holds());
  sealed.message.summary.audience = Audience::sealed;
  EXPECT_FALSE(sealed.holds()) << "to us alone, under whatever topic";
}

TEST_F(Approving, IsNoMailToRead) {
  const MessageId id = mined(ana, public_letter("release 1.4"));
  const MessageId approval = mined(ben, approval_of(id));
  EXPECT_EQ(dora.inbox(chain), std::vector<std::string>{"release 1.4"});
  EXPECT_TRUE(dora.item(chain, approval).flags.empty());
  EXPECT_EQ(dora.item(chain, approval).summary.kind, Kind::application);
}

TEST_F(Approving, GoesToTheRoomWhereTheMessageWasPosted) {
  Room room = make_room("ops", dora.address(), dora.entropy).value();
  Room another = make_room("other", dora.address(), dora.entropy).value();
  const auto post_to = [](const Room& one) {
    return RoomPost{one.id, "ops", one.keeper, room_public_key(newest_key(one).secret)};
  };
  const auto ops = post_to(room);
  const auto elsewhere = post_to(another);
  dora.keyring.rooms.push_back(std::move(room));
  dora.keyring.rooms.push_back(std::move(another));
  Letter letter;
  letter.content = text("release 1.4");
  letter.room = ops;
  const MessageId id = mined(ana, letter);
  Letter approval = approval_of(id);
  EXPECT_EQ(approval.audience, Audience::sealed);
  approval.room = elsewhere;
  (void)mined(ben, approval);
  EXPECT_EQ(count(id).have, 1u) << "in another room";
  approval.room.reset();
  approval.audience = Audience::open;
  (void)mined(ben, approval);
  EXPECT_EQ(count(id).have, 1u) << "in public";
  approval.audience = Audience::sealed;
  approval.room = ops;
  (void)mined(ben, approval);
  EXPECT_TRUE(count(id).enough());
}

TEST_F(Approving, IsOfTextsThatOthersCanSee) {
  ana.knows(dora.new_card());
  const MessageId sealed = mined(ana, ana.letter({dora.address()}, "psst"));
  dora.scan_all(chain);
  EXPECT_EQ(approval_letter(dora.read(chain, sealed), "").error().code, Errc::bad_usage);
  const MessageId id = mined(ana, public_letter("release 1.4"));
  const MessageId approval = mined(ben, approval_of(id));
  dora.scan_all(chain);
  EXPECT_EQ(approval_letter(dora.read(chain, approval), "").error().code, Errc::bad_usage);
  const Letter made = approval_letter(dora.read(chain, id), "tested").value();
  EXPECT_EQ(made.content.re, std::vector<MessageId>{id});
  EXPECT_EQ(made.content.subject, "tested");
  EXPECT_EQ(made.topic, Topic::from(as_bytes("depl")));
  EXPECT_EQ(made.content.content, to_bytes(crypto::sha512(as_bytes("release 1.4")).view()));
}

TEST_F(Approving, OfOneselfIsKnownBeforeANodeHasIt) {
  const MessageId id = mined(ana, public_letter("release 1.4"));
  ben.scan_all(chain);
  EXPECT_TRUE(approvals_by(ben.mail, ben.keyring.archive, id, ben.address()).value().empty());
  const Letter letter = approval_letter(ben.read(chain, id), "").value();
  const MessageId approval = send(letter, ben.context(), {}).value().at(0).id;
  ben.scan_all(chain);
  EXPECT_EQ(approvals_by(ben.mail, ben.keyring.archive, id, ben.address()).value(),
            std::vector<MessageId>{approval});
  EXPECT_TRUE(approves(ben.item(chain, approval).summary, ben.item(chain, id),
                       content_hash(text("release 1.4"))));
}

}  // namespace
}  // namespace bmsg::mail
