// What stands alone with one fault each: cards, boxes, statements, manifests, notes, receipts,
// keyrings.

#include <gtest/gtest.h>

#include "lib/chain/checkpoint_note.h"
#include "lib/chain/receipt.h"
#include "lib/mail/attachment.h"
#include "lib/mail/box.h"
#include "lib/mail/pairing.h"
#include "lib/mail/statement.h"
#include "tests/mail/faults.h"
#include "tests/vectors/receipt.h"

namespace bmsg::mail {
namespace {

using namespace faults;

std::string reason_of(const auto& result) {
  return result ? std::string() : result.error().message;
}
template <class T>
void add_result(Rows& rows, std::string what, Refusal expected, const Result<T>& result) {
  const std::string layer = result ? std::string() : expected.layer;
  add(rows, std::move(what), std::move(expected), {layer, reason_of(result)});
}

void add_cards(Rows& rows) {
  const auto bob = secret(2);
  Content card;
  card.kind = Kind::card;
  card.seq = 1;
  card.prekey = OfferedKey{1, prekey(0xb0)};
  card.inbox = InboxPrefix();
  const auto posted = [&](const Content& content) {
    return post(rules(), content, &bob, month()).value().with_nonce(0);
  };
  EXPECT_TRUE(bool(read_card(posted(card), rules().id)));
  const auto with = [&](std::string what, std::string why, auto change) {
    Content content = card;
    change(content);
    add_result(rows, std::move(what), {"card", std::move(why)},
               read_card(posted(content), rules().id));
  };
  with("another kind", "another kind", [](Content& c) { c.kind = Kind::text; });
  with("no number", "no number", [](Content& c) { c.seq.reset(); });
  with("no key", "no key", [](Content& c) { c.prekey.reset(); });
  with("a gateway's key", "no key", [](Content& c) { c.prekey = OfferedKey{2, filled(4, 65)}; });
  with("no inbox", "no inbox", [](Content& c) { c.inbox.reset(); });
  Message message = posted(card);
  message.head.time += 60;
  add_result(rows, "another date", {"card", "signature"}, read_card(message, rules().id));
  message = posted(card);
  add_result(rows, "of another chain", {"card", "suite"}, read_card(message, ChainId::filled(1)));
  message.body->back() ^= 1;
  add_result(rows, "another body", {"card", "body"}, read_card(message, rules().id));
  set_body(message, Bytes(*message.body));
  add_result(rows, "another signature", {"card", "signature"}, read_card(message, rules().id));
  message.body->push_back(0);
  set_body(message, Bytes(*message.body));
  add_result(rows, "padded", {"card", "padding"}, read_card(message, rules().id));
  add_result(rows, "no box", {"box", "not a box"}, read_box(posted(card), rules().id));
}

void add_statements(Rows& rows) {
  const auto next = secret(2);
  const Bytes good = make_statement(kWholeIdentity, secret(1), &next);
  EXPECT_TRUE(read_statement(good));
  const auto judged = [&](std::string what, const Bytes& bytes) {
    add(rows, std::move(what), {"statement", ""}, {read_statement(bytes) ? "" : "statement", ""});
  };
  struct Part {
    std::size_t at;
    const char* name;
  };
  for (const auto& [at, name] : {Part{0, "scope"},
                                 {1, "old key"},
                                 {33, "new key"},
                                 {65, "signature"},
                                 {129, "new key's signature"}}) {
    Bytes bytes = good;
    bytes[at] ^= 1;
    judged(name, bytes);
  }
  judged("cut", Bytes(good.begin(), good.end() - 1));
  judged("nothing", {});
  judged("a device with a successor", make_statement(3, secret(1), &next));
  Bytes ended = make_statement(kWholeIdentity, secret(1), nullptr);
  ended.back() = 1;
  judged("a signature of no new key", ended);
}

void add_manifests(Rows& rows) {
  Manifest manifest{.size = 5, .key = secret(1), .hash = {}, .index = {}, .name = "a"};
  EXPECT_TRUE(bool(decode_manifest(encode(manifest))));
  const Bytes good = encode(manifest);
  add_result(rows, "cut", {"manifest", "cut short"}, decode_manifest(ByteView(good).first(167)));
  manifest.size = kFileBytesMax + 1;
  add_result(rows, "2^30 + 1", {"manifest", "1 GiB"}, decode_manifest(encode(manifest)));
  manifest.size = 5;
  manifest.name = std::string(256, 'a');
  add_result(rows, "a long name", {"manifest", "255"}, decode_manifest(encode(manifest)));
  manifest.name = "\xff";
  add_result(rows, "no text", {"manifest", "UTF-8"}, decode_manifest(encode(manifest)));
}

void add_notes(Rows& rows) {
  chain::CheckpointNote note{.chain = ChainTag::filled(1), .size = 9, .root = {}, .signatures = {}};
  chain::sign(note, secret(1));
  const std::string good = print(note);
  const auto with = [&](std::string from, std::string to, std::string why) {
    std::string bad = good;
    const std::size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    bad.replace(at, from.size(), to);
    const auto parsed = chain::parse_checkpoint_note(bad);
    if (!parsed) return add_result(rows, to, {"note", why}, parsed);
    add_result(rows, to, {"note", why}, chain::signers_of(parsed.value()));
  };
  with("bmsg/", "bmsx/", "no chain of this kind");
  with("0101", "010G", "16 lower-case hex");
  with("\n9\n", "\n09\n", "number of blocks");
  with("\n9\n", "\n8\n", "does not hold");
  with("AAAA", "AAA", "root");
  with("\n\n", "\nx\n", "no empty line");
  with("\u2014 ", "- ", "no signature");
  const std::string unsigned_text = good.substr(0, good.find("\n\n") + 2);
  add_result(rows, "unsigned", {"note", "nobody"}, chain::parse_checkpoint_note(unsigned_text));
  add_result(rows, "cut", {"note", "cut off"},
             chain::parse_checkpoint_note(good.substr(0, good.size() - 1)));
}

void add_receipts(Rows& rows) {
  const std::string good(golden::kReceipt);
  const auto judged = [&](const std::string& what, const std::string& why, const std::string& bad) {
    const auto parsed = chain::parse_receipt(bad);
    if (!parsed) return add_result(rows, what, {"receipt", why}, parsed);
    add_result(rows, what, {"receipt", why}, chain::check_receipt(parsed.value()));
  };
  for (const std::string key :
       {"chain", "head", "nonce", "index", "header", "seal", "anchor", "body", "key"}) {
    const std::size_t at = good.find("\n" + key + " ") + 1;
    const std::size_t end = good.find('\n', at);
    if (key != "anchor" && key != "body" && key != "key")
      judged("without " + key, "'" + key + "'", good.substr(0, at) + good.substr(end + 1));
    judged("nonsense in " + key, "'" + key + "'",
           good.substr(0, at + key.size() + 1) + "?" + good.substr(end));
  }
  judged("another version", "newer", "bmsg-receipt 2" + good.substr(14));
  judged("a line more", "more lines", good + "x y\n");
  chain::Receipt receipt = chain::parse_receipt(good).value();
  receipt.path.pop_back();
  judged("a shorter path", "'path'", print(receipt));
  receipt = chain::parse_receipt(good).value();
  receipt.sealed.header.nonce ^= 1;
  judged("without its work", "'header'", print(receipt));
  receipt = chain::parse_receipt(good).value();
  receipt.past[0] = Digest::filled(1);
  judged("another past", "'past'", print(receipt));
}

void add_keyrings(Rows& rows) {
  const Bytes good = golden::bytes(golden::kKeyring);
  const auto judged = [&](std::string what, std::string why, const Bytes& file) {
    add_result(rows, std::move(what), {"keyring", std::move(why)},
               open_keyring(file, as_bytes("correct horse")));
  };
  struct Part {
    std::size_t at;
    const char* reason;
  };
  for (const auto& [at, reason] : {Part{0, "damaged"},
                                   {4, ""},
                                   {5, "damaged"},
                                   {7, "damaged"},
                                   {8, "wrong passphrase"},
                                   {40, "wrong passphrase"},
                                   {good.size() - 1, "text was changed"}}) {
    Bytes file = good;
    file[at] ^= 0x40;
    judged("byte " + std::to_string(at), reason, file);
  }
  judged("cut", "", Bytes(good.begin(), good.begin() + 20));
  Bytes file = good;
  add_result(rows, "no sum behind it", {"pair file", ""}, check_pairing(file));
}

TEST(FaultVectors, OfOthersAreRefusedByTheirLayer) {
  Rows rows;
  for (const auto add_some :
       {add_cards, add_statements, add_manifests, add_notes, add_receipts, add_keyrings})
    add_some(rows);
  EXPECT_GE(rows.size(), kOfOthersMin);
  expect_refusals(rows);
}

}  // namespace
}  // namespace bmsg::mail
