#include "lib/api/contacts_json.h"
#include "lib/api/invite.h"
#include "lib/api/keyring_json.h"
#include "lib/api/wire_json.h"
#include "lib/chain/charter_draft.h"
#include "lib/chain/checkpoint_note.h"
#include "lib/chain/evidence.h"
#include "lib/chain/receipt.h"
#include "lib/core/address.h"
#include "lib/crypto/sign.h"
#include "lib/mail/card.h"
#include "lib/mail/policy.h"
#include "lib/mail/sealed_pairing.h"
#include "lib/mail/sent_to.h"
#include "lib/node/peer_record.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/chain_builder.h"
#include "tests/support/fake_entropy.h"

namespace bmsg::fuzz {
namespace {

const crypto::SecretBytes& seed() {
  static const auto bytes = crypto::SecretBytes::from(Bytes(32, 5));
  return bytes;
}

void add(std::vector<Seed>& out, const char* target, std::string_view text) {
  out.push_back({target, to_bytes(text)});
}

void add_proofs(std::vector<Seed>& out) {
  ChainBuilder builder(endorse_rules_text(2, 3));
  const Block one = builder.block(builder.genesis());
  const Block other = builder.block(builder.genesis(), {}, UnixSeconds{one.header.time.value + 1});
  for (const auto& evidence :
       chain::find_evidence(builder.chain(), builder.genesis(), {one.header, one.seal},
                            {other.header, other.seal})) {
    add(out, "evidence", chain::print(evidence));
  }
  chain::RulesText next = builder.chain().rules;
  ++next.version;
  next.maxttl /= 2;
  chain::CharterDraft draft = chain::draft_of(builder.chain(), next);
  add(out, "charter_draft", chain::print(draft));
  chain::sign(draft, builder.chain(), 0, endorser_seed(0));
  add(out, "charter_draft", chain::print(draft));
  chain::CheckpointNote note;
  note.size = 9;
  chain::sign(note, seed());
  add(out, "checkpoint_note", chain::print(note));
  const Message message = builder.public_message("text", one.header.time);
  chain::Receipt receipt;
  receipt.head = message.head;
  receipt.nonce = message.nonce;
  receipt.path = {Digest()};
  receipt.sealed = {one.header, one.seal};
  add(out, "receipt", chain::print(receipt));
  receipt.anchor = other.header;
  receipt.past = {Digest(), Digest()};
  receipt.body = message.body;
  add(out, "receipt", chain::print(receipt));
}

void add_mail(std::vector<Seed>& out) {
  FakeEntropy entropy;
  const IdentityKey ana = IdentityKey::filled('a');
  const IdentityKey ben = IdentityKey::filled('b');
  add(out, "address", to_address(ana));
  add(out, "proquint", to_proquint(ana.view()));
  const mail::Quorum both{.person = {}, .needed = 2, .parts = {{.person = ana}, {.person = ben}}};
  add(out, "quorum", mail::to_text(both));
  add(out, "policies",
      mail::policies_text({{.name = "deploy", .topic = {}, .room = Bytes(16, 1), .quorum = both}}));
  const auto sent_to = mail::seal_sent_to(crypto::SecretBytes(32), {{ana, ""}, {ben, ""}}, entropy);
  out.push_back({"sent_to", sent_to.value()});
  chain::ChainRules chain = ChainBuilder(pow_rules_text()).chain();
  chain.id = {};
  mail::CardDraft draft{.name = "ana", .prekey = {}, .time = kEasyGenesisTime};
  draft.prekey = Prekey::filled(9);
  const auto made = mail::make_card(chain, draft, seed());
  mail::Card card;
  card.message = Message{made.value().head, 0, made.value().body};
  add(out, "card_text", mail::to_text(card));
  mail::ContactBook book;
  mail::Contact contact;
  contact.name = "ana";
  contact.address = ana;
  contact.note = "at work";
  check(static_cast<bool>(book.add(contact)), "a contact of ours is taken");
  add(out, "contacts_file", api::print_contacts(book));
  mail::Keyring keyring = mail::make_keyring(entropy).value();
  keyring.identities.push_back(mail::make_identity("ana", 3, entropy).value());
  const auto json = api::print_keyring(keyring);
  out.push_back({"keyring_file", Bytes(json.view().begin(), json.view().end())});
  const crypto::ScryptCost cost{.log2_n = 10, .r = 8, .p = 1};
  const auto pairing = mail::seal_with_sum(json, to_bytes("passphrase"), cost, entropy);
  out.push_back({"pair_file", pairing.value()});
}

void add_network(std::vector<Seed>& out) {
  const auto record =
      node::sign_peer_record(seed(), ChainId(), "10.0.0.1:5512", {kEasyGenesisTime});
  add(out, "peer_record", node::print_peer_record(record));
  add(out, "peer_records", node::print_peer_records({record, record}));
  node::NodeInfo info;
  info.name = "chain";
  info.agent = "bmsg/0.1.0";
  add(out, "peer_info", api::print_info(info));
  node::Peer peer;
  peer.url = "http://10.0.0.1:5512";
  add(out, "peer_info", api::print_peers({peer}));
  node::Feed feed;
  feed.messages = {ShortId(), ShortId()};
  feed.cursor = "9.1";
  add(out, "feed", api::print_feed(feed));
  const node::PutLine refused{node::Verdict::refused, "stamp", {}};
  add(out, "put_lines", api::print_put_line({}) + api::print_put_line(refused));
  api::Invite invite;
  invite.at.host = "10.0.0.1";
  invite.node = NodeKey();
  invite.checkpoint = api::InviteCheckpoint{Height{7}, {}};
  add(out, "invite", api::print_invite(invite));
}

}  // namespace

std::vector<Seed> text_seeds() {
  std::vector<Seed> out;
  add_proofs(out);
  add_mail(out);
  add_network(out);
  return out;
}

}  // namespace bmsg::fuzz
