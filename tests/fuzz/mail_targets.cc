#include "lib/core/codec.h"
#include "lib/mail/attachment.h"
#include "lib/mail/box.h"
#include "lib/mail/card.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/conversation.h"
#include "lib/mail/forget_request.h"
#include "lib/mail/held.h"
#include "lib/mail/message_line.h"
#include "lib/mail/open.h"
#include "lib/mail/outbox_pack.h"
#include "lib/mail/policy.h"
#include "lib/mail/quorum.h"
#include "lib/mail/revocation.h"
#include "lib/mail/sealed_pairing.h"
#include "lib/mail/send_key.h"
#include "lib/mail/sent_to.h"
#include "lib/mail/summary.h"
#include "lib/mail/text.h"
#include "tests/fuzz/target.h"

namespace bmsg::fuzz {
namespace {

constexpr std::size_t kTextMax = 64u << 10;

bool outbox_file(ByteView bytes) {
  return one_encoding(bytes, mail::decode_outbox_file,
                      [](const mail::OutboxFile& value) { return mail::encode(value); });
}

bool outbox_pack(ByteView bytes) {
  const auto pack = mail::OutboxPack::decode(to_bytes(bytes));
  if (!pack) return false;
  std::size_t size = 0;
  for (const mail::PackedFile& file : pack.value().files())
    size += pack.value().bytes_of(file).size();
  check(size < bytes.size(), "a pack of more than it has");
  return true;
}

bool manifest(ByteView bytes) {
  return one_encoding(bytes, mail::decode_manifest,
                      [](const mail::Manifest& value) { return mail::encode(value); });
}

bool key_record(ByteView bytes) {
  return one_encoding(bytes, mail::decode_key_record,
                      [](const mail::KeyRecord& value) { return mail::encode(value); });
}

bool summary(ByteView bytes) {
  return one_encoding(bytes, mail::decode_summary,
                      [](const mail::Summary& value) { return mail::encode(value); });
}

/// Records as sealed and as public bodies have them: what is read is written and read again as the
/// same. Types that are not known yet are skipped.
bool records(ByteView bytes) {
  bool accepted = false;
  for (const auto padding : {mail::Padding::allowed, mail::Padding::malformed}) {
    const auto read = mail::decode_records(bytes, padding);
    const auto* taken = std::get_if<mail::ReadRecords>(&read);
    if (!taken) continue;
    accepted = true;
    check(taken->signed_bytes <= bytes.size(), "what is signed lies within");
    const auto again = mail::encode_records(taken->content);
    check(static_cast<bool>(again), "what was read can be written");
    check(again.value().size() <= bytes.size(), "nothing is added");
    if (taken->signature) continue;  // Its sender alone, without it, is refused.
    const auto twice = mail::decode_records(again.value(), mail::Padding::malformed);
    const auto* reread = std::get_if<mail::ReadRecords>(&twice);
    check(reread && reread->content == taken->content, "it is read as it was written");
  }
  return accepted;
}

bool public_message(ByteView bytes) {
  const auto message = decode_message(bytes);
  if (!message) return false;
  const mail::Opened opened = mail::open_public(message.value(), ChainId());
  if (opened.fault)
    check(opened.content == mail::Content(), "nothing of what is at fault is given");
  (void)mail::read_card(message.value(), ChainId());
  (void)mail::read_box(message.value(), ChainId());
  (void)mail::statement_in(message.value(), ChainId());
  (void)mail::forget_request_in(message.value(), ChainId());
  (void)mail::looks_like_card(message.value());
  return !opened.fault;
}

bool card_text(ByteView bytes) {
  const bool is_card = static_cast<bool>(mail::card_from_text(text_of(bytes), ChainId()));
  return is_card || mail::box_from_text(text_of(bytes), ChainId());
}

bool statement(ByteView bytes) {
  const bool is_one = mail::read_statement(bytes).has_value();
  return is_one || mail::statement_from_text(text_of(bytes));
}

bool revocations(ByteView bytes) {
  const auto known = mail::decode_revocations(bytes);
  if (!known) return false;
  check(std::ranges::equal(mail::encode_revocations(*known), bytes), "one encoding");
  return true;
}

bool sent_to(ByteView bytes) { return !mail::open_sent_to(crypto::SecretBytes(32), bytes).empty(); }

bool quorum(ByteView bytes) {
  return same_again(
      bytes, [](std::string_view text) { return mail::parse_quorum(text); },
      [](const mail::Quorum& value) { return mail::to_text(value); });
}

bool policies(ByteView bytes) {
  return same_again(bytes, mail::read_policies, mail::policies_text);
}

bool contact_name(ByteView bytes) {
  const auto name = mail::to_contact_name(text_of(bytes));
  if (!name) return false;
  check(mail::to_contact_name(name.value()).value() == name.value(), "a name stays as it is");
  return true;
}

bool text_forms(ByteView bytes) {
  if (bytes.size() > kTextMax) return false;
  const std::string_view text = text_of(bytes);
  if (const auto composed = mail::to_nfc(text)) {
    check(mail::is_utf8(*composed), "composed text is UTF-8");
    check(mail::to_nfc(*composed) == composed, "composed text stays as it is");
  }
  const std::string folded = mail::folded(text);
  check(mail::snippet(text, 80).size() <= 80 + 3, "a snippet is short");
  if (!mail::is_utf8(text)) return false;
  check(mail::is_utf8(folded), "folded text is UTF-8");
  (void)mail::skeleton(text);
  (void)mail::has_deceptive_character(text);
  return true;
}

bool pair_file(ByteView bytes) {
  if (bytes.size() <= 4096) (void)mail::secret_in(bytes);
  if (mail::find_damage(bytes)) return false;
  check(mail::keyring_in(bytes).size() < bytes.size(), "the keyring lies within");
  return true;
}

/// Files that only their owner reads, and that are judged without a key.
bool own_file(ByteView bytes) {
  return any_of(mail::is_whole_conversation(bytes), mail::is_whole_held(bytes));
}

constexpr Target kTargets[] = {
    {"outbox_file", outbox_file},
    {"outbox_pack", outbox_pack},
    {"manifest", manifest},
    {"key_record", key_record},
    {"summary", summary},
    {"records", records},
    {"public_message", public_message},
    {"card_text", card_text},
    {"statement", statement},
    {"revocations", revocations},
    {"sent_to", sent_to},
    {"quorum", quorum},
    {"policies", policies},
    {"contact_name", contact_name},
    {"text_forms", text_forms},
    {"pair_file", pair_file},
    {"own_file", own_file},
};

}  // namespace

std::span<const Target> mail_targets() { return kTargets; }

}  // namespace bmsg::fuzz
