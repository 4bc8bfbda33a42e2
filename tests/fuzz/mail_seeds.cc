#include "lib/api/local_wire.h"
#include "lib/core/codec.h"
#include "lib/mail/attachment.h"
#include "lib/mail/outbox_pack.h"
#include "lib/mail/revocation.h"
#include "lib/mail/send_key.h"
#include "lib/mail/statement.h"
#include "lib/mail/summary.h"
#include "tests/fuzz/seeds.h"
#include "tests/support/chain_builder.h"

namespace bmsg::fuzz {
namespace {

/// Of the chain whose id is zero, as decoders under test read it.
Message some_message() {
  Message message = ChainBuilder(pow_rules_text()).public_message("text", {kEasyGenesisTime + 9});
  message.head.chain = {};
  return message;
}

mail::Summary full_summary() {
  mail::Summary summary;
  summary.signature = mail::SignatureState::good;
  summary.sender = Bytes(32, 7);
  summary.seq = 300;
  summary.prev = mail::IdPrefix();
  summary.to = {{IdentityKey(), "ana"}, {IdentityKey(), ""}};
  summary.room = "pub";
  summary.subject = "subject";
  summary.snippet = "a snippet";
  summary.media_type = "text/plain";
  summary.re = {MessageId()};
  summary.thread = mail::ThreadId();
  summary.attachments = 2;
  summary.content_key = Bytes(32, 9);
  return summary;
}

mail::Content full_content() {
  mail::Content content;
  content.device = 1;
  content.seq = 7;
  content.prev = mail::IdPrefix();
  content.re = {MessageId()};
  content.media_type = "text/plain";
  content.subject = "subject";
  content.content = to_bytes("text");
  content.thread = mail::ThreadId();
  content.ask_ack = true;
  return content;
}

void add_records(std::vector<Seed>& out) {
  out.push_back({"records", mail::encode_records({}).value()});
  mail::Content content = full_content();
  out.push_back({"records", mail::encode_records(content).value()});
  content.sender = Bytes(32, 1);
  Bytes signed_records = mail::encode_records(content).value();
  mail::append_signature(signed_records, Signature());
  out.push_back({"records", signed_records});
  signed_records.resize(mail::padded_bytes(signed_records.size()));
  out.push_back({"records", signed_records});
}

void add_statements(std::vector<Seed>& out) {
  const auto old_seed = crypto::SecretBytes::from(Bytes(32, 1));
  const auto new_seed = crypto::SecretBytes::from(Bytes(32, 2));
  const Bytes ends = mail::make_statement(mail::kWholeIdentity, old_seed, nullptr);
  const Bytes follows = mail::make_statement(mail::kWholeIdentity, old_seed, &new_seed);
  out.push_back({"statement", ends});
  out.push_back({"statement", follows});
  out.push_back({"statement", to_bytes(mail::statement_text(ends))});
  const mail::Revocation known{*mail::read_statement(ends), ends, {{MessageId(), {5}}}};
  out.push_back({"revocations", mail::encode_revocations({known})});
}

void add_local(std::vector<Seed>& out) {
  node::BlockOutcome block;
  block.reorg = node::Reorg{{}, {}, 2, {MessageId()}};
  out.push_back({"local_block", api::encode(node::BlockOutcome())});
  out.push_back({"local_block", api::encode(block)});
  out.push_back({"local_outcomes", api::encode(std::vector<node::MessageOutcome>(2))});
  ChainBuilder builder{pow_rules_text()};
  const node::BlockTemplate work{builder.block(builder.genesis(), {}), builder.genesis(), true};
  out.push_back({"local_template", api::encode(work)});
  out.push_back({"local_records", api::encode(api::ToldRecords{})});
  out.push_back({"local_rest", api::encode(node::Service::Rebuilt{block, {ShortId()}})});
  out.push_back({"local_rest", api::encode(*block.reorg)});
  out.push_back({"local_rest", api::encode(node::OutboxTaken{{MessageId()}, {{}}})});
  out.push_back({"local_rest", api::encode_count(7)});
  out.push_back({"local_rest", api::encode(std::vector<node::WantedBody>(1))});
  out.push_back({"local_rest", api::encode_ids({MessageId(), MessageId()})});
}

}  // namespace

std::vector<Seed> mail_seeds() {
  std::vector<Seed> out;
  out.push_back({"public_message", encode(some_message())});
  out.push_back({"outbox_file", mail::encode(mail::OutboxFile{{8}, some_message(), Bytes(40, 3)})});
  out.push_back({"outbox_pack",
                 mail::encode_pack({{{8}, some_message(), {}}, {{9}, some_message(), {}}}).bytes});
  out.push_back(
      {"key_record", mail::encode(mail::KeyRecord{{1}, {9}, true, Digest(), {{MessageId(), 0}}})});
  out.push_back(
      {"key_record", mail::encode(mail::KeyRecord{{1}, {9}, false, {}, {{MessageId(), 300}}})});
  out.push_back({"summary", mail::encode(mail::Summary())});
  out.push_back({"summary", mail::encode(full_summary())});
  mail::Manifest manifest;
  manifest.size = 300'000;
  manifest.key = crypto::SecretBytes(mail::kFileKeyBytes);
  manifest.name = "report.pdf";
  out.push_back({"manifest", mail::encode(manifest)});
  add_records(out);
  add_statements(out);
  add_local(out);
  return out;
}

}  // namespace bmsg::fuzz
